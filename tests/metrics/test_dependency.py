"""Dependency-aware gaps: the published numbers, answers by hand, and what must not change them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tests.helpers.metric_examples import Published, assert_equal_to_published, independent, perfect
from vaemusic_jax.metrics.dependency import dlig, dmig, mig_regularised, sap_regularised, xmig
from vaemusic_jax.metrics.information import binned_information, mutual_information

# Dimension 2 is tied to attribute 0, dimension 0 to attribute 1; dimensions 1 and 3 to none.
INFORMATION = np.array([[0.5, 0.9], [0.2, 0.1], [0.8, 0.3], [0.0, 0.4]])
BETWEEN = np.array([[1.0, 0.4], [0.4, 2.0]])
DIMS = np.array([2, 0])

OF_INFORMATION = [dmig, xmig, dlig]


@pytest.mark.parametrize("kind", ["continuous", "discrete"])
def test_equal_to_the_published_implementation(parity: Path, kind: str) -> None:
    published = Published(parity, kind)
    dims, codes, attributes = published.dims, published.codes, published.attributes
    information = published.pati("mi_matrix")  # with the noise that theirs sees in the constant dimension
    # As published: each pair of attributes by itself.
    pairs = [[mutual_information(a[:, None], b[:, None]).item() for b in attributes.T] for a in attributes.T]
    between = np.array(pairs)
    found = mig_regularised(information, between.diagonal(), dims)
    assert_equal_to_published(found, published.watcharasupat("mig_reg_dim"))
    assert_equal_to_published(dmig(information, between, dims), published.watcharasupat("dmig"))
    assert_equal_to_published(xmig(information, between, dims), published.watcharasupat("xmig"))
    found = sap_regularised(codes, attributes, dims)
    assert_equal_to_published(found, published.watcharasupat("sap_reg_dim"))
    # And each dimension by itself, which here changes how the estimator breaks ties.
    alone = np.concatenate([mutual_information(codes[:, [d]], attributes) for d in dims])
    assert_equal_to_published(dlig(alone, between, np.arange(4)), published.watcharasupat("dlig"))


def test_equal_to_the_published_implementation_on_classes(parity: Path) -> None:
    from sklearn.feature_selection import mutual_info_classif

    published = Published(parity, "discrete_classes")
    labels = [np.unique(a, return_inverse=True)[1] for a in published.attributes.T]

    def of_classes(values: np.ndarray) -> np.ndarray:
        return np.stack([mutual_info_classif(values, label, random_state=0) for label in labels], axis=1)

    information, dims = of_classes(published.codes), published.dims
    between = np.concatenate([of_classes(a[:, None]) for a in published.attributes.T])
    found = mig_regularised(information, between.diagonal(), dims)
    assert_equal_to_published(found, published.watcharasupat("mig_reg_dim"))
    for metric in OF_INFORMATION:
        assert_equal_to_published(metric(information, between, dims), published.watcharasupat(metric.__name__))


def test_by_hand() -> None:
    # Attribute 0: rival .5 of the dimension tied to attribute 1. Attribute 1: rival .4 of one that is tied to none.
    np.testing.assert_allclose(mig_regularised(INFORMATION, [1, 2], DIMS), [0.3 / 1, 0.5 / 2], atol=1e-12)
    np.testing.assert_allclose(dmig(INFORMATION, BETWEEN, DIMS), [0.3 / 0.6, 0.5 / 2], atol=1e-12)
    np.testing.assert_allclose(xmig(INFORMATION, BETWEEN, DIMS), [0.6 / 1, 0.5 / 2], atol=1e-12)
    np.testing.assert_allclose(dlig(INFORMATION, BETWEEN, DIMS), [0.5 / 0.6, 0.4 / 1.6], atol=1e-12)


def test_a_rival_that_is_ahead_makes_gaps_negative() -> None:
    swapped = DIMS[::-1]
    np.testing.assert_allclose(mig_regularised(INFORMATION, [1, 2], swapped), [-0.3, -0.3], atol=1e-12)
    np.testing.assert_allclose(dmig(INFORMATION, BETWEEN, swapped), [-0.3 / 0.6, -0.6 / 1.6], atol=1e-12)
    assert (dlig(INFORMATION, BETWEEN, swapped) < 0).all()


def test_of_three_attributes_the_most_told_is_the_rival() -> None:
    information = np.array([[1.0, 0.2, 0.5], [0.3, 0.9, 0.0], [0.6, 0.0, 0.7]])
    between = np.array([[2.0, 0.1, 0.8], [0.1, 1.5, 0.3], [0.9, 0.3, 1.2]])  # estimates need not be symmetric
    dims = np.arange(3)
    np.testing.assert_allclose(dmig(information, between, dims), [0.4 / 1.2, 0.7 / 1.4, 0.2 / 0.3], atol=1e-12)
    np.testing.assert_allclose(dlig(information, between, dims), [0.5 / 1.2, 0.6 / 1.4, 0.1 / 0.3], atol=1e-12)


def test_sap_by_hand() -> None:
    a, b, c = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1, 1, 1, -1, -1], [1, -1] * 4])
    attributes = np.stack([3 * a + 4 * b, c], axis=1)
    codes = np.stack([a, b, 5 - c], axis=1)
    np.testing.assert_allclose(sap_regularised(codes, attributes, [0, 2]), [0.36 - 0.64, 1], atol=1e-12)
    np.testing.assert_allclose(sap_regularised(codes[:, :1], attributes[:, :1], [0]), [0.36], atol=1e-12)


def test_perfect_codes_score_1() -> None:
    codes, attributes = perfect()
    information, between, dims = mutual_information(codes, attributes), binned_information(attributes), np.arange(3)
    found = [mig_regularised(information, between.diagonal(), dims)]
    found += [metric(information, between, dims) for metric in OF_INFORMATION]
    np.testing.assert_allclose(found, 1, atol=0.08)  # the estimator's error, and what 600 measures share by chance
    np.testing.assert_allclose(sap_regularised(codes, attributes, dims), 1, atol=0.02)


def test_independent_codes_score_near_0() -> None:
    codes, attributes = independent()
    information, between, dims = mutual_information(codes, attributes), binned_information(attributes), np.arange(3)
    found = [mig_regularised(information, between.diagonal(), dims), sap_regularised(codes, attributes, dims)]
    found += [metric(information, between, dims) for metric in OF_INFORMATION]
    np.testing.assert_allclose(found, 0, atol=0.08)


def test_dependent_attributes_are_told_from_a_tangled_code() -> None:
    # The second attribute is the first, with another value for a quarter; each has a dimension of its own.
    rng = np.random.default_rng(0)
    first = rng.integers(0, 6, 900)
    attributes = np.stack([first, np.where(rng.random(900) < 0.25, rng.integers(0, 6, 900), first)], axis=1)
    codes = np.concatenate([attributes + 1e-3 * rng.normal(size=(900, 2)), rng.normal(size=(900, 1))], axis=1)
    information, between, dims = mutual_information(codes, attributes), binned_information(attributes), np.arange(2)
    assert mig_regularised(information, between.diagonal(), dims).max() < 0.6
    np.testing.assert_allclose(dmig(information, between, dims), 1, atol=0.1)
    np.testing.assert_allclose(dlig(information, between, dims), 1, atol=0.1)


@given(
    arrays_of.arrays(
        np.float64, st.tuples(st.integers(4, 7), st.just(3)), elements=st.sampled_from([0.0, 0.01, 0.2, 0.5, 1.0])
    ),
    st.randoms(use_true_random=False),
)
def test_order_and_useless_dimensions_do_not_matter(information: np.ndarray, random: object) -> None:
    between = np.array([[1.5, 0.2, 0.0], [0.2, 1.0, 0.6], [0.0, 0.6, 2.0]])
    order = np.array(random.sample(range(len(information)), len(information)))  # type: ignore[attr-defined]
    # Entries differ a little, as estimates do: of exactly equal rivals either may be the one allowed for.
    information = information + (information > 0) * np.linspace(0, 1e-3, information.size).reshape(information.shape)
    dims = np.array([1, 0, 3])
    moved_dims = order.argsort()[dims]
    for metric in OF_INFORMATION:
        plain = metric(information, between, dims)
        np.testing.assert_array_equal(metric(information[order], between, moved_dims), plain)
        np.testing.assert_array_equal(metric(np.vstack([information, np.zeros(3)]), between, dims), plain)
        np.testing.assert_array_equal(metric(np.vstack([np.zeros(3), information]), between, dims + 1), plain)


def test_what_has_no_meaning_is_nan() -> None:
    constant = np.array([[0.0, 0.0], [0.0, 2.0]])  # the first attribute
    for metric in OF_INFORMATION:
        assert np.isnan(metric(INFORMATION, constant, DIMS)).tolist() == [True, False]
    assert np.isnan(mig_regularised(INFORMATION, constant.diagonal(), DIMS)).tolist() == [True, False]
    # The rival's attribute tells all of it.
    assert np.isnan(dmig(INFORMATION, np.array([[1.0, 1.0], [1.0, 2.0]]), DIMS)).tolist() == [True, False]
    # No dimension outside; no other attribute; no other dimension.
    assert np.isnan(xmig(INFORMATION[[2, 0]], BETWEEN, [0, 1])).all()
    assert np.isnan(dlig(INFORMATION[:, :1], BETWEEN[:1, :1], [2])).all()
    assert mig_regularised(INFORMATION[2:3, :1], [1.0], [0]) == dmig(INFORMATION[2:3, :1], BETWEEN[:1, :1], [0]) == 0.8
    codes, attributes = perfect(60)
    attributes[:, 1] = 4
    assert np.isnan(sap_regularised(codes, attributes, [0, 1, 2])).tolist() == [False, True, False]


@pytest.mark.parametrize("dims", [[0], [0, 0], [0, 4], [-1, 0], [0.0, 1.0], [[0, 1]]])
def test_dimensions_that_cannot_be_are_refused(dims: list) -> None:
    for metric in OF_INFORMATION:
        with pytest.raises(ValueError, match="dims need"):
            metric(INFORMATION, BETWEEN, dims)
    with pytest.raises(ValueError, match="dims need"):
        mig_regularised(INFORMATION, [1, 2], dims)
    with pytest.raises(ValueError, match="dims need"):
        sap_regularised(np.arange(24).reshape(6, 4), np.arange(12).reshape(6, 2), dims)


def test_numbers_that_cannot_be_are_refused() -> None:
    for metric in OF_INFORMATION:
        for broken in (BETWEEN[0], BETWEEN[:1], -BETWEEN, BETWEEN * np.nan):
            with pytest.raises(ValueError, match="information"):
                metric(INFORMATION, broken, DIMS)
        with pytest.raises(ValueError, match="information"):
            metric(-INFORMATION, BETWEEN, DIMS)
