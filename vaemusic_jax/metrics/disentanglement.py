"""Whether attributes and latent dimensions go one to one: MIG, modularity, SAP, SCC. Numpy in, numpy out.

N measures, L latent dimensions, K attributes; information as of ``information.mutual_information``. What is undefined,
such as anything about a constant attribute, is NaN. No value depends on the order of the dimensions, and a dimension
that tells nothing changes none.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats, checked, varying

SIGNIFICANCE = 0.05
NO_INFORMATION = 1e-9  # nats; what is left of an entropy below this is rounding


def mig(information: ArrayLike, entropy: ArrayLike) -> Floats:
    """Mutual information gap (Chen et al. 2018): (I_1 - I_2) / H(a_k), I_1 and I_2 the two largest I(z_d; a_k) over d.

    Range 0 to 1, higher is better: 1 where one dimension tells all of the attribute and no other tells any. Above 1
    only where a code tells more than the bin, of attributes with more values than bins. A sole dimension has no rival:
    then I_2 is 0.

    Args:
        information: (L, K) nats.
        entropy: (K,) nats, of the binned attributes (`binned_information(...).diagonal()`).

    Returns:
        (K,); NaN where the entropy is 0.

    Raises:
        ValueError: wrong shapes, negative values or such that are not finite.
    """
    information_LxK = checked_information(information)
    return over(largest_gap(information_LxK), checked_entropy(entropy, information_LxK))


def modularity(information: ArrayLike) -> Floats:
    """Modularity (Ridgeway & Mozer 2018): 1 - sum over the other attributes of I(z_d; a_k)^2 / ((K - 1) max_k I^2).

    Range 0 to 1, higher is better: 1 where a dimension tells of one attribute only, 0 where of all alike. A dimension
    that tells of none has 0, as published.

    Args:
        information: (L, K) nats; of attributes that vary, since a constant would count as one that is not told.

    Returns:
        (L,); NaN where K = 1.

    Raises:
        ValueError: wrong shape, negative values or such that are not finite.
    """
    information_LxK = checked_information(information)
    squares_LxK = information_LxK**2
    largest_L, n_others = squares_LxK.max(1), squares_LxK.shape[1] - 1
    if n_others == 0:
        return np.full(len(largest_L), np.nan)
    others_L = squares_LxK.sum(1) - largest_L
    shares_L = np.divide(others_L, largest_L * n_others, out=np.ones_like(largest_L), where=largest_L > 0)
    return 1 - shares_L


def mean_modularity(information: ArrayLike, entropy: ArrayLike) -> float:
    """Mean of ``modularity`` over the dimensions that tell of anything, of the attributes that vary.

    A constant attribute is left out, because it would count as one that is not told.

    Args:
        information: (L, K) nats.
        entropy: (K,) nats, of the binned attributes.

    Returns:
        0 to 1, higher is better; NaN where fewer than two attributes vary, and where no dimension tells of any.

    Raises:
        ValueError: wrong shapes, negative values or such that are not finite.
    """
    information_LxK = checked_information(information)
    told_LxK = information_LxK[:, checked_entropy(entropy, information_LxK) > 0]
    if told_LxK.shape[1] < 2 or not told_LxK.any():
        return float("nan")
    return float(modularity(told_LxK)[told_LxK.any(1)].mean())


def sap(codes: ArrayLike, attributes: ArrayLike) -> Floats:
    """Separated attribute predictability (Kumar et al. 2018): gap of the two largest R^2 of a_k on single dimensions.

    Range 0 to 1, higher is better: 1 where the attribute is linear in one dimension and uncorrelated with all others.
    A sole dimension has no rival.

    Args:
        codes: (N, L) posterior means.
        attributes: (N, K) values.

    Returns:
        (K,); NaN for a constant attribute.

    Raises:
        ValueError: wrong shapes, fewer than 5 measures, or values that are not finite.
    """
    z_NxL, a_NxK = checked(codes, attributes)
    return np.where(varying(a_NxK), largest_gap(explained_variance(z_NxL, a_NxK)), np.nan)


def scc(codes: ArrayLike, attributes: ArrayLike) -> Floats:
    """Spearman correlation coefficient (as computed by Pati & Lerch 2020): largest |rho(z_d, a_k)| over d.

    Correlations with p > .05 count as 0. Range 0 to 1, higher is better: 1 where a dimension is monotone in the
    attribute. With many dimensions some correlate by chance.

    Arguments, undefined values and errors are those of ``sap``.
    """
    from scipy.stats import pearsonr, rankdata  # slow to import

    z_NxL, a_NxK = checked(codes, attributes)
    varying_L, varying_K = varying(z_NxL), varying(a_NxK)
    largest_K = np.where(varying_K, 0.0, np.nan)
    ranks_NxL = rankdata(z_NxL[:, varying_L], axis=0)
    for k in np.flatnonzero(varying_K if varying_L.any() else []):
        # Spearman's rho is Pearson's of the ranks, and has the same p.
        rho = pearsonr(ranks_NxL, rankdata(a_NxK[:, k])[:, None], axis=0)
        largest_K[k] = np.where(rho.pvalue <= SIGNIFICANCE, abs(rho.statistic), 0).max()
    return largest_K


def explained_variance(z_NxL: Floats, a_NxK: Floats) -> Floats:
    """(L, K) R^2 of each attribute on each dimension, their squared correlation; 0 where one of them is constant."""
    z, a = z_NxL - z_NxL.mean(0), a_NxK - a_NxK.mean(0)
    either_varies = np.outer(varying(z), varying(a))
    products, variances = (z.T @ a) ** 2, np.outer((z**2).sum(0), (a**2).sum(0))
    return np.divide(products, variances, out=np.zeros_like(products), where=either_varies)


def largest_gap(scores_LxK: Floats) -> Floats:
    """(K,) largest value of each column less the second largest, which is 0 in a single row."""
    ordered = np.sort(np.concatenate([np.zeros_like(scores_LxK[:1]), scores_LxK]), axis=0)
    return ordered[-1] - ordered[-2]


def over(numbers_K: Floats, entropies_K: Floats) -> Floats:
    """Their quotients, NaN where nothing is left to divide by."""
    return np.divide(numbers_K, entropies_K, out=np.full_like(numbers_K, np.nan), where=entropies_K > NO_INFORMATION)


def checked_information(information: ArrayLike) -> Floats:
    """(L, K) as float64; ValueError if it cannot be mutual information."""
    values = np.asarray(information, np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"information needs shape (L, K), got {values.shape}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("information holds values that are negative or not finite")
    return values


def checked_entropy(entropy: ArrayLike, information_LxK: Floats) -> Floats:
    """(K,) as float64; ValueError if it does not fit the information."""
    values = np.asarray(entropy, np.float64)
    if values.shape != information_LxK.shape[1:]:
        raise ValueError(f"information {information_LxK.shape} needs K entropies, got shape {values.shape}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("entropy holds values that are negative or not finite")
    return values
