"""Seeds into means with bootstrap intervals: one row per configuration and metric instead of one per trial."""

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

# What makes two trials repetitions of each other: every field but the seed.
CONFIGURATION = tuple(name for name in Trial.model_fields if name != "seed")

EXACT_UP_TO = 5  # seeds: all 5^5 resamples are enumerated, more seeds are resampled at random
RESAMPLES = 9_999
LEVEL = 0.95  # share of the resampled means that an interval holds


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean over seeds, with its confidence interval.

    Attributes:
        mean: NaN where there is no value.
        low, high: ends of the interval; NaN for fewer than two values.
        n: how many values.
    """

    mean: float
    low: float
    high: float
    n: int


NO_VALUE = Interval(float("nan"), float("nan"), float("nan"), 0)


def interval_over_seeds(values: ArrayLike) -> Interval:
    """Mean and percentile bootstrap interval (Efron 1979) of one metric over seeds.

    The interval holds the means of the central share `level` of all resamples with replacement: all n^n, each as
    likely, for up to 5 values, else 9,999 drawn with a fixed seed. With few seeds it is narrow: of three values it is
    their range.

    Args:
        values: (n,), one per seed; NaN, a value without meaning, is left out.

    Returns:
        Mean, ends and the number of values. One value has no interval, none has no mean: NaN.
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return Interval(float(known[0]), np.nan, np.nan, 1) if len(known) else NO_VALUE
    means = known[_resamples(len(known))].mean(1)
    # A mean that occurs, not one between two: the few of two or three seeds are far apart.
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return Interval(float(known.mean()), float(low), float(high), len(known))


def aggregate(results: pd.DataFrame, metrics: Iterable[str]) -> pd.DataFrame:
    """The results table with seeds summed up.

    Args:
        results: one row per trial, see ``docs/run_directory.md``.
        metrics: columns of it; one that is absent counts as empty.

    Returns:
        One row per configuration (all fields of a trial but the seed) and metric, in the order of first appearance:
        `CONFIGURATION`, metric, mean, low, high, n (values, as in ``interval_over_seeds``), n_seeds (trials done),
        n_diverged, n_unfinished. Only trials that are done count towards the numbers.
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
    """The first word of each status, without the reason."""
    return results["status"].astype(str).str.split(":").str[0]


def finished(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of trials that are done."""
    return results[results["status"] == "done"]


def numbers(results: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as floats: NaN where it is empty, and throughout where there is no such column."""
    if column not in results:
        return np.full(len(results), np.nan)
    return results[column].to_numpy(dtype=float, na_value=np.nan)


@functools.cache
def _resamples(n: int) -> NDArray[np.int64]:
    """(resamples, n) indices of the values in each resample."""
    if n <= EXACT_UP_TO:
        return np.array(list(itertools.product(range(n), repeat=n)))
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
