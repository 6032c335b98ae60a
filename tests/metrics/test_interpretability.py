"""Interpretability equals the published implementation, and its value follows from what it measures."""

from pathlib import Path

import numpy as np
import pytest

from vaemusic_jax.metrics.interpretability import interpretability


def example(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, 5) and attributes (n, 2): the first made from dimension 3, the second from dimension 1."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(n, 5))
    return codes, np.stack([2 * codes[:, 3] + 0.1 * rng.normal(size=n), codes[:, 1] ** 3], axis=1)


@pytest.mark.parametrize("kind", ["continuous", "discrete"])
def test_equals_the_published_implementation(parity: Path, kind: str) -> None:
    stored = np.load(parity / "metrics.npz")
    found = interpretability(stored["latent"], stored[f"attributes_{kind}"], seed=0)
    expected = {name: stored[f"f64/pati2020/{kind}/seed0/{name}"] for name in NAMES}
    np.testing.assert_allclose(found.score, expected["interpretability_score"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.dimension, expected["interpretability_dim"])


NAMES = ("interpretability_score", "interpretability_dim")


def test_finds_the_dimension_an_attribute_was_made_from() -> None:
    found = interpretability(*example())
    assert found.dimension.tolist() == [3, 1]
    assert found.score[0] > 0.99
    # A monotone but bent relation is found by information and explained less by a line.
    codes, attributes = example()
    assert found.score[1] == pytest.approx(np.corrcoef(codes[:, 1], attributes[:, 1])[0, 1] ** 2, abs=1e-12)
    assert 0.3 < found.score[1] < 0.9


def test_unrelated_dimensions_tell_nothing() -> None:
    codes, attributes = example()
    assert interpretability(codes[:, [0, 2, 4]], attributes).score.max() < 0.05


def test_order_of_dimensions_and_units_do_not_matter() -> None:
    codes, attributes = example()
    order = np.array([4, 2, 0, 1, 3])
    plain, moved = interpretability(codes, attributes), interpretability(100 * codes[:, order], attributes / 7 + 5)
    np.testing.assert_allclose(moved.score, plain.score, atol=1e-9)
    assert order[moved.dimension].tolist() == plain.dimension.tolist()


def test_constant_dimensions_are_never_chosen() -> None:
    codes, attributes = example()
    with_constant = np.concatenate([np.full((len(codes), 1), 0.3), codes], axis=1)
    found = interpretability(with_constant, attributes)
    assert found.dimension.tolist() == [4, 2]
    # Even where the estimator's noise makes a constant look the most informative.
    noise = np.random.default_rng(1).normal(size=(60, 40))
    constant = np.zeros((60, 1))
    for k in range(40):
        assert interpretability(np.concatenate([constant, noise[:, :1]], axis=1), noise[:, k : k + 1]).dimension == [1]


def test_a_collapsed_posterior_explains_nothing() -> None:
    _, attributes = example()
    found = interpretability(np.zeros((len(attributes), 3)), attributes)
    assert found.score.tolist() == [0, 0]
    assert found.dimension.tolist() == [-1, -1]


def test_a_constant_attribute_is_undefined() -> None:
    codes, attributes = example()
    attributes[:, 1] = 0.25
    found = interpretability(codes, attributes)
    assert np.isnan(found.score[1])
    assert found.dimension.tolist() == [3, -1]
    assert np.isnan(interpretability(codes, np.zeros_like(attributes)).score).all()


@pytest.mark.parametrize(
    ("codes", "attributes", "message"),
    [
        (np.zeros((9, 2)), np.zeros((8, 2)), r"got \(9, 2\) and \(8, 2\)"),
        (np.zeros(9), np.zeros((9, 2)), r"got \(9,\) and \(9, 2\)"),
        (np.zeros((9, 0)), np.zeros((9, 2)), r"got \(9, 0\) and \(9, 2\)"),
        (np.zeros((4, 2)), np.zeros((4, 2)), "4 measures are too few; give at least 5"),
        (np.full((9, 2), np.nan), np.zeros((9, 2)), "codes hold values that are not finite"),
        (np.zeros((9, 2)), np.full((9, 2), np.inf), "attributes hold values that are not finite"),
    ],
)
def test_input_without_meaning_is_refused(codes: np.ndarray, attributes: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        interpretability(codes, attributes)
