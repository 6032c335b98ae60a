"""Agreement of levels, others kept and pooled linearity: known traversals, values by hand, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from tests.helpers.controls import control_values, perfect, random
from vaemusic_jax.metrics.pooled import level_agreement, others_kept, pooled_linearity

SEEDS = st.integers(0, 10_000)


def test_a_perfect_fader_scores_one_and_a_straight_one_is_linear_too() -> None:
    control, changed = perfect()
    np.testing.assert_allclose(level_agreement(changed), 1, atol=1e-12)
    np.testing.assert_allclose(others_kept(changed), 1, atol=1e-12)
    assert (pooled_linearity(control, changed) < 0.99).all()  # it is an exponential
    for k in range(3):
        changed[:, k, :, k] = 5 - 2 * control[k]  # backwards, but straight
    np.testing.assert_allclose(pooled_linearity(control, changed), 1, atol=1e-12)


def test_a_control_that_does_nothing_decides_nothing_and_moves_nothing() -> None:
    measures = np.random.default_rng(0).normal(size=(4, 1, 1, 2))
    changed = np.broadcast_to(measures, (4, 2, 9, 2))
    np.testing.assert_allclose(level_agreement(changed), 0, atol=1e-12)
    np.testing.assert_allclose(others_kept(changed), 1, atol=1e-12)
    np.testing.assert_allclose(pooled_linearity(control_values(2), changed), 0, atol=1e-12)
    # Nor does one under which all measures are decoded alike.
    same = np.full((4, 2, 9, 2), 0.1)
    assert level_agreement(same).tolist() == [0, 0]
    assert others_kept(same).tolist() == [1, 1]
    assert pooled_linearity(control_values(2), same).tolist() == [0, 0]
    # Nor does a control that is never moved, whatever the decoder does.
    control, moving = random(seed=0)
    assert pooled_linearity(np.full_like(control, 0.1), moving).tolist() == [0, 0, 0]


def test_a_control_that_decides_another_attribute_alone_keeps_not_all_others() -> None:
    _, changed = perfect(n_controls=3)
    changed[:, 0, :, 2] = changed[:, 0, :, 0]
    np.testing.assert_allclose(others_kept(changed), [0.5, 1, 1], atol=1e-12)


def test_values_by_hand() -> None:
    # Attribute 0 under control 0: measures go 0 2 and 2 4. Spread over measures is 1 at each value; over all four,
    # with mean 2, it is sqrt((4 + 0 + 0 + 4) / 4) = sqrt 2. Each measure's spread over values is 1 too.
    own = np.array([[0.0, 2], [2, 4]])
    changed = np.zeros((2, 2, 2, 2))
    changed[:, 0, :, 0] = own
    changed[:, 1, :, 0] = own
    expected = 1 - 1 / np.sqrt(2)
    np.testing.assert_allclose(level_agreement(changed), [expected, 0], atol=1e-12)
    np.testing.assert_allclose(others_kept(changed), [1, expected], atol=1e-12)
    # The line through the means 1 and 3 explains 1 of the variance 2.
    np.testing.assert_allclose(pooled_linearity([[-3, 3], [-3, 3]], changed), [0.5, 0], atol=1e-12)


def test_linearity_is_the_r2_of_a_linear_regression() -> None:
    control, changed = random(seed=0)
    for k, found in enumerate(pooled_linearity(control, changed)):
        x, y = np.tile(control[k], len(changed))[:, None], changed[:, k, :, k].ravel()
        assert found == pytest.approx(LinearRegression().fit(x, y).score(x, y), abs=1e-9)


def test_measures_that_answer_differently_are_not_consistent() -> None:
    opposite, only_one = np.zeros((2, 2, 1, 2, 1))
    opposite[:, 0, :, 0] = [[0, 4], [4, 0]]  # spread 2 at both values, 2 over all
    only_one[:, 0, :, 0] = [[0, 0], [0, 4]]  # spread 0 and 2, mean 1; over all, with mean 1, sqrt((1 + 1 + 1 + 9) / 4)
    np.testing.assert_allclose(level_agreement(opposite), 0, atol=1e-12)
    np.testing.assert_allclose(level_agreement(only_one), 1 - 1 / np.sqrt(3), atol=1e-12)


@given(SEEDS)
def test_scores_stay_between_zero_and_one_and_see_neither_units_nor_order(seed: int) -> None:
    control, changed = random(seed)
    rng = np.random.default_rng(seed)
    units = rng.uniform(-3, 3, 3)
    other = changed[rng.permutation(len(changed))] * units + 7
    values = rng.permutation(9)
    for plain, moved in (
        (level_agreement(changed), level_agreement(other[:, :, values])),
        (others_kept(changed), others_kept(other[:, :, values])),
        (pooled_linearity(control, changed), pooled_linearity(2 - 3 * control[:, values], other[:, :, values])),
    ):
        assert ((plain >= 0) & (plain <= 1)).all()
        np.testing.assert_allclose(moved, plain, atol=1e-9)


def test_others_kept_of_a_single_attribute_is_undefined() -> None:
    assert np.isnan(others_kept(perfect(n_controls=1)[1])).tolist() == [True]


def test_input_without_meaning_is_refused() -> None:
    control, changed = perfect()
    for metric in (level_agreement, others_kept):
        with pytest.raises(ValueError, match="not finite"):
            metric(changed * np.nan)
        with pytest.raises(ValueError, match=r"got \(6, 3, 9, 2\)"):
            metric(changed[..., :2])
    with pytest.raises(ValueError, match="give at least 2"):
        level_agreement(changed[:1])
    with pytest.raises(ValueError, match=r"got \(2, 9\)"):
        pooled_linearity(control[:2], changed)
    with pytest.raises(ValueError, match=r"got \(6, 3, 9, 2\)"):
        pooled_linearity(control, changed[..., :2])
