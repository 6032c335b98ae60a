"""Whether the codes lie where a control's values are taken from. Numpy in, numpy out; N measures, K dimensions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

CELL = 1 / 128
REACH = 6.0  # N(0, 1) has 2e-9 of its mass further out


@dataclass(frozen=True)
class PriorFit:
    """Of each dimension's aggregate posterior, the mixture of the measures' posteriors."""

    overlap: Floats  # (K,) shared mass with N(0, 1), 0 to 1
    mean: Floats  # (K,)
    std: Floats  # (K,)


def prior_fit(means: ArrayLike, stds: ArrayLike) -> PriorFit:
    """Overlap of each dimension's aggregate posterior q(z) = 1/N sum over i of N(mean_i, std_i) with the prior N(0, 1).

    overlap = integral of min(q(z), N(z; 0, 1)). Range 0 to 1, higher is better: a control is turned within the prior,
    and what the codes never reach there, or reach only beyond, is no control. Best are mean 0 and std 1. A collapsed
    posterior fits perfectly, and is no control either.

    Both masses are compared exactly in cells of 1/128 from -6 to 6. The sum is never below the integral but for the
    2e-9 beyond; above it by less than 1e-5 for a q as smooth as a normal distribution of std .5, and 2e-4 of std .1.

    Args:
        means: (N, K) posterior means.
        stds: (N, K) posterior standard deviations.

    Raises:
        ValueError: wrong shapes, no measure, values that are not finite, or a deviation that is not above 0.
    """
    from scipy.special import ndtr  # slow to import

    means_NxK, stds_NxK = np.asarray(means, np.float64), np.asarray(stds, np.float64)
    if means_NxK.ndim != 2 or means_NxK.shape != stds_NxK.shape or not means_NxK.size:
        raise ValueError(f"means and stds need one shape (N, K), got {means_NxK.shape} and {stds_NxK.shape}")
    if not (np.isfinite(means_NxK).all() and np.isfinite(stds_NxK).all() and (stds_NxK > 0).all()):
        raise ValueError("means need finite values, and stds such above 0")
    edges_C = np.arange(-REACH, REACH + CELL / 2, CELL)
    prior_C = np.diff(ndtr(edges_C))
    overlap = [
        np.minimum(np.diff(ndtr((edges_C - mean_N[:, None]) / std_N[:, None]).mean(0)), prior_C).sum()
        for mean_N, std_N in zip(means_NxK.T, stds_NxK.T, strict=True)
    ]
    variance_K = (stds_NxK**2).mean(0) + means_NxK.var(0)
    return PriorFit(np.array(overlap), means_NxK.mean(0), np.sqrt(variance_K))
