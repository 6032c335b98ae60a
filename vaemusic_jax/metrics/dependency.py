"""How far the dimension that was tied to an attribute is ahead of the others. Numpy in, numpy out.

Source: Watcharasupat & Lerch 2021. MIG asks that no second dimension tells of an attribute; where attributes depend on
each other, the dimensions tied to them must, and the dependency-aware gaps make allowance for it.

L latent dimensions, K attributes, r_k the dimension tied to attribute k (`dims`). All gaps are at most 1, higher is
better, and negative where another dimension is ahead of r_k.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.metrics.disentanglement import checked_entropy, checked_information, explained_variance, over
from vaemusic_jax.metrics.information import Floats, checked, varying

Dims = NDArray[np.intp]


def mig_regularised(information: ArrayLike, entropy: ArrayLike, dims: ArrayLike) -> Floats:
    """MIG of the tied dimension: (I(z_r; a_k) - largest I of another dimension) / H(a_k).

    A sole dimension has no rival: then 0 is subtracted.

    Args:
        information: (L, K) nats, of ``information.mutual_information``.
        entropy: (K,) nats, of the binned attributes.
        dims: (K,) distinct indices r_k.

    Returns:
        (K,); NaN where the entropy is 0.

    Raises:
        ValueError: wrong shapes, values that are negative or not finite, dimensions that are not there or not distinct.
    """
    information_LxK = checked_information(information)
    entropy_K, dims_K = checked_entropy(entropy, information_LxK), checked_dims(dims, information_LxK)
    return over(_own(information_LxK, dims_K) - _rivals(information_LxK, dims_K).max(0), entropy_K)


def dmig(information: ArrayLike, between: ArrayLike, dims: ArrayLike) -> Floats:
    """Dependency-aware MIG: as ``mig_regularised``, but allowing for what the rival must tell of the attribute.

    If the best other dimension is tied to an attribute l, the divisor is H(a_k) - I(a_k; a_l), what is left of a_k when
    a_l is known; else, or if no other tells anything, it is H(a_k).

    Args:
        information: (L, K) nats, of ``information.mutual_information``.
        between: (K, K) nats, I(a_k; a_l) with H(a_k) on the diagonal, as of ``information.binned_information``.
        dims: (K,) distinct indices r_k.

    Returns:
        (K,); NaN where the divisor is 0: for a constant, or an attribute that the rival's determines.

    Raises:
        ValueError: as ``mig_regularised``.
    """
    information_LxK = checked_information(information)
    between_KxK, dims_K = checked_between(between, information_LxK), checked_dims(dims, information_LxK)
    rivals_LxK = _rivals(information_LxK, dims_K)
    expected_LxK = np.zeros_like(information_LxK)  # of a dimension about k, from the attribute it is tied to
    expected_LxK[dims_K] = between_KxK.T
    attributes = np.arange(len(dims_K))
    allowance_K = np.where(rivals_LxK.any(0), expected_LxK[rivals_LxK.argmax(0), attributes], 0.0)
    return over(_own(information_LxK, dims_K) - rivals_LxK.max(0), between_KxK.diagonal() - allowance_K)


def xmig(information: ArrayLike, between: ArrayLike, dims: ArrayLike) -> Floats:
    """Dependency-blind external MIG: as ``mig_regularised``, but rivals are only dimensions tied to no attribute.

    It shows what leaks out of the tied dimensions. Arguments and errors are those of ``dmig``.

    Returns:
        (K,); NaN for a constant attribute, and for all where every dimension is tied to one.
    """
    information_LxK = checked_information(information)
    between_KxK, dims_K = checked_between(between, information_LxK), checked_dims(dims, information_LxK)
    outside_MxK = np.delete(information_LxK, dims_K, axis=0)
    if not len(outside_MxK):
        return np.full(len(dims_K), np.nan)
    return over(_own(information_LxK, dims_K) - outside_MxK.max(0), between_KxK.diagonal())


def dlig(information: ArrayLike, between: ArrayLike, dims: ArrayLike) -> Floats:
    """Dependency-aware latent information gap: how far z_r tells more of its own attribute than of any other.

    (I(z_r; a_k) - I(z_r; a_l)) / (H(a_k) - I(a_k; a_l)), a_l the other attribute of which z_r tells most; of equals,
    such as where it tells of no other, the last, as published. Arguments and errors are those of ``dmig``.

    Returns:
        (K,); NaN where the divisor is 0, and where there is no other attribute.
    """
    information_LxK = checked_information(information)
    between_KxK, dims_K = checked_between(between, information_LxK), checked_dims(dims, information_LxK)
    if len(dims_K) == 1:
        return np.full(1, np.nan)
    told_KxK = information_LxK[dims_K]
    others_KxK = np.where(np.eye(len(dims_K), dtype=bool), -1.0, told_KxK)
    last_of_largest_K = len(dims_K) - 1 - others_KxK[:, ::-1].argmax(1)
    left_K = between_KxK.diagonal() - between_KxK[np.arange(len(dims_K)), last_of_largest_K]
    return over(told_KxK.diagonal() - others_KxK.max(1), left_K)


def sap_regularised(codes: ArrayLike, attributes: ArrayLike, dims: ArrayLike) -> Floats:
    """SAP of the tied dimension: R^2 of a_k on z_r less the largest R^2 on another dimension.

    Args:
        codes: (N, L) posterior means.
        attributes: (N, K) values.
        dims: (K,) distinct indices r_k.

    Returns:
        (K,); NaN for a constant attribute.

    Raises:
        ValueError: wrong shapes, fewer than 5 measures, values that are not finite, dimensions that are not there or
            not distinct.
    """
    z_NxL, a_NxK = checked(codes, attributes)
    explained_LxK = explained_variance(z_NxL, a_NxK)
    dims_K = checked_dims(dims, explained_LxK)
    gap_K = _own(explained_LxK, dims_K) - _rivals(explained_LxK, dims_K).max(0)
    return np.where(varying(a_NxK), gap_K, np.nan)


def checked_dims(dims: ArrayLike, scores_LxK: Floats) -> Dims:
    """(K,) indices of dimensions; ValueError if they cannot be those tied to the attributes."""
    values = np.asarray(dims)
    n_dims, n_attributes = scores_LxK.shape
    if values.shape != (n_attributes,) or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"dims need {n_attributes} whole numbers, one per attribute, got {values.tolist()}")
    if not ((values >= 0) & (values < n_dims)).all() or len(set(values.tolist())) < n_attributes:
        raise ValueError(f"dims need distinct indices below {n_dims}, got {values.tolist()}")
    return values.astype(np.intp)


def checked_between(between: ArrayLike, information_LxK: Floats) -> Floats:
    """(K, K) as float64; ValueError if it does not fit the information."""
    values = checked_information(between)
    n_attributes = information_LxK.shape[1]
    if values.shape != (n_attributes, n_attributes):
        raise ValueError(f"information {information_LxK.shape} needs between of shape (K, K), got {values.shape}")
    return values


def _own(scores_LxK: Floats, dims_K: Dims) -> Floats:
    """(K,) of the tied dimensions."""
    return scores_LxK[dims_K, np.arange(len(dims_K))]


def _rivals(scores_LxK: Floats, dims_K: Dims) -> Floats:
    """(L, K) with 0 in place of the tied dimensions' own scores."""
    rivals = scores_LxK.copy()
    rivals[dims_K, np.arange(len(dims_K))] = 0.0
    return rivals
