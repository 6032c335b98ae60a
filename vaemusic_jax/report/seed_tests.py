"""Statistical tests whose unit is the seed: paired differences are averaged per seed and t-tested over seeds.

Trials of one seed share their order of measures, so their differences are paired. Configurations of one seed are not
independent, so they are averaged instead of counted.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from vaemusic_jax.report.aggregate import CONFIGURATION, finished, numbers
from vaemusic_jax.report.finding import describe_p

MIN_SEEDS = 3  # Of fewer seeds an interval says nothing.
LEVEL = 0.05  # Significance level.


@dataclasses.dataclass(frozen=True)
class TTest:
    """The result of a t-test of a mean over seeds against a value.

    Attributes:
        mean, low, high: the mean of the values and its 95% t interval; the ends are NaN for fewer than two values.
        p: the p-value of the two-sided one-sample t-test; NaN for fewer than two values.
        n: the number of seeds.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int


def t_test(values: ArrayLike, against: float = 0.0) -> TTest:
    """Computes the two-sided one-sample t-test (Student 1908) and the 95% t interval of a mean.

    Args:
        values: (n,), one per seed, without NaN.
        against: the mean to test against.

    Returns:
        See ``TTest``. If all values are equal, p is 0 for any other `against`, and 1 for their own value.
    """
    known = np.asarray(values, dtype=float)
    n = len(known)
    if n < 2:
        return TTest(float(known[0]) if n else np.nan, np.nan, np.nan, np.nan, n)
    mean, error = float(known.mean()), float(known.std(ddof=1) / np.sqrt(n))
    if error <= 1e-12 * max(1.0, abs(mean)):  # The values are equal but for rounding.
        return TTest(mean, mean, mean, 0.0 if abs(mean - against) > 1e-12 else 1.0, n)
    p = 2 * float(stats.t.sf(abs(mean - against) / error, n - 1))
    half = error * float(stats.t.ppf(1 - LEVEL / 2, n - 1))
    return TTest(mean, mean - half, mean + half, p, n)


@dataclasses.dataclass(frozen=True)
class Balanced:
    """A metric by configuration and seed, without missing values.

    Attributes:
        table: a row for each configuration, or for each pair of them, and a column for each seed; the index holds their
            fields.
        n_left_out: the number of configurations or pairs that were left out because they lack a seed.
    """

    table: pd.DataFrame
    n_left_out: int

    @property
    def test(self) -> TTest:
        """The t-test of the means per seed against 0."""
        return t_test(self.table.mean(axis=0).to_numpy() if len(self.table) else [])

    def by(self, field: str) -> dict[str, TTest]:
        """Returns the t-test of the means per seed against 0 for each value of a field."""
        groups = self.table.groupby(level=field, sort=False)
        return {str(value): t_test(rows.mean(axis=0).to_numpy()) for value, rows in groups}


def paired(results: pd.DataFrame, metric: str, field: str, first: object, second: object) -> Balanced:
    """Pairs trials that differ in one field and subtracts a metric of the second from that of the first.

    Args:
        results: one row per trial; trials that are not done are ignored.
        metric: the name of a column of results; trials without a value are ignored.
        field: the field of a trial that differs.
        first, second: the two values of the field.

    Returns:
        The differences of the pairs that have all the seeds that most pairs have. If one side of a pair has several
        trials with a seed, they are averaged.
    """
    shared = [name for name in CONFIGURATION if name != field]
    sides = [by_seed(results[results[field] == side], metric, shared) for side in (first, second)]
    both = sides[0].index.intersection(sides[1].index, sort=False)
    seeds = sides[0].columns.intersection(sides[1].columns)
    return balanced(sides[0].loc[both, seeds] - sides[1].loc[both, seeds])


def by_seed(results: pd.DataFrame, metric: str, index: list[str]) -> pd.DataFrame:
    """Returns a metric of finished trials with a row for each combination of some fields and a column for each seed.

    Args:
        results: one row per trial; trials that are not done are ignored.
        metric: the name of a column of results; trials without a value are ignored.
        index: the names of the fields. Trials with the same values of them and the same seed are averaged.
    """
    done = finished(results)
    cells: dict[tuple[Any, ...], dict[int, list[float]]] = {}
    keys = zip(*(done[name] for name in index), strict=True)
    for key, seed, value in zip(keys, done["seed"], numbers(done, metric), strict=True):
        if not np.isnan(value):
            cells.setdefault(key, {}).setdefault(seed, []).append(value)
    means = [{seed: float(np.mean(values)) for seed, values in row.items()} for row in cells.values()]
    seeds = sorted({seed for row in means for seed in row})
    return pd.DataFrame(means, _index(list(cells), index), columns=seeds, dtype=float)


def _index(keys: list[tuple[Any, ...]], names: list[str]) -> pd.Index:
    if len(names) == 1:
        return pd.Index([key[0] for key in keys], name=names[0])
    return pd.MultiIndex.from_tuples(keys, names=names)


def balanced(table: pd.DataFrame, least: int = MIN_SEEDS) -> Balanced:
    """Selects the rows that have all the seeds that most rows have.

    Args:
        table: a row for each configuration and a column for each seed, with NaN for missing values.
        least: a smaller number of seeds is only taken if no row has so many.
    """
    table = table.dropna(how="all")
    present = table.notna().to_numpy()
    sets: Counter[tuple[Any, ...]] = Counter(
        tuple(seed for seed, is_there in zip(table, row, strict=True) if is_there) for row in present
    )
    if not sets:
        return Balanced(table.iloc[:0, :0], 0)
    enough = {seeds: count for seeds, count in sets.items() if len(seeds) >= least} or dict(sets)
    chosen = list(max(enough.items(), key=lambda item: (item[1], len(item[0])))[0])
    kept = table[chosen].dropna()
    return Balanced(kept, len(table) - len(kept))


def describe(test: TTest) -> str:
    """Returns a text such as `+0.021, 95% t interval [+0.010, +0.032], p = 0.015, 3 seeds`."""
    if not test.n:
        return "no value"
    seeds = count_of_seeds(test.n)
    if test.n < 2:
        return f"{test.mean:+.3f}, {seeds}"
    return f"{test.mean:+.3f}, 95% t interval [{test.low:+.3f}, {test.high:+.3f}], {describe_p(test.p)}, {seeds}"


def count_of_seeds(n: int) -> str:
    """Returns `1 seed`, `3 seeds` and so on."""
    return f"{n} seed{'s' * (n != 1)}"


def describe_each(tests: Mapping[str, TTest], prefix: str = "") -> str:
    """Returns ``describe`` of each test after the prefix and the test's name."""
    return "; ".join(f"{prefix}{name} {describe(test)}" for name, test in tests.items())
