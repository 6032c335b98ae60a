"""Writes a trained model as two ONNX graphs, an encoder and a decoder, for other languages and devices.

The encoder goes from `tokens` (N, T), int64, to `codes` (N, Z). The decoder goes from `codes`, and for a model whose
decoder is told attribute values also `attributes` (N, K) in their own units, to `tokens` and `logits` (N, T, V). It is
free-running and greedy, unrolled over the ticks. Weights are float32.

ONNX's GRU has its gates in the order z, r, h, of which z is our update gate u; with `linear_before_reset` the reset
gate multiplies the projected state, as ours does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.errors import UserError
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.support.atomic import write_atomically

OPSET = 17
_IR_VERSION = 8  # of files that runtimes from 2022 on read


class _Graph:
    """A graph that is being built: its nodes, and its constants by name."""

    def __init__(self, model: TrainedModel) -> None:
        self.weights, self.nodes, self.constants = model.params, [], {}  # type: ignore[var-annotated]
        self._number = 0

    def constant(self, name: str, value: Any) -> str:
        """Adds a constant, once, and returns its name."""
        self.constants.setdefault(name, np.asarray(value))
        return name

    def weight(self, name: str) -> str:
        """Adds a weight as a constant, and returns its name."""
        return self.constant(name, np.asarray(self.weights[name], np.float32))

    def add(self, kind: str, *inputs: str, outputs: Sequence[str] = (), **attributes: Any) -> str:
        """Adds a node and returns the name of its first output."""
        from onnx import helper

        self._number += 1
        names = list(outputs) or [f"v{self._number}"]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return next(name for name in names if name)

    def linear(self, name: str, x: str) -> str:
        return self.add("Add", self.add("MatMul", x, self.weight(f"{name}/w")), self.weight(f"{name}/b"))

    def selu(self, x: str) -> str:
        return self.add("Selu", x)

    def halves(self, x: str, size: int) -> tuple[str, str]:
        first = f"{x} first"
        sizes = self.constant(f"two of {size}", np.array([size, size], np.int64))
        return self.add("Split", x, sizes, outputs=[first, f"{x} second"], axis=-1), f"{x} second"

    def gru(self, name: str, x: str, h0: str = "", reverse: bool = False) -> tuple[str, str]:
        """Adds a GRU layer over x (T, N, D) from h0 (1, N, H) or zeros.

        Returns:
            The names of the states (T, N, H) and of the last one (N, H).
        """
        w_ih, w_hh, b_ih, b_hh = (self.weights[f"{name}/{part}"] for part in ("w_ih", "w_hh", "b_ih", "b_hh"))
        return self.gru_of(name, (w_ih, w_hh, b_ih, b_hh), x, h0, reverse)

    def gru_of(
        self, name: str, weights: tuple[Any, ...], x: str, h0: str = "", reverse: bool = False
    ) -> tuple[str, str]:
        """Adds a GRU layer with given weights, see `gru`."""
        w_ih, w_hh, b_ih, b_hh = map(_gates_first, weights)
        hidden = w_hh.shape[1]
        inputs = [
            x,
            self.constant(f"{name} W", w_ih[None]),
            self.constant(f"{name} R", w_hh[None]),
            self.constant(f"{name} B", np.concatenate([b_ih, b_hh])[None]),
            "",
            h0,
        ]
        self._number += 1
        every, last = f"g{self._number}", f"g{self._number} last"
        direction = "reverse" if reverse else "forward"
        self.add("GRU", *inputs, outputs=[every, last], hidden_size=hidden, linear_before_reset=1, direction=direction)
        axis = self.constant("axis 1", np.array([1], np.int64))
        first = self.constant("axis 0", np.array([0], np.int64))
        return self.add("Squeeze", every, axis), self.add("Squeeze", last, first)

    def add_axis(self, x: str) -> str:
        return self.add("Unsqueeze", x, self.constant("axis 0", np.array([0], np.int64)))

    def per_measure(self, name: str, vector: np.ndarray, like: str) -> str:
        """Returns a vector (D,) as (N, D), with as many rows as the value `like` has."""
        rows = self.add("Shape", like, start=0, end=1)
        width = self.constant(f"width {len(vector)}", np.array([len(vector)], np.int64))
        return self.add("Expand", self.constant(name, vector), self.add("Concat", rows, width, axis=0))

    def finish(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> bytes:
        """Returns the model of the graph as bytes, checked."""
        import onnx
        from onnx import helper, numpy_helper

        constants = [numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="vaemusic-jax")
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())


def _gates_first(weight: Any) -> np.ndarray:
    """Returns a GRU weight (D, 3H) or (3H,) as ONNX has it: (3H, D) or (3H,), gates in the order u, r, n."""
    reset, update, new = np.split(np.asarray(weight, np.float32), 3, axis=-1)
    return np.ascontiguousarray(np.concatenate([update, reset, new], axis=-1).T)


def _measure_encoder(g: _Graph, tokens_TxN: str) -> str:
    x = g.add("Gather", g.weight("encoder/embedding"), tokens_TxN, axis=0)
    fwd0, last_fwd0 = g.gru("encoder/l0_fwd", x)
    bwd0, last_bwd0 = g.gru("encoder/l0_bwd", x, reverse=True)
    both = g.add("Concat", fwd0, bwd0, axis=-1)
    last_fwd1 = g.gru("encoder/l1_fwd", both)[1]
    last_bwd1 = g.gru("encoder/l1_bwd", both, reverse=True)[1]
    final = g.add("Concat", last_fwd0, last_bwd0, last_fwd1, last_bwd1, axis=-1)
    return g.linear("encoder/mean_fc2", g.selu(g.linear("encoder/mean_fc1", final)))


def _adversarial_encoder(g: _Graph, tokens_TxN: str) -> str:
    eye = g.constant("one-hot", np.eye(g.weights["encoder/fwd/w_ih"].shape[0], dtype=np.float32))
    x = g.add("Gather", eye, tokens_TxN, axis=0)
    last = [g.gru(f"encoder/{way}", x, reverse=way == "bwd")[1] for way in ("fwd", "bwd")]
    return g.linear("encoder/mean", g.add("Concat", *last, axis=-1))


def _measure_decoder(g: _Graph, model: TrainedModel, z: str, conditions: str) -> list[tuple[str, str]]:
    del conditions
    grid, hidden = model.vocabulary.grid, model.trial.hidden_size
    states = g.halves(g.selu(g.linear("decoder/z_to_beat_h0", z)), hidden)
    b0 = g.add_axis(g.per_measure("decoder/b0", g.weights["decoder/b0"], z))
    x = g.add("Concat", *[b0] * grid.n_beats, axis=0)  # the beat network has the same input at every beat
    out = g.gru("decoder/beat_l0", x, g.add_axis(states[0]))[0]
    out = g.gru("decoder/beat_l1", out, g.add_axis(states[1]))[0]
    firsts, inputs = g.selu(g.linear("decoder/beat_to_tick_h0", out)), g.selu(g.linear("decoder/beat_to_tick_in", out))
    table = np.concatenate([g.weights["decoder/embedding"], g.weights["decoder/x0"][None]]).astype(np.float32)
    table_name, fed = g.constant("tokens and start", table), g.per_measure("start", table[-1], z)
    h0 = h1 = from_beat = ""
    chosen = []
    for tick in range(grid.n_ticks):
        beat, first = divmod(tick, grid.ticks_per_beat)
        if first == 0:
            index = g.constant(f"beat {beat}", np.array(beat, np.int64))
            h0, h1 = g.halves(g.add("Gather", firsts, index, axis=0), hidden)
            from_beat = g.add("Gather", inputs, index, axis=0)
        h0 = g.gru("decoder/tick_l0", g.add_axis(g.add("Concat", fed, from_beat, axis=-1)), g.add_axis(h0))[1]
        h1 = g.gru("decoder/tick_l1", g.add_axis(h0), g.add_axis(h1))[1]
        logits = g.linear("decoder/out", h1)
        logits = g.add("Relu", logits) if model.numpy.sizes.recipe.relu_logits else logits
        token = g.add("ArgMax", logits, axis=-1, keepdims=0)
        fed = g.add("Gather", table_name, token, axis=0)
        chosen.append((token, logits))
    return chosen


def _adversarial_decoder(g: _Graph, model: TrainedModel, z: str, conditions: str) -> list[tuple[str, str]]:
    cell = {name.rpartition("/")[2]: weight for name, weight in g.weights.items() if name.startswith("decoder/cell1/")}
    w_ih = np.concatenate([cell["w_token"], cell["w_z"], cell["w_attributes"]])
    weights = (w_ih, cell["w_hh"], cell["b_ih"], cell["b_hh"])
    one_hot = np.eye(len(cell["w_token"]), dtype=np.float32)
    # The last row is of the start symbol, or, as published, of the last token, which then starts the decoder.
    eye, fed = g.constant("one-hot", one_hot), g.per_measure("start", one_hot[-1], z)
    h1 = g.add("Tanh", g.linear("decoder/z_to_h0", z))
    h2, chosen = "", []
    for _ in range(model.vocabulary.grid.n_ticks):
        x = g.add_axis(g.add("Concat", fed, z, conditions, axis=-1))
        h1 = g.gru_of("decoder/cell1", weights, x, g.add_axis(h1))[1]
        h2 = g.gru("decoder/cell2", g.add_axis(h1), g.add_axis(h2 or h1))[1]
        logits = g.linear("decoder/out", h2)
        token = g.add("ArgMax", logits, axis=-1, keepdims=0)
        fed = g.add("Gather", eye, token, axis=0)
        chosen.append((token, logits))
    return chosen


_ENCODERS = {"measure_vae": _measure_encoder, "adversarial_vae": _adversarial_encoder}
_DECODERS = {"measure_vae": _measure_decoder, "adversarial_vae": _adversarial_decoder}


def encoder(model: TrainedModel) -> bytes:
    """Returns the encoder's ONNX model."""
    from onnx import TensorProto, helper

    g, n_ticks = _Graph(model), model.vocabulary.grid.n_ticks
    codes = _ENCODERS[model.trial.model](g, g.add("Transpose", "tokens", perm=[1, 0]))
    g.add("Identity", codes, outputs=["codes"])
    return g.finish(
        "encoder",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N", n_ticks])],
        [helper.make_tensor_value_info("codes", TensorProto.FLOAT, ["N", model.trial.latent_dim])],
    )


def decoder(model: TrainedModel) -> bytes:
    """Returns the decoder's ONNX model."""
    from onnx import TensorProto, helper

    g, n_ticks = _Graph(model), model.vocabulary.grid.n_ticks
    inputs = [helper.make_tensor_value_info("codes", TensorProto.FLOAT, ["N", model.trial.latent_dim])]
    conditions = ""
    if model.told:
        n_own = len(model.trial.attributes)
        inputs.append(helper.make_tensor_value_info("attributes", TensorProto.FLOAT, ["N", n_own]))
        mean, std = np.asarray(model.standardise, np.float32)
        centred = g.add("Sub", "attributes", g.constant("mean", mean))
        conditions = g.add("Div", centred, g.constant("std", std))
    chosen = _DECODERS[model.trial.model](g, model, "codes", conditions)
    axis = g.constant("axis 1", np.array([1], np.int64))
    for position, output in enumerate(("tokens", "logits")):
        columns = [g.add("Unsqueeze", tick[position], axis) for tick in chosen]
        g.add("Concat", *columns, outputs=[output], axis=1)
    return g.finish(
        "decoder",
        inputs,
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N", n_ticks]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", n_ticks, len(model.vocabulary)]),
        ],
    )


Decode = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def write(path: Path, model: TrainedModel, check: Callable[[TrainedModel, Decode], int]) -> tuple[Path, Path]:
    """Writes `STEM.encoder.onnx` and `STEM.decoder.onnx` beside each other, and returns their paths.

    Args:
        path: the path of which both take the stem, such as `mine.onnx`.
        model: the model.
        check: checks a way to decode, before anything is written; see `play.export.check`.

    Raises:
        UserError: the packages onnx and onnxruntime are not installed, or a file cannot be written.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f"writing ONNX needs the package {error.name}; install it with `pip install 'vaemusic-jax[onnx]'`"
        ) from error
    graphs = {path.with_suffix(".encoder.onnx"): encoder(model), path.with_suffix(".decoder.onnx"): decoder(model)}
    encoder_path, decoder_path = graphs
    session = onnxruntime.InferenceSession(graphs[decoder_path], providers=["CPUExecutionProvider"])

    def decode(z: np.ndarray, conditions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean_K, std_K = model.standardise
        told = {"attributes": conditions * std_K + mean_K} if model.told else {}
        tokens, logits = session.run(None, {"codes": z, **told})
        return tokens, logits

    check(model, decode)
    for file, content in graphs.items():
        write_atomically(file, content)
    return encoder_path, decoder_path
