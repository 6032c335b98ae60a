"""What turning each control does to every attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.style import BLUE, VERMILLION, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def traversals(controls: Sequence[str], values: np.ndarray, reached: np.ndarray) -> Figure:
    """A row for each control, a column for each attribute: mean over the measures; the band holds 80% of them.

    The attribute that a control is meant to change is drawn in a colour and with a marker of its own.

    Args:
        controls: the controlled attributes.
        values: (K, Q) settings of the controls.
        reached: (M, K, Q, 4) attributes of M measures decoded with control k at setting q.

    Raises:
        ValueError: the shapes do not go together.
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
