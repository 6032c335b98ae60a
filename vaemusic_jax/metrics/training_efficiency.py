"""Training efficiency: how soon a model learns, from the validation curve of one trial."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

SHARE_OF_BEST = 0.95


@dataclass(frozen=True)
class TrainingEfficiency:
    """The cost of nearly reaching a run's best validation accuracy, and the mean accuracy on the way.

    Attributes:
        steps: training steps to 95% of the best validation accuracy; lower is better.
        seconds: seconds of training to the same point; lower is better.
        area: the mean validation accuracy over the steps, 0 to 1; higher is better.
    """

    steps: float
    seconds: float
    area: float


def training_efficiency(steps: ArrayLike, accuracy: ArrayLike, seconds: ArrayLike) -> TrainingEfficiency:
    """Computes steps and seconds to 95% of a run's own best validation accuracy, and the area under its curve.

    The curve is interpolated linearly between validations, and the first point with 95% of the best value counts. If
    the first validation already has that much, its steps and seconds are returned, which are upper bounds. The area is
    the integral of the curve over the steps from the first to the last validation (trapezoid rule), divided by the
    number of these steps; for a single validation it is the accuracy. Since each run is measured by its own best, a run
    that learns little may reach 95% of it soon: read the result together with the accuracy, and compare runs of equal
    length that were validated at the same steps. The formulas are ours.

    Args:
        steps: (V,) training steps made before each validation, increasing.
        accuracy: (V,) the accuracy of each validation, 0 to 1.
        seconds: (V,) seconds of training before each validation, never decreasing.

    Returns:
        See ``TrainingEfficiency``.

    Raises:
        ValueError: the shapes differ, there is no validation, steps or seconds are out of order, or an accuracy is
            outside of 0 to 1.
    """
    steps_V, accuracy_V, seconds_V = (np.asarray(values, np.float64) for values in (steps, accuracy, seconds))
    if not (steps_V.shape == accuracy_V.shape == seconds_V.shape) or steps_V.ndim != 1 or not steps_V.size:
        shapes = f"{steps_V.shape}, {accuracy_V.shape} and {seconds_V.shape}"
        raise ValueError(f"steps, accuracy and seconds need one shape (V,), got {shapes}")
    in_order = (np.diff(steps_V) > 0).all() and (np.diff(seconds_V) >= 0).all()
    if not (in_order and np.isfinite([steps_V, seconds_V]).all()):
        raise ValueError("steps must increase and seconds never decrease, and both must be finite")
    if not ((accuracy_V >= 0) & (accuracy_V <= 1)).all():
        raise ValueError("accuracies must be between 0 and 1")
    enough = SHARE_OF_BEST * accuracy_V.max()
    after = int(np.argmax(accuracy_V >= enough))
    before = max(after - 1, 0)
    climb = accuracy_V[after] - accuracy_V[before]
    way = (enough - accuracy_V[before]) / climb if climb > 0 else 0.0
    length = steps_V[-1] - steps_V[0]
    return TrainingEfficiency(
        steps=float(steps_V[before] + way * (steps_V[after] - steps_V[before])),
        seconds=float(seconds_V[before] + way * (seconds_V[after] - seconds_V[before])),
        area=float(np.trapezoid(accuracy_V, steps_V) / length) if length else float(accuracy_V[0]),
    )
