"""The layers of both models but the GRU: linear maps, token look-up and dropout.

Shapes: B batch, T ticks, D inputs, F features. Matrices are stored (in, out).
"""

from functools import partial, reduce

import flax.linen as nn
import jax
import jax.numpy as jnp

from vaemusic_jax.models.initialisers import Draw, uniform
from vaemusic_jax.models.precision import Arithmetic, current

Array = jax.Array


class Layer(nn.Module):
    """A module that can draw its weights without computing anything: `init(key, method="declare")`."""

    def declare(self) -> None:
        """Creates every weight, including those of submodules. Linen runs `setup` before any method."""
        for child in list(vars(self).values()):
            if isinstance(child, Layer):
                child.declare()


class Linear(Layer):
    """A linear map y = x W + b with W (in, out). Biases are initialised from U(+-1/sqrt(fan_in))."""

    in_features: int
    features: int
    draw: Draw

    def setup(self) -> None:
        self.w = self.param("w", self.draw, (self.in_features, self.features))
        self.b = self.param("b", uniform, (self.features,), self.in_features)

    def __call__(self, x: Array) -> Array:
        return affine(x, self.w, self.b)


def affine(x: Array, w: Array, b: Array) -> Array:
    """Returns x (..., D) times w (D, F) plus b (F,), as (..., F) in float32.

    The custom gradient of w is one matmul over all rows. For the automatic gradient XLA first makes transposed copies
    of both factors.
    """
    return _affine(current(), x, w, b)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _affine(arithmetic: Arithmetic, x: Array, w: Array, b: Array) -> Array:
    return arithmetic.matmul(x, w) + b.reshape((1,) * (x.ndim - 1) + (-1,))


def _affine_fwd(arithmetic: Arithmetic, x: Array, w: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
    return _affine(arithmetic, x, w, b), (x, w)


def _affine_bwd(arithmetic: Arithmetic, residual: tuple[Array, Array], grad: Array) -> tuple[Array, Array, Array]:
    x, w = residual
    grad_NxF = grad.reshape(-1, grad.shape[-1])
    grad_w = arithmetic.matmul(x.reshape(-1, x.shape[-1]).T, grad_NxF)
    grad_x = arithmetic.matmul(grad_NxF, w.T).reshape(x.shape).astype(x.dtype)
    return grad_x, grad_w, grad_NxF.sum(0)


_affine.defvjp(_affine_fwd, _affine_bwd)


@jax.custom_vjp
def add_to_every_tick(x_TxBxD: Array, constant_BxD: Array) -> Array:
    """Adds (B, D) to every tick of (T, B, D).

    The custom gradient sums over ticks one by one, which is faster on CPU for few ticks of large arrays.
    """
    return x_TxBxD + constant_BxD[None]


def _add_to_every_tick_fwd(x: Array, constant: Array) -> tuple[Array, None]:
    return add_to_every_tick(x, constant), None


def _add_to_every_tick_bwd(residual: None, grad: Array) -> tuple[Array, Array]:
    del residual
    return grad, reduce(jnp.add, list(grad))


add_to_every_tick.defvjp(_add_to_every_tick_fwd, _add_to_every_tick_bwd)


def look_up(table: Array, index: Array) -> Array:
    """Returns the rows of `table` (N, D) at `index` (...), as (..., D).

    The custom gradient is a one-hot matmul. A scatter-add has no fixed order of additions on a GPU, where a resumed run
    has to equal an uninterrupted one bit for bit. On a CPU both take the same time.
    """
    return _look_up(current(), table, index)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _look_up(arithmetic: Arithmetic, table: Array, index: Array) -> Array:
    del arithmetic
    return jnp.take(table, index, axis=0)


def _look_up_fwd(arithmetic: Arithmetic, table: Array, index: Array) -> tuple[Array, tuple[Array, int]]:
    return _look_up(arithmetic, table, index), (index, table.shape[0])


def _look_up_bwd(arithmetic: Arithmetic, residual: tuple[Array, int], grad: Array) -> tuple[Array, None]:
    index, n_rows = residual
    one_hot = jax.nn.one_hot(index.reshape(-1), n_rows, dtype=grad.dtype)
    return arithmetic.matmul(one_hot.T, grad.reshape(-1, grad.shape[-1])), None


_look_up.defvjp(_look_up_fwd, _look_up_bwd)


def dropout(x: Array, rate: float, key: Array | None) -> Array:
    """Sets each entry to zero with probability `rate` and divides the others by 1 - rate; without a key returns x."""
    if key is None or rate == 0.0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1.0 - rate, x.shape), x / (1.0 - rate), 0.0)
