"""Metrics of controls relative to all that is decoded with them: shares of its spread that are explained or left.

They are our own variants of the published metrics in ``faders``: each spread is divided by the spread over everything
decoded with the control, not over the data, which keeps the value between 0 and 1. Published figures cannot be compared
with them, and they rank models otherwise.

The functions take and return NumPy arrays with the shapes of ``control``: M measures, K controls and attributes, and Q
values of a control; `changed` is (M, K, Q, K).
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.control import checked_control, checked_traversals, mean_of_others
from vaemusic_jax.metrics.information import Floats


def level_agreement(changed: ArrayLike) -> Floats:
    """Computes whether a control's value gives the same attribute in every measure.

    It is a variant of ``faders.consistency``. agreement[k] = 1 - (mean over q of std over m of changed[m, k, q, k]) /
    (std over m and q of the same). The range is 0 to 1 and higher is better: 1 means that the control alone decides the
    attribute, near 0 that the measure alone does. A control gets 0 if the attribute is the same in everything decoded.

    Args:
        changed: (M, K, Q, K) decoded attributes, see ``control``.

    Returns:
        (K,) float64.

    Raises:
        ValueError: the shape is wrong, there are fewer than 2 measures, a control has fewer than 2 values, or a value
            is not finite.
    """
    changed_MxKxQxK = checked_traversals(changed)
    if len(changed_MxKxQxK) < 2:
        raise ValueError("agreement compares measures; give at least 2")
    own_KxMxQ = np.einsum("mkqk->kmq", changed_MxKxQxK)
    spread_K = own_KxMxQ.std(1).mean(1)
    return _share_left(spread_K, own_KxMxQ.std((1, 2)), np.ptp(own_KxMxQ, axis=(1, 2)) == 0, constant=0.0)


def others_kept(changed: ArrayLike) -> Floats:
    """Computes whether a control leaves the other attributes as they are, a variant of ``faders.restrictiveness``.

    kept[k] = mean over j != k of 1 - (mean over m of std over q of changed[m, k, :, j]) / (std over m and q
    of the same). The range is 0 to 1 and higher is better: 1 means that the other attributes stay as they are, near 0
    that the control moves them as much as they differ between measures. An attribute that is the same in everything
    decoded counts as 1, because it was not moved. The value is NaN if there is only one attribute. This metric measures
    how far the others move, ``attribute_independence`` how reliably.

    The argument is that of ``level_agreement``. Returns (K,) float64.

    Raises:
        ValueError: the shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    changed_MxKxQxK = checked_traversals(changed)
    moved_KxK = changed_MxKxQxK.std(2).mean(0)
    constant_KxK = np.ptp(changed_MxKxQxK, axis=(0, 2)) == 0
    return mean_of_others(_share_left(moved_KxK, changed_MxKxQxK.std((0, 2)), constant_KxK, constant=1.0))


def pooled_linearity(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes whether the attribute follows its control along one straight line in all measures together.

    It is a variant of ``faders.linearity``, which has a line for each measure. pooled[k] = R^2 of one linear regression
    of changed[m, k, q, k] on control[k, q] over all m and q. The range is 0 to 1 and higher is better. The metric
    ignores the direction; a control or an attribute that never changes gets 0. Unlike the rank correlations, it depends
    on the spacing of the control's values.

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
    own_KxMxQ = np.einsum("mkqk->kmq", changed_MxKxQxK)
    x_KxQ = control_KxQ - control_KxQ.mean(1, keepdims=True)
    covariance_K = (x_KxQ * own_KxMxQ.mean(1)).mean(1)
    variances_K = control_KxQ.var(1) * own_KxMxQ.var((1, 2))
    varies_K = (np.ptp(control_KxQ, axis=1) > 0) & (np.ptp(own_KxMxQ, axis=(1, 2)) > 0)
    return np.clip(np.divide(covariance_K**2, variances_K, out=np.zeros_like(covariance_K), where=varies_K), 0, 1)


def _share_left(part: Floats, whole: Floats, is_constant: np.ndarray, constant: float) -> Floats:
    """Returns 1 - part / whole, clipped to 0 to 1 against rounding, and `constant` where `is_constant`."""
    share = np.divide(part, whole, out=np.zeros_like(part), where=~is_constant)
    return np.where(is_constant, constant, np.clip(1 - share, 0, 1))
