"""Checks of the study's findings: each claim is tested on the trials of a run, with the seed as the unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.music.attributes import ATTRIBUTES
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
from vaemusic_jax.report.markup import Column, Table
from vaemusic_jax.report.seed_tests import (
    MIN_SEEDS,
    Balanced,
    balanced,
    by_seed,
    count_of_seeds,
    describe,
    describe_each,
    describe_p,
    paired,
    t_test,
)
from vaemusic_jax.report.suitable_sizes import suitable_sizes

ACCURACY = "reconstruction_accuracy"
INDEPENDENCE = "attribute_independence.mean"
HEADLINE_ACCURACY, HEADLINE_DIM = 0.996, 256
HIGH_INTERPRETABILITY = 0.8

ABOUT_INTERVALS = (
    "Intervals here are t intervals over seeds: a percentile bootstrap of three seeds is no wider than their range."
)


def check_findings(results: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Checks all claims, in the order of the study's argument.

    Args:
        results: one row per trial, of one run or several; columns may be missing.
        facts: facts by name of data set, as in ``runs.evaluations.CorpusSample``; data sets may be missing.
    """
    return (
        better_reconstruction(results),
        headline_accuracy(results),
        better_independence(results),
        *high_interpretability(results),
        *suitable_sizes(results),
        simpler_is_easier(results, facts),
    )


def findings_table(findings: Sequence[Finding]) -> Table:
    """Returns the claims and verdicts as a table of words."""
    fields = ("claim", "verdict", "numbers", "test", "n")
    rows = tuple(tuple(getattr(finding, name) for name in fields) for finding in findings)
    columns = tuple(Column(name, {"n": "seeds"}.get(name, name)) for name in fields)
    return Table("findings", "The study's findings, checked on this run", columns, rows, (ABOUT_INTERVALS,))


def better_reconstruction(results: pd.DataFrame) -> Finding:
    """Tests MeasureVAE's accuracy minus AdversarialVAE's against 0."""
    difference = paired(results, ACCURACY, "model", "measure_vae", "adversarial_vae")
    test = (
        "MeasureVAE's test accuracy less AdversarialVAE's, paired by data set, latent size, attributes and seed, "
        f"averaged per seed; {T_TEST}. AdversarialVAE is told the measure's attribute values when it decodes, "
        "MeasureVAE is not."
    )
    return _compared("reconstruction", "MeasureVAE reconstructs better than AdversarialVAE", difference, test)


def better_independence(results: pd.DataFrame) -> Finding:
    """Tests AdversarialVAE's attribute independence minus MeasureVAE's against 0."""
    difference = paired(results, INDEPENDENCE, "model", "adversarial_vae", "measure_vae")
    test = (
        "AdversarialVAE's attribute independence less MeasureVAE's, mean over the imposed attributes, paired by data "
        f"set, latent size, attributes and seed, averaged per seed; {T_TEST}. A control that moves nothing counts as "
        "independent."
    )
    return _compared("independence", "AdversarialVAE separates attributes better than MeasureVAE", difference, test)


def headline_accuracy(results: pd.DataFrame) -> Finding:
    """Compares MeasureVAE's best validation accuracy at 256 dimensions with .996."""
    claim = f"MeasureVAE reaches {HEADLINE_ACCURACY:.1%} validation accuracy at {HEADLINE_DIM} dimensions"
    test = (
        f"the best configuration's mean over at least {MIN_SEEDS} seeds is {HEADLINE_ACCURACY} when rounded to three "
        "decimals, or more; which data set and attributes the figure belongs to is left open"
    )
    rows = results[(results["model"] == "measure_vae") & (results["latent_dim"] == HEADLINE_DIM)]
    found = _configurations_by_seed(rows, "validation_accuracy")
    tests = [(_named(key), t_test(row.dropna(), HEADLINE_ACCURACY)) for key, row in found.iterrows()]
    if not tests:
        missing = f"no finished MeasureVAE with {HEADLINE_DIM} dimensions and a validation accuracy"
        return Finding("headline", claim, NOT_ENOUGH, test, missing, 0)
    shown = "; ".join(
        f"{name}: {one.mean:.3f}"
        + (f", 95% t interval [{one.low:.3f}, {one.high:.3f}]" if one.n > 1 else "")
        + f", {count_of_seeds(one.n)}"
        for name, one in tests
    )
    best = max((one for _, one in tests if one.enough), key=lambda one: one.mean, default=None)
    if best is None:
        return Finding("headline", claim, NOT_ENOUGH, test, shown, max(one.n for _, one in tests))
    verdict = SUPPORTED if round(best.mean, 3) >= HEADLINE_ACCURACY else NOT_SUPPORTED
    return Finding("headline", claim, verdict, test, shown, best.n)


def high_interpretability(results: pd.DataFrame) -> tuple[Finding, ...]:
    """Tests MeasureVAE's interpretability of each attribute against .8; the first finding is about all attributes."""
    rows = results[results["model"] == "measure_vae"]
    found = []
    for attribute in ATTRIBUTES:
        imposes = [attribute in parse_attributes(choice) for choice in rows["attributes"]]
        imposed = rows[np.array(imposes, dtype=bool)]
        found.append(_one_interpretability(imposed, attribute))
    verdicts = {finding.verdict for finding in found if finding.n}
    overall: Verdict = NOT_ENOUGH
    if NOT_SUPPORTED in verdicts:
        overall = NOT_SUPPORTED
    elif verdicts == {SUPPORTED}:
        overall = SUPPORTED
    words = "; ".join(
        f"{ATTRIBUTES[attribute].words}: {finding.verdict if finding.n else 'imposed in no finished trial'}"
        for attribute, finding in zip(ATTRIBUTES, found, strict=True)
    )
    claim = f"MeasureVAE's interpretability is above {HIGH_INTERPRETABILITY} for every imposed attribute"
    test = "supported for each attribute that is imposed in this run"
    n = min((finding.n for finding in found if finding.n), default=0)
    return (Finding("interpretability", claim, overall, test, words, n), *found)


def _one_interpretability(imposed: pd.DataFrame, attribute: str) -> Finding:
    metric = f"interpretability.{attribute}"
    claim = f"MeasureVAE's interpretability of {attribute.replace('_', ' ')} is above {HIGH_INTERPRETABILITY}"
    test = (
        f"interpretability over the configurations that impose it, averaged per seed, against {HIGH_INTERPRETABILITY}; "
        f"{T_TEST}"
    )
    name = f"interpretability-{attribute}"
    found = balanced(_configurations_by_seed(imposed, metric))
    table = found.table
    one = t_test(table.mean(axis=0).to_numpy() if len(table) else [], HIGH_INTERPRETABILITY)
    if not one.n:
        return Finding(name, claim, NOT_ENOUGH, test, "no finished trial imposes it and has a value", 0)
    by_size = table.mean(axis=1).groupby(level=["dataset", "latent_dim"]).mean().reset_index(name="mean")
    low = by_size[by_size["mean"] <= HIGH_INTERPRETABILITY].to_dict("records")
    short = [f"{row['latent_dim']} on {row['dataset']} ({row['mean']:.3f})" for row in low]
    words = f"mean {one.mean:.3f}"
    if one.n > 1:
        words += f", 95% t interval [{one.low:.3f}, {one.high:.3f}], {describe_p(one.p)}"
    words += f", {count_of_seeds(one.n)}, {len(table)} configurations{found.left_out}; "
    words += f"latent sizes that fall short: {', '.join(short) or 'none'}"
    verdict = NOT_ENOUGH
    if one.enough:
        verdict = SUPPORTED if one.significant and one.mean > HIGH_INTERPRETABILITY else NOT_SUPPORTED
        words += direction(one, one.mean - HIGH_INTERPRETABILITY)
    return Finding(name, claim, verdict, test, words, one.n)


def simpler_is_easier(results: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]) -> Finding:
    """Tests the accuracy on the simpler of two data sets minus that on the harder one against 0."""
    claim = "Simpler music is easier"
    test = (
        "test accuracy on the simpler data set (fewer bits per token in training) less that on the harder one, for "
        f"each pair of data sets, paired by model, latent size, attributes and seed, averaged per seed; {T_TEST}"
    )
    entropy = {name: float(facts[name]["token_entropy"]) for name in results["dataset"].unique() if name in facts}
    order = sorted(entropy, key=lambda name: entropy[name])
    if len(order) < 2:
        return Finding("simplicity", claim, NOT_ENOUGH, test, "needs two data sets with evaluated trials", 0)
    difference = _between(results, ACCURACY, order)
    found = _compared("simplicity", claim, difference, test, "pair")
    bits = ", ".join(f"{name} {entropy[name]:.2f}" for name in order)
    baselines = ", ".join(f"{name} {facts[name]['majority_baseline']:.3f}" for name in order)
    others = {
        metric_of(metric).label: _between(results, metric, order).test
        for metric in STUDY_MEASURES
        if metric != ACCURACY
    }
    words = f"{found.numbers}. Bits per token: {bits}; majority baseline: {baselines}. Other measures, simpler less "
    return dataclasses.replace(found, numbers=f"{words}harder: {describe_each(others)}")


def _between(results: pd.DataFrame, metric: str, order: Sequence[str]) -> Balanced:
    """Returns differences of a metric for all pairs of data sets, the simpler minus the harder one."""
    pairs = {
        f"{simple} less {hard}": paired(results, metric, "dataset", simple, hard)
        for i, simple in enumerate(order)
        for hard in order[i + 1 :]
    }
    tables = {name: pair.table for name, pair in pairs.items() if len(pair.table)}
    left_out = sum(pair.n_left_out for pair in pairs.values())
    if not tables:
        return Balanced(pd.DataFrame(), left_out)
    together = balanced(pd.concat(tables, names=["pair"]))
    return Balanced(together.table, left_out + together.n_left_out)


def _compared(name: str, claim: str, difference: Balanced, test: str, field: str = "dataset") -> Finding:
    """Returns the finding on a claim that paired differences are above 0."""
    one = difference.test
    if not one.n:
        return Finding(name, claim, NOT_ENOUGH, test, "no two finished trials that differ in nothing else", 0)
    words = f"{describe(one)}, {len(difference.table)} pairs of configurations{difference.left_out}"
    words += direction(one, one.mean)
    each = difference.by(field)
    if len(each) > 1:
        words += f". {describe_each(each)}"
    verdict = NOT_ENOUGH
    if one.enough:
        verdict = SUPPORTED if one.significant and one.mean > 0 else NOT_SUPPORTED
    return Finding(name, claim, verdict, test, words, one.n)


def _configurations_by_seed(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns a metric as a table with a row for each configuration and a column for each seed."""
    return by_seed(rows, metric, list(CONFIGURATION))


def _named(key: Any) -> str:
    fields = dict(zip(CONFIGURATION, key, strict=True))
    return f"{fields['dataset']}, {fields['attributes']}"
