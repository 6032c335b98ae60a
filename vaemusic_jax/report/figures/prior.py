"""The figure of regularised latent dimensions against the prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.style import BLUE, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEAST, _MOST = 4.0, 10.0  # Bounds of the distance from 0 to the ends of the axis.


def against_prior(attributes: Sequence[str], means: np.ndarray, stds: np.ndarray, overlaps: np.ndarray) -> Figure:
    """Draws the aggregate posterior of each regularised dimension of a trial as an area, and N(0, 1) as a line.

    Args:
        attributes: the attributes of the dimensions, in their order.
        means, stds: (N, K) parameters of the posteriors of the test measures.
        overlaps: (K,) overlaps of posterior and prior, which are written into the panels unless they are NaN.
    """
    figure, axes = panels(1, len(attributes), width=2.1, height=1.7, sharey=True)
    for k, (panel, attribute) in enumerate(zip(axes[0], attributes, strict=True)):
        reach = float(np.clip(np.abs(means[:, k]).max() + 1, _LEAST, _MOST))
        z = np.linspace(-reach, reach, 201)
        panel.fill_between(z, mixture_density(z, means[:, k], stds[:, k]), color=BLUE, alpha=0.5, linewidth=0)
        panel.plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), color="black", linestyle="--", linewidth=1)
        said = "" if np.isnan(overlaps[k]) else f"overlap {overlaps[k]:.2f}"
        panel.set(title=ATTRIBUTES[attribute].words, xlabel=f"z, dimension {k}", ylabel="density" if k == 0 else "")
        panel.text(0.02, 0.98, said, transform=panel.transAxes, va="top", fontsize=7)
    axes[0, 0].set_ylim(0, axes[0, 0].get_ylim()[1] * 1.15)  # The overlap is written there.
    return figure


def mixture_density(z: np.ndarray, means: np.ndarray, stds: np.ndarray) -> np.ndarray:
    """Computes the density of the aggregate posterior of one dimension: an equal mixture of all N(mean, std).

    Args:
        z: (P,) equally spaced values at which the density is computed.
        means, stds: (N,) parameters of the posteriors.

    Returns:
        (P,) densities.
    """
    # A posterior narrower than the distance of two values is widened; its peak would fall between them.
    stds = np.maximum(stds, z[1] - z[0])
    return (np.exp(-(((z[:, None] - means) / stds) ** 2) / 2) / (stds * np.sqrt(2 * np.pi))).mean(1)
