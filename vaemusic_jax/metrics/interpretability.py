"""How well single latent dimensions tell the musical attributes. Numpy in, numbers out.

N measures, L latent dimensions, K attributes. Codes are posterior means, and only of a member's real dimensions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.metrics.information import Floats, checked, mutual_information, varying


@dataclass(frozen=True)
class Interpretability:
    """Per attribute the most informative dimension, and how much of the attribute it explains linearly."""

    score: Floats  # (K,) R^2, 0 to 1
    dimension: NDArray[np.int64]  # (K,) index into the latent dimensions, -1 where none is informative
    mutual_information: Floats  # (L, K) nats


def interpretability(codes: ArrayLike, attributes: ArrayLike, seed: int = 0) -> Interpretability:
    """Interpretability of a latent space (Adel, Ghahramani & Weller 2018, as computed by Pati & Lerch 2020).

    For attribute k: d = argmax over dimensions of I(z_d; a_k); score = R^2 of the linear regression of a_k on z_d, that
    is their squared correlation. Range 0 to 1, higher is better.

    Args:
        codes: (N, L) posterior means.
        attributes: (N, K) attribute values of the same measures.
        seed: of the mutual information estimator.

    Returns:
        See ``Interpretability``. An attribute that is constant has no R^2: its score is NaN and its dimension -1. Where
        every dimension is constant, as after posterior collapse, nothing is explained: score 0, dimension -1.

    Raises:
        ValueError: wrong shapes, fewer than 5 measures, or values that are not finite.
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
