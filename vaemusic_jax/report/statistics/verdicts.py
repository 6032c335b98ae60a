"""Verdicts on claims from estimates: five of them, or none where there is too little to test.

All claims that are tested together share one family: the probability that any verdict among them is false is at most
5 %. A comparison has two slots in it (see ``holm``), one for its difference and its equivalence, which exclude each
other, and one for its interactions. A threshold or an order has one. Verdicts at the levels of a factor are given only
after a significant interaction and have no slot of their own: each claim spends one slot's share of the 5 % on them
once more, so that with real interactions in several claims the rate can exceed 5 % by these shares.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from vaemusic_jax.report.statistics.contrast import LEVEL, Estimate, Estimates, by_level, mean, p_interaction
from vaemusic_jax.report.statistics.multiplicity import holm

ALL_ORDERS_UP_TO, RANDOM_ORDERS = 8, 9_999

Verdict = Literal["supported", "contradicted", "equivalent", "depends", "inconclusive", "no verdict"]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The claim that a difference is above 0.

    Attributes:
        estimates: the differences by cell and seed.
        margin: the distance from 0 within which a difference does not matter.
        factors: the level of each cell by the name of a factor that the difference may depend on; None for cells that
            have no counterpart at another level and so do not count for that factor.
    """

    estimates: Estimates
    margin: float
    factors: Mapping[str, Sequence[str | None]]


@dataclasses.dataclass(frozen=True)
class Threshold:
    """The claim that every value of several is above a limit, or that all values of some group are.

    Attributes:
        values: the estimates.
        limit: the limit.
        every: whether all of them must be above it, which is an intersection-union test (Berger 1982), or one group.
        groups: the group of each value if not all of them must be above the limit, such as its configuration; each
            value is its own group by default. Within a group the test is an intersection-union test, and its p-values
            are multiplied by the number of groups (Bonferroni).
    """

    values: tuple[Estimate, ...]
    limit: float
    every: bool
    groups: tuple[Hashable, ...] = ()

    @property
    def p_above(self) -> float:
        """The p-value of the claim."""
        each = [max(p_values) for p_values in self._each(above=True)]
        return min(1.0, len(each) * min(each))

    @property
    def p_below(self) -> float:
        """The p-value of its opposite: that some value of all, or of every group, is below the limit."""
        return max(min(1.0, len(p_values) * min(p_values)) for p_values in self._each(above=False))

    def _each(self, above: bool) -> list[list[float]]:
        """Returns the p-value of each value, by group."""
        n = len(self.values)
        names = [None] * n if self.every else self.groups or range(n)
        found: dict[Hashable, list[float]] = {}
        for name, value in zip(names, self.values, strict=True):
            p = value.p_above(self.limit) if above else value.p_below(self.limit)
            found.setdefault(name, []).append(min(1.0, 2 * p))  # A single value is tested in both directions.
        return list(found.values())


@dataclasses.dataclass(frozen=True)
class Order:
    """The claim that two quantities of a few units go together, judged by permutations.

    Attributes:
        x, y: the quantities, one pair per unit.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Judged:
    """The verdict on a claim.

    Attributes:
        verdict: the verdict.
        p: the adjusted p-value of the difference or of the claim; 1 if it was not tested.
        p_equivalent: that of equivalence; 1 for a threshold.
        p_interaction: that of the interactions; 1 if there are none.
        factor: the name of the factor that the verdict depends on, or empty.
        levels: the verdict at each level of that factor.
        level: the significance level that remains for the claim if all claims of the family share it equally.
    """

    verdict: Verdict
    p: float = 1.0
    p_equivalent: float = 1.0
    p_interaction: float = 1.0
    factor: str = ""
    levels: Mapping[str, Verdict] = dataclasses.field(default_factory=dict)
    level: float = LEVEL


Testable = Comparison | Threshold | Order


def judge(claims: Mapping[str, Testable]) -> dict[str, Judged]:
    """Judges the claims of a family together.

    Args:
        claims: by name; those without enough data for a test are left out by the caller.

    Returns:
        The verdicts by name. A claim is *supported* or *contradicted* where its difference is significant, *equivalent*
        where two one-sided tests place it within the margin, whether or not it differs from 0, and *depends* where an
        interaction is significant and the levels of its factor do not all have the same one of these verdicts.
    """
    tests: list[tuple[str, str, float]] = []
    for name, claim in claims.items():
        if isinstance(claim, Threshold):
            tests += [(name, "above", claim.p_above), (name, "below", claim.p_below)]
            continue
        if isinstance(claim, Order):
            tests.append((name, "order", p_of_order(claim.x, claim.y)))
            continue
        overall = mean(claim.estimates)
        tests += [(name, "difference", overall.p()), (name, "equivalence", overall.p_equivalent(claim.margin))]
        if factors := _varied(claim):
            smallest = min(p_interaction(claim.estimates, levels) for levels in factors.values())
            tests.append((name, "interaction", min(1.0, len(factors) * smallest)))
    slots = [(name, kind == "interaction") for name, kind, _ in tests]
    adjusted = holm([p for *_, p in tests], slots)
    p_of = {(name, kind): p for (name, kind, _), p in zip(tests, adjusted, strict=True)}
    n_slots = len(set(slots))
    judged: dict[str, Judged] = {}
    for name, claim in claims.items():
        match claim:
            case Threshold():
                judged[name] = _threshold(claim, p_of[name, "above"], p_of[name, "below"], n_slots)
            case Order():
                judged[name] = _order(claim, p_of[name, "order"], n_slots)
            case Comparison():
                p, p_equivalent = p_of[name, "difference"], p_of[name, "equivalence"]
                judged[name] = _comparison(claim, p, p_equivalent, p_of.get((name, "interaction"), 1.0), n_slots)
    return judged


def of_difference(value: float, p: float, p_equivalent: float) -> Verdict:
    """Returns the verdict on a difference from its p-values, which are adjusted."""
    if p_equivalent <= LEVEL:
        return "equivalent"
    if p <= LEVEL:
        return "supported" if value > 0 else "contradicted"
    return "inconclusive"


def _threshold(claim: Threshold, p_above: float, p_below: float, n_slots: int) -> Judged:
    level = LEVEL / n_slots
    verdict: Verdict = "inconclusive"
    if p_above <= LEVEL:
        verdict = "supported"
    elif p_below <= LEVEL:
        each = [value.p_above(claim.limit) * 2 * len(claim.values) * n_slots for value in claim.values]
        verdict = "depends" if claim.every and min(each) <= LEVEL else "contradicted"
    return Judged(verdict, p=min(p_above, p_below), level=level)


def _order(claim: Order, p: float, n_slots: int) -> Judged:
    together = float(np.corrcoef(stats.rankdata(claim.x), stats.rankdata(claim.y))[0, 1])
    verdict: Verdict = "inconclusive" if p > LEVEL else "supported" if together > 0 else "contradicted"
    return Judged(verdict, p, level=LEVEL / n_slots)


def _comparison(claim: Comparison, p: float, p_equivalent: float, p_interaction_: float, n_slots: int) -> Judged:
    estimates = claim.estimates
    judged = Judged(
        of_difference(mean(estimates).value, p, p_equivalent), p, p_equivalent, p_interaction_, level=LEVEL / n_slots
    )
    if p_interaction_ > LEVEL:
        return judged
    factors = _varied(claim)
    factor = min(factors, key=lambda name: p_interaction(estimates, factors[name]))
    at_level = by_level(estimates, factors[factor])
    factor_of_p = len(at_level) * n_slots  # Bonferroni: each level gets its share of the claim's.
    levels = {
        name: of_difference(one.value, factor_of_p * one.p(), factor_of_p * one.p_equivalent(claim.margin))
        for name, one in at_level.items()
    }
    found = set(levels.values())
    if len(found) == 1 and found != {"inconclusive"}:
        return dataclasses.replace(judged, verdict=found.pop())
    return dataclasses.replace(judged, verdict="depends", factor=factor, levels=levels)


def _varied(claim: Comparison) -> dict[str, Sequence[str | None]]:
    return {name: levels for name, levels in claim.factors.items() if len(set(levels) - {None}) > 1}


def p_of_order(x: Sequence[float], y: Sequence[float]) -> float:
    """Returns the two-sided p-value of Spearman's correlation by permutations, for pairs without ties.

    Up to 8 pairs it takes all of them, and p is never below 2 / n!. Of more pairs it takes their own order and 9,999
    others at random, the same for every call (Phipson & Smyth 2010).
    """
    n = len(x)
    x_ranks, y_ranks = (stats.rankdata(values) - (n + 1) / 2 for values in (x, y))
    if n <= ALL_ORDERS_UP_TO:
        orders = np.array(list(itertools.permutations(y_ranks)))
    else:
        others = np.random.default_rng(0).permuted(np.tile(y_ranks, (RANDOM_ORDERS, 1)), axis=1)
        orders = np.concatenate([y_ranks[None], others])
    products = np.abs(orders @ x_ranks)
    return float(np.mean(products >= products[0] - 1e-9))
