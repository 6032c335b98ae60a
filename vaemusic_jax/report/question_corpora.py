"""An open question of the study: which features of a corpus make its attributes easy to learn?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vaemusic_jax.config.trial import Trial, parse_attributes
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.aggregate import Interval, finished, interval_over_seeds
from vaemusic_jax.report.configurations import ONE_SEED
from vaemusic_jax.report.markup import Cell, Column, Table, Value
from vaemusic_jax.report.section import FigureData, Section, Series, varied
from vaemusic_jax.report.seed_tests import by_seed

# The data set, the mean and the standard deviation of the attribute in it, and the interpretability.
Point = tuple[str, float, float, Interval]

MIN_POINTS = 3  # A rank correlation of fewer points says nothing.


def corpus_features(results: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]) -> Section | None:
    """Compares MeasureVAE's interpretability of imposed attributes with their variation in the training data.

    The measure of variation is the coefficient of variation, standard deviation over mean. It has no unit, so that
    points of different attributes can share an axis.

    Args:
        results: one row per trial, of one run or several.
        facts: facts by name of data set, as in ``runs.evaluations.CorpusSample``; data sets may be missing.

    Returns:
        The section, or None unless finished trials of MeasureVAE differ in nothing but the data set.
    """
    rows = finished(varied(results[results["model"] == "measure_vae"], "dataset"))
    rows = rows[rows["dataset"].isin(list(facts))]
    others = [name for name in Trial.model_fields if name != "dataset"]
    if not rows.empty:  # Only what is done on every data set counts, so that all data sets have the same latent sizes.
        rows = rows[rows.groupby(others)["dataset"].transform("nunique") == rows["dataset"].nunique()]
    found = {attribute: points for attribute in ATTRIBUTES if (points := _points(rows, attribute, facts))}
    if rows["dataset"].nunique() < 2 or not found:
        return None
    series = tuple(
        Series(
            ATTRIBUTES[attribute].words,
            tuple(std / mean for _, mean, std, _ in points),
            tuple(interval.mean for *_, interval in points),
            names=tuple(name for name, *_ in points),
        )
        for attribute, points in found.items()
    )
    figure = FigureData(
        "question-corpora",
        "scatter",
        "MeasureVAE's interpretability of imposed attributes against how much they vary in the training data, means "
        "over seeds and whatever else the run varies.",
        "standard deviation of the attribute / its mean",
        "interpretability",
        series=series,
    )
    return Section(
        "corpus-features",
        "Which features of the music make its attributes easy to learn?",
        "Rank correlation (Spearman) of interpretability with the attribute's standard deviation over its mean: "
        f"{_correlations(series)}. Points of one data set or attribute are not independent, so no p is given.",
        _table(found),
        (figure,),
    )


def _points(rows: pd.DataFrame, attribute: str, facts: Mapping[str, Mapping[str, Any]]) -> list[Point]:
    imposed = rows[rows["attributes"].map(lambda choice: attribute in parse_attributes(choice)).astype(bool)]
    found: list[Point] = []
    for name, values in by_seed(imposed, f"interpretability.{attribute}", ["dataset"]).iterrows():
        mean, std = (float(facts[str(name)][f"attribute_{part}"][attribute]) for part in ("mean", "std"))
        if mean > 0:  # Otherwise the data set holds nothing but rests.
            found.append((str(name), mean, std, interval_over_seeds(values)))
    return found


def _correlations(series: tuple[Series, ...]) -> str:
    """Returns a text like `over all 8 points +0.62; note range, 4 data sets, +0.80`."""
    x, y = ([value for one in series for value in getattr(one, axis)] for axis in "xy")
    words = [f"over all {len(x)} points {_rank_correlation(x, y)}"]
    words += [
        f"{one.label}, {len(one.x)} data sets, {_rank_correlation(one.x, one.y)}"
        for one in series
        if len(one.x) >= MIN_POINTS
    ]
    if len(words) == 1:
        words.append(f"for a single attribute, {MIN_POINTS} data sets are needed")
    return "; ".join(words)


def _rank_correlation(x: Any, y: Any) -> str:
    if len(x) < MIN_POINTS or len(set(x)) == 1 or len(set(y)) == 1:
        return "not defined"
    return f"{stats.spearmanr(x, y).statistic:+.2f}"


def _table(found: Mapping[str, list[Point]]) -> Table:
    columns = (
        Column("attribute", "attribute"),
        Column("dataset", "data set"),
        Column("attribute_mean", "mean"),
        Column("attribute_std", "standard deviation"),
        Column("variation", "standard deviation / mean"),
        Column("interpretability", "interpretability", "higher"),
        Column("n_seeds", "seeds"),
    )
    rows: list[tuple[Cell, ...]] = []
    for attribute, points in found.items():
        for name, mean, std, interval in points:
            notes = (ONE_SEED,) if np.isnan(interval.low) else ()
            rows.append((attribute, name, mean, std, std / mean, Value(interval, notes=notes), interval.n))
    caption = "Attributes of the training data, and MeasureVAE's interpretability of them where imposed"
    return Table("question-corpora", caption, columns, tuple(rows))
