"""The figure of traversals: the effect of moving each control on every attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.style import BLUE, VERMILLION, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def traversals(controls: Sequence[str], values: np.ndarray, reached: np.ndarray) -> Figure:
    """Draws the attributes of decoded measures against the values of the controls.

    The figure has a row for each control and a column for each attribute. A line is the mean over measures, and its
    band holds 80% of them. The attribute that a control is meant to change has a colour and a marker of its own.

    Args:
        controls: the controlled attributes.
        values: (K, Q) the values of the controls.
        reached: (M, K, Q, A) the attributes of M measures decoded with control k at its q-th value.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    if reached.shape[1:] != (*values.shape, len(ATTRIBUTES)) or len(values) != len(controls):
        raise ValueError(f"{len(controls)} controls, values {values.shape} and attributes {reached.shape} do not match")
    figure, axes = panels(len(controls), len(ATTRIBUTES), width=2.0, height=1.7, sharey="col")
    for k, control in enumerate(controls):
        for j, attribute in enumerate(ATTRIBUTES):
            panel, series = axes[k, j], reached[:, k, :, j]
            colour, marker = (VERMILLION, "o") if attribute == control else (BLUE, "")
            panel.fill_between(
                values[k], *np.quantile(series, (0.1, 0.9), axis=0), color=colour, alpha=0.2, linewidth=0
            )
            panel.plot(values[k], series.mean(0), color=colour, marker=marker)
            if k == 0:
                panel.set_title(ATTRIBUTES[attribute].words)
        axes[k, 0].set_ylabel(f"turning\n{ATTRIBUTES[control].words}")
    figure.supxlabel("value of the control")
    return figure
