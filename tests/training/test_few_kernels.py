"""A program in few kernels, as for a GPU, computes what one in many does, for padded members too; tested on CPU."""

from fractions import Fraction
from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.grid import GRIDS, Grid
from vaemusic_jax.training.cohort import finite, pad_to, run_member, start_member
from vaemusic_jax.training.step import ADAM, adam_update

MODELS = ("measure_vae", "adversarial_vae")
N_TOKENS, BATCH = 7, 6
# Two beats of two ticks, which compile in a tenth of the time of a real metre.
SHORT = Grid("1/4", 2, Fraction(1, 2), (Fraction(0), Fraction(1, 4)), 2)


@pytest.fixture(autouse=True)
def short_metre(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRIDS, SHORT.metre, SHORT)


def trials(model: str) -> list[Trial]:
    """A trial that is padded beside the other, and the other."""
    sizes = {"hidden_size": 4, "batch_size": BATCH, "attributes": ("note_density", "note_range")}
    return [cohorts.trial(model, latent_dim=n, **sizes) for n in (3, 5)]


def programs(model: str) -> tuple[Program, Program]:
    """The program of two trials in many kernels, and in few."""
    many, few = (program_of(trials(model), N_TOKENS, metre=SHORT.metre, platform=name) for name in ("cpu", "gpu"))
    assert (many.few_kernels, few.few_kernels) == (False, True)
    return many, few


def padded_members(program: Program) -> Any:
    """Weights of a member with three latent dimensions and of one with five, side by side."""
    shapes = program.initial_params(0)
    own = [program.sized(n, program.n_attributes).initial_params(n) for n in (3, 5)]
    return jax.tree.map(lambda like, *leaves: np.stack([pad_to(leaf, like) for leaf in leaves]), shapes, *own)


@pytest.mark.parametrize("model", MODELS)
def test_networks_and_their_gradients_are_the_same(model: str) -> None:
    """Of padded members side by side. Measures are decoded with the true tokens, the model's own, and some of each."""
    programs_of_both = programs(model)
    generator = np.random.default_rng(0)
    tokens = jnp.asarray(generator.integers(N_TOKENS, size=(BATCH, SHORT.n_ticks)), jnp.int32)
    conditions = jnp.asarray(generator.standard_normal((BATCH, programs_of_both[0].n_attributes), np.float32))
    some = jnp.arange(SHORT.n_ticks) % 2 == 0

    def loss(program: Program, params: Any) -> tuple[jax.Array, list[jax.Array]]:
        posterior = program.encode(params, tokens)
        forced = program.decode(params, posterior.mean, conditions, tokens)
        fixed = jax.lax.stop_gradient((params, posterior.mean))
        stepwise = [program.decode(*fixed, conditions, *fed) for fed in ((), (tokens, some))]
        return jnp.sin(forced).sum() + jnp.sin(posterior.log_std).sum(), [*posterior, forced, *stepwise]

    def both(params: Any) -> list[Any]:
        return [jax.grad(partial(loss, program), has_aux=True)(params) for program in programs_of_both]

    params = padded_members(programs_of_both[0])
    # Equal up to rounding is asked for, not the same bits, so that a program that is quickly made will do.
    compiled = jax.jit(jax.vmap(both)).lower(params).compile({"xla_backend_optimization_level": "0"})
    (grads, found), (other_grads, other_found) = compiled(params)
    for one, other in zip(found, other_found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
    assert not np.allclose(found[2], found[3])
    paths = jax.tree_util.tree_leaves_with_path(grads["vae"])
    for (path, one), other in zip(paths, jax.tree.leaves(other_grads["vae"]), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5, err_msg=jax.tree_util.keystr(path))
    without = [jax.tree_util.keystr(path) for path, one in paths if not np.abs(one).max()]
    assert len(without) <= 1, without  # the beat GRU's constant input is 0 at first, so its weights have no gradient


@pytest.mark.parametrize("model", MODELS)
def test_a_second_step_compiles_nothing(model: str) -> None:
    """A step returns arrays of the shapes and types that it was given, weak types included."""
    program = programs(model)[1]
    tokens = np.zeros((BATCH, SHORT.n_ticks), np.uint8)
    measures = Measures(tokens, np.zeros((BATCH, len(ATTRIBUTES)), np.float32))
    hp = trained_on(trials(model)[0], program.n_attributes, np.asarray(measures.attributes))
    state = jax.eval_shape(partial(start_member, program), program.initial_params(0), hp, measures)
    after = jax.eval_shape(partial(run_member, program, 2), state, hp, measures, None, jnp.int32(1))
    assert jax.tree.map(str, after) == jax.tree.map(str, state)
    assert [leaf.weak_type for leaf in jax.tree.leaves(after)] == [leaf.weak_type for leaf in jax.tree.leaves(state)]


def test_norm_clipping_and_checks_of_all_weights_at_once_are_those_of_each_array() -> None:
    many, few = programs("adversarial_vae")
    params = {"a": jnp.array([1.0, 2.0]), "b": jnp.array([[3.0], [4.0]])}
    grads = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[4.0], [12.0]])}
    ours, theirs = (adam_update(program, params, grads, ADAM.init(params), jnp.float32(0.1)) for program in (few, many))
    assert float(ours[2]) == 13.0
    chex.assert_trees_all_close(ours, theirs, rtol=1e-6)
    metrics = {"loss": jnp.float32(1), "gradient_norm": jnp.float32(2)}
    for value, is_finite in ((0.0, True), (np.nan, False), (np.inf, False)):
        weights = {"vae": params | {"b": params["b"].at[1, 0].set(value)}}
        for program in (few, many):
            np.testing.assert_array_equal(finite(program, metrics, weights), [True, True, is_finite])
