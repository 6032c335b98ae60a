"""The figures of the sections on open questions, drawn from their `FigureData`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vaemusic_jax.report.style import COLOURS, LINES, MARKERS, SEQUENTIAL, legend_below, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vaemusic_jax.report.section import FigureData

_DARK = 0.5  # Numbers below this share of the colour scale are written in white.


def draw(data: FigureData) -> Figure:
    """Draws lines with intervals, named points, or a heat map, depending on the kind of the data."""
    is_map = data.kind == "heatmap"
    size = {"width": 1.4 + 0.55 * len(data.x), "height": 0.9 + 0.45 * len(data.y)} if is_map else {"width": 4.6}
    figure, axes = panels(1, 1, **({"height": 2.9} | size))
    panel = axes[0, 0]
    if is_map:
        _heat_map(figure, panel, data)
    else:
        _series(panel, data)
        _tick_values(panel, data)
        if len(data.series) > 1 or data.series[0].label:
            legend_below(figure, panel, columns=2)
    panel.set(xlabel=data.x_label, ylabel=data.y_label)
    return figure


def _series(axes: Axes, data: FigureData) -> None:
    for i, series in enumerate(data.series):
        style: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        if data.kind == "scatter":
            axes.plot(series.x, series.y, linestyle="none", label=series.label, **style)
            for name, x, y in zip(series.names, series.x, series.y, strict=False):
                axes.annotate(name, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7)
            continue
        means, low, high = (np.array(part, float) for part in (series.y, series.low, series.high))
        bars = np.nan_to_num([means - low, high - means])
        line = LINES[i % len(LINES)]
        axes.errorbar(series.x, means, yerr=bars, linestyle=line, label=series.label, capsize=2, elinewidth=1, **style)


def _tick_values(axes: Axes, data: FigureData) -> None:
    """Puts the ticks of a logarithmic horizontal axis where there are values."""
    if data.log_x:
        values = sorted({value for series in data.series for value in series.x})
        axes.set_xscale("log", base=2)
        axes.set_xticks(values, [f"{value:.3g}" for value in values])
    axes.minorticks_off()


def _heat_map(figure: Figure, axes: Axes, data: FigureData) -> None:
    z = np.array(data.z, float)
    image = axes.imshow(z, cmap=SEQUENTIAL, origin="lower", aspect="auto")
    middle = np.nanmin(z) + _DARK * (np.nanmax(z) - np.nanmin(z))
    axes.set_xticks(range(len(data.x)), [f"{value:.3g}" for value in data.x])
    axes.set_yticks(range(len(data.y)), [f"{value:.3g}" for value in data.y])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (i, j), value in np.ndenumerate(z):
        if not np.isnan(value):
            colour = "white" if value < middle else "black"
            axes.text(j, i, f"{value:.3f}", ha="center", va="center", color=colour, fontsize=7)
    figure.colorbar(image, ax=axes, label=data.z_label)
