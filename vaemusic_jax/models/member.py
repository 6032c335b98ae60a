"""A member of a cohort: its hyper-parameters as arrays, and the training batches that it makes of measures.

Shapes: N measures, B batch, T ticks, A all attributes, K attribute slots of the cohort, C classes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from vaemusic_jax.config.trial import Trial, hyper_parameter_fields
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.models.layers import Array
from vaemusic_jax.music.attributes import ATTRIBUTES

N_CLASSES = 8  # quantile classes of an attribute that a discriminator predicts (Kawai et al. 2020)


class Conditioning(NamedTuple):
    """Statistics of the attributes of a member's training measures, by which attribute values are standardised.

    Attributes:
        mean: (A,) means.
        std: (A,) standard deviations, 1 for an attribute that is constant.
        class_edges: (A, C - 1) upper edges of the quantile classes.
    """

    mean: Array
    std: Array
    class_edges: Array

    @staticmethod
    def from_training(attributes_NxA: np.ndarray) -> "Conditioning":
        """Computes the statistics of training measures with these attributes, as numpy arrays."""
        std = attributes_NxA.std(axis=0)
        quantiles = np.arange(1, N_CLASSES) / N_CLASSES
        values: dict[str, Any] = {  # numpy arrays, which become JAX arrays when they are passed to a program
            "mean": attributes_NxA.mean(axis=0).astype(np.float32),
            "std": np.where(std > 0, std, 1).astype(np.float32),  # so a constant attribute is standardised to 0
            "class_edges": np.quantile(attributes_NxA, quantiles, axis=0).T.astype(np.float32),
        }
        return Conditioning(**values)


class HyperParameters(NamedTuple):
    """The numbers that differ between the members of a cohort. Under `vmap` each has a leading member axis.

    Every field of a trial that is marked as a hyper-parameter in an array is an attribute too: `hp.beta` is
    `hp.scalars["beta"]`.
    """

    seed: Array  # ()
    latent_dim: Array  # ()
    attribute_index: Array  # (K,) for each regularised dimension the column of its attribute; 0 where padded
    n_attributes: Array  # () number of regularised attributes; 0 makes all slots padding
    n_train: Array  # () the member trains on so many of the training measures, from the first
    transpose: Array  # () the largest transposition of its training measures in semitones
    conditioning: Conditioning
    scalars: dict[str, Array]  # () each, by the name of the trial's field

    def __getattr__(self, name: str) -> Array:
        try:
            return self.scalars[name]
        except KeyError:
            raise AttributeError(f"a member has no {name!r}") from None

    def latent_mask(self, size: int) -> Array:
        """Returns 1 for the member's latent dimensions and 0 for padding, (size,)."""
        return (jnp.arange(size) < self.latent_dim).astype(jnp.float32)

    def attribute_mask(self) -> Array:
        """Returns 1 for the member's attributes and 0 for padding, (K,)."""
        return (jnp.arange(self.attribute_index.shape[0]) < self.n_attributes).astype(jnp.float32)

    def conditions(self, attributes_BxK: Array) -> Array:
        """Returns the standardised values of the member's attributes, 0 where padded, (B, K)."""
        mean, std = self.conditioning.mean[self.attribute_index], self.conditioning.std[self.attribute_index]
        return (attributes_BxK - mean[None, :]) / std[None, :] * self.attribute_mask()[None, :]

    def classes(self, attributes_BxK: Array) -> Array:
        """Returns the quantile class of each attribute value, (B, K) from 0 to C - 1."""
        edges_KxC = self.conditioning.class_edges[self.attribute_index]
        return (attributes_BxK[:, :, None] > edges_KxC[None]).sum(-1)


def hyper_parameters(trial: Trial, n_slots: int, n_train: int, conditioning: Conditioning) -> HyperParameters:
    """Returns the hyper-parameters of a trial as numpy scalars and arrays.

    Args:
        trial: the member's trial.
        n_slots: K, the number of attribute slots of its cohort.
        n_train: the number of training measures, from the first, that the member trains on.
        conditioning: statistics of their attributes.
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
        "scalars": {
            name: np.float32(getattr(trial, name)) for name, mark in hyper_parameter_fields().items() if mark.in_array
        },
    }
    return HyperParameters(**values)


def trained_on(trial: Trial, n_slots: int, train_attributes_NxA: np.ndarray) -> HyperParameters:
    """Returns the `hyper_parameters` of a member that trains on measures with these attributes."""
    conditioning = Conditioning.from_training(train_attributes_NxA)
    return hyper_parameters(trial, n_slots, len(train_attributes_NxA), conditioning)


def learnt_from_data(hp: HyperParameters) -> dict[str, Any]:
    """Returns the part of `hp` that a checkpoint has to hold, since it does not follow from the trial."""
    return {"n_train": hp.n_train, "conditioning": hp.conditioning._asdict()}


def restored(trial: Trial, n_slots: int, kept: Mapping[str, Any]) -> HyperParameters:
    """Returns a member's hyper-parameters from its trial and from the part that `learnt_from_data` returned."""
    return hyper_parameters(trial, n_slots, int(kept["n_train"]), Conditioning(**kept["conditioning"]))


class Batch(NamedTuple):
    """The measures of one training step, with the member's attributes in the order of its regularised dimensions."""

    tokens: Array  # (B, T) int32
    attributes: Array  # (B, K) values
    conditions: Array  # (B, K) standardised values
    classes: Array  # (B, K) quantile classes


def make_batch(measures: Measures, hp: HyperParameters) -> Batch:
    """Returns measures as a batch of the member with hyper-parameters `hp`."""
    tokens_BxT = jnp.asarray(measures.tokens).astype(jnp.int32)
    attributes_BxK = jnp.asarray(measures.attributes)[:, hp.attribute_index]
    return Batch(tokens_BxT, attributes_BxK, hp.conditions(attributes_BxK), hp.classes(attributes_BxK))
