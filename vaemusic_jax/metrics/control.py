"""How surely, how far and how selectively moving one control changes the music. Numpy in, numbers out.

M measures, K controls and as many attributes, Q values of a control. Control k is meant for attribute k, and the array
of traversals `changed` holds at [m, k, q, j] attribute j of measure m decoded with control k at its q-th value, all
else as it was. Ranks are all that counts of the control's values: they need not be equally spaced, and may repeat.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

DATA_SPAN = (0.025, 0.975)  # quantiles: a handful of odd measures shall not decide what the whole span is


def reconstruction_efficiency(control: ArrayLike, changed: ArrayLike) -> Floats:
    """How surely a move of a control becomes the asked-for change in the music.

    efficiency[k] = mean over m of Spearman(control[k], changed[m, k, :, k]), where a measure that does not change, or a
    control that does not, counts as 0. Range -1 to 1, higher is better; negative where the control works backwards.
    The study names this measure and does not define it: the formula is ours.

    Args:
        control: (K, Q) values that the controls were set to.
        changed: (M, K, Q, K) decoded attributes.

    Returns:
        (K,)

    Raises:
        ValueError: wrong shapes, a control of fewer than 2 values, or values that are not finite.
    """
    return np.einsum("mkk->k", _rank_correlation(control, changed)) / len(np.asarray(changed))


def dependence(control: ArrayLike, changed: ArrayLike) -> Floats:
    """How surely each control moves each attribute, whichever way.

    dependence[k, j] = mean over m of |Spearman(control[k], changed[m, k, :, j])|, undefined correlations counted as 0.
    Range 0 to 1: best is 1 on the diagonal and 0 elsewhere. To be read beside |Spearman| between the data's own
    attributes, which move together in real music too. The formula is ours.

    Arguments and errors are those of ``reconstruction_efficiency``; returns (K, K), controls in rows.
    """
    return np.abs(_rank_correlation(control, changed)).mean(0)


def attribute_independence(control: ArrayLike, changed: ArrayLike) -> Floats:
    """How little a control moves the attributes that it is not meant for.

    independence[k] = 1 - mean over j != k of dependence[k, j]. Range 0 to 1, higher is better; a control that moves
    nothing at all scores 1, so it says little without the efficiency. NaN where there is one attribute only. The study
    names this measure and does not define it: the formula is ours.

    Arguments and errors are those of ``reconstruction_efficiency``; returns (K,).
    """
    return 1 - mean_of_others(dependence(control, changed))


def attribute_span(changed: ArrayLike, data: ArrayLike) -> Floats:
    """How far a control takes its attribute, as a share of how far the attribute goes in the data.

    span[k] = mean over m of (max - min over q of changed[m, k, :, k]) / (97.5% - 2.5% quantile of data[:, k]). At least
    0; 1 is the data's span, higher is farther than all but its odd measures go. It sees neither the direction nor the
    order of the change, which are the efficiency's. The formula is ours.

    Args:
        changed: (M, K, Q, K) decoded attributes.
        data: (N, K) the same attributes of real measures.

    Returns:
        (K,), NaN where the data's span is 0.

    Raises:
        ValueError: wrong shapes, a control of fewer than 2 values, or values that are not finite.
    """
    changed_MxKxQxK, data_NxK = checked_traversals(changed), np.asarray(data, np.float64)
    if data_NxK.ndim != 2 or not len(data_NxK) or data_NxK.shape[1] != changed_MxKxQxK.shape[1]:
        raise ValueError(f"data need shape (N, {changed_MxKxQxK.shape[1]}), got {data_NxK.shape}")
    if not np.isfinite(data_NxK).all():
        raise ValueError("data hold values that are not finite")
    reached_K = np.einsum("mkk->k", np.ptp(changed_MxKxQxK, axis=2)) / len(changed_MxKxQxK)
    low_K, high_K = np.quantile(data_NxK, DATA_SPAN, axis=0)
    span_K = np.where(high_K > low_K, high_K - low_K, np.nan)
    return reached_K / span_K


def mean_of_others(matrix_KxK: Floats) -> Floats:
    """Mean of each row without its diagonal entry: (K, K) -> (K,), NaN for K = 1."""
    n = len(matrix_KxK)
    if n == 1:
        return np.full(1, np.nan)
    return np.where(np.eye(n, dtype=bool), 0.0, matrix_KxK).sum(1) / (n - 1)


def checked_traversals(changed: ArrayLike) -> Floats:
    """(M, K, Q, K) in double precision.

    Raises:
        ValueError: another shape, a control of fewer than 2 values, or values that are not finite.
    """
    values = np.asarray(changed, np.float64)
    if values.ndim != 4 or values.shape[1] != values.shape[3] or 0 in values.shape or values.shape[2] < 2:
        raise ValueError(f"changed attributes need shape (M, K, Q, K) with at least 2 values Q, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("changed attributes hold values that are not finite")
    return values


def checked_control(control: ArrayLike, changed_MxKxQxK: Floats) -> Floats:
    """(K, Q) in double precision.

    Raises:
        ValueError: another shape than the traversals have, or values that are not finite.
    """
    values, expected = np.asarray(control, np.float64), changed_MxKxQxK.shape[1:3]
    if values.shape != expected:
        raise ValueError(f"control values need shape (K, Q) = {expected}, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("control values are not all finite")
    return values


def _rank_correlation(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Spearman's correlation of each control with each attribute in each measure, 0 where undefined: (M, K, K)."""
    from scipy.stats import rankdata  # slow to import

    changed_MxKxQxK = checked_traversals(changed)
    control_KxQ = checked_control(control, changed_MxKxQxK)
    middle = (control_KxQ.shape[1] + 1) / 2  # the mean rank; ties have their average rank, so it is exact
    x_KxQ = rankdata(control_KxQ, axis=1) - middle
    y_MxKxQxK = rankdata(changed_MxKxQxK, axis=2) - middle
    products_MxKxK = np.einsum("kq,mkqj->mkj", x_KxQ, y_MxKxQxK)
    norms_MxKxK = np.sqrt((x_KxQ**2).sum(1)[:, None] * (y_MxKxQxK**2).sum(2))
    correlation = np.divide(products_MxKxK, norms_MxKxK, out=np.zeros_like(products_MxKxK), where=norms_MxKxK > 0)
    return np.clip(correlation, -1, 1)
