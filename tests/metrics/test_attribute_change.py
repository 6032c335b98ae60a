"""dMelodies' attribute-change matrix: known traversals and values by hand."""

import numpy as np
import pytest

from tests.helpers.controls import perfect
from vaemusic_jax.metrics.attribute_change import attribute_change


def test_perfect_controls_change_their_own_attribute_only() -> None:
    _, changed = perfect()
    kept = np.stack([changed[:, (k + 1) % 3, 0, k] for k in range(3)], axis=1)  # under another control
    np.testing.assert_array_equal(attribute_change(changed, kept), np.eye(3))


def test_change_by_hand() -> None:
    # At 3 points; control 0 changes attribute 0 twice, and attribute 1 once in one of two measures: 2 and .5.
    changed = np.zeros((2, 2, 3, 2))
    changed[:, 0, :, 0] = [0, 1, 9]
    changed[0, 0, :, 1] = [0, 0, -1]
    changed[1, 1, :, 0] = [7, 7, 7]
    np.testing.assert_allclose(attribute_change(changed, np.zeros((2, 2)))[0], [1, 0.25])
    np.testing.assert_allclose(attribute_change(changed, np.zeros((2, 2)))[1], [1, 0])  # the wrong one alone
    original = np.zeros((2, 2))
    original[1, 0] = 7  # so control 1 changes nothing
    assert np.isnan(attribute_change(changed, original)[1]).all()


def test_how_far_an_attribute_changes_does_not_count() -> None:
    rng = np.random.default_rng(0)
    changed, original = rng.integers(0, 3, (6, 3, 5, 3)) / 3, rng.integers(0, 3, (6, 3)) / 3
    np.testing.assert_allclose(attribute_change(changed**3 * 50, original**3 * 50), attribute_change(changed, original))


def test_input_without_meaning_is_refused() -> None:
    changed, original = np.zeros((2, 3, 5, 3)), np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"got \(2, 3, 5, 4\)"):
        attribute_change(np.zeros((2, 3, 5, 4)), original)
    with pytest.raises(ValueError, match="2 measures were moved, and 1 originals given"):
        attribute_change(changed, original[:1])
    with pytest.raises(ValueError, match="not finite"):
        attribute_change(changed, original * np.nan)
