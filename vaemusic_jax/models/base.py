"""What a model is to the rest of the package: its networks, its own terms of the loss, and what a step of it costs.

A model is one file with a subclass of `Model` in it, and one row in `recipes.MODELS`. Training, scoring, evaluation,
restored models and cost estimates know models by what stands here.

Shapes: B batch, T ticks, Z latent, K attribute slots of the cohort.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax.numpy as jnp

from vaemusic_jax.models.layers import Array, Layer

if TYPE_CHECKING:
    from vaemusic_jax.models.member import Batch, HyperParameters
    from vaemusic_jax.models.program import Program

Params = dict[str, dict]  # the weights of each network by its name; "vae" is always there


class Posterior(NamedTuple):
    """What the encoder makes of a batch: a normal distribution for each measure."""

    mean: Array  # (B, Z)
    log_std: Array  # (B, Z)

    def sample(self, eps: Array) -> Array:
        """z = mean + exp(log_std) * eps: (B, Z)."""
        return self.mean + jnp.exp(self.log_std) * eps


class Model(ABC):
    """One kind of VAE of measures. It holds nothing: sizes and recipe come with the `Program` that it is asked about.

    Attributes:
        weighted_terms: for each term of its own in the loss, beside cross-entropy and KL divergence, the
            hyper-parameter that is its weight.
        rivals: for each network that learns from the codes before the VAE does in a step, the term that it minimises.
    """

    weighted_terms: ClassVar[Mapping[str, str]] = {}
    rivals: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def networks(self, program: "Program") -> dict[str, Layer]:
        """Its networks by name, "vae" first.

        The VAE has two methods. `encode(tokens_BxT, dropout_key)` gives mean and log standard deviation, (B, Z) each.
        `decode(z_BxZ, conditions_BxK, tokens_BxT, teacher_T, dropout_key)` gives logits (B, T, V): free-running and
        greedy without tokens, teacher-forced with them, and mixed where `teacher_T` says at which ticks.
        """

    def own_terms(
        self, program: "Program", params: Params, z_BxZ: Array, batch: "Batch", hp: "HyperParameters", weight_B: Array
    ) -> dict[str, Array]:
        """The terms of `weighted_terms` and `rivals`: (B,) one number per measure, or () one of the whole batch.

        `weight_B` holds 1 for measures that count and 0 for those that only fill a batch.
        """
        del program, params, z_BxZ, batch, hp, weight_B
        return {}

    @abstractmethod
    def multiplications(self, program: "Program") -> int:
        """Multiplications per measure in the matmuls of one training step.

        Only what must be done counts: token look-ups cost nothing, what is the same at several ticks is multiplied
        once, and a backward pass costs two forward ones.
        """
