"""The compiled program of a cohort: the sizes and recipe that define it, and the functions that apply its networks.

Shapes: B batch, T ticks, Z latent, V vocabulary, K attribute slots of the cohort.
"""

import dataclasses
import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import jax
import numpy as np

from vaemusic_jax.config.models import MODELS, DiscriminatorName, PrecisionName, Recipe
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.models.base import Model, Params, Posterior
from vaemusic_jax.models.layers import Array, Layer
from vaemusic_jax.models.precision import Arithmetic, computing
from vaemusic_jax.music.grid import COMMON, GRIDS, Grid
from vaemusic_jax.support.jax_settings import random_key


@dataclass(frozen=True)
class Program:
    """The properties that the members of a cohort share; it is hashable and static under `jit`.

    Latent size and number of attributes are those of the padded arrays: the largest of the cohort, and at least one
    slot for an attribute, which is padding in a cohort without any. `steers` is whether
    the training step has the steering term, for which it needs `midi`, the MIDI pitch of each token. `metre` is that of
    the measures. `precision` is what networks compute in, see `models.precision`. `platform` is the kind of device that
    it is compiled for, as JAX names it, which decides how something is computed, but not what.
    """

    model: str
    recipe: Recipe
    vocab_size: int
    hidden_size: int
    latent_dim: int
    n_attributes: int
    batch_size: int
    steps: int
    discriminator: DiscriminatorName
    steers: bool = False
    midi: tuple[float, ...] = ()
    metre: str = COMMON
    precision: PrecisionName = "float32"
    platform: str = "cpu"

    @property
    def grid(self) -> Grid:
        """The grid of the measures."""
        return GRIDS[self.metre]

    @property
    def few_kernels(self) -> bool:
        """Whether many small computations are done as few large ones.

        A GPU takes microseconds to launch a kernel, whatever it computes.
        """
        return self.platform == "gpu"

    @property
    def arithmetic(self) -> Arithmetic:
        """How its networks compute."""
        return Arithmetic(self.precision, self.platform)

    @property
    def implementation(self) -> Model:
        """The model's implementation."""
        return implementation_of(self.model)

    @property
    def networks(self) -> dict[str, Layer]:
        """The model's networks by name."""
        return self.implementation.networks(self)

    def sized(self, latent_dim: int, n_attributes: int) -> Self:
        """Returns the program of a single member of these sizes, without padding."""
        return dataclasses.replace(self, latent_dim=latent_dim, n_attributes=max(1, n_attributes))

    def widened(self, n: int) -> Self:
        """Returns the same program with `n` tokens more, which tells what axes of its weights are of tokens."""
        return dataclasses.replace(self, vocab_size=self.vocab_size + n)

    def initial_params(self, seed: int) -> Params:
        """Draws initial weights of every network, as numpy arrays."""
        networks = self.networks
        keys = jax.random.split(random_key(seed), max(2, len(networks)))  # a lone network has the first of two
        return {
            name: dict(network.init(key, method="declare")["params"])
            for key, (name, network) in zip(keys, networks.items(), strict=False)
        }

    def encode(self, params: Params, tokens_BxT: Array, dropout_key: Array | None = None) -> Posterior:
        """Returns the posterior distributions of measures; without a key there is no dropout."""
        return Posterior(*self.apply("vae", params, tokens_BxT, dropout_key, method="encode"))

    def decode(
        self,
        params: Params,
        z_BxZ: Array,
        conditions_BxK: Array,
        tokens_BxT: Array | None = None,
        teacher_T: Array | None = None,
        dropout_key: Array | None = None,
    ) -> Array:
        """Returns the logits (B, T, V) of decoded codes.

        Decoding is free-running and greedy without tokens, teacher-forced with them, and mixed with `teacher_T`.

        Args:
            params: the weights of every network.
            z_BxZ: codes.
            conditions_BxK: standardised attribute values, which models ignore that are not told them.
            tokens_BxT: the true tokens.
            teacher_T: whether the true token, not the model's own, is fed on after each tick.
            dropout_key: the key of dropout; None for no dropout.
        """
        logits: Array = self.apply(
            "vae", params, z_BxZ, conditions_BxK, tokens_BxT, teacher_T, dropout_key, method="decode"
        )
        return logits

    def apply(self, network: str, params: Params, *args: Any, method: str = "__call__") -> Any:
        """Calls a method of a network, which computes in the program's precision and returns float32."""
        with computing(self.arithmetic):
            return self.networks[network].apply({"params": params[network]}, *args, method=method)


def implementation_of(model: str) -> Model:
    """Returns the implementation of a model by the name of its row in `config.models.MODELS`."""
    return _imported(MODELS[model].network)


@functools.cache
def _imported(place: str) -> Model:
    """Makes the `Model` at a place written as "module:class"."""
    module, _, kind = place.partition(":")
    model: Model = getattr(importlib.import_module(module), kind)()
    return model


def program_of(
    trials: Sequence[Trial],
    vocab_size: int,
    midi_V: np.ndarray | None = None,
    metre: str = COMMON,
    platform: str | None = None,
) -> Program:
    """Returns the program that trains the trials of one cohort, see `config.trial.Cohort`, together.

    Args:
        trials: the trials.
        vocab_size: the number of tokens.
        midi_V: their MIDI pitches, which only training steps that steer need.
        metre: the metre of the measures.
        platform: the kind of device that it is compiled for; None for JAX's own.
    """
    first = trials[0]
    return Program(
        model=first.model,
        recipe=MODELS[first.model].recipes[first.recipe],
        vocab_size=vocab_size,
        hidden_size=first.hidden_size,
        latent_dim=max(trial.latent_dim for trial in trials),
        n_attributes=max(1, *(len(trial.attributes) for trial in trials)),
        batch_size=first.batch_size,
        steps=first.steps,
        discriminator=first.discriminator,
        steers=first.steers,
        midi=tuple(map(float, midi_V)) if first.steers and midi_V is not None else (),
        metre=metre,
        precision=first.precision,
        platform=platform or jax.default_backend(),
    )
