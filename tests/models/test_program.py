"""The door to the networks sets the type that they compute in, once for all models and all ways to use them."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests.helpers import cohorts
from tests.helpers.study_grid import N_TICKS
from vaemusic_jax.models import program as programs

VOCABULARY_SIZE, BATCH = 7, 3


def products(function: Any, *args: Any) -> set[str]:
    """The types of the matrix products in a function, those within scans and custom gradients too."""

    def of(jaxpr: Any) -> set[str]:
        found = set()
        for equation in jaxpr.eqns:
            if equation.primitive.name == "dot_general":
                found.add(str(equation.outvars[0].aval.dtype))
            for inner in jax.tree.leaves(
                list(equation.params.values()), is_leaf=lambda value: hasattr(value, "eqns") or hasattr(value, "jaxpr")
            ):
                if hasattr(inner, "jaxpr"):
                    found |= of(inner.jaxpr)
                elif hasattr(inner, "eqns"):
                    found |= of(inner)
        return found

    return of(jax.make_jaxpr(function)(*args).jaxpr)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_every_matrix_product_of_a_network_is_of_the_type_that_the_door_sets(
    model: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "COMPUTE_DTYPE", jnp.dtype(dtype))
    program = programs.program_of((cohorts.trial(model),), VOCABULARY_SIZE)
    params = jax.tree.map(jnp.asarray, program.initial_params(0))
    tokens = jnp.zeros((BATCH, N_TICKS), jnp.int32)
    z, conditions = jnp.ones((BATCH, program.latent_dim)), jnp.ones((BATCH, program.n_attributes))

    def forced(params: Any) -> jax.Array:
        return program.decode(params, program.encode(params, tokens).mean, conditions, tokens)

    def free(params: Any) -> jax.Array:
        return program.decode(params, z, conditions)

    def gradient(params: Any) -> Any:
        return jax.grad(lambda params: forced(params).sum())(params)

    for way in (forced, free, gradient):
        assert products(way, params) == {dtype}, way.__name__
        assert {str(leaf.dtype) for leaf in jax.tree.leaves(jax.eval_shape(way, params))} == {"float32"}


def test_a_program_is_as_large_as_its_largest_member() -> None:
    small = cohorts.trial("measure_vae", latent_dim=9, attributes=("note_range",))
    program = programs.program_of((small, cohorts.trial("measure_vae", latent_dim=5)), VOCABULARY_SIZE)
    assert (program.latent_dim, program.n_attributes) == (9, 4)
    assert programs.program_of((small,), VOCABULARY_SIZE) == program.sized(9, 1)
