"""A toy model, a toy attribute and a toy metric, each added by one object and one registration."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers.study_grid import N_TICKS
from vaemusic_jax.config.models import MODELS, ModelSpec, Recipe
from vaemusic_jax.metrics.registry import METRICS, Metric
from vaemusic_jax.models.base import Model
from vaemusic_jax.models.initialisers import ADVERSARIAL_VAE
from vaemusic_jax.models.layers import Array, Layer, Linear
from vaemusic_jax.models.program import Program
from vaemusic_jax.music.attributes import ATTRIBUTES, Attribute, Onsets

DRAW = ADVERSARIAL_VAE.linear


class PlainVAE(Layer):
    """A VAE of linear layers, without a regulariser, an adversary or recurrence."""

    vocab_size: int
    hidden_size: int
    latent_dim: int

    def setup(self) -> None:
        self.hidden = Linear(N_TICKS * self.vocab_size, self.hidden_size, DRAW)
        self.mean = Linear(self.hidden_size, self.latent_dim, DRAW)
        self.log_std = Linear(self.hidden_size, self.latent_dim, DRAW)
        self.out = Linear(self.latent_dim, N_TICKS * self.vocab_size, DRAW)

    def encode(self, tokens_BxT: Array, dropout_key: Array | None = None) -> tuple[Array, Array]:
        del dropout_key
        one_hot = jax.nn.one_hot(tokens_BxT, self.vocab_size).reshape(len(tokens_BxT), -1)
        hidden = jnp.tanh(self.hidden(one_hot))
        return self.mean(hidden), self.log_std(hidden)

    def decode(self, z_BxZ: Array, *teaching: Any) -> Array:
        del teaching
        return self.out(z_BxZ).reshape(len(z_BxZ), N_TICKS, self.vocab_size)


class PlainVAEModel(Model):
    """What the package needs to know about `PlainVAE`."""

    def networks(self, program: Program) -> dict[str, Layer]:
        return {"vae": PlainVAE(program.vocab_size, program.hidden_size, program.latent_dim)}

    def multiplications(self, program: Program) -> int:
        return 3 * program.hidden_size * N_TICKS * program.vocab_size


def register_model(patch: pytest.MonkeyPatch) -> None:
    """Adds the model `plain_vae`."""
    recipe = Recipe(
        feeding="teacher",
        scaled_start=False,
        defaults={"batch_size": 16, "learning_rate": 1e-2, "beta": 1e-4},
    )
    spec = ModelSpec(
        title="PlainVAE",
        network="tests.helpers.toys:PlainVAEModel",
        gru_layers=0,
        sizes={"small": 16, "published": 32},
        recipes={"fast": recipe, "reference": recipe},
    )
    patch.setitem(MODELS, "plain_vae", spec)


def register_attribute(patch: pytest.MonkeyPatch) -> None:
    """Adds the attribute `last_onset`."""

    def last_onset(onsets: Onsets) -> np.ndarray:
        return (onsets.at * np.arange(N_TICKS)).max(-1).astype(np.float32)

    patch.setitem(ATTRIBUTES, "last_onset", Attribute("last_onset", "LO", "ticks", last_onset))


def register_metric(patch: pytest.MonkeyPatch) -> None:
    """Adds the metric `toy_spread`."""
    metric = Metric("toy_spread", "latent", "spread of a toy", lambda inputs: float(inputs.codes.std()))
    patch.setitem(METRICS, "toy_spread", metric)
