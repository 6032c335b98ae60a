"""The encoders and decoders of both models in NumPy, by the names of `config.models.MODELS`.

They decode as the JAX networks do: `tests/play/test_numpy_networks.py` compares them token for token. A model that is
added without networks here can be restored, but neither exported nor loaded.

Shapes: B batch, T ticks, Z latent, K the model's attributes, H hidden, V vocabulary.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vaemusic_jax.config.models import EMBEDDING_SIZE, MODELS, Recipe
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.grid import Grid
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play.numpy_layers import (
    Choose,
    Floats,
    Layers,
    Shapes,
    Weights,
    greedy,
    gru_shapes,
    linear_shapes,
    selu,
)


@dataclass(frozen=True)
class Sizes:
    """The sizes of a network.

    Attributes:
        hidden, latent, vocabulary, attributes: H, Z, V and K.
        grid: the grid of its measures.
        recipe: its recipe, of which only what shapes the networks matters.
    """

    hidden: int
    latent: int
    vocabulary: int
    attributes: int
    grid: Grid
    recipe: Recipe


def sizes_of(trial: Trial, vocabulary: Vocabulary) -> Sizes:
    """Returns the sizes of the networks of a trial."""
    return Sizes(
        hidden=trial.hidden_size,
        latent=trial.latent_dim,
        vocabulary=len(vocabulary),
        attributes=max(1, len(trial.attributes)),
        grid=vocabulary.grid,
        recipe=MODELS[trial.model].recipes[trial.recipe],
    )


class NumpyNetwork(ABC):
    """An encoder and a decoder with their weights.

    Attributes:
        told: whether the decoder is told attribute values, as `models.controls` says of the model.
    """

    told: ClassVar[bool] = False

    def __init__(self, sizes: Sizes, weights: Weights) -> None:
        """Takes the weights in float32.

        Raises:
            ValueError: a weight is missing, has another shape, or is not a finite number.
        """
        expected = self.shapes(sizes)
        if missing := sorted(set(expected) - set(weights)):
            raise ValueError(f"weight {missing[0]!r} is missing")
        for name, shape in expected.items():
            if weights[name].shape != shape:
                raise ValueError(f"weight {name!r} has shape {weights[name].shape}; it needs {shape}")
        self.sizes, self.layers = sizes, Layers({name: weights[name] for name in expected})
        for name, array in self.layers.weights.items():
            if not np.isfinite(array).all():
                raise ValueError(f"weight {name!r} is not finite")

    @staticmethod
    @abstractmethod
    def shapes(sizes: Sizes) -> Shapes:
        """Returns the shapes of all weights that encoding to posterior means and decoding need, by name."""

    @abstractmethod
    def encode(self, tokens_BxT: np.ndarray) -> Floats:
        """Returns posterior means (B, Z) of measures."""

    @abstractmethod
    def decode(self, z_BxZ: Floats, conditions_BxK: Floats, choose: Choose = greedy) -> tuple[np.ndarray, Floats]:
        """Decodes codes, free-running.

        Args:
            z_BxZ: codes.
            conditions_BxK: standardised attribute values, which MeasureVAE ignores.
            choose: chooses the token of a tick.

        Returns:
            The tokens (B, T), and the logits (B, T, V) from which they were chosen.
        """

    def decode_greedily(self, z: Floats, conditions: Floats) -> np.ndarray:
        """Returns the tokens (B, T) of codes (B, Z) and standardised attribute values (B, K)."""
        return self.decode(z, conditions)[0]


class NumpyMeasureVAE(NumpyNetwork):
    """The networks of `models.measure_vae`."""

    @staticmethod
    def shapes(sizes: Sizes) -> Shapes:
        H, Z, V, E = sizes.hidden, sizes.latent, sizes.vocabulary, EMBEDDING_SIZE
        found: Shapes = {"encoder/embedding": (V, E), "decoder/embedding": (V, E)}
        found |= {"decoder/x0": (E,), "decoder/b0": (1,)}
        for direction in ("fwd", "bwd"):
            found |= gru_shapes(f"encoder/l0_{direction}", E, H) | gru_shapes(f"encoder/l1_{direction}", 2 * H, H)
        found |= linear_shapes("encoder/mean_fc1", 4 * H, 2 * H) | linear_shapes("encoder/mean_fc2", 2 * H, Z)
        found |= linear_shapes("decoder/z_to_beat_h0", Z, 2 * H) | gru_shapes("decoder/beat_l0", 1, H)
        found |= gru_shapes("decoder/beat_l1", H, H) | linear_shapes("decoder/beat_to_tick_h0", H, 2 * H)
        found |= linear_shapes("decoder/beat_to_tick_in", H, H) | gru_shapes("decoder/tick_l0", E + H, H)
        return found | gru_shapes("decoder/tick_l1", H, H) | linear_shapes("decoder/out", H, V)

    def encode(self, tokens_BxT: np.ndarray) -> Floats:
        layers, tokens_TxB = self.layers, tokens_BxT.T
        states: list[Floats] = []
        for layer in ("l0", "l1"):
            for direction, reverse in (("fwd", False), ("bwd", True)):
                name = f"encoder/{layer}_{direction}"
                if layer == "l0":
                    x_proj = layers.project(name, layers.weights["encoder/embedding"])[tokens_TxB]
                else:
                    x_proj = layers.project(name, np.concatenate(states[:2], axis=-1))
                states.append(layers.scan(name, x_proj, reverse=reverse))
        final = np.concatenate([states[0][-1], states[1][0], states[2][-1], states[3][0]], axis=-1)
        return layers.linear("encoder/mean_fc2", selu(layers.linear("encoder/mean_fc1", final)))

    def decode(self, z_BxZ: Floats, conditions_BxK: Floats, choose: Choose = greedy) -> tuple[np.ndarray, Floats]:
        del conditions_BxK
        layers, grid, batch = self.layers, self.sizes.grid, len(z_BxZ)
        weights = layers.weights
        h0, h1 = np.split(selu(layers.linear("decoder/z_to_beat_h0", z_BxZ)), 2, axis=-1)
        constant = np.broadcast_to(weights["decoder/b0"], (grid.n_beats, batch, 1))
        out = layers.scan("decoder/beat_l0", layers.project("decoder/beat_l0", constant), h0)
        out_QxBxH = layers.scan("decoder/beat_l1", layers.project("decoder/beat_l1", out), h1)
        first_QxBx2H = selu(layers.linear("decoder/beat_to_tick_h0", out_QxBxH))
        inputs_QxBxH = selu(layers.linear("decoder/beat_to_tick_in", out_QxBxH))

        w_ih = weights["decoder/tick_l0/w_ih"]
        constant_QxBxG = inputs_QxBxH @ w_ih[EMBEDDING_SIZE:] + weights["decoder/tick_l0/b_ih"]
        embedded = np.concatenate([weights["decoder/embedding"], weights["decoder/x0"][None]])
        table = embedded @ w_ih[:EMBEDDING_SIZE]
        before = np.full(batch, self.sizes.vocabulary)  # the start symbol
        tokens = np.empty((batch, grid.n_ticks), np.int32)
        logits = np.empty((batch, grid.n_ticks, self.sizes.vocabulary), np.float32)
        for tick in range(grid.n_ticks):
            beat, first = divmod(tick, grid.ticks_per_beat)
            if first == 0:
                h0, h1 = np.split(first_QxBx2H[beat], 2, axis=-1)
            h0 = layers.cell("decoder/tick_l0", table[before] + constant_QxBxG[beat], h0)
            h1 = layers.cell("decoder/tick_l1", layers.project("decoder/tick_l1", h0), h1)
            logits[:, tick] = layers.linear("decoder/out", h1)
            if self.sizes.recipe.relu_logits:
                np.maximum(logits[:, tick], 0, out=logits[:, tick])
            before = tokens[:, tick] = choose(tick, logits[:, tick])
        return tokens, logits


class NumpyAdversarialVAE(NumpyNetwork):
    """The networks of `models.adversarial_vae` without the discriminator."""

    told = True

    @staticmethod
    def shapes(sizes: Sizes) -> Shapes:
        H, Z, V, gates = sizes.hidden, sizes.latent, sizes.vocabulary, 3 * sizes.hidden
        found = gru_shapes("encoder/fwd", V, H) | gru_shapes("encoder/bwd", V, H)
        found |= linear_shapes("encoder/mean", 2 * H, Z) | linear_shapes("decoder/z_to_h0", Z, H)
        n_tokens = V + int(sizes.recipe.own_start_symbol)
        cell = "decoder/cell1"
        found |= {f"{cell}/w_token": (n_tokens, gates), f"{cell}/w_z": (Z, gates), f"{cell}/w_hh": (H, gates)}
        found |= {f"{cell}/w_attributes": (sizes.attributes, gates)}
        found |= {f"{cell}/b_ih": (gates,), f"{cell}/b_hh": (gates,)}
        return found | gru_shapes("decoder/cell2", H, H) | linear_shapes("decoder/out", H, V)

    def encode(self, tokens_BxT: np.ndarray) -> Floats:
        final = []
        for direction, reverse in (("fwd", False), ("bwd", True)):
            name = f"encoder/{direction}"
            weights = self.layers.weights
            x_proj = weights[f"{name}/w_ih"][tokens_BxT.T] + weights[f"{name}/b_ih"]
            final.append(self.layers.scan(name, x_proj, reverse=reverse)[0 if reverse else -1])
        return self.layers.linear("encoder/mean", np.concatenate(final, axis=-1))

    def decode(self, z_BxZ: Floats, conditions_BxK: Floats, choose: Choose = greedy) -> tuple[np.ndarray, Floats]:
        layers, weights, cell = self.layers, self.layers.weights, "decoder/cell1"
        batch, n_ticks, n_tokens = len(z_BxZ), self.sizes.grid.n_ticks, self.sizes.vocabulary
        constant = z_BxZ @ weights[f"{cell}/w_z"] + weights[f"{cell}/b_ih"]
        constant = constant + conditions_BxK @ weights[f"{cell}/w_attributes"]
        h1 = np.tanh(layers.linear("decoder/z_to_h0", z_BxZ))
        h2 = h1
        before = np.full(batch, n_tokens if self.sizes.recipe.own_start_symbol else n_tokens - 1)
        tokens = np.empty((batch, n_ticks), np.int32)
        logits = np.empty((batch, n_ticks, n_tokens), np.float32)
        for tick in range(n_ticks):
            h1 = layers.cell(cell, weights[f"{cell}/w_token"][before] + constant, h1)
            h2 = layers.cell("decoder/cell2", layers.project("decoder/cell2", h1), h1 if tick == 0 else h2)
            logits[:, tick] = layers.linear("decoder/out", h2)
            before = tokens[:, tick] = choose(tick, logits[:, tick])
        return tokens, logits


NUMPY_NETWORKS: dict[str, type[NumpyNetwork]] = {
    "measure_vae": NumpyMeasureVAE,
    "adversarial_vae": NumpyAdversarialVAE,
}
