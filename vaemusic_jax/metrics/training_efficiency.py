"""How soon a model learns, from the validation curve of one trial. Numpy in, numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

SHARE_OF_BEST = 0.95


@dataclass(frozen=True)
class TrainingEfficiency:
    """What it took to nearly reach the run's best, and how good the model was on the way."""

    steps: float  # training steps to 95% of the best validation accuracy, lower is better
    seconds: float  # seconds of training to the same point, lower is better
    area: float  # mean validation accuracy over the steps, 0 to 1, higher is better


def training_efficiency(steps: ArrayLike, accuracy: ArrayLike, seconds: ArrayLike) -> TrainingEfficiency:
    """Steps and seconds to 95% of the run's own best validation accuracy, and the area under the validation curve.

    The curve is taken as straight between validations, and the first point at which it has 95% of its best value is
    found on it; where the first validation has that already, it is that one, an upper bound. The area is the integral
    of the curve over the steps from the first to the last validation, divided by their number (trapezoid rule); of a
    single validation, its accuracy. As the best is the run's own, a run that learns little has that little soon: read
    it beside the accuracy, and compare runs of equal length that were validated at the same steps. The formulas are
    ours.

    Args:
        steps: (V,) training steps made at each validation, increasing.
        accuracy: (V,) validation accuracy there, 0 to 1.
        seconds: (V,) seconds of training up to there, never decreasing.

    Raises:
        ValueError: shapes that differ, no validation, steps or seconds out of order, or accuracies outside of 0 to 1.
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
