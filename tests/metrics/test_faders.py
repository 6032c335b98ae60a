"""Music FaderNets' consistency, restrictiveness and linearity: values by hand, and what must not matter."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from tests.helpers.controls import control_values, perfect, random
from vaemusic_jax.metrics.faders import consistency, linearity, restrictiveness

DATA = np.random.default_rng(0).normal(size=(50, 3)) * [1, 2, 0.5]


def test_values_by_hand() -> None:
    # Attribute 0 under control 0: measures go 0 2 and 4 4. Spread over measures is 2 and 1; over levels 1 and 0.
    control, data = np.array([[-3.0, 3], [-3, 3]]), np.array([[0, 0], [4, 8.0]])  # standard deviations 2 and 4
    changed = np.zeros((2, 2, 2, 2))
    changed[:, 0, :, 0] = [[0, 2], [4, 4]]
    changed[:, 1, :, 0] = [[0, 2], [4, 4]]
    np.testing.assert_allclose(consistency(control, changed, data), [1 - (2 + 1) / 2 / 2, 1])
    np.testing.assert_allclose(restrictiveness(control, changed, data), [1, 1 - (1 + 0) / 2 / 2])
    np.testing.assert_allclose(linearity(control, changed), [0.5, 0])  # one measure moves, along a line of two points


def test_linearity_is_the_mean_r2_of_a_regression_for_each_measure() -> None:
    control, changed = random(seed=0)
    for k, found in enumerate(linearity(control, changed)):
        x = control[k][:, None]
        scores = [LinearRegression().fit(x, y).score(x, y) for y in changed[:, k, :, k]]
        assert found == pytest.approx(np.mean(scores), abs=1e-9)


def test_they_are_relative_to_the_data_and_not_to_what_is_decoded() -> None:
    control, changed = random(seed=1)
    for metric in (consistency, restrictiveness):
        far = 1 - metric(control, 3 * changed, DATA)
        np.testing.assert_allclose(far, 3 * (1 - metric(control, changed, DATA)))
        np.testing.assert_allclose(metric(control, 3 * changed + 1, 3 * DATA), metric(control, changed, DATA))
    np.testing.assert_allclose(linearity(2 - 5 * control, 3 * changed + 1), linearity(control, changed))


def test_what_does_not_vary() -> None:
    control, changed = perfect()
    constant = DATA * [1, 1, 0]
    assert np.isnan(consistency(control, changed, constant)).tolist() == [False, False, True]
    np.testing.assert_allclose(restrictiveness(control, changed, constant), 1)
    assert linearity(np.ones_like(control), changed).tolist() == [0, 0, 0]
    assert np.isnan(restrictiveness(*perfect(n_controls=1), DATA[:, :1])).all()


def test_input_without_meaning_is_refused() -> None:
    control, changed = perfect()
    for metric in (consistency, restrictiveness):
        with pytest.raises(ValueError, match="not finite"):
            metric(control, changed * np.nan, DATA)
        with pytest.raises(ValueError, match=r"data need shape \(N, 3\), got \(50, 2\)"):
            metric(control, changed, DATA[:, :2])
    with pytest.raises(ValueError, match="give at least 2"):
        consistency(control, changed[:1], DATA)
    with pytest.raises(ValueError, match=r"got \(2, 9\)"):
        linearity(control_values(2), changed)
