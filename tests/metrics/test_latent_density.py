"""The attribute-change matrix and the latent density ratio: known traversals and values by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.controls import perfect, random
from vaemusic_jax.metrics.latent_density import attribute_change, latent_density_ratio
from vaemusic_jax.music.attributes import ATTRIBUTES

DENSITY = ATTRIBUTES.index("note_density")


def test_perfect_controls_change_their_own_attribute_only() -> None:
    np.testing.assert_array_equal(attribute_change(perfect()[1]), np.eye(3))


def test_change_by_hand() -> None:
    # Attribute 0 is moved by 1 under control 0 and by 3 under control 1; attribute 1 by 1, in one of the two measures.
    changed = np.zeros((2, 2, 2, 2))
    changed[:, 0, :, 0] = [0, 1]
    changed[:, 1, :, 0] = [3, 0]
    changed[0, 1, :, 1] = [0, 1]
    # Attribute 0 takes 0 1 3 0, twice: mean 1, spread sqrt((1 + 0 + 4 + 1) / 4). Attribute 1 is 1 once in 8, 0 else:
    # spread sqrt(1 / 8 * 7 / 8), and half a unit of change on average.
    first, second = 3 / np.sqrt(1.5), 0.5 / (np.sqrt(7) / 8)
    total = first + second
    np.testing.assert_allclose(attribute_change(changed), [[1, 0], [first / total, second / total]], atol=1e-12)


def test_a_control_that_changes_nothing_has_no_shares() -> None:
    _, changed = perfect()
    changed[:, 1] = changed[:, 1, :1]
    found = attribute_change(changed)
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2]], np.eye(3)[[0, 2]])


@given(st.integers(0, 10_000))
def test_shares_add_up_and_see_neither_units_nor_order(seed: int) -> None:
    _, changed = random(seed)
    rng = np.random.default_rng(seed)
    found = attribute_change(changed)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-12)
    other = changed[rng.permutation(len(changed))][:, :, ::-1] * rng.uniform(1, 9, 3) - 4
    np.testing.assert_allclose(attribute_change(other), found, atol=1e-9)


def data_and_middle() -> tuple[np.ndarray, np.ndarray]:
    """Attributes of real measures, silence among them, and a decoded measure well within their range."""
    data = np.array([[0, 0, 0, 0], [0.8, 1.2, 0.5, 6], [0.3, 0.6, 0.9, 2]])
    return data, np.array([0.4, 0.5, 0.6, 3.0])


def test_density_ratio_counts_what_the_corpus_could_contain() -> None:
    data, middle = data_and_middle()
    changed = np.broadcast_to(middle, (2, 3, 5, 4)).copy()
    assert latent_density_ratio(changed, data).tolist() == [1, 1, 1]
    changed[0, 1, 3, 0] = 0.81  # more complex than any
    changed[1, 1, 2, 3] = 6.1  # wider jumps than any
    changed[0, 2, 0, 1] = -0.1  # below the least
    assert latent_density_ratio(changed, data) == pytest.approx([1, 0.8, 0.9])
    changed[:, 0] = data[1]  # the edge belongs to it
    assert latent_density_ratio(changed, data)[0] == 1


def test_a_measure_without_a_note_does_not_count_even_if_the_data_hold_one() -> None:
    data, middle = data_and_middle()
    changed = np.broadcast_to(middle, (1, 1, 4, 4)).copy()
    changed[0, 0, 0] = 0
    assert latent_density_ratio(changed, data) == pytest.approx([0.75])
    changed[0, 0, 0, DENSITY] = 1 / 24
    assert latent_density_ratio(changed, data) == pytest.approx([1])


def test_input_without_meaning_is_refused() -> None:
    data, middle = data_and_middle()
    changed = np.broadcast_to(middle, (2, 3, 5, 4))
    for bad, message in (
        (changed[..., :3], r"\(M, K, Q, 4\), got \(2, 3, 5, 3\)"),
        (changed[0], r"got \(3, 5, 4\)"),
        (changed[:0], r"got \(0, 3, 5, 4\)"),
        (changed * np.nan, "changed attributes hold values that are not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            latent_density_ratio(bad, data)
    for bad, message in (
        (data[:, :2], r"\(N, 4\), got \(3, 2\)"),
        (data[:0], r"got \(0, 4\)"),
        (data * np.nan, "data hold values that are not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            latent_density_ratio(changed, bad)
    with pytest.raises(ValueError, match=r"got \(2, 3, 5, 4\)"):
        attribute_change(changed)
