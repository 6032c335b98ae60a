"""Steps and seconds to nearly the best, and the area under the curve: by hand, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.metrics.training_efficiency import TrainingEfficiency, training_efficiency

ACCURACIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_by_hand() -> None:
    # 95% of .8 is .76, three fifths of the way from .7 to .8: steps 200 to 300, seconds 20 to 40.
    # Area: 100 * .6 + 100 * .75 + 100 * .79 over 300 steps.
    found = training_efficiency([0, 100, 200, 300], [0.5, 0.7, 0.7, 0.8], [0, 10, 20, 40])
    assert found.steps == pytest.approx(260)
    assert found.seconds == pytest.approx(32)
    assert found.area == pytest.approx((60 + 70 + 75) / 300)


def test_the_first_crossing_counts_not_a_later_one() -> None:
    found = training_efficiency([10, 20, 30, 40], [0, 0.95, 0.5, 1], [1, 2, 3, 4])
    assert (found.steps, found.seconds) == (20, 2)


def test_a_run_that_has_it_at_its_first_validation() -> None:
    found = training_efficiency([50, 100], [0.79, 0.8], [3, 9])
    assert (found.steps, found.seconds) == (50, 3)
    assert training_efficiency([70], [0.4], [5]) == TrainingEfficiency(steps=70, seconds=5, area=0.4)
    assert training_efficiency([70, 80], [0, 0], [5, 6]) == TrainingEfficiency(steps=70, seconds=5, area=0)


@given(ACCURACIES)
def test_it_lies_on_the_curve_and_within_the_run(accuracy: list[float]) -> None:
    steps = 10.0 * np.arange(1, len(accuracy) + 1)
    found = training_efficiency(steps, accuracy, steps / 5)
    assert steps[0] <= found.steps <= steps[-1]
    assert found.seconds == pytest.approx(found.steps / 5)
    assert np.interp(found.steps, steps, accuracy) >= 0.95 * max(accuracy) - 1e-9
    before = [a for step, a in zip(steps, accuracy, strict=True) if step < found.steps - 1e-6]
    assert all(a < 0.95 * max(accuracy) for a in before)
    assert min(accuracy) - 1e-12 <= found.area <= max(accuracy) + 1e-12


@given(ACCURACIES)
def test_a_validation_in_between_that_tells_nothing_new_changes_nothing(accuracy: list[float]) -> None:
    steps = 10.0 * np.arange(1, len(accuracy) + 1)
    finer = np.arange(steps[0], steps[-1] + 1, 5)
    plain = training_efficiency(steps, accuracy, steps / 5)
    refined = training_efficiency(finer, np.interp(finer, steps, accuracy), finer / 5)
    assert refined.area == pytest.approx(plain.area, abs=1e-9)
    assert np.interp(refined.steps, steps, accuracy) == pytest.approx(np.interp(plain.steps, steps, accuracy), abs=1e-9)


@pytest.mark.parametrize(
    ("steps", "accuracy", "seconds", "message"),
    [
        ([1, 2], [0.5], [1, 2], r"got \(2,\), \(1,\) and \(2,\)"),
        ([[1, 2]], [[0.5, 0.6]], [[1, 2]], r"got \(1, 2\)"),
        ([], [], [], r"got \(0,\)"),
        ([2, 2], [0.5, 0.6], [1, 2], "steps must increase"),
        ([1, 2], [0.5, 0.6], [2, 1], "seconds never decrease"),
        ([1, 2], [0.5, 0.6], [1, np.nan], "finite"),
        ([1, np.inf], [0.5, 0.6], [1, 2], "finite"),
        ([1, 2], [0.5, np.nan], [1, 2], "between 0 and 1"),
        ([1, 2], [0.5, 50], [1, 2], "between 0 and 1"),
    ],
)
def test_curves_without_meaning_are_refused(steps: list, accuracy: list, seconds: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        training_efficiency(steps, accuracy, seconds)
