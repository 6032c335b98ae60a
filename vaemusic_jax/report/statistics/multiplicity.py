"""Adjustment of p-values for their number."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def holm(p_values: Sequence[float], slots: Sequence[Hashable] | None = None) -> list[float]:
    """Adjusts p-values by Holm's (1979) procedure, with Shaffer's (1986) use of hypotheses that exclude each other.

    The probability that any true hypothesis gets an adjusted p-value of at most alpha is at most alpha.

    Args:
        p_values: one per hypothesis.
        slots: one per hypothesis; at most one of the hypotheses of a slot can be true. By default each has its own.

    Returns:
        The adjusted p-values, in the order of the hypotheses. Without slots, the smallest of n is multiplied by n, the
        next by n - 1 and so on. With slots, the factor is the number of slots with a hypothesis not yet rejected.
    """
    names = list(range(len(p_values))) if slots is None else list(slots)
    adjusted, largest = [1.0] * len(names), 0.0
    left = list(np.argsort(p_values, kind="stable"))
    while left:
        factor = len({names[i] for i in left})
        i = left.pop(0)
        largest = max(largest, min(1.0, factor * p_values[i]))
        adjusted[i] = largest
    return adjusted
