"""What is a member's own in a cohort: its numbers, and the batches that it sees.

Shapes: N measures, B batch, T ticks, A attributes there are, K attribute slots of the cohort, C classes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from vaemusic_jax.config.trial import Trial, hyper_parameter_fields
from vaemusic_jax.data.measures import Measures
from vaemusic_jax.models.layers import Array
from vaemusic_jax.music.attributes import ATTRIBUTES

N_CLASSES = 8  # quantile classes that a discriminator reads an attribute as (Kawai et al. 2020)


class Conditioning(NamedTuple):
    """How attribute values become what a decoder is told, from the member's own training measures."""

    mean: Array  # (A,)
    std: Array  # (A,)
    class_edges: Array  # (A, C - 1), upper edges of the quantile classes

    @staticmethod
    def from_training(attributes_NxA: np.ndarray) -> "Conditioning":
        std = attributes_NxA.std(axis=0)
        quantiles = np.arange(1, N_CLASSES) / N_CLASSES
        values: dict[str, Any] = {  # numpy now, JAX's once in a program
            "mean": attributes_NxA.mean(axis=0).astype(np.float32),
            "std": np.where(std > 0, std, 1).astype(np.float32),  # a constant attribute is told as 0
            "class_edges": np.quantile(attributes_NxA, quantiles, axis=0).T.astype(np.float32),
        }
        return Conditioning(**values)


class HyperParameters(NamedTuple):
    """A member's own numbers. Under `vmap` each has a leading member axis.

    Every field of a trial that is marked as a hyper-parameter is an attribute too: `hp.beta` is `hp.scalars["beta"]`.
    """

    seed: Array  # ()
    latent_dim: Array  # ()
    attribute_index: Array  # (K,) column of `ATTRIBUTES` on each regularised dimension; 0 where padded
    n_attributes: Array  # ()
    n_train: Array  # () how many of the training measures, from the first, it sees
    transpose: Array  # () semitones that its training measures are moved by, at most
    conditioning: Conditioning
    scalars: dict[str, Array]  # () each, by the name of the trial's field

    def __getattr__(self, name: str) -> Array:
        try:
            return self.scalars[name]
        except KeyError:
            raise AttributeError(f"a member has no {name!r}") from None

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


def hyper_parameters(trial: Trial, n_slots: int, n_train: int, conditioning: Conditioning) -> HyperParameters:
    """One member's numbers, as numpy scalars and arrays.

    Args:
        trial: whose numbers.
        n_slots: K, attribute slots of its cohort.
        n_train: how many of the training measures, from the first, it sees.
        conditioning: from their attributes.
    """
    index = ATTRIBUTES.columns(trial.attributes)
    values: dict[str, Any] = {
        "seed": np.uint32(trial.seed),
        "latent_dim": np.int32(trial.latent_dim),
        "attribute_index": np.array(index + [0] * (n_slots - len(index)), np.int32),
        "n_attributes": np.int32(len(index)),
        "n_train": np.int32(n_train),
        "transpose": np.int32(trial.transpose),
        "conditioning": conditioning,
        "scalars": {name: np.float32(getattr(trial, name)) for name in hyper_parameter_fields()},
    }
    return HyperParameters(**values)


def trained_on(trial: Trial, n_slots: int, train_attributes_NxA: np.ndarray) -> HyperParameters:
    """The numbers of a member that trains on measures with these attributes."""
    conditioning = Conditioning.from_training(train_attributes_NxA)
    return hyper_parameters(trial, n_slots, len(train_attributes_NxA), conditioning)


def learnt_from_data(hp: HyperParameters) -> dict[str, Any]:
    """What a checkpoint has to hold of a member's numbers: all that does not follow from its trial."""
    return {"n_train": hp.n_train, "conditioning": hp.conditioning._asdict()}


def restored(trial: Trial, n_slots: int, kept: Mapping[str, Any]) -> HyperParameters:
    """A member's numbers again, from its trial and from what `learnt_from_data` has kept of them."""
    return hyper_parameters(trial, n_slots, int(kept["n_train"]), Conditioning(**kept["conditioning"]))


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
