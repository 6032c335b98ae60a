"""The controls of a model: what is changed to steer the attributes of decoded measures.

Shapes: N measures, B batch, Z latent, K controls, Q levels, G grid points, E measures that have been encoded.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar

import jax.numpy as jnp
import numpy as np

from vaemusic_jax.models.layers import Array

AnyArray = TypeVar("AnyArray", Array, np.ndarray)  # inside compiled functions, and outside
REACH = 3.0  # the largest value that a dimension of the code is set to, in standard deviations of the prior


class Controls(ABC):
    """Control k of a model steers the k-th attribute of a trial.

    Attributes:
        told: whether the decoder is told attribute values, which it then cannot do without.
    """

    told: ClassVar[bool]

    @abstractmethod
    def set(self, z_BxZ: Array, own_BxK: Array, edits_BxK: Array) -> tuple[Array, Array]:
        """Sets controls to new values.

        Args:
            z_BxZ: codes.
            own_BxK: values of the trial's attributes.
            edits_BxK: the new value of each control; NaN leaves it as it is.

        Returns:
            Codes (B, Z) and attribute values (B, K) to decode.
        """

    @abstractmethod
    def values(self, codes_ExZ: AnyArray, own_NxK: AnyArray) -> AnyArray:
        """Returns the values that controls have in measures, (E, K) or (N, K).

        Args:
            codes_ExZ: posterior means of measures.
            own_NxK: the trial's attributes of measures, which may be others.
        """

    def levels(self, codes_ExZ: np.ndarray, own_NxK: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        """Returns the values (K, Q) that controls are moved over: quantiles (Q,) of their `values`."""
        return np.quantile(self.values(codes_ExZ, own_NxK), quantiles, axis=0).T.astype(np.float32)

    def span(self, codes_ExZ: np.ndarray, own_NxK: np.ndarray, n: int) -> np.ndarray:
        """Returns `n` evenly spaced values from the least to the largest of the `values` of each control, (K, P)."""
        values = self.values(codes_ExZ, own_NxK)
        return np.linspace(values.min(0), values.max(0), n, axis=1).astype(np.float32)

    @abstractmethod
    def prior_levels(self, n_controls: int, n: int) -> np.ndarray | None:
        """Returns `n` values of each control, (K, Q), even over +-REACH of the prior; None for controls without one."""

    @abstractmethod
    def axes(self, own_NxK: np.ndarray, edges: tuple[float, float], n: int) -> np.ndarray:
        """Returns `n` evenly spaced values of each control, (K, G); `edges` are the quantiles at the ends."""

    @abstractmethod
    def dimensions(self, codes_NxZ: np.ndarray, n_controls: int) -> np.ndarray | None:
        """Returns the part (N, K) of codes that the controls are; None for controls that are no part of them."""


class LatentControls(Controls):
    """Control k is dimension k of the code."""

    told = False

    def set(self, z_BxZ: Array, own_BxK: Array, edits_BxK: Array) -> tuple[Array, Array]:
        n_slots = edits_BxK.shape[1]
        controls_BxK = jnp.where(jnp.isnan(edits_BxK), z_BxZ[:, :n_slots], edits_BxK)
        return jnp.concatenate([controls_BxK, z_BxZ[:, n_slots:]], axis=1), own_BxK

    def values(self, codes_ExZ: AnyArray, own_NxK: AnyArray) -> AnyArray:
        return codes_ExZ[:, : own_NxK.shape[1]]

    def prior_levels(self, n_controls: int, n: int) -> np.ndarray | None:
        return np.tile(np.linspace(-REACH, REACH, n, dtype=np.float32), (n_controls, 1))

    def axes(self, own_NxK: np.ndarray, edges: tuple[float, float], n: int) -> np.ndarray:
        return np.tile(np.linspace(-REACH, REACH, n, dtype=np.float32), (own_NxK.shape[1], 1))

    def dimensions(self, codes_NxZ: np.ndarray, n_controls: int) -> np.ndarray | None:
        return codes_NxZ[:, :n_controls]


class ToldControls(Controls):
    """Control k is the value of the k-th attribute that the decoder is told."""

    told = True

    def set(self, z_BxZ: Array, own_BxK: Array, edits_BxK: Array) -> tuple[Array, Array]:
        return z_BxZ, jnp.where(jnp.isnan(edits_BxK), own_BxK, edits_BxK)

    def values(self, codes_ExZ: AnyArray, own_NxK: AnyArray) -> AnyArray:
        return own_NxK

    def prior_levels(self, n_controls: int, n: int) -> np.ndarray | None:
        return None

    def axes(self, own_NxK: np.ndarray, edges: tuple[float, float], n: int) -> np.ndarray:
        low_K, high_K = np.quantile(own_NxK, edges, axis=0)
        return np.linspace(low_K, high_K, n, axis=1).astype(np.float32)

    def dimensions(self, codes_NxZ: np.ndarray, n_controls: int) -> np.ndarray | None:
        return None


LATENT, TOLD = LatentControls(), ToldControls()
