"""Everything that decides which program is compiled, and the one door to the networks of a model.

Shapes: B batch, T ticks, Z latent, V vocabulary, K attribute slots of the cohort.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp

from vaemusic_jax.config.recipes import MODELS, Recipe
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.models.base import Model, Params, Posterior
from vaemusic_jax.models.layers import Array, Layer
from vaemusic_jax.models.registry import model_of

# What networks compute in. Weights, losses and all that leaves a network are float32.
COMPUTE_DTYPE = jnp.float32


@dataclass(frozen=True)
class Program:
    """What the members of a cohort share, hashable and hence static under `jit`.

    Latent size and number of attributes are those of the arrays, the largest of the cohort.
    """

    model: str
    recipe: Recipe
    vocab_size: int
    hidden_size: int
    latent_dim: int
    n_attributes: int
    batch_size: int
    steps: int

    @property
    def kind(self) -> Model:
        """What its model is made of."""
        return model_of(self.model)

    @property
    def networks(self) -> dict[str, Layer]:
        """Its networks by name."""
        return self.kind.networks(self)

    def sized(self, latent_dim: int, n_attributes: int) -> Self:
        """The same program for a single member of these sizes, without padding."""
        return dataclasses.replace(self, latent_dim=latent_dim, n_attributes=n_attributes)

    def initial_params(self, seed: int) -> Params:
        """Fresh weights of every network, as numpy arrays."""
        keys = jax.random.split(jax.random.key(seed))
        return {
            name: dict(network.init(key, method="declare")["params"])
            for key, (name, network) in zip(keys, self.networks.items(), strict=False)
        }

    def encode(self, params: Params, tokens_BxT: Array, dropout_key: Array | None = None) -> Posterior:
        """The posteriors of measures."""
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
        """Logits (B, T, V) of codes, for the attribute values that a model of told controls is told.

        Free-running and greedy without tokens; teacher-forced with them, or mixed where `teacher_T` says at which
        ticks the true token is handed on.
        """
        logits: Array = self.apply(
            "vae", params, z_BxZ, conditions_BxK, tokens_BxT, teacher_T, dropout_key, method="decode"
        )
        return logits

    def apply(self, network: str, params: Params, *args: Any, method: str = "__call__") -> Any:
        """What a method of a network returns, in float32 whatever it computes in."""
        weights = jax.tree.map(lambda leaf: leaf.astype(COMPUTE_DTYPE), params[network])
        out = self.networks[network].apply({"params": weights}, *args, method=method)
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), out)


def program_of(trials: Sequence[Trial], vocab_size: int) -> Program:
    """The program that trains these trials together. They agree in all that a cohort shares (see `trial.cohorts`)."""
    first = trials[0]
    return Program(
        model=first.model,
        recipe=MODELS[first.model].recipes[first.recipe],
        vocab_size=vocab_size,
        hidden_size=first.hidden_size,
        latent_dim=max(trial.latent_dim for trial in trials),
        n_attributes=max(len(trial.attributes) for trial in trials),
        batch_size=first.batch_size,
        steps=first.steps,
    )


def turned(program: Program, z_BxZ: Array, own_BxK: Array, edits_BxK: Array) -> tuple[Array, Array]:
    """Codes and attribute values with controls set anew, those whose edit is NaN left as they are.

    Args:
        program: of a model whose control k is dimension k of the code, or the k-th attribute value it is told.
        z_BxZ: codes.
        own_BxK: values of the member's own attributes.
        edits_BxK: new values for the controls.
    """
    if MODELS[program.model].controls == "told":
        return z_BxZ, jnp.where(jnp.isnan(edits_BxK), own_BxK, edits_BxK)
    n_slots = edits_BxK.shape[1]
    controls_BxK = jnp.where(jnp.isnan(edits_BxK), z_BxZ[:, :n_slots], edits_BxK)
    return jnp.concatenate([controls_BxK, z_BxZ[:, n_slots:]], axis=1), own_BxK
