"""Efficiency, independence and span: known traversals have known scores, and what must not matter does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from tests.helpers.controls import control_values, perfect, random
from vaemusic_jax.metrics.control import attribute_independence, attribute_span, dependence, reconstruction_efficiency

SEEDS = st.integers(0, 10_000)


def test_a_perfect_control_scores_one_on_everything() -> None:
    control, changed = perfect()
    np.testing.assert_allclose(reconstruction_efficiency(control, changed), 1, atol=1e-12)
    np.testing.assert_allclose(dependence(control, changed), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(attribute_independence(control, changed), 1, atol=1e-12)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_control_that_moves_another_attribute_as_surely_is_not_independent(direction: int) -> None:
    control, changed = perfect(n_controls=2)
    changed[:, 0, :, 1] = direction * changed[:, 0, :, 0]
    np.testing.assert_allclose(attribute_independence(control, changed), [0, 1], atol=1e-12)
    # One of two others: half independent.
    control, changed = perfect(n_controls=3)
    changed[:, 0, :, 1] = direction * changed[:, 0, :, 0]
    np.testing.assert_allclose(attribute_independence(control, changed), [0.5, 1, 1], atol=1e-12)


def test_equals_scipy_one_series_at_a_time() -> None:
    control, changed = random(seed=0)
    control[1, 3] = control[1, 4]  # a repeated quantile
    pairs = [(k, j) for k in range(3) for j in range(3)]
    correlations = [[spearmanr(control[k], measure[k, :, j]).statistic for k, j in pairs] for measure in changed]
    expected = np.reshape(correlations, (-1, 3, 3))
    np.testing.assert_allclose(reconstruction_efficiency(control, changed), expected.mean(0).diagonal(), atol=1e-12)
    np.testing.assert_allclose(dependence(control, changed), np.abs(expected).mean(0), atol=1e-12)


def test_values_by_hand() -> None:
    # Ranks 1 2 3 against 2 1 3: 1 - 6 * (1 + 1 + 0) / (3 * 8) = 0.5; against 3 1 2: 1 - 6 * (4 + 1 + 1) / 24 = -0.5.
    changed = np.array([[0.4, 0.1, 0.9], [0.9, 0.1, 0.4], [0.7, 0.7, 0.7]]).reshape(3, 1, 3, 1)
    control = np.array([[-3.0, 0, 1]])
    assert reconstruction_efficiency(control, changed[:1]) == pytest.approx([0.5])
    assert reconstruction_efficiency(control, changed[1:2]) == pytest.approx([-0.5])
    # The third measure does not change and counts as 0, in the mean of what cancels and in that of what does not.
    assert reconstruction_efficiency(control, changed) == pytest.approx([0])
    assert dependence(control, changed) == pytest.approx(np.array([[1 / 3]]))


def test_a_control_that_is_constant_has_no_effect() -> None:
    _, changed = random(0)
    np.testing.assert_array_equal(reconstruction_efficiency(np.ones((3, 9)), changed), 0)
    np.testing.assert_array_equal(attribute_independence(np.ones((3, 9)), changed), 1)


@given(SEEDS)
def test_turning_the_control_round_flips_the_sign(seed: int) -> None:
    control, changed = random(seed)
    np.testing.assert_allclose(
        reconstruction_efficiency(-control, changed), -reconstruction_efficiency(control, changed), atol=1e-12
    )
    np.testing.assert_allclose(dependence(-control, changed), dependence(control, changed), atol=1e-12)


@given(SEEDS)
def test_order_of_measures_and_of_values_and_units_do_not_matter(seed: int) -> None:
    control, changed = random(seed)
    rng = np.random.default_rng(seed)
    other = np.exp(changed[rng.permutation(len(changed))])
    values = rng.permutation(control.shape[1])
    for metric in (reconstruction_efficiency, dependence, attribute_independence):
        np.testing.assert_allclose(
            metric(control[:, values] ** 3, other[:, :, values]), metric(control, changed), atol=1e-12
        )


@given(SEEDS)
def test_renaming_controls_renames_the_scores(seed: int) -> None:
    control, changed = random(seed)
    order = np.random.default_rng(seed).permutation(3)
    renamed = changed[:, order][..., order]
    np.testing.assert_allclose(
        dependence(control[order], renamed), dependence(control, changed)[order][:, order], atol=1e-12
    )
    np.testing.assert_allclose(
        attribute_independence(control[order], renamed), attribute_independence(control, changed)[order], atol=1e-12
    )


def test_independence_of_a_single_attribute_is_undefined() -> None:
    control, changed = perfect(n_controls=1)
    assert np.isnan(attribute_independence(control, changed)).tolist() == [True]


def test_span_by_hand() -> None:
    # Attribute 0 goes .2 and .6 far, .4 on average; attribute 1 stays under its own control.
    changed = np.zeros((2, 2, 3, 2))
    changed[0, 0, :, 0], changed[1, 0, :, 0] = [0.5, 0.3, 0.4], [0.9, 0.3, 0.3]
    changed[:, 0, :, 1] = [0, 5, 0]  # another attribute's way under control 0 is not its own
    # 0, .01 ... 1 without 2.5% at each end is .95 wide, times 2 for the second attribute.
    data = np.linspace([0, -1], [1, 1], 101)
    np.testing.assert_allclose(attribute_span(changed, data), [0.4 / 0.95, 0], atol=1e-12)


def test_one_odd_measure_in_the_data_hardly_changes_the_span() -> None:
    _, changed = perfect(n_controls=1)
    data = np.linspace(0, 1, 1000)[:, None]
    odd = data.copy()
    odd[0] = 50
    assert attribute_span(changed, odd) == pytest.approx(attribute_span(changed, data), rel=0.01)


def test_span_is_a_ratio_and_undefined_without_one() -> None:
    _, changed = perfect(n_controls=2)
    data = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(attribute_span(changed * 7 + 3, data * 7 - 4), attribute_span(changed, data))
    data[:, 1] = 0.25
    assert np.isnan(attribute_span(changed, data)).tolist() == [False, True]


BAD_CHANGED = [
    (np.zeros((5, 3, 9)), r"shape \(M, K, Q, K\).*got \(5, 3, 9\)"),
    (np.zeros((5, 3, 9, 4)), r"got \(5, 3, 9, 4\)"),
    (np.zeros((0, 3, 9, 3)), r"got \(0, 3, 9, 3\)"),
    (np.zeros((5, 3, 1, 3)), r"at least 2 values Q, got \(5, 3, 1, 3\)"),
    (np.full((5, 3, 9, 3), np.nan), "not finite"),
]


@pytest.mark.parametrize(("changed", "message"), BAD_CHANGED)
def test_traversals_without_meaning_are_refused(changed: np.ndarray, message: str) -> None:
    for metric in (reconstruction_efficiency, dependence, attribute_independence):
        with pytest.raises(ValueError, match=message):
            metric(control_values(3), changed)
    with pytest.raises(ValueError, match=message):
        attribute_span(changed, np.zeros((5, 3)))


def test_controls_and_data_without_meaning_are_refused() -> None:
    control, changed = perfect()
    with pytest.raises(ValueError, match=r"= \(3, 9\), got \(3, 8\)"):
        dependence(control[:, 1:], changed)
    with pytest.raises(ValueError, match="control values are not all finite"):
        dependence(np.where(control > 1, np.inf, control), changed)
    for data, message in (
        (np.zeros((5, 2)), r"\(N, 3\), got \(5, 2\)"),
        (np.zeros((0, 3)), r"got \(0, 3\)"),
        (np.full((5, 3), np.nan), "data hold values that are not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            attribute_span(changed, data)
