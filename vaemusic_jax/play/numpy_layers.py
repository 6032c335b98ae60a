"""The layers of the networks in NumPy, for models in use: the same numbers as `models.layers`, without JAX.

Shapes: B batch, T ticks, D inputs, H hidden. Matrices are stored (in, out), the gates of a GRU in the order r, u, n.
"""

from collections.abc import Callable, Mapping

import numpy as np

Floats = np.ndarray
Weights = Mapping[str, np.ndarray]  # by name, such as "decoder/out/w"
Shapes = dict[str, tuple[int, ...]]
#: Chooses the token of a tick from its logits: `choose(tick, logits_BxV)` returns tokens (B,).
Choose = Callable[[int, Floats], np.ndarray]

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def greedy(tick: int, logits_BxV: Floats) -> np.ndarray:
    """Chooses the most probable token."""
    del tick
    return logits_BxV.argmax(-1)


def drawing(rng: np.random.Generator, temperature: float) -> Choose:
    """Returns a choice of tokens at random, from the probabilities of logits over a temperature.

    Raises:
        ValueError: the temperature is not a number above 0.
    """
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature {temperature}; it needs a number above 0")

    def choose(tick: int, logits_BxV: np.ndarray) -> np.ndarray:
        del tick
        noise = rng.gumbel(size=logits_BxV.shape)
        return np.asarray((logits_BxV / temperature + noise).argmax(-1))

    return choose


def selu(x: Floats) -> Floats:
    """Returns the scaled exponential linear unit of every entry."""
    negative = _SELU_ALPHA * np.expm1(np.minimum(x, 0))
    return np.asarray(_SELU_SCALE * np.where(x > 0, x, negative), np.float32)


def sigmoid(x: Floats) -> Floats:
    """Returns 1 / (1 + exp(-x)) of every entry, without overflow."""
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)


class Layers:
    """The weights of a network and the layers that they make.

    Attributes:
        weights: the arrays by name, float32.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}

    def linear(self, name: str, x: Floats) -> Floats:
        """Returns x (..., D) times the matrix plus the bias of the linear layer `name`."""
        return np.asarray(x @ self.weights[f"{name}/w"] + self.weights[f"{name}/b"])

    def project(self, name: str, x: Floats) -> Floats:
        """Returns the input projection (..., 3H) of x (..., D) in the GRU layer `name`."""
        return np.asarray(x @ self.weights[f"{name}/w_ih"] + self.weights[f"{name}/b_ih"])

    def cell(self, name: str, x_proj: Floats, h_BxH: Floats) -> Floats:
        """Returns the next state (B, H) of the GRU layer `name` from its projected input (B, 3H)."""
        hidden = h_BxH.shape[-1]
        h_proj = h_BxH @ self.weights[f"{name}/w_hh"] + self.weights[f"{name}/b_hh"]
        gates = sigmoid(x_proj[..., : 2 * hidden] + h_proj[..., : 2 * hidden])
        reset, update = gates[..., :hidden], gates[..., hidden:]
        new = np.tanh(x_proj[..., 2 * hidden :] + reset * h_proj[..., 2 * hidden :])
        return np.asarray(new + update * (h_BxH - new))

    def scan(self, name: str, x_proj_TxBxG: Floats, h0_BxH: Floats | None = None, reverse: bool = False) -> Floats:
        """Returns the states (T, B, H) after every tick, from a first state or zeros; `reverse` starts at the end."""
        n_ticks, batch, gates = x_proj_TxBxG.shape
        h = np.zeros((batch, gates // 3), np.float32) if h0_BxH is None else h0_BxH
        states = np.empty((n_ticks, batch, gates // 3), np.float32)
        for tick in reversed(range(n_ticks)) if reverse else range(n_ticks):
            h = states[tick] = self.cell(name, x_proj_TxBxG[tick], h)
        return states


def linear_shapes(name: str, n_in: int, n_out: int) -> Shapes:
    """Returns the shapes of a linear layer's weights by name."""
    return {f"{name}/w": (n_in, n_out), f"{name}/b": (n_out,)}


def gru_shapes(name: str, n_in: int, hidden: int) -> Shapes:
    """Returns the shapes of a GRU layer's weights by name."""
    gates = 3 * hidden
    inputs: Shapes = {f"{name}/w_ih": (n_in, gates), f"{name}/b_ih": (gates,)}
    return inputs | {f"{name}/w_hh": (hidden, gates), f"{name}/b_hh": (gates,)}
