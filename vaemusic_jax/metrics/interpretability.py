"""Interpretability: how well a single latent dimension explains each musical attribute.

N is the number of measures, L that of latent dimensions and K that of attributes. Codes are posterior means, without
the dimensions that only pad a member to the size of its cohort.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.metrics.information import Floats, checked, mutual_information, varying


@dataclass(frozen=True)
class Interpretability:
    """The most informative dimension of each attribute, and how much of the attribute it explains linearly.

    Attributes:
        score: (K,) R^2, 0 to 1; NaN for a constant attribute.
        dimension: (K,) indices of latent dimensions; -1 if the attribute or every dimension is constant.
        mutual_information: (L, K) in nats, of every dimension and attribute.
    """

    score: Floats
    dimension: NDArray[np.int64]
    mutual_information: Floats


def interpretability(codes: ArrayLike, attributes: ArrayLike, seed: int = 0) -> Interpretability:
    """Computes the interpretability of a latent space (Adel, Ghahramani & Weller 2018, as in Pati & Lerch 2020).

    For attribute k, d is the dimension with the largest I(z_d; a_k), and the score is R^2 of the linear regression of
    a_k on z_d, which is their squared correlation. The range is 0 to 1 and higher is better.

    Args:
        codes: (N, L) posterior means.
        attributes: (N, K) attribute values of the same measures.
        seed: the seed of the mutual information estimator.

    Returns:
        See ``Interpretability``. A constant attribute has no R^2, so its score is NaN and its dimension -1. If every
        dimension is constant, as after posterior collapse, each score is 0 and each dimension -1.

    Raises:
        ValueError: a shape is wrong, there are fewer than 5 measures, or a value is not finite.
    """
    z_NxL, a_NxK = checked(codes, attributes)
    information_LxK = mutual_information(z_NxL, a_NxK, seed)
    varying_L, varying_K = varying(z_NxL), varying(a_NxK)
    score, dimension = np.full(len(varying_K), np.nan), np.full(len(varying_K), -1)
    for k in np.flatnonzero(varying_K):
        if not varying_L.any():
            score[k] = 0.0
            continue
        dimension[k] = np.where(varying_L, information_LxK[:, k], -1.0).argmax()
        score[k] = np.corrcoef(z_NxL[:, dimension[k]], a_NxK[:, k])[0, 1] ** 2
    return Interpretability(score, dimension, information_LxK)
