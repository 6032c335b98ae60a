"""The figure of a metric against the number of latent dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.report.configurations import named_value
from vaemusic_jax.report.style import COLOURS, GREY, LINES, MARKERS, legend_below, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
_WIDTH = {1: 3.6, 2: 3.0, 3: 2.1}  # of a panel in inches, by the number of columns
_DODGE = 0.05  # Share of a doubling by which points of equal size are moved apart, so that bars do not overlap.
_MOST_LABELS = 8


def by_latent_size(
    rows: pd.DataFrame, label: str, baseline: dict[str, float] | None = None, dotted: str = ""
) -> Figure:
    """Draws a metric against latent size, with a panel for each data set and bars for the interval over seeds.

    A panel has a line for each model and choice of attributes.

    Args:
        rows: one per configuration, with columns dataset, model, attributes, latent_dim, mean, low and high; a row
            without a mean is left out.
        label: the label of the vertical axis.
        baseline: a value for each data set, which a dotted line marks.
        dotted: what that line is, for the legend.
    """
    datasets = list(dict.fromkeys(rows["dataset"]))
    n_columns = min(COLUMNS, len(datasets))
    n_rows = -(-len(datasets) // n_columns)
    figure, axes = panels(n_rows, n_columns, width=_WIDTH[n_columns], height=2.2, sharey=True)
    styles = series_styles(rows)
    for i, dataset in enumerate(datasets):
        panel = axes.flat[i]
        mine = rows[rows["dataset"] == dataset]
        for place, (key, style) in enumerate(styles.items()):
            line = mine[(mine["model"] == key[0]) & (mine["attributes"] == key[1])].sort_values("latent_dim")
            shift = 2 ** (_DODGE * (place - (len(styles) - 1) / 2))
            bars = [line["mean"] - line["low"], line["high"] - line["mean"]]
            panel.errorbar(line["latent_dim"] * shift, line["mean"], yerr=bars, **style, capsize=2, elinewidth=1)
        if baseline and dataset in baseline:
            panel.axhline(baseline[dataset], color=GREY, linestyle=(0, (1, 1)), linewidth=1, label=dotted)
        latent_axis(panel, sorted(rows["latent_dim"].unique()))
        panel.set(title=dataset, ylabel=label if i % n_columns == 0 else "")
    for panel in axes.flat[len(datasets) :]:
        panel.set_axis_off()
    legend_below(figure, axes.flat[0], columns=min(3, n_columns + 1))
    return figure


def latent_axis(axes: Axes, sizes: list[int]) -> None:
    """Makes the horizontal axis logarithmic, with a tick at every size; if there are many, only some have labels."""
    axes.set_xscale("log", base=2)
    step = -(-len(sizes) // _MOST_LABELS)
    axes.set_xticks(sizes, [str(size) if i % step == 0 else "" for i, size in enumerate(sizes)])
    axes.minorticks_off()
    axes.set_xlabel("latent dimensions")


def series_styles(rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the style of each model and choice of attributes: colour shows the model, marker and line the choice."""
    models, choices = list(dict.fromkeys(rows["model"])), list(dict.fromkeys(rows["attributes"]))
    present = set(zip(rows["model"], rows["attributes"], strict=True))
    styles = {}
    for i, model in enumerate(models):
        for j, choice in enumerate(choices):
            if (model, choice) in present:
                styles[model, choice] = {
                    "color": COLOURS[i % len(COLOURS)],
                    "marker": MARKERS[(i + 2 * j) % len(MARKERS)],
                    "markerfacecolor": COLOURS[i % len(COLOURS)] if j % 2 == 0 else "white",
                    "linestyle": LINES[j % len(LINES)],
                    "label": MODELS[model].title
                    + (f", {named_value('attributes', choice)}" if len(choices) > 1 else ""),
                }
    return styles
