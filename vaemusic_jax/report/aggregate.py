"""Aggregation over seeds: the results of trials become means with bootstrap intervals for each configuration."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.config.trial import Trial

# Trials that agree in these fields, which are all but the seed, are repetitions of each other.
CONFIGURATION = tuple(name for name in Trial.model_fields if name != "seed")

EXACT_UP_TO = 5  # Up to so many seeds, all n^n resamples are enumerated; more seeds are resampled at random.
RESAMPLES = 9_999
LEVEL = 0.95  # Share of the resampled means that an interval holds.


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean over seeds, with its confidence interval.

    Attributes:
        mean: the mean, NaN if there is no value.
        low, high: the ends of the interval, NaN if there are fewer than two values.
        n: the number of values.
    """

    mean: float
    low: float
    high: float
    n: int


NO_VALUE = Interval(float("nan"), float("nan"), float("nan"), 0)


def interval_over_seeds(values: ArrayLike) -> Interval:
    """Computes the mean and the 95% percentile bootstrap interval (Efron 1979) of one metric over seeds.

    The interval holds the central 95% of the means of resamples with replacement. Up to 5 values, these are all n^n
    resamples, which are equally likely; with more values, 9,999 are drawn with a fixed seed. The interval is narrow
    for few seeds: for three values it is their range.

    Args:
        values: (n,), one per seed; NaN stands for an undefined value and is left out.

    Returns:
        The mean, the ends and the number of values. The ends are NaN for one value, and the mean too for none.
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return Interval(float(known[0]), np.nan, np.nan, 1) if len(known) else NO_VALUE
    means = known[_resamples(len(known))].mean(1)
    # An end is a mean that occurs, not an interpolated one, since the few means of two or three seeds are far apart.
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return Interval(float(known.mean()), float(low), float(high), len(known))


def aggregate(results: pd.DataFrame, metrics: Iterable[str]) -> pd.DataFrame:
    """Aggregates the results table over seeds.

    Args:
        results: one row per trial, see ``docs/run_directory.md``.
        metrics: names of columns; an absent column counts as empty.

    Returns:
        One row per configuration (all fields of a trial but the seed) and metric, in the order of first appearance. The
        columns are those of `CONFIGURATION`, metric, mean, low, high, n (of values, as in ``interval_over_seeds``),
        n_seeds (of trials that are done), n_diverged and n_unfinished. The means are over trials that are done.
    """
    columns = {metric: numbers(results, metric) for metric in metrics}
    state = states(results).to_numpy()
    groups: dict[Any, Any] = results.groupby(list(CONFIGURATION), sort=False, dropna=False).indices
    rows = []
    for key, at in sorted(groups.items(), key=lambda group: group[1][0]):
        done = at[state[at] == "done"]
        n_diverged = int((state[at] == "diverged").sum())
        n_unfinished = len(at) - len(done) - n_diverged
        counts = {"n_seeds": len(done), "n_diverged": n_diverged, "n_unfinished": n_unfinished}
        fields = dict(zip(CONFIGURATION, key, strict=True))
        for metric, values in columns.items():
            interval = interval_over_seeds(values[done])
            rows.append(fields | {"metric": metric} | dataclasses.asdict(interval) | counts)
    ends = [field.name for field in dataclasses.fields(Interval)]
    return pd.DataFrame(rows, columns=[*CONFIGURATION, "metric", *ends, "n_seeds", "n_diverged", "n_unfinished"])


def states(results: pd.DataFrame) -> pd.Series:
    """Returns the first word of each trial's status, without the reason."""
    return results["status"].astype(str).str.split(":").str[0]


def finished(results: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of trials that are done."""
    return results[results["status"] == "done"]


def numbers(results: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Returns a column as floats (n_trials,), NaN where it is empty; all NaN if there is no such column."""
    if column not in results:
        return np.full(len(results), np.nan)
    return results[column].to_numpy(dtype=float, na_value=np.nan)


@functools.cache
def _resamples(n: int) -> NDArray[np.int64]:
    """Returns the indices of the values in each resample: (resamples, n)."""
    if n <= EXACT_UP_TO:
        return np.array(list(itertools.product(range(n), repeat=n)))
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
