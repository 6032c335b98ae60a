"""The figure of learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.report.style import LINES, MARKERS, legend_below, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def learning_curves(curves: pd.DataFrame, results: pd.DataFrame, metric: str, label: str) -> Figure:
    """Draws the learning curves of a metric, with a line for each latent size.

    The figure has a row for each data set and a column for each model. A line is the mean over seeds, and its band
    reaches from the lowest to the highest seed.

    Args:
        curves: the curves of one split, with columns trial, step, metric and value.
        results: the trials to show, with columns trial, dataset, model and latent_dim.
        metric: the name of the metric in `curves`.
        label: the label of the vertical axis.
    """
    from matplotlib import colormaps

    datasets, models = list(dict.fromkeys(results["dataset"])), list(dict.fromkeys(results["model"]))
    sizes = sorted(results["latent_dim"].unique())
    shades = colormaps["viridis"]  # It is even in lightness; its bright end is too faint for lines.
    rows = curves[curves["metric"] == metric].merge(results[["trial", "dataset", "model", "latent_dim"]], on="trial")
    figure, axes = panels(len(datasets), len(models), width=3.1, height=2.1, sharex=True, sharey="row")
    for i, dataset in enumerate(datasets):
        for j, model in enumerate(models):
            panel = axes[i, j]
            for place, size in enumerate(sizes):
                of_one = rows[(rows["dataset"] == dataset) & (rows["model"] == model) & (rows["latent_dim"] == size)]
                seeds = of_one.groupby("step")["value"]
                mean, low, high = seeds.mean(), seeds.min(), seeds.max()
                colour = shades(0.75 * place / max(len(sizes) - 1, 1))
                style = {"color": colour, "linestyle": LINES[place % len(LINES)], "marker": MARKERS[place % 7]}
                panel.plot(mean.index, mean, **style, markevery=max(len(mean) // 6, 1), markersize=3.5, label=size)
                panel.fill_between(mean.index, low, high, color=colour, alpha=0.2, linewidth=0)
            panel.set(title=f"{dataset}, {MODELS[model].title}", ylabel=label if j == 0 else "")
            if i == len(datasets) - 1:
                panel.set_xlabel("training steps")
    legend_below(figure, axes[0, 0], columns=8)
    figure.legends[0].set_title("latent dimensions")
    return figure
