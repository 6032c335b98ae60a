"""Initial weights: the published distributions, and those from which both models learn several times sooner.

Drawn on the host by NumPy's counter-based generator, because a program of some fifty draws takes XLA ten seconds to
compile. Biases of linear layers start at U(+-1/sqrt(fan_in)), those of GRUs at U(+-1/sqrt(H)), throughout.
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
    """N(0, 2 / (rows + columns)) (Glorot & Bengio 2010)."""
    return _on_host(key, shape, lambda generator: generator.standard_normal(shape) * np.sqrt(2.0 / sum(shape)))


def fan_in_normal(key: Array, shape: tuple[int, ...]) -> Array:
    """N(0, 1 / rows): outputs as large as inputs."""
    return _on_host(key, shape, lambda generator: generator.standard_normal(shape) / np.sqrt(shape[0]))


def unit_normal(key: Array, shape: tuple[int, ...]) -> Array:
    """N(0, 1), for rows that are looked up."""
    return _on_host(key, shape, lambda generator: generator.standard_normal(shape))


def uniform(key: Array, shape: tuple[int, ...], fan_in: int) -> Array:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)), torch's default."""
    return _on_host(key, shape, lambda generator: generator.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in))


def uniform_fan_in(key: Array, shape: tuple[int, ...]) -> Array:
    """`uniform` with a matrix's own rows as fan-in: torch's linear layers."""
    return uniform(key, shape, shape[0])


def uniform_gates(key: Array, shape: tuple[int, ...]) -> Array:
    """`uniform` with the hidden size, a third of the columns, as fan-in: all of torch's GRU tensors."""
    return uniform(key, shape, shape[-1] // 3)


def orthogonal_gates(key: Array, shape: tuple[int, ...]) -> Array:
    """(H, 3H): one random orthogonal matrix per gate, which keeps a state's length over many ticks."""
    hidden = shape[0]

    def draw(generator: np.random.Generator) -> np.ndarray:
        return np.concatenate([np.linalg.qr(generator.standard_normal((hidden, hidden)))[0] for _ in range(3)], axis=1)

    return _on_host(key, shape, draw)


def zeros(key: Array, shape: tuple[int, ...]) -> Array:
    """The learned first inputs of MeasureVAE's decoder."""
    del key
    return jnp.zeros(shape)


def _on_host(key: Array, shape: tuple[int, ...], distribution: Callable[[np.random.Generator], np.ndarray]) -> Array:
    def draw(key_data: Any) -> Any:  # numpy arrays, whatever the caller's are
        return distribution(np.random.Generator(np.random.Philox(np.asarray(key_data)))).astype(np.float32)

    if isinstance(key, jax.core.Tracer):  # Flax's `apply` checks shapes by tracing the initialiser
        return jax.pure_callback(draw, jax.ShapeDtypeStruct(shape, jnp.float32), jax.random.key_data(key))
    return draw(jax.random.key_data(key))


@dataclass(frozen=True)
class Start:
    """The distribution of each kind of weight."""

    embedding: Draw
    linear: Draw
    w_ih: Draw  # of a GRU's inputs
    w_ih_one_hot: Draw  # the same where the inputs are one-hot tokens
    w_hh: Draw  # of a GRU's state
    update_bias: float = 0.0  # added to the update gate's bias; above 0 a state lasts longer at first


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
    """GRUs whose inputs and states start at full size: measured in docs/choices.md."""
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
