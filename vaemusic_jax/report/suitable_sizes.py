"""A check of the finding that 32 to 64 dimensions suit four attributes, by the mean rank over the study's metrics."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import ALL_ATTRIBUTES
from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.report.aggregate import CONFIGURATION
from vaemusic_jax.report.finding import (
    NOT_ENOUGH,
    NOT_SUPPORTED,
    STUDY_MEASURES,
    SUPPORTED,
    T_TEST,
    Finding,
    Verdict,
    direction,
)
from vaemusic_jax.report.seed_tests import balanced, by_seed, describe, t_test

LOW, HIGH = 32, 64  # Both ends are included.
REGIONS = ("smaller", "within", "larger")


def suitable_sizes(results: pd.DataFrame) -> tuple[Finding, ...]:
    """Tests, for each model, whether latent sizes from 32 to 64 rank better than smaller and than larger ones.

    Args:
        results: one row per trial; only trials that impose all attributes count.
    """
    rows = results[results["attributes"] == ALL_ATTRIBUTES]
    return tuple(_of_model(rows[rows["model"] == model], model) for model in MODELS)


def mean_ranks(rows: pd.DataFrame) -> pd.DataFrame:
    """Computes the rank of each latent size among all sizes, averaged over the study's metrics; 1 is best.

    Trials that differ in latent size alone are compared, and the ranks are averaged over the other fields that the run
    varies if it has the same sizes there. A metric without values is ignored, and so is a size or seed that some other
    metric lacks.

    Args:
        rows: the trials of one model.

    Returns:
        A table with a row for each seed and a column for each size, which is empty if there are no two sizes.
    """
    others = [name for name in CONFIGURATION if name != "latent_dim"]
    tables = [ranks for _, group in rows.groupby(others, sort=False) if len(ranks := _ranks(group)) > 1]
    if not tables:
        return pd.DataFrame()
    sizes = Counter(tuple(ranks.index) for ranks in tables)
    covering = {one: count for one, count in sizes.items() if {region(size) for size in one} == set(REGIONS)}
    chosen, _ = max((covering or dict(sizes)).items(), key=lambda item: (item[1], len(item[0])))
    alike = [ranks for ranks in tables if tuple(ranks.index) == chosen]
    return (sum(alike[1:], start=alike[0]) / len(alike)).dropna(axis=1).T  # A seed that some table lacks is NaN.


def region(size: int) -> str:
    """Returns whether a size is `smaller` than, `within` or `larger` than the range of the finding."""
    return REGIONS[int(size >= LOW) + int(size > HIGH)]


def _ranks(group: pd.DataFrame) -> pd.DataFrame:
    """Returns the mean ranks of one setting's trials, with a row for each latent size and a column for each seed."""
    tables = {name: balanced(by_seed(group, name, ["latent_dim"])).table for name in STUDY_MEASURES}
    known = {name: table for name, table in tables.items() if len(table)}
    if not known:
        return pd.DataFrame()
    sizes = sorted(set.intersection(*(set(table.index) for table in known.values())))
    seeds = sorted(set.intersection(*(set(table.columns) for table in known.values())))
    ranks = [
        table.loc[sizes, seeds].rank(axis=0, ascending=metric_of(name).better == "lower")
        for name, table in known.items()
    ]
    return sum(ranks[1:], start=ranks[0]) / len(ranks)


def _of_model(rows: pd.DataFrame, model: str) -> Finding:
    name, claim = f"sizes-{model}", f"{LOW} to {HIGH} dimensions suit four attributes ({MODELS[model].title})"
    listed = ", ".join(metric_of(measure).label for measure in STUDY_MEASURES)
    test = (
        f"latent sizes ranked by each of {listed} (1 is best), ranks averaged over measures and data sets per seed; "
        f"sizes from {LOW} to {HIGH} must rank better than the smaller and than the larger ones, each by a {T_TEST}"
    )
    ranks = mean_ranks(rows)
    if ranks.empty:
        missing = "no finished trials with four attributes that differ in latent size alone"
        return Finding(name, claim, NOT_ENOUGH, test, missing, 0)
    words = "mean rank by latent size: " + ", ".join(f"{size}: {rank:.2f}" for size, rank in ranks.mean().items())
    mean = {
        side: ranks[sizes].mean(axis=1).to_numpy()
        for side in REGIONS
        if (sizes := [size for size in ranks if region(int(str(size))) == side])
    }
    lacking = [side for side in REGIONS if side not in mean]
    if lacking:
        words += f"; there is no size {' and none '.join(lacking)}"
        return Finding(name, claim, NOT_ENOUGH, test, words, len(ranks))
    verdict: Verdict = SUPPORTED
    for side in ("smaller", "larger"):
        one = t_test(np.asarray(mean[side] - mean["within"]))
        words += f"; {side} sizes rank behind by {describe(one)}{direction(one, one.mean)}"
        if not one.enough:
            verdict = NOT_ENOUGH
        elif not (one.significant and one.mean > 0):
            verdict = NOT_SUPPORTED
    return Finding(name, claim, verdict, test, words, len(ranks))
