"""Bootstrap of the test tunes: all trials of a corpus are resampled together, so that their differences stay paired."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RESAMPLES = 999


def tune_counts(n_tunes: int, corpus: str, resamples: int = RESAMPLES) -> Floats:
    """Draws how often each test tune is in each resample (Efron 1979), the same for every call.

    Args:
        n_tunes: G.
        corpus: the name of the corpus. Its resamples are independent of those of a corpus of another name.
        resamples: B.

    Returns:
        (B, G) counts whose rows sum to G.
    """
    shares_G = np.full(n_tunes, 1 / n_tunes)
    return (
        np.random.default_rng(zlib.crc32(corpus.encode()))
        .multinomial(n_tunes, shares_G, size=resamples)
        .astype(np.float64)
    )


def sums_by_tune(values: ArrayLike, tune: ArrayLike, n_tunes: int) -> Floats:
    """Adds up the values of the measures of each tune.

    Args:
        values: (N, ...) one entry per measure.
        tune: (N,) the tune of each measure, 0 to G - 1.
        n_tunes: G.

    Returns:
        (G, ...) sums; 0 for a tune without measures.
    """
    values_Nx = np.asarray(values, np.float64)
    sums_Gx = np.zeros((n_tunes, *values_Nx.shape[1:]))
    np.add.at(sums_Gx, np.asarray(tune), values_Nx)
    return sums_Gx


def resampled_sums(counts_BxG: Floats, sums_Gx: Floats) -> Floats:
    """Adds up sums by tune over each resample: (B, G) and (G, ...) -> (B, ...)."""
    return np.tensordot(counts_BxG, sums_Gx, axes=1)
