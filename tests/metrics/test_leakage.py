"""Probes read what codes hold, in whatever form, and nothing else."""

from collections.abc import Callable

import numpy as np
import pytest

from vaemusic_jax.metrics.leakage import leakage_linear, leakage_mlp

PROBES: list[Callable[..., np.ndarray]] = [leakage_linear, leakage_mlp]
N_TRAIN, N = 1500, 500


def halves(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[:N_TRAIN], values[N_TRAIN:]


def example() -> tuple[np.ndarray, np.ndarray]:
    """Codes (N_TRAIN + N, 6), and three attributes: a sum of two dimensions, a product of two, and noise."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(N_TRAIN + N, 6))
    noise = rng.normal(size=len(codes))
    return codes, np.stack([codes[:, 0] - codes[:, 3], codes[:, 1] * codes[:, 2], noise], axis=1)


def leaks(probe: Callable[..., np.ndarray], codes: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Returns the leakage with the first N_TRAIN measures for training."""
    (z_train, z), (a_train, a) = halves(codes), halves(attributes)
    return probe(z_train, a_train, z, a)


def test_a_line_is_read_by_both_probes_a_product_by_the_mlp_and_noise_by_none() -> None:
    linear, mlp = (leaks(probe, *example()) for probe in PROBES)
    assert linear[0] > 0.999
    assert linear[1] < 0.02
    assert (mlp[:2] > 0.9).all()
    assert linear[2] == pytest.approx(0, abs=0.02)
    assert mlp[2] == pytest.approx(0, abs=0.05)


def test_codes_of_noise_and_a_collapsed_posterior_tell_nothing() -> None:
    codes, attributes = example()
    noise = np.random.default_rng(1).normal(size=codes.shape)
    for probe in PROBES:
        assert leaks(probe, noise, attributes).max() < 0.02
        assert leaks(probe, np.full_like(codes, 0.3), attributes).max() < 0.02


def test_the_part_that_is_read_is_the_share_of_the_variance_that_the_code_explains() -> None:
    """With as much variance of noise as of what the code holds, R^2 is .5."""
    codes, attributes = example()
    attribute = attributes[:, [0]] + np.sqrt(2) * attributes[:, [2]]
    assert leaks(leakage_linear, codes, attribute) == pytest.approx([0.5], abs=0.07)
    assert leaks(leakage_mlp, codes, attribute) == pytest.approx([0.5], abs=0.1)


def test_units_of_codes_and_attributes_do_not_matter() -> None:
    codes, attributes = example()
    scale = np.array([1e-4, 1, 50, 1, 7, 1e3])
    for probe in PROBES:
        plain, moved = leaks(probe, codes, attributes), leaks(probe, scale * codes + 5, 40 * attributes - 3)
        np.testing.assert_allclose(moved, plain, atol=0.02)


def test_is_deterministic_and_follows_the_seed() -> None:
    (z_train, z), (a_train, a) = map(halves, example())
    first, again = (leakage_mlp(z_train, a_train, z, a, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != leakage_mlp(z_train, a_train, z, a, seed=4)).any()


@pytest.mark.parametrize("probe", PROBES)
def test_an_attribute_that_is_constant_in_either_split_is_undefined(probe: Callable[..., np.ndarray]) -> None:
    codes, attributes = example()
    attributes[:N_TRAIN, 0] = 0.1
    attributes[N_TRAIN:, 2] = 0.1
    found = leaks(probe, codes, attributes)
    assert np.isnan(found).tolist() == [True, False, True]
    assert np.isnan(leaks(probe, codes, np.ones_like(attributes))).all()


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((30, 2), (29, 2), (9, 2), (9, 2)), r"got \(30, 2\) and \(29, 2\)"),
        (((30, 2), (30, 2), (9, 3), (9, 2)), r"codes \(30, 2\) and \(9, 3\)"),
        (((30, 2), (30, 2), (9, 2), (9, 1)), r"attributes \(30, 2\) and \(9, 1\)"),
        (((19, 2), (19, 2), (9, 2), (9, 2)), "19 training measures are too few; give at least 20"),
        (((30, 2), (30, 2), (4, 2), (4, 2)), "4 measures are too few; give at least 5"),
    ],
)
def test_input_without_meaning_is_refused(
    probe: Callable[..., np.ndarray], shapes: tuple[tuple[int, int], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        probe(*(np.zeros(shape) for shape in shapes))
    with pytest.raises(ValueError, match="not finite"):
        probe(np.full((30, 2), np.nan), np.zeros((30, 2)), np.zeros((9, 2)), np.zeros((9, 2)))
