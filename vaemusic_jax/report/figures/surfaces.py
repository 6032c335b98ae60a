"""The figure of attributes of decoded measures as surfaces over two controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.style import SEQUENTIAL, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS = 200


@dataclass(frozen=True)
class Surface:
    """The content of one row of surfaces.

    Attributes:
        title: the title of the row.
        controls: the two attributes that are controlled.
        values: (2, G) the values of the two controls.
        reached: (G, G, A) the attributes of the decoded measures; the first axis is that of the first control.
        data: (N, 2) the test measures' own values of the two controls.
    """

    title: str
    controls: tuple[str, str]
    values: np.ndarray
    reached: np.ndarray
    data: np.ndarray


def surfaces(rows: Sequence[Surface]) -> Figure:
    """Draws the surfaces, with a row for each model and a column for each of its two controlled attributes."""
    figure, axes = panels(len(rows), 2, width=3.3, height=2.5)
    for i, surface in enumerate(rows):
        x, y = surface.values
        points = surface.data[:: -(-len(surface.data) // MOST_POINTS)]
        inside = (points >= surface.values.min(1)).all(1) & (points <= surface.values.max(1)).all(1)
        for j, attribute in enumerate(surface.controls):
            panel = axes[i, j]
            heights = surface.reached[..., ATTRIBUTES.index(attribute)]
            image = panel.pcolormesh(x, y, heights.T, cmap=SEQUENTIAL, shading="nearest", rasterized=True)
            panel.scatter(*points[inside].T, s=4, facecolor="white", edgecolor="black", linewidth=0.3, rasterized=True)
            panel.set_xlabel(f"control of {ATTRIBUTES[surface.controls[0]].words}")
            panel.set_ylabel(f"control of {ATTRIBUTES[surface.controls[1]].words}" if j == 0 else "")
            panel.set_title(f"{ATTRIBUTES[attribute].words}\n{surface.title}")
            if np.ptp(heights) > 0:
                figure.colorbar(image, ax=panel)
            else:  # A colour scale of one value would say nothing.
                panel.set_title(f"{panel.get_title()}: {heights[0, 0]:.2f} everywhere")
    return figure
