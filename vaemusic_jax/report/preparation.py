"""Claims prepared for ``statistics.verdicts.judge`` under a definition: which cells there are, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaemusic_jax.report.aggregate import CONFIGURATION, finished, numbers
from vaemusic_jax.report.cells import KEPT_BY_TUNE, Cells, differences, levels
from vaemusic_jax.report.claims import HEADLINE_DIM, HIGH_INTERPRETABILITY, MIN_SEEDS, PRIMARY, ROUNDED_HEADLINE
from vaemusic_jax.report.definitions import Definition, Level
from vaemusic_jax.report.finding import Prepared, describe_estimate
from vaemusic_jax.report.seed_tests import count_of_seeds
from vaemusic_jax.report.statistics.contrast import contrast, mean
from vaemusic_jax.report.statistics.verdicts import Comparison, Order, Threshold
from vaemusic_jax.runs.tune_replicates import Replicates

EVALUATE = "needs `vaemusic evaluate`: an earlier version did not keep the results of single test measures"


def compared(
    name: str, definition: Definition, results: pd.DataFrame, replicates: Mapping[str, Replicates]
) -> Prepared:
    """Prepares a claim about the difference of the two models.

    Args:
        name: the name of the claim in `PRIMARY`.
        definition: what it is judged by.
        results: one row per trial, as from ``cells.with_sizes``.
        replicates: by trial.
    """
    cells = differences(
        results, replicates, definition.metrics, definition.per_control, definition.signs, definition.matching
    )
    if missing := _missing(cells, definition, results):
        return Prepared(None, 0, missing)
    n, by_tune = cells.estimates.n_seeds, cells.estimates.tunes is not None
    words = f"{describe_estimate(mean(cells.estimates))}; {_counted(cells)}"
    least = PRIMARY[name].least
    if n < least:
        words += f"; a direction only, since a verdict needs {least} seeds"
    can_be_tested = n >= least and (by_tune or not _kept_by_tune(definition.metrics))
    if not by_tune and _kept_by_tune(definition.metrics):
        words += f"; {EVALUATE}"
    testable = Comparison(cells.estimates, definition.margin, cells.factors) if can_be_tested else None
    return Prepared(testable, n, words, cells.fields, by_tune=by_tune)


def interpretable(level: Level, results: pd.DataFrame, replicates: Mapping[str, Replicates]) -> Prepared:
    """Prepares the claim that MeasureVAE's interpretability of imposed attributes is high."""
    rows = results[results["model"] == "measure_vae"]
    cells = levels(rows, replicates, level.metric, per_control=True)
    return _threshold(cells, level, HIGH_INTERPRETABILITY, _kept_by_tune((level.metric,)))


def headline(level: Level, results: pd.DataFrame, replicates: Mapping[str, Replicates]) -> Prepared:
    """Prepares the claim about MeasureVAE's accuracy at 256 dimensions."""
    rows = results[(results["model"] == "measure_vae") & (results["latent_dim"] == HEADLINE_DIM)]
    if finished(rows).empty:
        return Prepared(None, 0, f"no finished MeasureVAE with {HEADLINE_DIM} dimensions")
    cells = levels(rows, replicates, level.metric, per_control=False)
    return _threshold(cells, level, ROUNDED_HEADLINE, _kept_by_tune((level.metric,)))


def simple(level: Level, results: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]) -> Prepared:
    """Prepares the claim that music of fewer bits per token is easier; its unit is the corpus."""
    done = finished(results)
    bits = {name: float(facts[name]["token_entropy"]) for name in done["dataset"].unique() if name in facts}
    rows = done[list(CONFIGURATION)].assign(value=numbers(done, level.metric))
    rows = rows[rows["dataset"].isin(list(bits)) & rows["value"].notna()]
    others = [name for name in CONFIGURATION if name != "dataset"]
    if len(rows):  # What is not done on every corpus does not count.
        rows = rows[rows.groupby(others, dropna=False)["dataset"].transform("nunique") == rows["dataset"].nunique()]
    reached = {str(name): float(value) for name, value in rows.groupby("dataset")["value"].mean().items()}
    order = sorted(reached, key=lambda name: bits[name])
    listed = "; ".join(f"{name}: {bits[name]:.2f} bits, {reached[name]:.3f}" for name in order)
    least = PRIMARY["simplicity"].least
    n, unit = len(order), "corpus" if len(order) == 1 else "corpora"
    if n < least:
        why = f"{n} {unit}, and a verdict needs {least}: fewer are in any order by chance too often"
        return Prepared(None, n, f"{listed}; {why}" if listed else why)
    testable = Order(tuple(-bits[name] for name in order), tuple(reached[name] for name in order))
    return Prepared(testable, n, f"{listed}; {n} {unit}")


def _threshold(cells: Cells, level: Level, limit: float, kept_by_tune: bool) -> Prepared:
    n = cells.estimates.n_seeds
    if not n:
        return Prepared(None, 0, f"no finished trial has a value of {level.metric}")
    each = tuple(contrast(cells.estimates, row) for row in np.eye(len(cells.fields)))
    by_tune = cells.estimates.tunes is not None
    low, high = min(each, key=lambda one: one.value), max(each, key=lambda one: one.value)
    words = f"{low.value:.3f} to {high.value:.3f} in {_count_of_cells(len(each))}, {count_of_seeds(n)}"
    if n < MIN_SEEDS:
        words += f"; a direction only, since a verdict needs {MIN_SEEDS} seeds"
    if kept_by_tune and not by_tune:
        words += f"; {EVALUATE}"
    enough = n >= MIN_SEEDS and (by_tune or not kept_by_tune)
    configurations = cells.fields.drop(columns="control").itertuples(index=False, name=None)
    testable = Threshold(each, limit, level.every, tuple(configurations)) if enough else None
    return Prepared(testable, n, words, cells.fields, each, by_tune)


def _missing(cells: Cells, definition: Definition, results: pd.DataFrame) -> str:
    if cells.estimates.n_seeds:
        return ""
    if cells.n_undefined:
        return undefined_words(cells)
    for metric in definition.metrics:
        if not any(name == metric or name.startswith(f"{metric}.") for name in results.columns):
            return f"needs `vaemusic evaluate`: the results have no {metric}"
    if definition.matching != "hidden size":
        return f"no finished trials of both models that are alike in {definition.matching}"
    if definition.per_control:
        return "no control that has a value in both models, in trials that differ in nothing else"
    return "no finished trials of both models that differ in nothing else"


def _kept_by_tune(metrics: tuple[str, ...]) -> bool:
    """Returns whether evaluations of this version keep what it takes to resample the tunes."""
    return KEPT_BY_TUNE.issuperset(metrics)


def _counted(cells: Cells) -> str:
    n, tunes = len(cells.fields), cells.estimates.n_tunes
    sizes = sorted(set(cells.fields["latent_dim"]))
    words = f"latent size{'s' * (len(sizes) > 1)} {', '.join(map(str, sizes))}; "
    words += f"{_count_of_cells(n)}, {count_of_seeds(cells.estimates.n_seeds)}"
    words += f", {tunes} test tunes or more" if cells.estimates.tunes is not None else ", seeds alone"
    if cells.n_left_out:
        words += f"; left out for want of a seed or a value: {_count_of_cells(cells.n_left_out)}"
    return words + (f"; {undefined_words(cells)}" if cells.n_undefined else "")


def undefined_words(cells: Cells) -> str:
    """Returns how many cells were left out because the tunes cannot be resampled there."""
    why = "undefined in some resample of the tunes, as where a control hardly moves its own attribute"
    return f"left out because the metric is {why}: {_count_of_cells(cells.n_undefined)}"


def _count_of_cells(n: int) -> str:
    return f"{n} cell{'s' * (n != 1)}"
