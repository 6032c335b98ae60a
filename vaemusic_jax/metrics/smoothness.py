"""Whether an attribute goes one way, and evenly, as its control is turned. Numpy in and out.

Monotonicity and smoothness are metrics of the latte tool kit (Watcharasupat, Lee & Lerch, "Latte: Cross-framework
Python package for evaluation of latent-based generative models", 2021) and take equal steps of the control. Where its
values are quantiles, which are not equally spaced and may repeat, give the series by rank with step 1: a knob with Q
marks, turned from one to the next. Two marks of equal value then are a step that changes nothing.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

LIVELY = 1e-3  # latte's threshold
ROUNDING = 1e-6  # of the largest value: attributes are float32


def monotonicity(series: ArrayLike, step: ArrayLike = 1.0, threshold: float = LIVELY) -> Floats:
    """Of the steps that change the attribute, the share that raise it less the share that lower it.

    With D = diff(series) / step: mean of sign(D) over the steps with |D| > threshold. Range -1 to 1, higher is better,
    -1 where the control works backwards. It does not see how often or how far the attribute moves.

    Args:
        series: (..., Q) attribute at Q equal steps of the control, at least 2.
        step: between the control's values, positive, one or as many as broadcast to (...); by ranks it is 1.
        threshold: slope up to which a step counts as no change.

    Returns:
        (...), NaN where no step changes the attribute. Average with ``numpy.nanmean``, as the tool kit does.

    Raises:
        ValueError: fewer than 2 values, a step that is not positive, or values that are not finite.
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
    """How evenly the slope of an attribute changes along its control: no sudden jumps.

    With D = diff(series), x = |diff(D)|: 1 - (sum x^2 / sum x) / (max D - min D). Range 0 to 1, higher is better: near
    1 where the slope changes in many small parts, 0 where it changes in jumps of its full range, as on every staircase
    of equal steps, so attributes that count something score low by nature. The step between control values cancels.

    Args:
        series: (..., Q) attribute at Q equal steps of the control, at least 3.

    Returns:
        (...). A constant series has no smoothness: NaN; average with ``numpy.nanmean``. A straight line, of which the
        formula makes 0/0, gets 1; that is our choice. Differences up to 1e-6 of the largest value are rounding.

    Raises:
        ValueError: fewer than 3 values, or values that are not finite.
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
    """Mean over the last axis without undefined values: (..., M) -> (...), NaN where none is defined."""
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
