"""Fit of the codes to the prior, from which the values of controls are taken.

The functions take and return NumPy arrays. N is the number of measures and K the number of latent dimensions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import Floats

CELL = 1 / 128  # Width of a cell in which the two masses are compared.
REACH = 6.0  # Cells reach from -6 to 6; N(0, 1) has 2e-9 of its mass outside.


@dataclass(frozen=True)
class PriorFit:
    """Figures of each dimension's aggregate posterior, which is the mixture of the posteriors of all measures.

    Attributes:
        overlap: (K,) the mass that it shares with N(0, 1), 0 to 1.
        mean: (K,) its mean.
        std: (K,) its standard deviation.
    """

    overlap: Floats
    mean: Floats
    std: Floats


def prior_fit(means: ArrayLike, stds: ArrayLike) -> PriorFit:
    """Compares each dimension's aggregate posterior q(z) = 1/N sum over i of N(mean_i, std_i) with the prior N(0, 1).

    overlap = integral of min(q(z), N(z; 0, 1)). The range is 0 to 1 and higher is better: controls are moved within the
    prior, so a dimension whose codes leave parts of the prior empty, or lie outside of it, makes a poor control. Mean 0
    and std 1 are best. A collapsed posterior fits perfectly but is no control either.

    The masses in cells of 1/128 from -6 to 6 are exact. Their sum is less than the integral by 2e-9 at most, and
    greater by less than 1e-5 if q is as smooth as a normal distribution of std .5, or 2e-4 if it is as smooth as one of
    std .1.

    Args:
        means: (N, K) posterior means.
        stds: (N, K) posterior standard deviations.

    Returns:
        See ``PriorFit``.

    Raises:
        ValueError: a shape is wrong, there is no measure, a value is not finite, or a deviation is not above 0.
    """
    from scipy.special import ndtr  # It is slow to import.

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
