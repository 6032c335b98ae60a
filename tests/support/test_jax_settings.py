"""Random numbers and programs do not depend on the settings of JAX that users export."""

from collections.abc import Iterator
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.transposition import draw_shifts
from vaemusic_jax.support.jax_settings import PINNED, check_devices, pin_settings
from vaemusic_jax.training.epochs import order_of_epochs
from vaemusic_jax.training.step import draw_noise

TRIAL = cohorts.trial("adversarial_vae", seed=3, recipe="reference")
OTHER_SETTINGS = {
    "jax_threefry_partitionable": False,
    "jax_random_seed_offset": 7,
    "jax_default_prng_impl": "rbg",
    "jax_enable_x64": True,
}


@pytest.fixture
def settings() -> Iterator[None]:
    """Restores JAX's settings after the test."""
    before = {name: getattr(jax.config, name) for name in {**PINNED, **OTHER_SETTINGS}}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def drawn() -> Any:
    """Returns something of everything that is drawn at random: weights, noise, orders of measures and shifts."""
    program = program_of([TRIAL], 30)
    hp = trained_on(TRIAL, program.n_attributes, np.zeros((50, len(ATTRIBUTES)), np.float32))
    step = jnp.int32(5)
    noise = jax.jit(lambda: draw_noise(program, hp, step))()
    order = jax.jit(lambda: order_of_epochs(hp, jnp.int32(2), 1, 50))()
    shifts = jax.jit(lambda: draw_shifts(hp.seed, step, jnp.int32(4), 16))()
    return program.initial_params(3), noise, order, shifts


@pytest.mark.usefixtures("settings")
def test_random_numbers_depend_on_the_seed_alone() -> None:
    pin_settings()
    expected = drawn()
    for name, value in OTHER_SETTINGS.items():
        jax.config.update(name, value)
        pin_settings()
        chex.assert_trees_all_equal(drawn(), expected)


@pytest.mark.usefixtures("settings")
def test_checks_that_users_switch_on_do_not_end_a_sweep() -> None:
    jax.config.update("jax_debug_nans", True)
    pin_settings()
    assert np.isnan(jax.jit(jnp.log)(np.float32(-1)))


def test_devices_that_are_not_there_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for fault in (RuntimeError("Unable to initialize backend 'cuda':\nno driver"), AssertionError()):

        def missing(fault: Exception = fault) -> None:
            raise fault

        monkeypatch.setattr(jax, "devices", missing)
        with pytest.raises(
            UserError, match=r"JAX_PLATFORMS: is .*, and JAX finds no such devices here.*; unset it, or"
        ):
            check_devices()
