"""Metrics of controls: known traversals have known scores, and what must not matter does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from tests.helpers.controls import control_values, perfect, random
from vaemusic_jax.metrics.control import (
    attribute_independence,
    dependence,
    effect,
    moved,
    natural_side_effect,
    reach,
    reconstruction_efficiency,
    side_effect,
    wrong_way,
)

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


def test_reach_and_side_effect_by_hand() -> None:
    # Control 0 moves its attribute by .2 and by .4, from the lowest to the highest level; the levels are in no order.
    control = np.array([[0.0, -1, 1], [0.0, 1, 2]])
    changed = np.zeros((2, 2, 3, 2))
    changed[0, 0, :, 0], changed[1, 0, :, 0] = [0.4, 0.3, 0.5], [0.6, 0.4, 0.8]
    changed[:, 0, :, 1] = [5, 0, 1], [5, 1, -2]  # by 1 and by -3
    # 0, .01 ... 1 from its quantile 1/18 to 17/18 is 8/9 wide, times 2 for the second attribute.
    data = np.linspace([0, -1], [1, 1], 101)
    np.testing.assert_allclose(reach(control, changed, data), [0.3 / (8 / 9), 0], atol=1e-12)
    spread = data[:, 0].std()
    np.testing.assert_allclose(effect(control, changed, data)[0], [0.3 / spread, -0.5 / spread], atol=1e-9)
    # In standard deviations s and 2 s, -1 / 2s on average, over .3 / s.
    np.testing.assert_allclose(side_effect(control, changed, data), [0.5 / 0.3, np.nan], atol=1e-9)
    three, real = np.zeros((2, 3, 3, 3)), np.column_stack([data, data[:, 0]])
    three[:, 0, :, 0], three[:, 0, :, 1], three[:, 0, :, 2] = [0.3, 0, 0.6], [0, 0, 0.8], [0, 0, -0.6]
    # Own .6 / s; others .8 / 2s and -.6 / s; the levels of control 0 are in the order 2 1 3.
    found = side_effect(np.array([control[0]] * 3), three, real)[0]
    assert found == pytest.approx(np.sqrt((0.4**2 + 0.6**2) / 2) / 0.6)


def test_shares_of_measures_by_hand() -> None:
    control = np.array([[-1.0, 0, 1]])
    changed = np.array([[1, 2, 3], [3, 2, 1], [2, 2, 2], [1, 3, 2.0]]).reshape(4, 1, 3, 1)
    assert wrong_way(control, changed).tolist() == [0.25]
    assert moved(changed).tolist() == [0.75]
    still = np.concatenate([changed[:1]] + [changed[2:3]] * 5)
    assert moved(still) == pytest.approx([1 / 6])
    assert np.isnan(wrong_way(control, still)).all()  # too few change to speak of a way


def test_the_natural_side_effect_is_the_correlation_in_the_data() -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 3)) * [1, 10, 0.1]
    data[:, 1] += 8 * data[:, 0]
    together = np.abs(np.asarray(np.corrcoef(data.T)))
    expected = np.sqrt(((together**2).sum(0) - 1) / 2)
    np.testing.assert_allclose(natural_side_effect(data), expected, atol=1e-9)
    np.testing.assert_allclose(natural_side_effect(data * [-2, 3, 7] + 1), expected, atol=1e-9)
    data[:, 2] = 0.25  # a constant goes with nothing, and is left out
    np.testing.assert_allclose(natural_side_effect(data), [together[0, 1], together[0, 1], np.nan], atol=1e-9)
    assert np.isnan(natural_side_effect(data[:, :1])).all()


def test_reach_and_side_effect_see_neither_units_nor_an_attribute_that_is_constant_in_the_data() -> None:
    control, changed = perfect(n_controls=3)
    changed[:, 0, :, 1] += 0.3 * changed[:, 0, :, 0]
    data = np.random.default_rng(0).normal(size=(50, 3))
    units = np.array([7, -4, 0.1])
    for metric in (reach, side_effect):
        np.testing.assert_allclose(
            metric(control, changed * units**2 + 3, data * units**2), metric(control, changed, data)
        )
    data[:, 2] = 0.25
    assert np.isnan(reach(control, changed, data)).tolist() == [False, False, True]
    found = side_effect(control, changed, data)
    assert np.isnan(found).tolist() == [False, False, True]
    assert found[0] == pytest.approx(0.3 * data[:, 0].std() / data[:, 1].std())  # of the one other that varies


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
    for of_data in (reach, side_effect):
        with pytest.raises(ValueError, match=message):
            of_data(control_values(3), changed, np.zeros((5, 3)))


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
        for of_data in (reach, side_effect):
            with pytest.raises(ValueError, match=message):
                of_data(control, changed, data)
