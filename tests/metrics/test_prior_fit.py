"""Overlap with the prior: known integrals, and the mixture's own mean and deviation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from vaemusic_jax.metrics.prior_fit import prior_fit


def test_a_collapsed_posterior_is_the_prior() -> None:
    found = prior_fit(np.zeros((50, 2)), np.ones((50, 2)))
    np.testing.assert_allclose(found.overlap, 1, atol=1e-8)
    assert (found.mean.tolist(), found.std.tolist()) == ([0, 0], [1, 1])


@pytest.mark.parametrize("mean", [0.3, -1.0, 4.0, 30.0])
def test_of_shifted_priors(mean: float) -> None:
    # The densities cross half way: what is beyond it counts, on both sides.
    found = prior_fit(np.full((3, 1), mean), np.ones((3, 1)))
    assert found.overlap[0] == pytest.approx(2 * norm.cdf(-abs(mean) / 2), abs=1e-5)
    assert found.mean[0] == pytest.approx(mean)


@pytest.mark.parametrize(("std", "allowed"), [(0.02, 1e-3), (0.1, 2e-4), (0.5, 1e-5), (3.0, 1e-5)])
def test_of_narrow_and_wide_posteriors(std: float, allowed: float) -> None:
    # They cross at +-x with x^2 (1 / std^2 - 1) = -2 log(std).
    crossing = np.sqrt(-2 * np.log(std) / (std**-2 - 1))
    narrow, wide = sorted([1.0, std])
    expected = 2 * norm.cdf(crossing, scale=wide) - 1 + 2 * norm.sf(crossing, scale=narrow)
    found = prior_fit([[0.0]], [[std]])
    assert -1e-8 <= found.overlap[0] - expected <= allowed
    assert found.std[0] == pytest.approx(std)


def test_posteriors_that_together_make_the_prior() -> None:
    # N(0, 1) is N(0, .8^2) spread by N(0, .6^2), here by its quantiles.
    means = norm.ppf((np.arange(2000) + 0.5) / 2000, scale=0.6)[:, None]
    found = prior_fit(means, np.full_like(means, 0.8))
    assert found.overlap[0] == pytest.approx(1, abs=1e-3)
    assert found.mean[0] == pytest.approx(0, abs=1e-9)
    assert found.std[0] == pytest.approx(1, abs=1e-3)


def test_two_far_halves_share_a_tail_each() -> None:
    # Of N(-2, .1) and N(2, .1), half each, nearly all is above the prior but in two narrow windows.
    found = prior_fit([[-2.0], [2.0]], [[0.1], [0.1]])
    grid = np.linspace(-6, 6, 1_200_001)
    mixture = (norm.pdf(grid, -2, 0.1) + norm.pdf(grid, 2, 0.1)) / 2
    expected = np.minimum(mixture, norm.pdf(grid)).sum() * 1e-5
    assert found.overlap[0] == pytest.approx(expected, abs=2e-4)
    assert found.mean[0] == 0
    assert found.std[0] == pytest.approx(np.sqrt(4 + 0.01))


@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(0.05, 3)), min_size=1, max_size=8))
def test_lies_between_0_and_1_and_is_the_same_mirrored(posteriors: list[tuple[float, float]]) -> None:
    means, stds = np.array(posteriors).T[:, :, None]
    found = prior_fit(np.hstack([means, -means]), np.hstack([stds, stds]))
    assert 0 <= found.overlap[0] <= 1
    assert found.overlap[1] == pytest.approx(found.overlap[0], abs=1e-12)


@pytest.mark.parametrize(
    ("means", "stds", "message"),
    [
        (np.zeros(3), np.ones(3), r"got \(3,\) and \(3,\)"),
        (np.zeros((3, 2)), np.ones((3, 1)), r"got \(3, 2\) and \(3, 1\)"),
        (np.zeros((0, 2)), np.ones((0, 2)), r"got \(0, 2\)"),
        (np.full((3, 1), np.nan), np.ones((3, 1)), "finite"),
        (np.zeros((3, 1)), np.full((3, 1), np.inf), "finite"),
        (np.zeros((3, 1)), np.zeros((3, 1)), "above 0"),
    ],
)
def test_input_without_meaning_is_refused(means: np.ndarray, stds: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prior_fit(means, stds)
