"""The GRU, with the mathematics of torch's, and two ways to run its layers over the ticks of a measure.

There are two reasons for a GRU of our own. Torch's GRU has a second bias inside the product with the reset gate, which
parity needs. And training is faster if the input projection is outside the scan, the three gates are one matmul, and
the gradient of the recurrent weights is one matmul after the scan instead of one per tick, hence the custom VJPs.

Both ways give the same values and gradients up to rounding. `Program.few_kernels` says which one a program takes:

- `gru_scan` runs one layer in a loop, and stores the gates of every tick for the gradient.
- `unrolled_gru` runs several layers at once without a loop. It stores their states only, and for the gradient computes
  the gates of all ticks again, in one matmul. A tick takes two kernels forward and three backward. It is for GPUs,
  where a kernel costs microseconds to launch, whatever it computes. On CPU it is slower, and a TPU launches nothing
  while a program runs.

Shapes: B batch, T ticks, D inputs, H hidden, G = 3H gates, V vocabulary, L layers that run at once.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from vaemusic_jax.models.initialisers import Start, uniform
from vaemusic_jax.models.layers import Array, Layer, affine, look_up
from vaemusic_jax.models.precision import Arithmetic, current, product


class Run(NamedTuple):
    """One GRU layer in one direction with all that it needs to run."""

    x_proj: Array  # (T, B, 3H) projected inputs, x W_ih + b_ih, in float32
    h0: Array | None  # (B, H) the first state; None for zeros
    w_hh: Array  # (H, 3H)
    b_hh: Array  # (3H,)
    reverse: bool = False  # whether it runs from the last tick to the first


def run_layers(runs: Sequence[Run], few_kernels: bool) -> list[Array]:
    """Runs GRU layers of the same sizes that do not depend on one another.

    Args:
        runs: the layers.
        few_kernels: whether they are run by `unrolled_gru`, else by `gru_scan`.

    Returns:
        The states of each layer, (T, B, H). The state after tick t is at position t in both directions.
    """
    if not few_kernels:
        return [gru_scan(run.x_proj, _first_state(run), run.w_hh, run.b_hh, run.reverse) for run in runs]
    x_proj = jnp.stack([_in_order(run.x_proj, run.reverse) for run in runs])
    w_hh, b_hh = jnp.stack([run.w_hh for run in runs]), jnp.stack([run.b_hh for run in runs])
    h0 = None if all(run.h0 is None for run in runs) else jnp.stack(list(map(_first_state, runs)))
    states_LxTxBxH = unrolled_gru(x_proj, h0, w_hh, b_hh)
    return [_in_order(states, run.reverse) for states, run in zip(states_LxTxBxH, runs, strict=True)]


def _in_order(x_TxBxD: Array, reverse: bool) -> Array:
    """Returns ticks in the order in which a layer runs over them; of ticks in that order, returns them as they were."""
    return x_TxBxD[::-1] if reverse else x_TxBxD


def _first_state(run: Run) -> Array:
    """Returns the first state (B, H) of a layer."""
    if run.h0 is not None:
        return run.h0.astype(jnp.float32)
    return jnp.zeros((run.x_proj.shape[1], run.w_hh.shape[0]))


def gru_cell(x_proj: Array, h: Array, w_hh: Array, b_hh: Array) -> Array:
    """Computes one GRU step from x_proj (B, 3H) = x W_ih + b_ih and the state h (B, H) to the next state h' (B, H).

    r = sig(x_r + h_r), u = sig(x_u + h_u), n = tanh(x_n + r * h_n), h' = (1 - u) n + u h, with h_* = h W_hh + b_hh.
    The blocks of all weights are in torch's order r, u, n. Gates are computed in float32, in every precision; states
    are kept in the type that the current one says.
    """
    arithmetic = current()
    gates = _activated(arithmetic.kept(x_proj), product(h, w_hh) + b_hh[None, :])
    return arithmetic.kept(_next_state(*gates, h)[0])


def _activated(x_proj: Array, h_proj: Array) -> tuple[Array, Array, Array, Array]:
    """Returns r, u, x_n and h_n of the projections (..., 3H) of inputs and states, in float32."""
    x_r, x_u, x_n = jnp.split(x_proj.astype(jnp.float32), 3, axis=-1)
    h_r, h_u, h_n = jnp.split(h_proj, 3, axis=-1)
    return jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_u + h_u), x_n, h_n


def _next_state(r: Array, u: Array, x_n: Array, h_n: Array, h: Array) -> tuple[Array, Array]:
    """Returns the next state and n of the gates and the state of `gru_cell`, in float32."""
    n = jnp.tanh(x_n + r * h_n)
    return n + u * (h.astype(jnp.float32) - n), n


def gru_scan(x_proj_TxBxG: Array, h0_BxH: Array, w_hh: Array, b_hh: Array, reverse: bool = False) -> Array:
    """Runs one GRU layer over projected inputs (T, B, 3H) from a first state (B, H) and returns states (T, B, H).

    With `reverse` it runs from the last tick to the first. The state after tick t is always at position t.
    """
    arithmetic = current()
    return _gru_scan(arithmetic, reverse, arithmetic.kept(x_proj_TxBxG), h0_BxH, w_hh, b_hh)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _gru_scan(
    arithmetic: Arithmetic, reverse: bool, x_proj_TxBxG: Array, h0_BxH: Array, w_hh: Array, b_hh: Array
) -> Array:
    w_hh = arithmetic.operand(w_hh)  # once, not at every tick

    # Each step passes its gates on, and the next step computes the state from them. If a step did both, XLA would fuse
    # the gates with what follows, and on CPU they would take three times as long.
    def state_of(gates: Any) -> Array:
        return arithmetic.kept(_next_state(*gates)[0])

    def step(gates: Any, x_proj: Array) -> tuple[Any, Array]:
        h = state_of(gates)
        return (*_activated(x_proj, arithmetic.matmul(h, w_hh) + b_hh[None, :]), h), h

    zeros = jnp.zeros_like(h0_BxH)
    first = (zeros, zeros + 1.0, zeros, zeros, arithmetic.kept(h0_BxH))
    last, h_before = lax.scan(step, first, x_proj_TxBxG, reverse=reverse)
    after = state_of(last)[None]
    return jnp.concatenate([after, h_before[:-1]] if reverse else [h_before[1:], after])


def _gru_scan_fwd(
    arithmetic: Arithmetic, reverse: bool, x_proj: Array, h0: Array, w_hh: Array, b_hh: Array
) -> tuple[Array, Any]:
    w_hh, h0 = arithmetic.operand(w_hh), arithmetic.kept(h0)

    def step(h: Array, x_proj: Array) -> tuple[Array, tuple[Array, ...]]:
        r, u, x_n, h_n = _activated(x_proj, arithmetic.matmul(h, w_hh) + b_hh[None, :])
        h, n = _next_state(r, u, x_n, h_n, h)
        h = arithmetic.kept(h)
        return h, (h, *map(arithmetic.kept, (r, u, n, h_n)))

    out, r, u, n, h_n = lax.scan(step, h0, x_proj, reverse=reverse)[1]
    h_before = jnp.concatenate([out[1:], h0[None]] if reverse else [h0[None], out[:-1]])
    return out, (w_hh, h_before, r, u, n, h_n)


def _gru_scan_bwd(
    arithmetic: Arithmetic, reverse: bool, residual: Any, grad_out: Array
) -> tuple[Array, Array, Array, Array]:
    w_hh, *saved = residual
    h_before = saved[0]
    hidden = h_before.shape[-1]

    def step(grad_h: Array, tick: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array]]:
        grad_here, h, r, u, n, h_n = (part.astype(jnp.float32) for part in tick)
        total = grad_h + grad_here
        by_n = total * (1.0 - u) * (1.0 - n * n)  # gradients of the gates' pre-activations
        by_u = total * (h - n) * u * (1.0 - u)
        by_r = by_n * h_n * r * (1.0 - r)
        # The gradients of the two projections differ only in the n block: r multiplies h_n and not x_n.
        grad_h_proj = arithmetic.kept(jnp.concatenate([by_r, by_u, by_n * r], axis=-1))
        return total * u + arithmetic.matmul(grad_h_proj, w_hh.T), (grad_h_proj, arithmetic.kept(by_n))

    nothing = jnp.zeros(h_before.shape[1:])
    grad_h0, (grad_h_proj, by_n) = lax.scan(step, nothing, (grad_out, *saved), reverse=not reverse)
    grad_x_proj = jnp.concatenate([grad_h_proj[..., : 2 * hidden], by_n], axis=-1)
    # One matmul for all ticks.
    grad_w = arithmetic.matmul(h_before.reshape(-1, hidden).T, grad_h_proj.reshape(-1, 3 * hidden))
    return grad_x_proj, grad_h0, grad_w, grad_h_proj.astype(jnp.float32).sum((0, 1))


_gru_scan.defvjp(_gru_scan_fwd, _gru_scan_bwd)


def unrolled_gru(x_proj_LxTxBxG: Array, h0_LxBxH: Array | None, w_hh_LxHxG: Array, b_hh_LxG: Array) -> Array:
    """Runs L layers at once from the first tick to the last and returns their states, (L, T, B, H).

    Without first states these are zeros, and the first tick has no matmul.
    """
    arithmetic = current()
    return _unrolled_gru(arithmetic, arithmetic.kept(x_proj_LxTxBxG), h0_LxBxH, w_hh_LxHxG, b_hh_LxG)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _unrolled_gru(
    arithmetic: Arithmetic, x_proj_LxTxBxG: Array, h0_LxBxH: Array | None, w_hh_LxHxG: Array, b_hh_LxG: Array
) -> Array:
    w_hh_LxHxG = arithmetic.operand(w_hh_LxHxG)
    h, states = None if h0_LxBxH is None else arithmetic.kept(h0_LxBxH), []
    for tick in range(x_proj_LxTxBxG.shape[1]):
        h_proj = _project_states(arithmetic, h, w_hh_LxHxG, b_hh_LxG[:, None])
        r, u, x_n, h_n = _activated(x_proj_LxTxBxG[:, tick], h_proj)
        n = jnp.tanh(x_n + r * h_n)
        h = arithmetic.kept(n + u * ((0.0 if h is None else h.astype(jnp.float32)) - n))
        states.append(h)
    return jnp.stack(states, axis=1)


def _project_states(arithmetic: Arithmetic, h: Array | None, w_hh_LxHxG: Array, bias: Array) -> Array:
    """Projects the states (L, ..., H) of L layers to (L, ..., 3H); no states are zeros."""
    return bias if h is None else arithmetic.einsum("l...h,lhg->l...g", h, w_hh_LxHxG) + bias


def _unrolled_gru_fwd(
    arithmetic: Arithmetic, x_proj: Array, h0: Array | None, w_hh: Array, b_hh: Array
) -> tuple[Array, Any]:
    states = _unrolled_gru(arithmetic, x_proj, h0, w_hh, b_hh)
    return states, (x_proj, h0, w_hh, b_hh, states)


def _unrolled_gru_bwd(
    arithmetic: Arithmetic, residual: Any, grad_states: Array
) -> tuple[Array, Array | None, Array, Array]:
    x_proj, h0, w_hh, b_hh, states = residual
    w_hh = arithmetic.operand(w_hh)
    first = jnp.zeros_like(states[:, :1]) if h0 is None else arithmetic.kept(h0)[:, None]
    h_before = jnp.concatenate([first, states[:, :-1]], axis=1)
    r, u, x_n, h_n = _activated(x_proj, _project_states(arithmetic, h_before, w_hh, b_hh[:, None, None]))
    n = jnp.tanh(x_n + r * h_n)
    # The factors by which the gradient of a state becomes those of its projections. These differ only in the n block:
    # r multiplies h_n and not x_n.
    to_x_n = (1.0 - u) * (1.0 - n * n)
    to_r, to_u = to_x_n * h_n * r * (1.0 - r), (h_before.astype(jnp.float32) - n) * u * (1.0 - u)
    to_h_proj = arithmetic.kept(jnp.concatenate([to_r, to_u, to_x_n * r], axis=-1))
    to_x_proj = arithmetic.kept(jnp.concatenate([to_r, to_u, to_x_n], axis=-1))
    u = arithmetic.kept(u)

    grad_h, totals = jnp.zeros(states.shape[:1] + states.shape[2:]), []
    for tick in reversed(range(states.shape[1])):
        total = grad_h + grad_states[:, tick].astype(jnp.float32)
        grad_h_proj = _for_each_gate(total) * to_h_proj[:, tick].astype(jnp.float32)
        grad_h = total * u[:, tick].astype(jnp.float32) + arithmetic.einsum("lbg,lhg->lbh", grad_h_proj, w_hh)
        totals.append(arithmetic.kept(total))
    total = jnp.stack(totals[::-1], axis=1).astype(jnp.float32)

    grad_h_proj = _for_each_gate(total) * to_h_proj.astype(jnp.float32)
    grad_w = arithmetic.einsum("ltbh,ltbg->lhg", h_before, grad_h_proj)
    grad_x_proj = _for_each_gate(total) * to_x_proj.astype(jnp.float32)
    return arithmetic.kept(grad_x_proj), None if h0 is None else grad_h, grad_w, grad_h_proj.sum((1, 2))


def _for_each_gate(x: Array) -> Array:
    """Repeats (..., H) for the three gates, (..., 3H)."""
    return jnp.concatenate([x, x, x], axis=-1)


_unrolled_gru.defvjp(_unrolled_gru_fwd, _unrolled_gru_bwd)


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
    few_kernels: bool = False  # how it is run, see `run_layers`

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
        """Returns the states (T, B, H) after each tick, starting from `h0_BxH` or else zeros; see `run_layers`."""
        return run_layers([self.run(x_proj_TxBxG, h0_BxH, reverse)], self.few_kernels)[0]

    def run(self, x_proj_TxBxG: Array, h0_BxH: Array | None = None, reverse: bool = False) -> Run:
        """Returns what it takes to run this layer from `h0_BxH` or else zeros, for `run_layers`."""
        return Run(x_proj_TxBxG, h0_BxH, self.w_hh, self.b_hh, reverse)
