"""Metrics of disentanglement: whether attributes and latent dimensions correspond one to one.

The functions take and return NumPy arrays. N is the number of measures, L that of latent dimensions and K that of
attributes; `information` comes from ``information.mutual_information``. An undefined value, such as any value of a
constant attribute, is NaN. No value depends on the order of the dimensions or on a dimension without information.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats, checked, varying

SIGNIFICANCE = 0.05
NO_INFORMATION = 1e-9  # In nats. A smaller remainder of an entropy is a rounding error.


def mig(information: ArrayLike, entropy: ArrayLike) -> Floats:
    """Computes the mutual information gap (Chen et al. 2018) of each attribute: (I_1 - I_2) / H(a_k).

    I_1 and I_2 are the two largest values of I(z_d; a_k) over d; I_2 is 0 if there is only one dimension. The range is
    0 to 1 and higher is better: 1 means that one dimension holds all information about the attribute and no other holds
    any. Only a code that tells apart values within one bin of an attribute can get more than 1.

    Args:
        information: (L, K) in nats.
        entropy: (K,) in nats, of the binned attributes (`binned_information(...).diagonal()`).

    Returns:
        (K,) float64; NaN where the entropy is 0.

    Raises:
        ValueError: a shape is wrong, or a value is negative or not finite.
    """
    information_LxK = checked_information(information)
    return over(largest_gap(information_LxK), checked_entropy(entropy, information_LxK))


def sap(codes: ArrayLike, attributes: ArrayLike) -> Floats:
    """Computes the separated attribute predictability (Kumar et al. 2018) of each attribute.

    It is the gap between the two largest R^2 of a_k on single dimensions; the second is 0 if there is only one
    dimension. The range is 0 to 1 and higher is better: 1 means that the attribute is linear in one dimension and
    uncorrelated with all others.

    Args:
        codes: (N, L) posterior means.
        attributes: (N, K) values.

    Returns:
        (K,) float64; NaN for a constant attribute.

    Raises:
        ValueError: a shape is wrong, there are fewer than 5 measures, or a value is not finite.
    """
    z_NxL, a_NxK = checked(codes, attributes)
    return np.where(varying(a_NxK), largest_gap(explained_variance(z_NxL, a_NxK)), np.nan)


def scc(codes: ArrayLike, attributes: ArrayLike) -> Floats:
    """Computes the Spearman correlation coefficient (as in Pati & Lerch 2020): the largest |rho(z_d, a_k)| over d.

    A correlation with p > .05 counts as 0. The range is 0 to 1 and higher is better: 1 means that a dimension is
    monotone in the attribute. Among many dimensions, some correlate by chance.

    The arguments, returned shape, undefined values and errors are those of ``sap``.
    """
    from scipy.stats import pearsonr, rankdata  # They are slow to import.

    z_NxL, a_NxK = checked(codes, attributes)
    varying_L, varying_K = varying(z_NxL), varying(a_NxK)
    largest_K = np.where(varying_K, 0.0, np.nan)
    ranks_NxL = rankdata(z_NxL[:, varying_L], axis=0)
    for k in np.flatnonzero(varying_K if varying_L.any() else []):
        # Spearman's rho is Pearson's correlation of the ranks, and has the same p.
        rho = pearsonr(ranks_NxL, rankdata(a_NxK[:, k])[:, None], axis=0)
        largest_K[k] = np.where(rho.pvalue <= SIGNIFICANCE, abs(rho.statistic), 0).max()
    return largest_K


def explained_variance(z_NxL: Floats, a_NxK: Floats) -> Floats:
    """Returns R^2 (L, K) of each attribute on each dimension, their squared correlation; 0 if one is constant."""
    z, a = z_NxL - z_NxL.mean(0), a_NxK - a_NxK.mean(0)
    either_varies = np.outer(varying(z), varying(a))
    products, variances = (z.T @ a) ** 2, np.outer((z**2).sum(0), (a**2).sum(0))
    return np.divide(products, variances, out=np.zeros_like(products), where=either_varies)


def largest_gap(scores_LxK: Floats) -> Floats:
    """Returns the largest value of each column minus the second largest (K,); the second is 0 if there is one row."""
    ordered = np.sort(np.concatenate([np.zeros_like(scores_LxK[:1]), scores_LxK]), axis=0)
    return ordered[-1] - ordered[-2]


def over(numbers_K: Floats, entropies_K: Floats) -> Floats:
    """Returns numbers / entropies (K,), NaN where the entropy is 0 but for rounding."""
    return np.divide(numbers_K, entropies_K, out=np.full_like(numbers_K, np.nan), where=entropies_K > NO_INFORMATION)


def checked_information(information: ArrayLike) -> Floats:
    """Returns mutual information (L, K) as float64. Raises ValueError for a wrong shape or an impossible value."""
    values = np.asarray(information, np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"information needs shape (L, K), got {values.shape}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("information holds values that are negative or not finite")
    return values


def checked_entropy(entropy: ArrayLike, information_LxK: Floats) -> Floats:
    """Returns entropies (K,) as float64. Raises ValueError if they do not fit the information (L, K)."""
    values = np.asarray(entropy, np.float64)
    if values.shape != information_LxK.shape[1:]:
        raise ValueError(f"information {information_LxK.shape} needs K entropies, got shape {values.shape}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("entropy holds values that are negative or not finite")
    return values
