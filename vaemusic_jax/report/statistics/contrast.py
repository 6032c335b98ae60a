"""Inference on a weighted sum of cells from its two sources of noise, training seeds and test tunes.

The percentile bootstrap over both is too narrow for few seeds. Here the bootstrap gives the variance from the tunes
alone, of which there are hundreds. The variance from the seeds is that of the sums per seed over their number, V_seed
with S - 1 degrees of freedom. The interval is Banerjee's (1961),

    estimate +- sqrt(t_{S-1}^2 V_seed + t_{G-1}^2 V_tune),

with the quantiles t of Student's distribution. It misses the true value with at most the stated probability, for any
share of the two variances and any level. Satterthwaite's approximation does not: of 5 seeds, it errs 9 times as often
as stated at the level of .0002, which a verdict among several claims and latent sizes needs. `benchmarks/verdicts.py`
measures what comes of it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEVEL = 0.05
POWER = 0.8
SMALLEST_P = 1e-6  # No smaller p-value is claimed, since no distribution is known so far out.


@dataclasses.dataclass(frozen=True)
class Estimates:
    """A metric, or a difference between two models, by cell and seed.

    Attributes:
        values: (C, S), without NaN.
        tunes: (B, C) the means over seeds in each resample of the test tunes; None if only the seeds are known.
        n_tunes: the number of test tunes, the smallest of all corpora.
    """

    values: Floats
    tunes: Floats | None
    n_tunes: int

    @property
    def n_seeds(self) -> int:
        """The number of seeds, which is 0 without cells."""
        return self.values.shape[1] if len(self.values) else 0


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimate with the variances that it has from seeds and from tunes.

    Attributes:
        value: the estimate.
        of_seeds, of_tunes: the two parts of its variance; the first is NaN with fewer than two seeds.
        n_seeds, n_tunes: the numbers that the variances were estimated from.
    """

    value: float
    of_seeds: float
    of_tunes: float
    n_seeds: int
    n_tunes: int

    def p(self, against: float = 0.0) -> float:
        """Returns the two-sided p-value of the hypothesis that the true value is `against`; it is never 0."""
        return min(1.0, 2 * min(self.p_above(against), self.p_below(against)))

    def p_above(self, limit: float) -> float:
        """Returns the one-sided p-value of the hypothesis that the true value is at most `limit`."""
        return self._tail(self.value - limit)

    def p_below(self, limit: float) -> float:
        """Returns the one-sided p-value of the hypothesis that the true value is at least `limit`."""
        return self._tail(limit - self.value)

    def p_equivalent(self, margin: float) -> float:
        """Returns the p-value of two one-sided tests (Schuirmann 1987) that the true value is within the margin."""
        return max(self.p_above(-margin), self.p_below(margin))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Returns the ends of the interval that misses the true value with at most the probability `level`."""
        half = self._distance(level / 2)
        return self.value - half, self.value + half

    def detectable(self, level: float = LEVEL) -> float:
        """Returns the smallest true distance that a two-sided test at `level` would find with a power of about 80 %."""
        return self._distance(level / 2) + self._distance(1 - POWER)

    def _distance(self, tail: float) -> float:
        """Returns how far the estimate is from a true value that is just rejected with this one-sided p-value."""
        if np.isnan(self.of_seeds):
            return np.nan
        of_seeds, of_tunes = (float(stats.t.isf(tail, n - 1)) for n in (self.n_seeds, max(self.n_tunes, 2)))
        return float(np.sqrt(of_seeds**2 * self.of_seeds + of_tunes**2 * self.of_tunes))

    def _tail(self, distance: float) -> float:
        """Returns the one-sided p-value of a distance in the direction of the claim."""
        if np.isnan(self.of_seeds):
            return 1.0  # A single seed rejects nothing.
        if distance < 0:
            return 1 - self._tail(-distance)
        squares = _squares(self.n_seeds) * self.of_seeds + _squares(max(self.n_tunes, 2)) * self.of_tunes
        if squares[-1] <= 1e-24:  # The seeds agree but for rounding, and so do the tunes.
            return SMALLEST_P if distance > 1e-12 else 0.5
        return float(np.exp(np.interp(distance**2, squares, np.log(_TAILS))))


_TAILS = np.geomspace(0.5, SMALLEST_P, 800)


@functools.cache
def _squares(n: int) -> Floats:
    """Returns the squares of the quantiles of Student's distribution with n - 1 degrees of freedom at `_TAILS`."""
    return np.asarray(stats.t.isf(_TAILS, n - 1) ** 2)


def contrast(estimates: Estimates, weights: ArrayLike) -> Estimate:
    """Estimates a weighted sum of cells.

    What varies by tune and seed together is in both variances, so that intervals are a little too wide rather than too
    narrow. The sums per seed may be correlated between cells in any way.

    Args:
        estimates: C cells.
        weights: (C,).
    """
    weights_C = np.asarray(weights, np.float64)
    sums_S = weights_C @ estimates.values
    n = len(sums_S)
    of_seeds = float(sums_S.var(ddof=1)) / n if n > 1 else np.nan
    of_tunes = 0.0 if estimates.tunes is None else float((estimates.tunes @ weights_C).var(ddof=1))
    return Estimate(float(sums_S.mean()), of_seeds, of_tunes, n, estimates.n_tunes)


def mean(estimates: Estimates) -> Estimate:
    """Estimates the mean of all cells."""
    n = len(estimates.values)
    return contrast(estimates, np.full(n, 1 / n))


def by_level(estimates: Estimates, level_C: Sequence[str | None]) -> dict[str, Estimate]:
    """Estimates the mean of the cells of each level of a factor, in the order of first appearance.

    A cell whose level is None is in no mean.
    """
    return {level: contrast(estimates, share_C) for level, share_C in _shares(level_C).items()}


def p_interaction(estimates: Estimates, level_C: Sequence[str | None]) -> float:
    """Returns the p-value of the hypothesis that the means of all levels of a factor are the same.

    Each level is tested against the mean of the others, two-sided, and the smallest p-value is multiplied by their
    number (Bonferroni). Returns 1 for a single level. A cell whose level is None does not count.
    """
    shares = list(_shares(level_C).values())
    if len(shares) < 2:
        return 1.0
    shares_LxC = np.stack(shares)
    if len(shares) == 2:
        return contrast(estimates, shares_LxC[0] - shares_LxC[1]).p()
    others_LxC = (shares_LxC.sum(0) - shares_LxC) / (len(shares) - 1)
    return min(1.0, len(shares) * min(contrast(estimates, row).p() for row in shares_LxC - others_LxC))


def comparable(level_C: Sequence[str], others_C: Sequence[Hashable]) -> list[str | None]:
    """Returns the levels of a factor, with None for cells that have no counterpart at every other level.

    Without this a difference between levels could be one between the cells that happen to be there.

    Args:
        level_C: the level of each cell.
        others_C: everything else that a cell stands for; its counterparts have the same.
    """
    found: dict[Hashable, set[str]] = {}
    for level, others in zip(level_C, others_C, strict=True):
        found.setdefault(others, set()).add(level)
    n = len(set(level_C))
    return [level if len(found[others]) == n else None for level, others in zip(level_C, others_C, strict=True)]


def _shares(level_C: Sequence[str | None]) -> dict[str, Floats]:
    """Returns the weights (C,) of the mean of each level's cells."""
    found = {}
    for level in dict.fromkeys(level for level in level_C if level is not None):
        is_there_C = np.array([one == level for one in level_C])
        found[level] = is_there_C / is_there_C.sum()
    return found
