"""Metrics of controls: how reliably, how far and how selectively moving one control changes the music.

The functions take and return NumPy arrays. M is the number of measures, K the number of controls, which is also the
number of attributes, and Q the number of values that a control is set to. Control k is meant for attribute k. The array
`changed` holds the traversals: at [m, k, q, j] it has attribute j of measure m, decoded with control k at its q-th
value and everything else as it was. Only the ranks of a control's values count, so the values need not be equally
spaced and may repeat.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

DATA_SPAN = (0.025, 0.975)  # Quantiles instead of extremes: a few unusual measures should not set the span.


def reconstruction_efficiency(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how reliably raising a control raises the attribute that it is meant for.

    efficiency[k] = mean over m of Spearman(control[k], changed[m, k, :, k]). A measure or a control that does not
    change counts as 0. The range is -1 to 1 and higher is better; a control that works backwards gets a negative value.
    The study that this package follows names this metric but does not define it, so the formula is ours.

    Args:
        control: (K, Q) values that the controls were set to.
        changed: (M, K, Q, K) decoded attributes.

    Returns:
        (K,) float64.

    Raises:
        ValueError: a shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    return np.einsum("mkk->k", _rank_correlation(control, changed)) / len(np.asarray(changed))


def dependence(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how reliably each control moves each attribute, up or down.

    dependence[k, j] = mean over m of |Spearman(control[k], changed[m, k, :, j])|, where an undefined correlation counts
    as 0. The range is 0 to 1; the best matrix has 1 on the diagonal and 0 elsewhere. Attributes depend on each other in
    real music too, so compare the matrix with |Spearman| between the attributes of the data. The formula is ours.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (K, K) float64, with controls in rows.
    """
    return np.abs(_rank_correlation(control, changed)).mean(0)


def attribute_independence(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how little a control moves the attributes that it is not meant for.

    independence[k] = 1 - mean over j != k of dependence[k, j]. The range is 0 to 1 and higher is better. A control that
    moves nothing at all scores 1, so read this metric together with the efficiency. It is NaN if there is only one
    attribute. The study that this package follows names this metric but does not define it, so the formula is ours.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (K,) float64.
    """
    return 1 - mean_of_others(dependence(control, changed))


def attribute_span(changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes how far a control moves its attribute, relative to the span of that attribute in the data.

    span[k] = mean over m of (max - min over q of changed[m, k, :, k]) / (97.5% - 2.5% quantile of data[:, k]). The
    value is at least 0. At 1 the control covers the span of the data; above 1 it goes beyond all but unusual measures.
    The metric ignores the direction and the order of the change, which the efficiency measures. The formula is ours.

    Args:
        changed: (M, K, Q, K) decoded attributes.
        data: (N, K) the same attributes of real measures.

    Returns:
        (K,) float64, NaN where the data's span is 0.

    Raises:
        ValueError: a shape is wrong, a control has fewer than 2 values, or a value is not finite.
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
    """Returns the mean of each row without its diagonal entry: (K, K) -> (K,), NaN for K = 1."""
    n = len(matrix_KxK)
    if n == 1:
        return np.full(1, np.nan)
    return np.where(np.eye(n, dtype=bool), 0.0, matrix_KxK).sum(1) / (n - 1)


def checked_traversals(changed: ArrayLike) -> Floats:
    """Returns traversals (M, K, Q, K) as float64, after checking them.

    Raises:
        ValueError: the shape is another one, a control has fewer than 2 values, or a value is not finite.
    """
    values = np.asarray(changed, np.float64)
    if values.ndim != 4 or values.shape[1] != values.shape[3] or 0 in values.shape or values.shape[2] < 2:
        raise ValueError(f"changed attributes need shape (M, K, Q, K) with at least 2 values Q, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("changed attributes hold values that are not finite")
    return values


def checked_control(control: ArrayLike, changed_MxKxQxK: Floats) -> Floats:
    """Returns the values of the controls (K, Q) as float64, after checking them.

    Raises:
        ValueError: the shape does not fit the traversals, or a value is not finite.
    """
    values, expected = np.asarray(control, np.float64), changed_MxKxQxK.shape[1:3]
    if values.shape != expected:
        raise ValueError(f"control values need shape (K, Q) = {expected}, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("control values are not all finite")
    return values


def _rank_correlation(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Returns Spearman's correlation of each control with each attribute in each measure, 0 if undefined: (M, K, K)."""
    from scipy.stats import rankdata  # It is slow to import.

    changed_MxKxQxK = checked_traversals(changed)
    control_KxQ = checked_control(control, changed_MxKxQxK)
    middle = (control_KxQ.shape[1] + 1) / 2  # This is exactly the mean rank: ties have their average rank.
    x_KxQ = rankdata(control_KxQ, axis=1) - middle
    y_MxKxQxK = rankdata(changed_MxKxQxK, axis=2) - middle
    products_MxKxK = np.einsum("kq,mkqj->mkj", x_KxQ, y_MxKxQxK)
    norms_MxKxK = np.sqrt((x_KxQ**2).sum(1)[:, None] * (y_MxKxQxK**2).sum(2))
    correlation = np.divide(products_MxKxK, norms_MxKxK, out=np.zeros_like(products_MxKxK), where=norms_MxKxK > 0)
    return np.clip(correlation, -1, 1)
