"""Distributions of initial weights: the published ones, and scaled ones from which models learn several times faster.

Weights are drawn on the host by NumPy's counter-based generator, because XLA takes ten seconds to compile a program of
about fifty draws. The biases of linear layers are always drawn from U(+-1/sqrt(fan_in)), those of GRUs from
U(+-1/sqrt(H)). Every initialiser takes a JAX key and a shape, (inputs, outputs) for matrices, and returns float32.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Draw = Callable[[Array, tuple[int, ...]], Array]


def xavier_normal(key: Array, shape: tuple[int, ...]) -> Array:
    """Draws from N(0, 2 / (rows + columns)) (Glorot & Bengio 2010)."""
    return _on_host(key, shape, lambda generator: generator.standard_normal(shape) * np.sqrt(2.0 / sum(shape)))


def fan_in_normal(key: Array, shape: tuple[int, ...]) -> Array:
    """Draws from N(0, 1 / rows), which makes outputs as large as inputs."""
    return _on_host(key, shape, lambda generator: generator.standard_normal(shape) / np.sqrt(shape[0]))


def unit_normal(key: Array, shape: tuple[int, ...]) -> Array:
    """Draws from N(0, 1), for tables whose rows are looked up."""
    return _on_host(key, shape, lambda generator: generator.standard_normal(shape))


def uniform(key: Array, shape: tuple[int, ...], fan_in: int) -> Array:
    """Draws from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), torch's default."""
    return _on_host(key, shape, lambda generator: generator.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in))


def uniform_fan_in(key: Array, shape: tuple[int, ...]) -> Array:
    """Applies `uniform` with the number of rows as fan-in, as torch does for linear layers."""
    return uniform(key, shape, shape[0])


def uniform_gates(key: Array, shape: tuple[int, ...]) -> Array:
    """Applies `uniform` with the hidden size, a third of the columns, as fan-in, as torch does for GRUs."""
    return uniform(key, shape, shape[-1] // 3)


def orthogonal_gates(key: Array, shape: tuple[int, ...]) -> Array:
    """Draws one random orthogonal matrix per gate, (H, 3H), which keeps the length of a state over many ticks."""
    hidden = shape[0]

    def draw(generator: np.random.Generator) -> np.ndarray:
        return np.concatenate([np.linalg.qr(generator.standard_normal((hidden, hidden)))[0] for _ in range(3)], axis=1)

    return _on_host(key, shape, draw)


def zeros(key: Array, shape: tuple[int, ...]) -> Array:
    """Returns zeros, for the learned first inputs of MeasureVAE's decoder."""
    del key
    return jnp.zeros(shape)


def _on_host(key: Array, shape: tuple[int, ...], distribution: Callable[[np.random.Generator], np.ndarray]) -> Array:
    """Draws with a NumPy generator that is seeded by a JAX key; inside a traced function by a callback."""

    def draw(key_data: Any) -> Any:  # from and to numpy arrays
        return distribution(np.random.Generator(np.random.Philox(np.asarray(key_data)))).astype(np.float32)

    if isinstance(key, jax.core.Tracer):  # Flax's `apply` traces the initialiser to check shapes
        return jax.pure_callback(draw, jax.ShapeDtypeStruct(shape, jnp.float32), jax.random.key_data(key))
    return draw(jax.random.key_data(key))


@dataclass(frozen=True)
class Start:
    """The initial distribution of each kind of weight of a model."""

    embedding: Draw
    linear: Draw
    w_ih: Draw  # a GRU's input matrix
    w_ih_one_hot: Draw  # a GRU's input matrix where the inputs are one-hot tokens
    w_hh: Draw  # a GRU's recurrent matrix
    update_bias: float = 0.0  # added to the bias of the update gate; above 0, states change more slowly at first


MEASURE_VAE = Start(
    embedding=xavier_normal, linear=xavier_normal, w_ih=xavier_normal, w_ih_one_hot=xavier_normal, w_hh=xavier_normal
)
ADVERSARIAL_VAE = Start(
    embedding=uniform_fan_in,
    linear=uniform_fan_in,
    w_ih=uniform_gates,
    w_ih_one_hot=uniform_gates,
    w_hh=uniform_gates,
)


def scaled(published: Start, update_bias: float) -> Start:
    """Returns distributions with which GRU inputs and states start at full size; docs/choices.md has measurements."""
    return dataclasses.replace(
        published,
        embedding=unit_normal,
        w_ih=fan_in_normal,
        w_ih_one_hot=unit_normal,
        w_hh=orthogonal_gates,
        update_bias=update_bias,
    )


SCALED_MEASURE_VAE = scaled(MEASURE_VAE, update_bias=0.0)
SCALED_ADVERSARIAL_VAE = scaled(ADVERSARIAL_VAE, update_bias=1.0)
