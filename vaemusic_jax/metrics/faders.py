"""Consistency, restrictiveness and linearity of controls, by the formulas of Music FaderNets.

They are those of the public code of Tan & Herremans, "Music FaderNets: Controllable music generation based on
high-level features via low-level feature modelling" (ISMIR 2020). It moves 100 samples through 8 values from low to
high; here they are the measures and levels of the traversals. Attributes are divided by the standard deviation of the
data set, not of what is decoded, so consistency and restrictiveness may be below 0.

No finding rests on them: a control that does nothing is perfectly restrictive, and a decoder that gives the same music
for every measure perfectly consistent.

The functions take and return NumPy arrays with the shapes of ``control``: M measures, K controls and attributes, and Q
levels of a control; `changed` is (M, K, Q, K). Repeated levels count once.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.control import (
    checked_control,
    checked_data,
    checked_traversals,
    distinct_levels,
    mean_of_others,
)
from vaemusic_jax.metrics.information import Floats


def consistency(control: ArrayLike, changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes whether a level of a control gives the same attribute in every measure.

    consistency[k] = 1 - mean over q of std over m of changed[m, k, q, k] / std(data[:, k]). The largest value is 1 and
    higher is better.

    Args:
        control: (K, Q) values that the controls were set to.
        changed: (M, K, Q, K) decoded attributes, see ``control``.
        data: (N, K) the same attributes of real measures.

    Returns:
        (K,) float64, NaN for an attribute that is constant in the data.

    Raises:
        ValueError: a shape is wrong, there are fewer than 2 measures, a control has fewer than 2 values, or a value is
            not finite.
    """
    control_KxQ, units_MxKxQxK = _in_units(control, changed, data)
    if len(units_MxKxQxK) < 2:
        raise ValueError("consistency compares measures; give at least 2")
    return np.array([1 - units_MxKxQxK[:, k, q, k].std(0).mean() for k, q in distinct_levels(control_KxQ)])


def restrictiveness(control: ArrayLike, changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes whether a control leaves the other attributes of a measure as they are.

    restrictiveness[k] = 1 - mean over j != k and m of std over q of changed[m, k, q, j] / std(data[:, j]). The largest
    value is 1 and higher is better. Published with two attributes, so that there is one other. It is NaN if there is
    only one attribute.

    The arguments and errors are those of ``consistency``, but one measure is enough. Returns (K,) float64.
    """
    control_KxQ, units_MxKxQxK = _in_units(control, changed, data)
    moved_KxK = np.stack([units_MxKxQxK[:, k, q].std(1).mean(0) for k, q in distinct_levels(control_KxQ)])
    return 1 - mean_of_others(moved_KxK)


def linearity(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes whether the attribute of each measure follows its control along a straight line.

    linearity[k] = mean over m of R^2 of a linear regression of changed[m, k, :, k] on control[k], that is of their
    squared correlation. The range is 0 to 1 and higher is better. The metric ignores the direction. A measure whose
    attribute does not change counts as 0, and so does a control with a single level; for these the formula gives 0/0.

    Args:
        control: (K, Q) values that the controls were set to.
        changed: (M, K, Q, K) decoded attributes.

    Returns:
        (K,) float64.

    Raises:
        ValueError: a shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    changed_MxKxQxK = checked_traversals(changed)
    control_KxQ = checked_control(control, changed_MxKxQxK)
    linear_K = np.zeros(len(control_KxQ))
    for k, q in distinct_levels(control_KxQ):
        x_Q, y_MxQ = control_KxQ[k, q] - control_KxQ[k, q].mean(), changed_MxKxQxK[:, k, q, k]
        moves_M = np.ptp(y_MxQ, axis=1) > 0
        squares_M = (x_Q**2).sum() * len(q) * y_MxQ.var(1)
        r2_M = np.divide((y_MxQ @ x_Q) ** 2, squares_M, out=np.zeros(len(y_MxQ)), where=moves_M & (len(q) > 1))
        linear_K[k] = np.clip(r2_M, 0, 1).mean()
    return linear_K


def _in_units(control: ArrayLike, changed: ArrayLike, data: ArrayLike) -> tuple[Floats, Floats]:
    """Returns controls (K, Q) and what was decoded (M, K, Q, K) in standard deviations of the data."""
    changed_MxKxQxK = checked_traversals(changed)
    std_K = checked_data(data, changed_MxKxQxK.shape[-1]).std(0)
    return checked_control(control, changed_MxKxQxK), changed_MxKxQxK / np.where(std_K > 0, std_K, np.nan)
