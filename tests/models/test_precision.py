"""In each precision matmuls multiply and GRUs keep states in its types, and everything else is float32."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.helpers import cohorts
from tests.helpers.study_grid import N_TICKS
from vaemusic_jax.config.models import PrecisionName
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.models.gru import Run, gru_cell, run_layers
from vaemusic_jax.models.member import make_batch, trained_on
from vaemusic_jax.models.precision import Arithmetic, computing, current, product
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.training.step import start_state, train_step

PRECISIONS: tuple[PrecisionName, ...] = ("float32", "tf32", "bfloat16")
MODELS = ("measure_vae", "adversarial_vae")
ROUNDING = {"float32": 2.0**-24, "tf32": 2.0**-11, "bfloat16": 2.0**-8}  # the largest relative error of an operand
VOCABULARY_SIZE, BATCH = 7, 3
# What may happen to bfloat16 numbers: they are converted, multiplied as matrices, moved, and gradients are added.
OF_BFLOAT16 = {"convert_element_type", "dot_general", "add_any"}
MOVES = {
    *("broadcast_in_dim", "concatenate", "copy", "dynamic_slice", "dynamic_update_slice", "gather", "pad", "reshape"),
    *("rev", "scatter", "select_n", "slice", "split", "squeeze", "stack", "stop_gradient", "transpose"),
}
OF_WHOLE_PROGRAMS = {"cond", "custom_jvp_call", "custom_vjp_call", "jit", "pjit", "scan", "while"}


def equations(jaxpr: Any) -> Iterator[Any]:
    """Every equation of a function, those within scans and custom gradients too."""
    for equation in jaxpr.eqns:
        yield equation
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda each: hasattr(each, "eqns") or hasattr(each, "jaxpr")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def traced(function: Any, *args: Any) -> list[Any]:
    return list(equations(jax.make_jaxpr(function)(*args).jaxpr))


def types(variables: Any) -> list[str]:
    return [str(variable.aval.dtype) for variable in variables if hasattr(variable.aval, "dtype")]


def program_in(precision: str, platform: str, model: str, **fields: Any) -> Program:
    trial = cohorts.trial(model, precision=precision, **fields)
    return program_of((trial,), VOCABULARY_SIZE, np.arange(VOCABULARY_SIZE) + 60.0, platform=platform)


def step_of(program: Program, **fields: Any) -> list[Any]:
    """The equations of a training step, and a check that it returns the types that it was given."""
    tokens = np.zeros((program.batch_size, N_TICKS), np.uint8)
    measures = Measures(tokens, np.zeros((program.batch_size, len(ATTRIBUTES)), np.float32))
    trial = cohorts.trial(program.model, precision=program.precision, **fields)
    hp = trained_on(trial, program.n_attributes, np.asarray(measures.attributes))
    state = start_state(jax.tree.map(jnp.asarray, program.initial_params(0)))

    def one(state: Any) -> Any:
        return train_step(program, state, make_batch(measures, hp), hp)

    after, metrics = jax.eval_shape(one, state)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((after.params, metrics))} == {"float32"}
    assert jax.tree.map(str, after) == jax.tree.map(str, jax.eval_shape(lambda: state))
    return traced(one, state)


@pytest.mark.parametrize(
    ("model", "precision", "platform"),
    [
        ("measure_vae", "float32", "tpu"),
        ("measure_vae", "tf32", "gpu"),
        ("measure_vae", "bfloat16", "cpu"),
        ("adversarial_vae", "float32", "gpu"),
        ("adversarial_vae", "tf32", "cpu"),
        ("adversarial_vae", "tf32", "tpu"),
        ("adversarial_vae", "bfloat16", "gpu"),
    ],
)
def test_every_matmul_of_a_training_step_is_of_the_precision_and_sums_in_float32(
    model: str, precision: PrecisionName, platform: str
) -> None:
    """The recipe that decodes tick by tick has JAX's own gradients of scans besides the custom ones."""
    recipe = "reference" if platform == "cpu" else "fast"
    program = program_in(precision, platform, model, recipe=recipe)
    found = step_of(program, recipe=recipe)
    dots = [equation for equation in found if equation.primitive.name == "dot_general"]
    assert len(dots) > 40
    operand = "bfloat16" if precision == "bfloat16" else "float32"
    asked = {
        "float32": lax.Precision.HIGHEST,
        "bfloat16": lax.Precision.DEFAULT,
        "tf32": {
            "cpu": lax.Precision.HIGHEST,
            "gpu": lax.DotAlgorithmPreset.TF32_TF32_F32,
            "tpu": lax.Precision.HIGH,
        }[platform],
    }[precision]
    for equation in dots:
        assert types(equation.invars) == [operand, operand]
        assert types(equation.outvars) == ["float32"]
        told = equation.params["precision"]
        assert set(told if isinstance(told, tuple) else (told,)) == {asked}
    # Nor are gradients of weights added up in anything less, from tick to tick or from use to use.
    matrices = {leaf.shape for leaf in jax.tree.leaves(program.initial_params(0)) if leaf.ndim > 1}
    added = {equation.outvars[0].aval for equation in found if equation.primitive.name == "add_any"}
    assert {str(each.dtype) for each in added if each.shape in matrices} <= {"float32"}


@pytest.mark.parametrize(("model", "platform"), [("measure_vae", "gpu"), ("adversarial_vae", "cpu")])
def test_nothing_but_matmuls_and_states_is_bfloat16(model: str, platform: str) -> None:
    """No softmax, KL divergence, regulariser, norm, mean or optimiser sees it, steering not either."""
    steering = {"steering_weight": 0.3}
    seen = set()
    for equation in step_of(program_in("bfloat16", platform, model, **steering), **steering):
        if "bfloat16" in types([*equation.invars, *equation.outvars]):
            seen.add(equation.primitive.name)
    assert {"dot_general", "convert_element_type"} < seen
    assert seen <= OF_BFLOAT16 | MOVES | OF_WHOLE_PROGRAMS | ({"reduce_precision"} if platform == "cpu" else set())


@pytest.mark.parametrize("model", MODELS)
def test_what_networks_return_is_float32(model: str) -> None:
    program = program_in("bfloat16", "cpu", model)
    params = jax.tree.map(jnp.asarray, program.initial_params(0))
    tokens, conditions = jnp.zeros((BATCH, N_TICKS), jnp.int32), jnp.ones((BATCH, program.n_attributes))

    def outputs(params: Any) -> Any:
        posterior = program.encode(params, tokens)
        forced = program.decode(params, posterior.mean, conditions, tokens)
        return posterior, forced, program.decode(params, posterior.mean, conditions)

    assert {str(leaf.dtype) for leaf in jax.tree.leaves(jax.eval_shape(outputs, params))} == {"float32"}
    assert current() == Arithmetic()  # what was set for the networks holds inside of them alone


@pytest.mark.parametrize("precision", PRECISIONS)
def test_operands_have_the_mantissa_of_the_precision_on_a_cpu(precision: PrecisionName) -> None:
    """A number with one bit too many is multiplied as its neighbour, and with one bit less as itself."""
    bits = {"float32": 23, "tf32": 10, "bfloat16": 7}[precision]
    arithmetic, one = Arithmetic(precision), jnp.ones((1, 1))
    multiplied = jax.jit(lambda x: arithmetic.matmul(x * one, one))
    assert multiplied(jnp.float32(1 + 2.0**-bits))[0, 0] == 1 + 2.0**-bits
    if precision != "float32":
        assert multiplied(jnp.float32(1 + 2.0 ** -(bits + 1)))[0, 0] == 1
        # Sums are not rounded: 4,097 times 1 needs 12 bits.
        assert arithmetic.matmul(jnp.ones((1, 4097)), jnp.ones((4097, 1)))[0, 0] == 4097


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_gradient_of_a_product_is_that_of_float32_up_to_rounding(precision: PrecisionName) -> None:
    generator = np.random.default_rng(0)
    x, w, weight = (jnp.asarray(generator.standard_normal(s), jnp.float32) for s in ((5, 4), (4, 3), (5, 3)))

    def gradients(precision: PrecisionName) -> Any:
        with computing(Arithmetic(precision)):
            return jax.grad(lambda x, w: (product(x, w) * weight).sum(), argnums=(0, 1))(x, w)

    for ours, exact in zip(gradients(precision), (weight @ w.T, x.T @ weight), strict=True):
        assert ours.dtype == jnp.float32
        np.testing.assert_allclose(ours, exact, atol=20 * ROUNDING[precision])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_both_ways_to_run_a_gru_and_one_cell_after_the_other_agree(precision: PrecisionName) -> None:
    """States and gradients; those of weights sum over ticks in float32."""
    T, B, H = 3, 4, 5
    generator = np.random.default_rng(1)
    shapes = ((T, B, 3 * H), (B, H), (H, 3 * H), (3 * H,))
    arrays = [jnp.asarray(generator.standard_normal(shape), jnp.float32) for shape in shapes]
    weight = jnp.asarray(generator.standard_normal((T, B, H)), jnp.float32)

    def cell_by_cell(x_proj: Any, h: Any, w_hh: Any, b_hh: Any) -> Any:
        h, states = current().kept(h), []
        for x in x_proj:
            h = gru_cell(x, h, w_hh, b_hh)
            states.append(h)
        return jnp.stack(states)

    ways = [
        lambda *a: run_layers([Run(*a)], few_kernels=False)[0],
        lambda *a: run_layers([Run(*a)], few_kernels=True)[0],
        cell_by_cell,
    ]

    def both(way: Any, *arrays: Any) -> Any:
        states = way(*arrays)
        grads = jax.grad(lambda *a: (way(*a).astype(jnp.float32) * weight).sum(), argnums=(0, 1, 2, 3))(*arrays)
        return states, grads

    with computing(Arithmetic(precision)):
        quickly: Any = {"xla_backend_optimization_level": "0"}
        found = [jax.jit(partial(both, way)).lower(*arrays).compile(quickly)(*arrays) for way in ways]
    kind = "bfloat16" if precision == "bfloat16" else "float32"
    error = 2 * ROUNDING[precision] if precision != "float32" else 1e-6
    for states, grads in found:
        assert str(states.dtype) == kind
        np.testing.assert_allclose(
            states.astype(jnp.float32), found[0][0].astype(jnp.float32), atol=error, err_msg="states"
        )
        for grad, first in zip(grads, found[0][1], strict=True):
            assert str(grad.dtype) == "float32"
            np.testing.assert_allclose(grad, first, atol=10 * error * np.abs(first).max())
