"""Mutual information: the published estimates, known answers, and what a constant tells."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.metric_examples import Published, assert_equal_to_published, independent, perfect
from vaemusic_jax.metrics import information
from vaemusic_jax.metrics.information import binned_information, mutual_information


@pytest.mark.parametrize("kind", ["continuous", "discrete"])
def test_equals_the_published_estimates(parity: Path, kind: str) -> None:
    published = Published(parity, kind)
    found = mutual_information(published.codes, published.attributes)
    expected = published.pati("mi_matrix").copy()
    expected[published.constant] = 0  # where theirs is the estimator's noise
    assert_equal_to_published(found, expected)


@pytest.mark.parametrize("kind", ["continuous", "discrete"])
def test_an_attribute_about_itself_equals_the_published_estimate(parity: Path, kind: str) -> None:
    published = Published(parity, kind)
    found = [mutual_information(a[:, None], a[:, None]).item() for a in published.attributes.T]
    assert_equal_to_published(found, published.pati("mi_self"))


def test_normal_variables_share_what_their_correlation_says() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 3000))
    codes = np.stack([first, 0.9 * first + np.sqrt(1 - 0.81) * second], axis=1)
    information = mutual_information(codes, codes[:, :1])
    assert information[1, 0] == pytest.approx(0.830, abs=0.05)  # -log(1 - .81) / 2 nats


def test_a_code_of_the_value_tells_the_entropy() -> None:
    information = mutual_information(*perfect())
    np.testing.assert_allclose(information.diagonal(), np.log(6), atol=0.02)
    assert mutual_information(*independent()).max() < 0.15


def test_order_of_dimensions_hardly_matters() -> None:
    # The noise that breaks ties is drawn for all columns at once.
    codes, attributes = perfect()
    order = np.array([4, 2, 0, 1, 3])
    plain = mutual_information(codes, attributes)
    np.testing.assert_allclose(mutual_information(codes[:, order], attributes), plain[order], atol=1e-3)
    np.testing.assert_allclose(mutual_information(codes[:, :3], attributes), plain[:3], atol=0.01)


def test_is_deterministic_for_a_seed() -> None:
    codes, attributes = perfect(60)
    codes = np.round(codes)  # ties, which the estimator breaks at random
    once, twice = (mutual_information(codes, attributes, seed=3) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    assert (mutual_information(codes, attributes, seed=4) != once).any()


def test_constants_tell_nothing() -> None:
    codes, attributes = perfect(60)
    for seed in range(8):  # some make the estimator see something
        information = mutual_information(np.insert(codes, 1, 0.3, axis=1), np.insert(attributes, 0, 7, axis=1), seed)
        assert information.shape == (6, 4)
        assert not information[1].any()
        assert not information[:, 0].any()
        assert information[0, 1] > 0.5


def test_attributes_side_by_side_are_as_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes, attributes = rng.normal(size=(60, 3)), rng.integers(5, size=(60, 2)).astype(float)
    alone = mutual_information(codes, attributes)
    monkeypatch.setattr(information, "SIDE_BY_SIDE", 0)
    np.testing.assert_array_equal(mutual_information(codes, attributes), alone)
    assert multiprocessing.active_children() == []


def test_bins_of_few_values_are_the_values() -> None:
    # Two fair coins, whether they agree, both at once, and the first under other names.
    first, second = np.tile([0, 0, 1, 1], 5), np.tile([0, 1, 0, 1], 5)
    attributes = np.stack([first, second, first == second, first + 2 * second, np.where(first, -3, 8)], axis=1)
    bit = np.log(2)
    expected = [
        [bit, 0, 0, bit, bit],
        [0, bit, 0, bit, 0],
        [0, 0, bit, bit, 0],
        [bit, bit, bit, 2 * bit, bit],
        [bit, 0, 0, bit, bit],
    ]
    np.testing.assert_allclose(binned_information(attributes), expected, atol=1e-12)


def test_many_values_are_cut_into_32_equal_bins() -> None:
    values = np.random.default_rng(0).permutation(3200)
    half = values >= 1600
    information = binned_information(np.stack([values, np.exp(values / 500), half], axis=1))
    np.testing.assert_allclose(information[:2, :2], np.log(32), atol=1e-9)  # whatever the unit
    np.testing.assert_allclose(information[2], np.log(2), atol=1e-9)


def test_bins_do_not_part_equal_values() -> None:
    # 90 % are equal; the rest, 100 values, are above.
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])
    is_zero = values == 0
    information = binned_information(np.stack([values, is_zero], axis=1))
    assert information[0, 1] == pytest.approx(information[1, 1], abs=1e-9)
    assert information[1, 1] == pytest.approx(-(0.9 * np.log(0.9) + 0.1 * np.log(0.1)), abs=1e-9)


def test_a_constant_has_no_entropy() -> None:
    information = binned_information(np.stack([np.full(50, 0.1), np.arange(50) % 4], axis=1))
    np.testing.assert_allclose(information, [[0, 0], [0, np.log(4)]], atol=2e-3)  # 50 is no multiple of 4
    assert information.min() == 0


@pytest.mark.parametrize(
    ("codes", "attributes", "message"),
    [
        (np.zeros((9, 2)), np.zeros((8, 2)), r"got \(9, 2\) and \(8, 2\)"),
        (np.zeros((4, 2)), np.zeros((4, 2)), "4 measures are too few; give at least 5"),
        (np.full((9, 2), np.nan), np.zeros((9, 2)), "codes hold values that are not finite"),
        (np.zeros((9, 2)), np.full((9, 2), np.inf), "attributes hold values that are not finite"),
    ],
)
def test_input_without_meaning_is_refused(codes: np.ndarray, attributes: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mutual_information(codes, attributes)


def test_binning_refuses_input_without_meaning() -> None:
    for attributes, message in (
        (np.zeros(9), "got"),
        (np.zeros((3, 2)), "too few"),
        (np.full((9, 1), np.nan), "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            binned_information(attributes)
