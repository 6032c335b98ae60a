"""Monotonicity and smoothness equal the published tool kit, and their values follow from the shape of a series."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.metrics.smoothness import mean_of_defined, monotonicity, smoothness

SERIES = st.lists(st.integers(-20, 20), min_size=3, max_size=12).map(np.array)


def test_equal_to_the_published_implementation(parity: Path) -> None:
    stored = np.load(parity / "metrics.npz")
    series, control = (stored[f"interp_{name}"].astype(np.float64) for name in ("attributes", "latent"))
    step = control[..., 1] - control[..., 0]
    assert np.diff(control) == pytest.approx(np.repeat(step[..., None], 15, axis=-1), abs=1e-12)
    one_way, threshold_half = monotonicity(series, step), monotonicity(series, step, threshold=0.5)
    lively = monotonicity(series, step, threshold=1.9)
    even = smoothness(series)
    for name, found in {
        "monotonicity_none": one_way,
        "monotonicity_attribute": one_way.mean(0),
        "monotonicity_sample": one_way.mean(1),
        "monotonicity_all": one_way.mean(),
        "monotonicity_thresh": np.nanmean(threshold_half, 0),
        "monotonicity_degenerate0": np.nan_to_num(lively).mean(0),
        "smoothness_none": even,
        "smoothness_attribute": even.mean(0),
        "smoothness_sample": even.mean(1),
        "smoothness_all": even.mean(),
        "smoothness_clamped": even.mean(0),
    }.items():
        expected = stored[f"f64/wl2021/interp/{name}"]
        print(f"{name}: worst difference {np.abs(found - expected).max():.1e}")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=name)


def test_monotonicity_by_hand() -> None:
    series = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [0, 1, 1, 1, 2], [0, 3, 2, 4, 3], [1, 2, 3, 4, 3]]
    assert monotonicity(series).tolist() == [1, -1, 1, 0, 0.5]
    assert np.isnan(monotonicity([2, 2, 2]))


def test_steps_too_flat_to_count_depend_on_the_step_of_the_control() -> None:
    series = [0, 0.002, 0.0004]
    assert monotonicity(series) == 0  # slopes .002 and -.0016
    assert monotonicity(series, step=1.8) == 1  # .0011 and -.0009: the second is not counted
    assert np.isnan(monotonicity(series, step=3))
    np.testing.assert_array_equal(monotonicity([series] * 3, step=[1, 1.8, 3]), [0, 1, np.nan])


def test_smoothness_by_hand() -> None:
    # A parabola's slope changes by 2 at each of 3 points, 6 in all: 1 - 2 / 6.
    assert smoothness([0, 1, 4, 9, 16]) == pytest.approx(2 / 3)
    # Slopes 0 1 1 3, changes 1 0 2: 1 - (1 + 4) / 3 / 3.
    assert smoothness([5, 5, 6, 7, 10]) == pytest.approx(1 - 5 / 9)
    # Staircases, and one sudden jump: the slope goes all its range at once.
    assert smoothness([[0, 0, 1, 1, 2], [0, 0, 0, 5, 5]]).tolist() == [0, 0]


def test_finer_steps_of_the_same_curve_are_smoother() -> None:
    coarse, fine = (smoothness(np.sin(np.linspace(0, 3, n))) for n in (6, 60))
    assert 0 < coarse < fine < 1


def test_a_straight_line_is_smooth_and_a_constant_has_no_smoothness() -> None:
    line = 0.1 + np.arange(9, dtype=np.float32) / 3  # its differences differ by rounding
    assert len(set(np.diff(line))) > 1
    assert smoothness(line) == 1
    assert smoothness(-line) == 1
    assert np.isnan(smoothness(np.full(9, 0.1)))
    assert np.isnan(smoothness(np.zeros(9)))


@given(SERIES, st.integers(1, 50), st.integers(-30, 30))
def test_units_do_not_matter_and_direction_only_to_monotonicity(series: np.ndarray, unit: int, offset: int) -> None:
    smooth, one_way = smoothness(series), monotonicity(series)
    np.testing.assert_allclose(smoothness(series * unit + offset), smooth, atol=1e-9)
    np.testing.assert_allclose(smoothness(series[::-1]), smooth, atol=1e-9)
    np.testing.assert_allclose(monotonicity(series * unit + offset), one_way)
    np.testing.assert_allclose(monotonicity(series[::-1]), -one_way)
    np.testing.assert_allclose(monotonicity(-series), -one_way)


@given(SERIES)
def test_ranges(series: np.ndarray) -> None:
    assert np.isnan(smoothness(series)) or 0 <= smoothness(series) <= 1
    assert np.isnan(monotonicity(series)) or -1 <= monotonicity(series) <= 1


def test_axes_in_front_are_kept() -> None:
    series = np.random.default_rng(0).normal(size=(3, 4, 9))
    for metric in (smoothness, monotonicity):
        one_by_one = np.array([[metric(row) for row in rows] for rows in series])
        np.testing.assert_array_equal(metric(series), one_by_one)


def test_the_mean_over_measures_leaves_out_those_that_do_not_move() -> None:
    none = float("nan")
    np.testing.assert_array_equal(mean_of_defined([[1, none, 0], [none, none, none]]), [0.5, none])
    assert mean_of_defined([0.25, none]) == 0.25


def test_input_without_meaning_is_refused() -> None:
    for metric, least in ((smoothness, 3), (monotonicity, 2)):
        with pytest.raises(ValueError, match=rf"at least {least} values Q, got \(4, {least - 1}\)"):
            metric(np.zeros((4, least - 1)))
        with pytest.raises(ValueError, match=r"got \(\)"):
            metric(1.0)
        with pytest.raises(ValueError, match="not finite"):
            metric([0, 1, np.nan, 2])
    for step in (0, -1, np.nan):
        with pytest.raises(ValueError, match="must be positive"):
            monotonicity([0, 1, 2], step=step)
