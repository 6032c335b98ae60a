"""Monotonicity and smoothness: whether an attribute changes in one direction, and evenly, along its control.

Both are metrics of the latte tool kit (Watcharasupat, Lee & Lerch, "Latte: Cross-framework Python package for
evaluation of latent-based generative models", 2021) and assume equal steps of the control. Quantiles are not equally
spaced and may repeat; if a control's values are quantiles, pass the series in their order with step 1. Two equal values
then are a step that changes nothing. The functions take and return NumPy arrays.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

LIVELY = 1e-3  # This is latte's threshold.
ROUNDING = 1e-6  # Share of the largest value that counts as a rounding error, since attributes are float32.


def monotonicity(series: ArrayLike, step: ArrayLike = 1.0, threshold: float = LIVELY) -> Floats:
    """Computes the share of steps that raise the attribute minus the share that lower it, among steps that change it.

    With D = diff(series) / step, it is the mean of sign(D) over the steps with |D| > threshold. The range is -1 to 1
    and higher is better; -1 means that the control works backwards. The metric ignores how often and how far the
    attribute moves.

    Args:
        series: (..., Q) the attribute at Q equally spaced values of the control, at least 2.
        step: the positive distance between values of the control; its shape broadcasts to (...). It is 1 for ranks.
        threshold: a step whose slope is at most this counts as no change.

    Returns:
        (...) float64, NaN where no step changes the attribute. Average it with ``numpy.nanmean``, as the tool kit does.

    Raises:
        ValueError: there are fewer than 2 values, a step is not positive, or a value is not finite.
    """
    values, step_ = _checked(series, 2), np.asarray(step, np.float64)
    if not (np.isfinite(step_).all() and (step_ > 0).all()):
        raise ValueError("the step between control values must be positive")
    slope = np.diff(values) / step_[..., None]
    lively = np.abs(slope) > threshold
    n_lively = lively.sum(-1)
    signs = (np.sign(slope) * lively).sum(-1)
    return np.divide(signs, n_lively, out=np.full(signs.shape, np.nan), where=n_lively > 0)


def smoothness(series: ArrayLike) -> Floats:
    """Computes how evenly the slope of an attribute changes along its control.

    With D = diff(series) and x = |diff(D)|, it is 1 - (sum x^2 / sum x) / (max D - min D). The range is 0 to 1 and
    higher is better: near 1 the slope changes in many small parts, at 0 it changes in jumps of its full range. Every
    staircase of equal steps gets 0, so attributes that count something score low. The distance between values of the
    control cancels.

    Args:
        series: (..., Q) the attribute at Q equally spaced values of the control, at least 3.

    Returns:
        (...) float64. It is NaN for a constant series; average it with ``numpy.nanmean``. For a straight line, for
        which the formula gives 0/0, we chose 1. Differences up to 1e-6 of the largest value count as rounding errors.

    Raises:
        ValueError: there are fewer than 3 values, or a value is not finite.
    """
    values = _checked(series, 3)
    slope = np.diff(values)
    change = np.abs(np.diff(slope))
    range_ = np.ptp(slope, axis=-1)
    rounding = ROUNDING * np.abs(values).max(-1)
    bent, constant = range_ > rounding, np.ptp(values, axis=-1) <= rounding
    jump = np.divide((change**2).sum(-1), change.sum(-1) * range_, out=np.zeros(range_.shape), where=bent)
    return np.where(constant, np.nan, np.clip(1 - jump, 0, 1))


def mean_of_defined(values: ArrayLike) -> Floats:
    """Returns the mean over the last axis without NaN: (..., M) -> (...), NaN where there is no other value."""
    values_ = np.asarray(values, np.float64)
    defined = ~np.isnan(values_)
    n_defined = defined.sum(-1)
    sums = np.where(defined, values_, 0.0).sum(-1)
    return np.divide(sums, n_defined, out=np.full(sums.shape, np.nan), where=n_defined > 0)


def _checked(series: ArrayLike, at_least: int) -> Floats:
    values = np.asarray(series, np.float64)
    if values.ndim == 0 or values.shape[-1] < at_least:
        raise ValueError(f"series need shape (..., Q) with at least {at_least} values Q, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("series hold values that are not finite")
    return values
