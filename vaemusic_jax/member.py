"""What one trained model is made of: the static program it shares with its cohort and the arrays that are its own.

Shapes: N measures, T ticks, K attribute slots of the cohort, 4 the attributes there are, C classes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vaemusic_jax.measures import Measures
from vaemusic_jax.models.adversarial_vae import AdversarialVAE, Classifier
from vaemusic_jax.models.measure_vae import MeasureVAE
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.recipes import N_CLASSES, RECIPES, Model, Recipe
from vaemusic_jax.trial import Trial

Array = jax.Array


@dataclass(frozen=True)
class Program:
    """Everything that decides which program is compiled. Sizes are the arrays' own, the largest of the cohort."""

    model: Model
    recipe: Recipe
    vocab_size: int
    hidden_size: int
    latent_dim: int
    n_attributes: int
    batch_size: int
    steps: int

    def vae(self) -> MeasureVAE | AdversarialVAE:
        """The network."""
        if self.model == "measure_vae":
            return MeasureVAE(
                self.vocab_size,
                self.hidden_size,
                self.latent_dim,
                dropout=self.recipe.dropout,
                relu_logits=self.recipe.relu_logits,
                scaled_start=self.recipe.scaled_start,
            )
        return AdversarialVAE(
            self.vocab_size,
            self.hidden_size,
            self.latent_dim,
            self.n_attributes,
            own_start_symbol=self.recipe.own_start_symbol,
            scaled_start=self.recipe.scaled_start,
        )

    def classifier(self) -> Classifier:
        """AdversarialVAE's discriminator."""
        return Classifier(self.latent_dim, self.n_attributes)

    def initial_params(self, seed: int) -> dict[str, dict]:
        """Fresh weights as numpy arrays: {"vae": ...}, with "classifier" for AdversarialVAE."""
        vae_key, classifier_key = jax.random.split(jax.random.key(seed))
        params = {"vae": dict(self.vae().init(vae_key, method="declare")["params"])}
        if self.model == "adversarial_vae":
            params["classifier"] = self.classifier().init(classifier_key, method="declare")["params"]
        return params


def program_of(trials: tuple[Trial, ...], vocab_size: int) -> Program:
    """The program that trains these trials together. They agree in all its static fields (see `config.cohorts`)."""
    first = trials[0]
    return Program(
        model=first.model,
        recipe=RECIPES[first.model, first.recipe],
        vocab_size=vocab_size,
        hidden_size=first.hidden_size,
        latent_dim=max(trial.latent_dim for trial in trials),
        n_attributes=max(len(trial.attributes) for trial in trials),
        batch_size=first.batch_size,
        steps=first.steps,
    )


class Conditioning(NamedTuple):
    """How attribute values become what AdversarialVAE is told: from the member's own training measures."""

    mean: Array  # (4,)
    std: Array  # (4,)
    class_edges: Array  # (4, C - 1), upper edges of the quantile classes

    @staticmethod
    def from_training(attributes_Nx4: np.ndarray) -> "Conditioning":
        std = attributes_Nx4.std(axis=0)
        quantiles = np.arange(1, N_CLASSES) / N_CLASSES
        values: dict[str, Any] = {  # numpy now, JAX's once in a program
            "mean": attributes_Nx4.mean(axis=0).astype(np.float32),
            "std": np.where(std > 0, std, 1).astype(np.float32),  # a constant attribute is told as 0
            "class_edges": np.quantile(attributes_Nx4, quantiles, axis=0).T.astype(np.float32),
        }
        return Conditioning(**values)


class HyperParameters(NamedTuple):
    """A member's own numbers. Under `vmap` each has a leading member axis."""

    seed: Array  # ()
    latent_dim: Array  # ()
    attribute_index: Array  # (K,) column of `ATTRIBUTES` on each regularised dimension; 0 where padded
    n_attributes: Array  # ()
    n_train: Array  # () how many of the training measures, from the first, it sees
    transpose: Array  # () semitones that its training measures are moved by, at most
    learning_rate: Array
    beta: Array
    gamma: Array
    delta: Array
    adversary_weight: Array
    conditioning: Conditioning

    def latent_mask(self, size: int) -> Array:
        """1 for the member's own latent dimensions, 0 for padding: (size,)."""
        return (jnp.arange(size) < self.latent_dim).astype(jnp.float32)

    def attribute_mask(self) -> Array:
        """1 for the member's own attributes, 0 for padding: (K,)."""
        return (jnp.arange(self.attribute_index.shape[0]) < self.n_attributes).astype(jnp.float32)

    def conditions(self, attributes_BxK: Array) -> Array:
        """Standardised values of the member's own attributes, 0 where padded: (B, K)."""
        mean, std = self.conditioning.mean[self.attribute_index], self.conditioning.std[self.attribute_index]
        return (attributes_BxK - mean[None, :]) / std[None, :] * self.attribute_mask()[None, :]

    def classes(self, attributes_BxK: Array) -> Array:
        """Quantile class of each value: (B, K) in 0...C - 1."""
        edges_KxC = self.conditioning.class_edges[self.attribute_index]
        return (attributes_BxK[:, :, None] > edges_KxC[None]).sum(-1)


def hyper_parameters(trial: Trial, program: Program, train_attributes_Nx4: np.ndarray) -> HyperParameters:
    """One member's numbers, as numpy scalars and arrays. The attributes are those of the measures it trains on."""
    index = [ATTRIBUTES.index(name) for name in trial.attributes]
    values: dict[str, Any] = {
        "seed": np.uint32(trial.seed),
        "latent_dim": np.int32(trial.latent_dim),
        "attribute_index": np.array(index + [0] * (program.n_attributes - len(index)), np.int32),
        "n_attributes": np.int32(len(index)),
        "n_train": np.int32(len(train_attributes_Nx4)),
        "transpose": np.int32(trial.transpose),
        "learning_rate": np.float32(trial.learning_rate),
        "beta": np.float32(trial.beta),
        "gamma": np.float32(trial.gamma),
        "delta": np.float32(trial.delta),
        "adversary_weight": np.float32(trial.adversary_weight),
        "conditioning": Conditioning.from_training(train_attributes_Nx4),
    }
    return HyperParameters(**values)


def hyper_parameters_of(arrays: dict[str, Any]) -> HyperParameters:
    """From the nested dict that a checkpoint holds."""
    return HyperParameters(**(arrays | {"conditioning": Conditioning(**arrays["conditioning"])}))


class Batch(NamedTuple):
    """What one step sees."""

    tokens: Array  # (B, T) int32
    attributes: Array  # (B, K) the member's own, in the order of its regularised dimensions
    conditions: Array  # (B, K) the same, standardised
    classes: Array  # (B, K) the same, as quantile classes


def make_batch(measures: Measures, hp: HyperParameters) -> Batch:
    """Turn measures into the member's own batch."""
    tokens_BxT = jnp.asarray(measures.tokens).astype(jnp.int32)
    attributes_BxK = jnp.asarray(measures.attributes)[:, hp.attribute_index]
    return Batch(tokens_BxT, attributes_BxK, hp.conditions(attributes_BxK), hp.classes(attributes_BxK))
