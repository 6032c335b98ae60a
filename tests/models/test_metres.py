"""The networks in every metre: as many ticks as the grid, in beats of the grid, each fed what came before it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.grid import GRIDS

V, BATCH = 9, 2
metres = pytest.mark.parametrize("metre", ["3/4", "9/8", "6/8"])
models = pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])


def network(model: str, metre: str) -> tuple[Program, Any, Any]:
    """The program of a small network, a decoder of two codes with its random weights, and tokens."""
    program = program_of((cohorts.trial(model, latent_dim=4),), V, metre=metre)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf) * 3, program.initial_params(1))
    rng = np.random.default_rng(2)
    z = jnp.asarray(rng.normal(size=(BATCH, 4)), jnp.float32)
    conditions = jnp.asarray(rng.normal(size=(BATCH, program.n_attributes)), jnp.float32)

    compiled = jax.jit(lambda *args: program.decode(params, z, conditions, *args))

    def decode(*args: Any) -> np.ndarray:
        return np.asarray(compiled(*args))

    return program, decode, jnp.asarray(rng.integers(0, V, (BATCH, GRIDS[metre].n_ticks)), jnp.int32)


@metres
@models
def test_the_ways_to_decode_agree_in_every_metre(model: str, metre: str) -> None:
    _, decode, tokens = network(model, metre)
    n_ticks = GRIDS[metre].n_ticks
    forced = decode(tokens)
    assert forced.shape == (BATCH, n_ticks, V)
    np.testing.assert_allclose(decode(tokens, jnp.ones(n_ticks, bool)), forced, rtol=1e-4, atol=1e-5)
    free = decode()
    np.testing.assert_allclose(decode(jnp.asarray(free.argmax(-1), jnp.int32)), free, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(decode(tokens, jnp.zeros(n_ticks, bool)), free, rtol=1e-6, atol=1e-6)


@metres
@models
def test_a_token_reaches_later_ticks_only_and_in_measure_vae_those_of_its_beat(model: str, metre: str) -> None:
    program, decode, tokens = network(model, metre)
    grid = program.grid
    plain = decode(tokens)
    for tick in (0, 1, grid.ticks_per_beat - 1, grid.ticks_per_beat, grid.n_ticks - 2):
        changed = decode(tokens.at[:, tick].set((tokens[:, tick] + 1) % V))
        reached = set(np.flatnonzero((np.abs(changed - plain) > 1e-7).any((0, 2))).tolist())
        end_of_beat = grid.ticks_per_beat * ((tick + 1) // grid.ticks_per_beat + 1)
        last = end_of_beat if model == "measure_vae" else grid.n_ticks
        assert tick + 1 in reached
        assert reached <= set(range(tick + 1, last))
        assert last - 1 in reached or model == "adversarial_vae"


@models
def test_a_longer_measure_costs_more_and_as_many_ticks_in_more_beats_cost_measure_vae_more(model: str) -> None:
    def cost(metre: str) -> int:
        program = network(model, metre)[0]
        return program.implementation.multiplications(program)

    assert cost("3/4") < cost("4/4") < cost("9/8") < cost("12/8")
    assert (cost("6/8") < cost("4/4")) == (model == "measure_vae")
