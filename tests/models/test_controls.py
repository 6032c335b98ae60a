"""Controls set what they steer and nothing else, over the levels that they say."""

import jax.numpy as jnp
import numpy as np
import pytest

from vaemusic_jax.models.controls import LATENT, TOLD, Controls

CODES = np.arange(12, dtype=np.float32).reshape(2, 6)
OWN = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], np.float32)
EDITS = jnp.array([[np.nan, 9.0, np.nan], [7.0, np.nan, 8.0]])


def test_latent_controls_are_the_first_dimensions_of_the_code() -> None:
    codes, own = LATENT.set(jnp.asarray(CODES), jnp.asarray(OWN), EDITS)
    np.testing.assert_array_equal(codes, [[0, 9, 2, 3, 4, 5], [7, 7, 8, 9, 10, 11]])
    np.testing.assert_array_equal(own, OWN)
    np.testing.assert_array_equal(LATENT.dimensions(CODES, 2), [[0, 1], [6, 7]])
    np.testing.assert_array_equal(LATENT.values(codes, jnp.asarray(OWN)), [[0, 9, 2], [7, 7, 8]])


def test_told_controls_are_the_values_of_the_attributes() -> None:
    codes, own = TOLD.set(jnp.asarray(CODES), jnp.asarray(OWN), EDITS)
    np.testing.assert_array_equal(codes, CODES)
    np.testing.assert_array_equal(own, np.array([[0.1, 9, 0.3], [7, 0.5, 8]], np.float32))
    assert TOLD.dimensions(CODES, 2) is None
    np.testing.assert_array_equal(TOLD.values(codes, own), own)


def test_latent_controls_also_move_over_three_standard_deviations_of_the_prior_either_way() -> None:
    for values in (LATENT.prior_levels(3, 3), LATENT.axes(OWN, (0.1, 0.9), 3)):
        np.testing.assert_array_equal(values, [[-3, 0, 3]] * 3)
    assert TOLD.prior_levels(3, 3) is None


def test_controls_move_over_quantiles_of_what_they_are_in_training_measures() -> None:
    own = np.stack([np.arange(101.0), 10 * np.arange(101.0)], axis=1)
    codes, quantiles = np.concatenate([own + 7, -own], axis=1), np.array([0.25, 0.5, 1.0])
    np.testing.assert_allclose(TOLD.levels(codes, own, quantiles), [[25, 50, 100], [250, 500, 1000]])
    np.testing.assert_allclose(LATENT.levels(codes, own, quantiles), [[32, 57, 107], [257, 507, 1007]])
    np.testing.assert_allclose(TOLD.axes(own, (0.1, 0.9), 3), [[10, 50, 90], [100, 500, 900]])


@pytest.mark.parametrize(("controls", "told"), [(LATENT, False), (TOLD, True)])
def test_only_told_controls_need_attribute_values(controls: Controls, told: bool) -> None:
    assert controls.told is told
