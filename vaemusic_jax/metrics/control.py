"""Metrics of controls: how surely, how far and how selectively moving one control changes the music.

The functions take and return NumPy arrays. M is the number of measures, K the number of controls, which is also the
number of attributes, and Q the number of levels that a control is set to. Control k is meant for attribute k. The array
`changed` holds the traversals: at [m, k, q, j] it has attribute j of measure m, decoded with control k at its q-th
level and everything else as it was. Levels may repeat, as quantiles do; repeated ones count once. Their distances do
not matter, so they need not be equally spaced.

All formulas are ours. The study that this package follows names efficiency and independence but does not define them.
`metrics.made_up` has decoders of known behaviour, by which these metrics are tested.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

# The quantiles of its training values that a control is set to, 1/18, 3/18, ... 17/18: the extremes are left out.
LEVEL_QUANTILES = (np.arange(9) + 0.5) / 9
NO_CONTROL = 0.2  # With a smaller efficiency, or where fewer measures move, there is no effect to say more about.


def reconstruction_efficiency(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how surely raising a control raises the attribute that it is meant for.

    efficiency[k] = mean over m of Spearman(control[k], changed[m, k, :, k]). A measure or a control that does not
    change counts as 0. The range is -1 to 1 and higher is better; a control that works backwards gets a negative value,
    and one that does nothing or anything at random gets about 0.

    Args:
        control: (K, Q) values that the controls were set to.
        changed: (M, K, Q, K) decoded attributes.

    Returns:
        (K,) float64.

    Raises:
        ValueError: a shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    return np.einsum("mkk->k", rank_correlation(control, changed)) / len(np.asarray(changed))


def wrong_way(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes the share of measures whose attribute falls when its control is raised: Spearman < 0.

    The range is 0 to 1 and lower is better. It is NaN where fewer than a fifth of the measures change at all: a control
    that does nothing does not go the right way either.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (K,) float64.
    """
    own_MxK = np.einsum("mkk->mk", rank_correlation(control, changed))
    return np.where(moved(changed) >= NO_CONTROL, (own_MxK < 0).mean(0), np.nan)


def moved(changed: ArrayLike) -> Floats:
    """Computes the share of measures in which a control changes its attribute at all, 0 to 1.

    Higher is better only with a high efficiency: what changes at random changes everywhere. It is also the share of
    measures for which monotonicity and smoothness are defined.

    Args:
        changed: (M, K, Q, K) decoded attributes.

    Returns:
        (K,) float64.

    Raises:
        ValueError: the shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    return (np.einsum("mkk->mk", np.ptp(checked_traversals(changed), axis=2)) > 0).mean(0)


def reach(control: ArrayLike, changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes how far a control moves its attribute, as a share of what quantiles as far apart span in the data.

    reach[k] = mean over m of (changed[m, k, highest, k] - changed[m, k, lowest, k]) / (q_17/18 - q_1/18 of data[:, k]),
    where lowest and highest are levels of control k. At 0 the control does nothing, at 1 it covers the range of the
    data, below 0 it works backwards. Higher is better up to 1.

    Args:
        control: (K, Q) values that the controls were set to.
        changed: (M, K, Q, K) decoded attributes.
        data: (N, K) the same attributes of real measures.

    Returns:
        (K,) float64, NaN where the data's span is 0.

    Raises:
        ValueError: a shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    own_K = np.einsum("mkk->k", change(control, changed)) / len(np.asarray(changed))
    low_K, high_K = np.quantile(checked_data(data, len(own_K)), LEVEL_QUANTILES[[0, -1]], axis=0)
    return np.divide(own_K, high_K - low_K, out=np.full(len(own_K), np.nan), where=high_K > low_K)


def effect(control: ArrayLike, changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes how far each control moves each attribute, in standard deviations of the data.

    effect[k, j] = mean over m of (changed[m, k, highest, j] - changed[m, k, lowest, j]) / std(data[:, j]), where lowest
    and highest are levels of control k. Best is what the data span on the diagonal, and 0 elsewhere.

    The arguments and errors are those of ``reach``. Returns (K, K) float64, NaN for an attribute that is constant in
    the data.
    """
    change_KxK = change(control, changed).mean(0)
    std_K = checked_data(data, len(change_KxK)).std(0)
    return change_KxK / np.where(std_K > 0, std_K, np.nan)


def side_effect(control: ArrayLike, changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes how far a control moves the other attributes, per unit that it moves its own.

    With d = ``effect``, it is the root of the mean over j != k of d[k, j]^2, divided by d[k, k]. The range is 0 and up,
    and lower is better: 0 means that the others stay, 1 that they move as far as the attribute itself, whatever the
    direction. Attributes go together in real music too, so compare it with ``natural_side_effect``. What averages out
    over measures does not count; it counts in ``faders.restrictiveness``.

    The arguments and errors are those of ``reach``.

    Returns:
        (K,) float64. It is NaN where the efficiency is below .2 or the attribute does not rise, since where there is no
        control nothing can be said of its side effects; and where no other attribute varies in the data.
    """
    units_KxK = effect(control, changed, data)
    own_K, others_K = units_KxK.diagonal(), np.sqrt(mean_of_others(units_KxK**2))
    controls_K = (reconstruction_efficiency(control, changed) >= NO_CONTROL) & (own_K > 0)
    return np.divide(others_K, own_K, out=np.full(len(own_K), np.nan), where=controls_K)


def natural_side_effect(data: ArrayLike) -> Floats:
    """Computes the ``side_effect`` of a control that moves the others as they go with its attribute in the data.

    In units of standard deviations, the slope of a regression of attribute j on attribute k is their correlation, so it
    is the root of the mean over j != k of their squared correlation. The range is 0 to 1.

    Args:
        data: (N, K) attributes of real measures.

    Returns:
        (K,) float64, NaN for an attribute that is constant, and where no other attribute varies.

    Raises:
        ValueError: the shape is wrong, or a value is not finite.
    """
    data_NxK = checked_data(data)
    std_K = data_NxK.std(0)
    units_NxK = (data_NxK - data_NxK.mean(0)) / np.where(std_K > 0, std_K, np.nan)
    return np.sqrt(mean_of_others((units_NxK.T @ units_NxK / len(units_NxK)) ** 2)) * np.where(std_K > 0, 1, np.nan)


def dependence(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how regularly each control moves each attribute, up or down.

    dependence[k, j] = mean over m of |Spearman(control[k], changed[m, k, :, j])|, where an undefined correlation counts
    as 0. The range is 0 to 1; the best matrix has 1 on the diagonal and 0 elsewhere. Attributes depend on each other in
    real music too, so compare the matrix with |Spearman| between the attributes of the data. What is decoded at random
    has about .29 everywhere at nine levels, and more at fewer.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (K, K) float64, with controls in rows.
    """
    return np.abs(rank_correlation(control, changed)).mean(0)


def attribute_independence(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how little a control moves the attributes that it is not meant for, by rank correlations.

    independence[k] = 1 - mean over j != k of dependence[k, j]. The range is 0 to 1 and higher is better. A control that
    moves nothing at all scores 1 and one that moves everything at random .71, above most trained models, so nothing is
    decided by it: ``side_effect`` is. It is NaN if there is only one attribute.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (K,) float64.
    """
    return 1 - mean_of_others(dependence(control, changed))


def n_levels(control: ArrayLike) -> Floats:
    """Counts the distinct levels of each control: (K, Q) -> (K,). The control of a constant attribute has one."""
    return np.array([len(np.unique(levels_Q)) for levels_Q in np.asarray(control)], np.float64)


def distinct_levels(control_KxQ: Floats) -> Iterator[tuple[int, np.ndarray]]:
    """Yields each control k with the positions of its distinct levels, from the lowest to the highest."""
    for k, levels_Q in enumerate(control_KxQ):
        yield k, np.unique(levels_Q, return_index=True)[1]


def mean_of_others(matrix_KxK: Floats) -> Floats:
    """Returns the mean of each row without its diagonal entry and NaN: (K, K) -> (K,), NaN where nothing is left."""
    counts = ~np.isnan(matrix_KxK) & ~np.eye(len(matrix_KxK), dtype=bool)
    n_K = counts.sum(1)
    return np.divide(np.where(counts, matrix_KxK, 0.0).sum(1), n_K, out=np.full(len(n_K), np.nan), where=n_K > 0)


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


def checked_data(data: ArrayLike, n_attributes: int | None = None) -> Floats:
    """Returns attributes of real measures (N, K) as float64, after checking them.

    Raises:
        ValueError: the shape is another one, there is no measure, or a value is not finite.
    """
    values = np.asarray(data, np.float64)
    if values.ndim != 2 or not len(values) or values.shape[1] != (n_attributes or values.shape[1]):
        raise ValueError(f"data need shape (N, {n_attributes or 'K'}), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("data hold values that are not finite")
    return values


def change(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes how far each attribute moves from the lowest to the highest level of each control in each measure.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (M, K, K) float64: measures, controls,
    attributes.
    """
    changed_MxKxQxK = checked_traversals(changed)
    control_KxQ = checked_control(control, changed_MxKxQxK)
    every = np.arange(len(control_KxQ))
    return changed_MxKxQxK[:, every, control_KxQ.argmax(1)] - changed_MxKxQxK[:, every, control_KxQ.argmin(1)]


def rank_correlation(control: ArrayLike, changed: ArrayLike) -> Floats:
    """Computes Spearman's correlation of each control with each attribute in each measure, 0 where it is undefined.

    The arguments and errors are those of ``reconstruction_efficiency``. Returns (M, K, K) float64: measures, controls,
    attributes.
    """
    from scipy.stats import rankdata  # It is slow to import.

    changed_MxKxQxK = checked_traversals(changed)
    control_KxQ = checked_control(control, changed_MxKxQxK)
    n_measures, n_controls = changed_MxKxQxK.shape[:2]
    correlation_MxKxK = np.zeros((n_measures, n_controls, n_controls))
    for k, levels in distinct_levels(control_KxQ):
        middle = (len(levels) + 1) / 2  # This is exactly the mean rank: ties have their average rank.
        x_Q = np.arange(1, len(levels) + 1) - middle
        y_MxQxK = rankdata(changed_MxKxQxK[:, k, levels], axis=1) - middle
        products_MxK = np.einsum("q,mqj->mj", x_Q, y_MxQxK)
        norms_MxK = np.sqrt((x_Q**2).sum() * (y_MxQxK**2).sum(1))
        np.divide(products_MxK, norms_MxK, out=correlation_MxKxK[:, k], where=norms_MxK > 0)
    return np.clip(correlation_MxKxK, -1, 1)
