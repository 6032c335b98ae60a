"""The interface of a model: its networks, controls and own terms of the loss, and a step's cost.

A model is one file with a subclass of `Model`, and one row in `config.models.MODELS`. Training, scoring, evaluation,
restored models and cost estimates use models through this interface only.

Shapes: B batch, T ticks, Z latent, V vocabulary, K attribute slots of the cohort.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax.numpy as jnp

from vaemusic_jax.models.controls import LATENT, Controls
from vaemusic_jax.models.layers import Array, Layer

if TYPE_CHECKING:
    from vaemusic_jax.models.member import Batch, HyperParameters
    from vaemusic_jax.models.program import Program

Params = dict[str, dict]  # the weights of each network by its name; "vae" is always there


class Posterior(NamedTuple):
    """The encoder's output for a batch: a normal distribution of the code of each measure."""

    mean: Array  # (B, Z)
    log_std: Array  # (B, Z)

    def sample(self, eps: Array) -> Array:
        """Returns codes z = mean + exp(log_std) * eps for standard normal noise `eps`, (B, Z)."""
        return self.mean + jnp.exp(self.log_std) * eps


class RivalTraining(NamedTuple):
    """How the networks beside the VAE are trained.

    Attributes:
        steps: Adam steps of each network for every step of the VAE, on the same codes.
        learning_rate: the same at every step; None for the learning rate of the VAE.
    """

    steps: int = 1
    learning_rate: float | None = None


class Model(ABC):
    """One kind of VAE of measures. It has no state: sizes and recipe are those of the `Program` passed to its methods.

    Attributes:
        controls: what is changed to steer the attributes of decoded measures.
        weighted_terms: the terms that the model adds to the loss beside cross-entropy and KL divergence, each with the
            hyper-parameter that is its weight.
        rivals: the networks beside the VAE that take optimiser steps of their own, on constant codes and before the VAE
            does, each with the term that it minimises.
    """

    controls: ClassVar[Controls] = LATENT
    weighted_terms: ClassVar[Mapping[str, str]] = {}
    rivals: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def networks(self, program: "Program") -> dict[str, Layer]:
        """Returns the model's networks by name, "vae" first.

        The VAE has two methods. `encode(tokens_BxT, dropout_key)` returns mean and log standard deviation, (B, Z) each.
        `decode(z_BxZ, conditions_BxK, tokens_BxT, teacher_T, dropout_key)` returns logits (B, T, V). Decoding is
        free-running and greedy without tokens, and teacher-forced with them. With `teacher_T`, booleans (T,), the true
        token is fed on after the ticks that are true, and the model's own token after the others.
        """

    def own_terms(
        self,
        program: "Program",
        params: Params,
        posterior: Posterior,
        z_BxZ: Array,
        batch: "Batch",
        hp: "HyperParameters",
        weight_B: Array,
    ) -> dict[str, Array]:
        """Returns the terms of `weighted_terms` and `rivals` by name, without their weights.

        Args:
            program: the cohort's sizes and recipe.
            params: the weights of every network.
            posterior: the posterior distributions of the batch.
            z_BxZ: the codes of the batch, drawn from them.
            batch: the measures and their attributes.
            hp: the member's hyper-parameters.
            weight_B: 1 for measures that count, 0 for those that only fill the batch.

        Returns:
            (B,) one number per measure, or () one of the whole batch.
        """
        del program, params, posterior, z_BxZ, batch, hp, weight_B
        return {}

    def rival_training(self, program: "Program") -> RivalTraining:
        """Returns how the networks of `rivals` are trained."""
        del program
        return RivalTraining()

    @abstractmethod
    def multiplications(self, program: "Program") -> int:
        """Returns the number of multiplications per measure in the matmuls of one training step.

        Only necessary work counts: token look-ups cost nothing, a product that is the same at several ticks counts
        once, and a backward pass costs as much as two forward passes. What turns probabilities into attributes for
        steering does not count, since it is small.
        """
