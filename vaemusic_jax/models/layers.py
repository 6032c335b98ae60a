"""The layers of both models: linear maps, token look-up and the GRU, with the mathematics of the reference networks.

There are two reasons for a GRU of our own. Torch's GRU has a second bias inside the product with the reset gate, which
parity needs. And training is faster if the input projection is outside the scan, the three gates are one matmul, and
the gradient of the recurrent weights is one matmul after the scan instead of one per tick, hence the custom VJP.

Shapes: B batch, T ticks, D inputs, H hidden, Z latent, V vocabulary. Matrices are stored (in, out).
"""

from functools import partial, reduce
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from vaemusic_jax.models.initialisers import Draw, Start, uniform

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


@jax.custom_vjp
def affine(x: Array, w: Array, b: Array) -> Array:
    """Returns x (..., D) times w (D, F) plus b (F,), as (..., F).

    The custom gradient of w is one matmul over all rows. For the automatic gradient XLA first makes transposed copies
    of both factors.
    """
    return x @ w + b.reshape((1,) * (x.ndim - 1) + (-1,))


def _affine_fwd(x: Array, w: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
    return affine(x, w, b), (x, w)


def _affine_bwd(residual: tuple[Array, Array], grad: Array) -> tuple[Array, Array, Array]:
    x, w = residual
    grad_NxF = grad.reshape(-1, grad.shape[-1])
    grad_w = x.reshape(-1, x.shape[-1]).T @ grad_NxF
    return (grad_NxF @ w.T).reshape(x.shape), grad_w, grad_NxF.sum(0)


affine.defvjp(_affine_fwd, _affine_bwd)


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


@jax.custom_vjp
def look_up(table: Array, index: Array) -> Array:
    """Returns the rows of `table` (N, D) at `index` (...), as (..., D).

    The custom gradient is a one-hot matmul. A scatter-add has no fixed order of additions on a GPU, where a resumed run
    has to equal an uninterrupted one bit for bit. On a CPU both take the same time.
    """
    return jnp.take(table, index, axis=0)


def _look_up_fwd(table: Array, index: Array) -> tuple[Array, tuple[Array, int]]:
    return look_up(table, index), (index, table.shape[0])


def _look_up_bwd(residual: tuple[Array, int], grad: Array) -> tuple[Array, None]:
    index, n_rows = residual
    one_hot = jax.nn.one_hot(index.reshape(-1), n_rows, dtype=grad.dtype)
    return one_hot.T @ grad.reshape(-1, grad.shape[-1]), None


look_up.defvjp(_look_up_fwd, _look_up_bwd)


def gru_cell(x_proj: Array, h: Array, w_hh: Array, b_hh: Array) -> Array:
    """Computes one GRU step from x_proj (B, 3H) = x W_ih + b_ih and the state h (B, H) to the next state h' (B, H).

    r = sig(x_r + h_r), u = sig(x_u + h_u), n = tanh(x_n + r * h_n), h' = (1 - u) n + u h, with h_* = h W_hh + b_hh.
    The blocks of all weights are in torch's order r, u, n.
    """
    return _gates(x_proj, h, w_hh, b_hh)[0]


def _split_gates(x_proj: Array, h: Array, w_hh: Array, b_hh: Array) -> tuple[Array, Array, Array, Array]:
    """Returns r, u, x_n and h_n of `gru_cell`."""
    h_proj = h @ w_hh + b_hh[None, :]
    x_r, x_u, x_n = jnp.split(x_proj, 3, axis=-1)
    h_r, h_u, h_n = jnp.split(h_proj, 3, axis=-1)
    return jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_u + h_u), x_n, h_n


def _gates(x_proj: Array, h: Array, w_hh: Array, b_hh: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Returns h', r, u, n and h_n of `gru_cell`."""
    r, u, x_n, h_n = _split_gates(x_proj, h, w_hh, b_hh)
    n = jnp.tanh(x_n + r * h_n)
    return n + u * (h - n), r, u, n, h_n


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def gru_scan(x_proj_TxBxG: Array, h0_BxH: Array, w_hh: Array, b_hh: Array, reverse: bool = False) -> Array:
    """Runs one GRU layer over projected inputs (T, B, 3H) from a first state (B, H) and returns states (T, B, H).

    With `reverse` it runs from the last tick to the first. The state after tick t is always at position t.
    """

    # Each step passes its gates on, and the next step computes the state from them. If a step did both, XLA would fuse
    # the gates with what follows, and on CPU they would take three times as long.
    def state_of(gates: Any) -> Array:
        r, u, x_n, h_n, h = gates
        n = jnp.tanh(x_n + r * h_n)
        return n + u * (h - n)

    def step(gates: Any, x_proj: Array) -> tuple[Any, Array]:
        h = state_of(gates)
        return (*_split_gates(x_proj, h, w_hh, b_hh), h), h

    zeros = jnp.zeros_like(h0_BxH)
    last, h_before = lax.scan(step, (zeros, zeros + 1.0, zeros, zeros, h0_BxH), x_proj_TxBxG, reverse=reverse)
    after = state_of(last)[None]
    return jnp.concatenate([after, h_before[:-1]] if reverse else [h_before[1:], after])


def _gru_scan_fwd(x_proj: Array, h0: Array, w_hh: Array, b_hh: Array, reverse: bool) -> tuple[Array, Any]:
    def step(h: Array, x_proj: Array) -> tuple[Array, tuple[Array, ...]]:
        h, r, u, n, h_n = _gates(x_proj, h, w_hh, b_hh)
        return h, (h, r, u, n, h_n)

    out, r, u, n, h_n = lax.scan(step, h0, x_proj, reverse=reverse)[1]
    h_before = jnp.concatenate([out[1:], h0[None]] if reverse else [h0[None], out[:-1]])
    return out, (w_hh, h_before, r, u, n, h_n)


def _gru_scan_bwd(reverse: bool, residual: Any, grad_out: Array) -> tuple[Array, Array, Array, Array]:
    w_hh, *saved = residual
    h_before = saved[0]
    hidden = h_before.shape[-1]

    def step(grad_h: Array, tick: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array]]:
        grad_here, h, r, u, n, h_n = tick
        total = grad_h + grad_here
        by_n = total * (1.0 - u) * (1.0 - n * n)  # gradients of the gates' pre-activations
        by_u = total * (h - n) * u * (1.0 - u)
        by_r = by_n * h_n * r * (1.0 - r)
        # The gradients of the two projections differ only in the n block: r multiplies h_n and not x_n.
        grad_h_proj = jnp.concatenate([by_r, by_u, by_n * r], axis=-1)
        return total * u + grad_h_proj @ w_hh.T, (grad_h_proj, by_n)

    grad_h0, (grad_h_proj, by_n) = lax.scan(step, jnp.zeros_like(h_before[0]), (grad_out, *saved), reverse=not reverse)
    grad_x_proj = jnp.concatenate([grad_h_proj[..., : 2 * hidden], by_n], axis=-1)
    grad_w = h_before.reshape(-1, hidden).T @ grad_h_proj.reshape(-1, 3 * hidden)  # one matmul for all ticks
    return grad_x_proj, grad_h0, grad_w, grad_h_proj.sum((0, 1))


gru_scan.defvjp(_gru_scan_fwd, _gru_scan_bwd)


def gate_bias(key: Array, hidden_size: int, update_bias: float = 0.0) -> Array:
    """Draws the biases of the three gates, (3H,), from U(+-1/sqrt(H)) and adds `update_bias` to the update gate's."""
    update = np.repeat(np.array([0.0, update_bias, 0.0], np.float32), hidden_size)
    return uniform(key, (3 * hidden_size,), hidden_size) + update


class GRUWeights(NamedTuple):
    """The weight arrays of one GRU layer."""

    w_ih: Array  # (D, 3H)
    w_hh: Array  # (H, 3H)
    b_ih: Array  # (3H,)
    b_hh: Array  # (3H,)


class GRU(Layer):
    """One GRU layer in one direction: its weights, the projection of its inputs, and the scan over ticks."""

    in_features: int
    hidden_size: int
    start: Start
    one_hot: bool = False  # whether its inputs are one-hot tokens

    def setup(self) -> None:
        gates = 3 * self.hidden_size
        draw_inputs = self.start.w_ih_one_hot if self.one_hot else self.start.w_ih
        self.w_ih = self.param("w_ih", draw_inputs, (self.in_features, gates))
        self.w_hh = self.param("w_hh", self.start.w_hh, (self.hidden_size, gates))
        self.b_ih = self.param("b_ih", gate_bias, self.hidden_size, self.start.update_bias)
        self.b_hh = self.param("b_hh", gate_bias, self.hidden_size)

    def weights(self) -> "GRUWeights":
        """Returns the weight arrays, for use inside a scan of the caller."""
        return GRUWeights(self.w_ih, self.w_hh, self.b_ih, self.b_hh)

    def project(self, x: Array) -> Array:
        """Projects inputs (..., D) to (..., 3H), the part of a step that does not depend on the previous step."""
        return affine(x, self.w_ih, self.b_ih)

    def project_tokens(self, embedding_VxE: Array, tokens: Array) -> Array:
        """Returns `project` of embedded tokens (...), as (..., 3H).

        It projects each of the V embeddings once and looks the results up, which is far less work.
        """
        return look_up(self.project(embedding_VxE), tokens)

    def project_one_hot(self, tokens: Array) -> Array:
        """Returns `project` of one-hot tokens (...), as (..., 3H), without creating the one-hot vectors."""
        return look_up(self.w_ih, tokens) + self.b_ih.reshape((1,) * tokens.ndim + (-1,))

    def scan(self, x_proj_TxBxG: Array, h0_BxH: Array | None = None, reverse: bool = False) -> Array:
        """Returns the states (T, B, H) after each tick, starting from `h0_BxH` or else zeros; see `gru_scan`."""
        if h0_BxH is None:
            h0_BxH = jnp.zeros((x_proj_TxBxG.shape[1], self.hidden_size), x_proj_TxBxG.dtype)
        return gru_scan(x_proj_TxBxG, h0_BxH, self.w_hh, self.b_hh, reverse)


def dropout(x: Array, rate: float, key: Array | None) -> Array:
    """Sets each entry to zero with probability `rate` and divides the others by 1 - rate; without a key returns x."""
    if key is None or rate == 0.0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1.0 - rate, x.shape), x / (1.0 - rate), 0.0)
