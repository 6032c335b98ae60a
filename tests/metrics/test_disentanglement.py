"""MIG, SAP and SCC: the published numbers, answers by hand, and what must not change them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tests.helpers.metric_examples import Published, assert_equal_to_published, independent, perfect
from vaemusic_jax.metrics.disentanglement import mig, sap, scc
from vaemusic_jax.metrics.information import binned_information, mutual_information

KINDS = ["continuous", "discrete"]

INFORMATION = np.array([[0.9, 0.0, 0.3], [0.5, 0.2, 0.3], [0.1, 0.6, 0.0], [0.0, 0.0, 0.0]])
ENTROPY = np.array([1.0, 0.8, 0.3])

matrices = arrays_of.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(2, 4)),
    elements=st.sampled_from([0.0, 0.01, 0.2, 0.5, 1.0, 2.5]),
)
tables = arrays_of.arrays(
    np.float64, st.tuples(st.integers(5, 12), st.integers(3, 6)), elements=st.integers(-3, 3).map(float)
)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_pati_and_lerch(parity: Path, kind: str) -> None:
    published = Published(parity, kind)
    information = published.pati("mi_matrix")
    assert_equal_to_published(mig(information, published.pati("mi_self")).mean(), published.pati("mig"))
    assert_equal_to_published(sap(published.codes, published.attributes).mean(), published.pati("sap"))
    assert_equal_to_published(scc(published.codes, published.attributes).mean(), published.pati("scc"))


@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_watcharasupat_and_lerch(parity: Path, kind: str) -> None:
    published = Published(parity, kind)
    information = published.pati("mi_matrix")
    assert_equal_to_published(mig(information, published.pati("mi_self")), published.watcharasupat("mig"))
    assert_equal_to_published(sap(published.codes, published.attributes), published.watcharasupat("sap"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_matrices_behind_sap_and_scc(parity: Path, kind: str) -> None:
    """Of single dimensions, so that every entry is compared."""
    published = Published(parity, kind)
    pairs = [(published.codes[:, [d]], published.attributes) for d in range(published.codes.shape[1])]
    assert_equal_to_published(np.stack([sap(*pair) for pair in pairs]), published.pati("sap_matrix"))
    assert_equal_to_published(np.stack([scc(*pair) for pair in pairs]), published.pati("scc_matrix"))


def test_mig_by_hand() -> None:
    np.testing.assert_allclose(mig(INFORMATION, ENTROPY), [0.4 / 1.0, 0.4 / 0.8, 0.0], atol=1e-12)
    np.testing.assert_allclose(mig(INFORMATION[:1], ENTROPY), [0.9, 0, 1], atol=1e-12)  # no rival


def test_sap_by_hand() -> None:
    # Four orthogonal columns of +-1: shares of variance are squares of weights.
    a, b, c = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1, 1, 1, -1, -1], [1, -1] * 4])
    attributes = np.stack([3 * a + 4 * b, 5 - 2 * c], axis=1)
    np.testing.assert_allclose(sap(np.stack([a, 10 * b, c - 7], axis=1), attributes), [0.64 - 0.36, 1], atol=1e-12)
    np.testing.assert_allclose(sap(np.stack([a, 10 * b], axis=1), attributes), [0.64 - 0.36, 0], atol=1e-12)


def test_scc_by_hand() -> None:
    rank = np.arange(1, 11)
    attribute = rank[:, None] / 7
    swapped = rank[[1, 0, 3, 2, 5, 4, 7, 6, 9, 8]]  # rho = 1 - 6 * 10 / 990
    assert scc(-np.exp(rank)[:, None], attribute).tolist() == [pytest.approx(1)]
    assert scc(swapped[:, None], attribute).tolist() == [pytest.approx(1 - 60 / 990)]
    assert scc(np.stack([rank % 2, swapped], axis=1), attribute).tolist() == [pytest.approx(1 - 60 / 990)]
    # rho = .624 of 10 measures has p = .054, .636 has .048
    assert scc(np.array([6, 4, 3, 2, 5, 1, 8, 7, 9, 10])[:, None], attribute) == pytest.approx(0.63636, abs=1e-5)
    assert scc(np.array([6, 4, 3, 2, 5, 1, 8, 7, 10, 9])[:, None], attribute) == 0


def test_perfect_codes_score_1() -> None:
    codes, attributes = perfect()
    information = mutual_information(codes, attributes)
    entropy = binned_information(attributes).diagonal()
    np.testing.assert_allclose(mig(information, entropy), 1, atol=0.05)  # the estimator's error
    np.testing.assert_allclose(sap(codes, attributes), 1, atol=0.02)  # chance correlation of other dimensions
    np.testing.assert_allclose(scc(codes, attributes), 1, atol=0.02)  # within ties any order is as good


def test_independent_codes_score_near_0() -> None:
    codes, attributes = independent()
    entropy = binned_information(attributes).diagonal()
    assert mig(mutual_information(codes, attributes), entropy).max() < 0.05
    assert sap(codes, attributes).max() < 0.02
    assert scc(codes, attributes).max() < 0.15


@given(matrices, st.randoms(use_true_random=False))
def test_order_of_dimensions_does_not_matter_to_what_is_made_of_information(
    information: np.ndarray, random: object
) -> None:
    order = np.array(random.sample(range(len(information)), len(information)))  # type: ignore[attr-defined]
    entropy = np.arange(1.0, information.shape[1] + 1)
    np.testing.assert_array_equal(mig(information[order], entropy), mig(information, entropy))


@given(tables, st.randoms(use_true_random=False))
def test_order_of_dimensions_does_not_matter_to_correlations(table: np.ndarray, random: object) -> None:
    codes, attributes = table[:, 1:], table[:, :1]
    order = np.array(random.sample(range(codes.shape[1]), codes.shape[1]))  # type: ignore[attr-defined]
    for metric in (sap, scc):
        np.testing.assert_allclose(metric(codes[:, order], attributes), metric(codes, attributes), atol=1e-12)


@given(matrices, st.floats(0, 1))
def test_a_dimension_that_tells_less_never_raises_mig(information: np.ndarray, share: float) -> None:
    entropy = np.ones(information.shape[1])
    useless = share * np.sort(information, axis=0)[0]
    more = mig(np.vstack([useless, information]), entropy)
    assert (more <= mig(information, entropy)).all()
    nothing = np.vstack([information, np.zeros_like(useless)])
    np.testing.assert_array_equal(mig(nothing, entropy), mig(information, entropy))


@given(tables, st.integers(0, 2**32 - 1))
def test_a_dimension_that_tells_less_never_raises_sap(table: np.ndarray, seed: int) -> None:
    codes, attributes = table[:, 1:], table[:, :1]
    constant = np.full((len(codes), 1), 0.3)
    np.testing.assert_allclose(sap(np.hstack([constant, codes]), attributes), sap(codes, attributes), atol=1e-12)
    noise = np.random.default_rng(seed).normal(size=(len(codes), 1))
    strongest, of_noise = (max(sap(c, attributes)) for c in (codes[:, :1], noise))
    if of_noise <= strongest:
        assert (sap(np.hstack([codes, noise]), attributes) <= sap(codes, attributes) + 1e-12).all()


def test_a_useless_dimension_raises_no_mig_but_for_the_estimator_s_noise() -> None:
    codes, attributes = perfect()
    entropy = binned_information(attributes).diagonal()
    without, with_it = (mig(mutual_information(c, attributes), entropy) for c in (codes[:, :4], codes))
    assert (with_it <= without + 0.01).all()


def test_constant_dimensions_count_for_nothing_and_constant_attributes_are_undefined() -> None:
    codes, attributes = perfect()
    with_constants = np.insert(codes, 2, 0.1, axis=1), np.insert(attributes, 1, 0.1, axis=1)
    for metric in (sap, scc):
        found = metric(*with_constants)
        np.testing.assert_allclose(np.delete(found, 1), metric(codes, attributes), atol=1e-12)
        assert np.isnan(found[1])
        assert metric(np.zeros((600, 3)), attributes).tolist() == [0, 0, 0]  # a collapsed posterior
    found = mig(mutual_information(*with_constants), binned_information(with_constants[1]).diagonal())
    assert np.isnan(found).tolist() == [False, True, False, False]


@pytest.mark.parametrize("broken", [np.ones(3), np.ones((0, 3)), -INFORMATION, np.full((2, 3), np.nan)])
def test_information_without_meaning_is_refused(broken: np.ndarray) -> None:
    with pytest.raises(ValueError, match="information"):
        mig(broken, ENTROPY)


@pytest.mark.parametrize("broken", [np.ones(2), np.ones((3, 3)), -ENTROPY, np.full(3, np.inf)])
def test_entropy_without_meaning_is_refused(broken: np.ndarray) -> None:
    with pytest.raises(ValueError, match="entrop"):
        mig(INFORMATION, broken)


def test_codes_without_meaning_are_refused() -> None:
    for metric in (sap, scc):
        with pytest.raises(ValueError, match="too few"):
            metric(np.ones((4, 2)), np.ones((4, 2)))
