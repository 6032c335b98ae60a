"""Metrics of regularised latent dimensions: the gap between the dimension tied to an attribute and the others.

Source: Watcharasupat & Lerch 2021. The mutual information gap (MIG) demands that only one dimension holds information
about an attribute. If attributes depend on each other, dimensions tied to other attributes must hold some, too; the
dependency-aware gaps allow for that.

The functions take and return NumPy arrays. L is the number of latent dimensions, K that of attributes, and r_k the
dimension tied to attribute k (`dims`). All gaps are at most 1 and higher is better; a gap is negative if another
dimension holds more than r_k.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.metrics.disentanglement import checked_entropy, checked_information, explained_variance, over
from vaemusic_jax.metrics.information import Floats, checked, varying

Dims = NDArray[np.intp]


def mig_regularised(information: ArrayLike, entropy: ArrayLike, dims: ArrayLike) -> Floats:
    """Computes the MIG of the tied dimension: (I(z_r; a_k) - largest I of another dimension) / H(a_k).

    If there is only one dimension, 0 is subtracted.

    Args:
        information: (L, K) in nats, from ``information.mutual_information``.
        entropy: (K,) in nats, of the binned attributes.
        dims: (K,) distinct indices r_k.

    Returns:
        (K,) float64; NaN where the entropy is 0.

    Raises:
        ValueError: a shape is wrong, a value is negative or not finite, or indices are out of range or repeated.
    """
    information_LxK = checked_information(information)
    entropy_K, dims_K = checked_entropy(entropy, information_LxK), checked_dims(dims, information_LxK)
    return over(_own(information_LxK, dims_K) - _rivals(information_LxK, dims_K).max(0), entropy_K)


def dmig(information: ArrayLike, between: ArrayLike, dims: ArrayLike) -> Floats:
    """Computes the dependency-aware MIG, whose divisor allows for dependent attributes.

    The numerator is that of ``mig_regularised``. If the best other dimension is tied to an attribute l, the divisor is
    H(a_k) - I(a_k; a_l), the entropy of a_k that remains when a_l is known. If that dimension is tied to no attribute,
    or no other dimension holds any information about a_k, the divisor is H(a_k).

    Args:
        information: (L, K) in nats, from ``information.mutual_information``.
        between: (K, K) in nats, I(a_k; a_l) with H(a_k) on the diagonal, from ``information.binned_information``.
        dims: (K,) distinct indices r_k.

    Returns:
        (K,) float64; NaN where the divisor is 0, which is so for a constant attribute and for one that attribute l
        determines.

    Raises:
        ValueError: for the reasons given at ``mig_regularised``.
    """
    information_LxK = checked_information(information)
    between_KxK, dims_K = checked_between(between, information_LxK), checked_dims(dims, information_LxK)
    rivals_LxK = _rivals(information_LxK, dims_K)
    # A dimension that is tied to attribute l is expected to hold I(a_k; a_l) about attribute k.
    expected_LxK = np.zeros_like(information_LxK)
    expected_LxK[dims_K] = between_KxK.T
    attributes = np.arange(len(dims_K))
    allowance_K = np.where(rivals_LxK.any(0), expected_LxK[rivals_LxK.argmax(0), attributes], 0.0)
    return over(_own(information_LxK, dims_K) - rivals_LxK.max(0), between_KxK.diagonal() - allowance_K)


def xmig(information: ArrayLike, between: ArrayLike, dims: ArrayLike) -> Floats:
    """Computes the dependency-blind external MIG, which compares with the dimensions tied to no attribute only.

    It shows how much information leaks out of the tied dimensions. The arguments and errors are those of ``dmig``.

    Returns:
        (K,) float64; NaN for a constant attribute, and for all attributes if every dimension is tied to one.
    """
    information_LxK = checked_information(information)
    between_KxK, dims_K = checked_between(between, information_LxK), checked_dims(dims, information_LxK)
    outside_MxK = np.delete(information_LxK, dims_K, axis=0)
    if not len(outside_MxK):
        return np.full(len(dims_K), np.nan)
    return over(_own(information_LxK, dims_K) - outside_MxK.max(0), between_KxK.diagonal())


def dlig(information: ArrayLike, between: ArrayLike, dims: ArrayLike) -> Floats:
    """Computes the dependency-aware latent information gap of each tied dimension between its attribute and the others.

    The gap is (I(z_r; a_k) - I(z_r; a_l)) / (H(a_k) - I(a_k; a_l)), where a_l is the other attribute about which z_r
    holds most information. Among equals, a_l is the last one, as in the published implementation. The arguments and
    errors are those of ``dmig``.

    Returns:
        (K,) float64; NaN where the divisor is 0, and if there is no other attribute.
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
    """Computes the SAP of the tied dimension: R^2 of a_k on z_r minus the largest R^2 of a_k on another dimension.

    Args:
        codes: (N, L) posterior means.
        attributes: (N, K) values.
        dims: (K,) distinct indices r_k.

    Returns:
        (K,) float64; NaN for a constant attribute.

    Raises:
        ValueError: a shape is wrong, there are fewer than 5 measures, a value is not finite, or indices are out of
            range or repeated.
    """
    z_NxL, a_NxK = checked(codes, attributes)
    explained_LxK = explained_variance(z_NxL, a_NxK)
    dims_K = checked_dims(dims, explained_LxK)
    gap_K = _own(explained_LxK, dims_K) - _rivals(explained_LxK, dims_K).max(0)
    return np.where(varying(a_NxK), gap_K, np.nan)


def checked_dims(dims: ArrayLike, scores_LxK: Floats) -> Dims:
    """Returns the indices `dims` (K,) after checking them. Raises ValueError if they are out of range or repeated."""
    values = np.asarray(dims)
    n_dims, n_attributes = scores_LxK.shape
    if values.shape != (n_attributes,) or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"dims need {n_attributes} whole numbers, one per attribute, got {values.tolist()}")
    if not ((values >= 0) & (values < n_dims)).all() or len(set(values.tolist())) < n_attributes:
        raise ValueError(f"dims need distinct indices below {n_dims}, got {values.tolist()}")
    return values.astype(np.intp)


def checked_between(between: ArrayLike, information_LxK: Floats) -> Floats:
    """Returns `between` (K, K) as float64. Raises ValueError if its shape does not fit the information (L, K)."""
    values = checked_information(between)
    n_attributes = information_LxK.shape[1]
    if values.shape != (n_attributes, n_attributes):
        raise ValueError(f"information {information_LxK.shape} needs between of shape (K, K), got {values.shape}")
    return values


def _own(scores_LxK: Floats, dims_K: Dims) -> Floats:
    """Returns the scores (K,) of the tied dimensions, each for its own attribute."""
    return scores_LxK[dims_K, np.arange(len(dims_K))]


def _rivals(scores_LxK: Floats, dims_K: Dims) -> Floats:
    """Returns the scores (L, K) with 0 where a dimension is tied to the attribute."""
    rivals = scores_LxK.copy()
    rivals[dims_K, np.arange(len(dims_K))] = 0.0
    return rivals
