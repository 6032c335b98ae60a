"""The figure that a report starts with: what models give back, and how surely attributes follow their controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.report.figures.latent_size import latent_axis
from vaemusic_jax.report.style import COLOURS, GREY, MARKERS, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Panel:
    """One row of panels.

    Attributes:
        label: the label of the vertical axis.
        rows: one per configuration, with columns dataset, model, steering_weight, latent_dim, mean, low and high.
    """

    label: str
    rows: pd.DataFrame


def answer_figure(measured: Sequence[Panel], datasets: Sequence[str], baseline: Mapping[str, float]) -> Figure:
    """Draws each metric against latent size, with a row of panels for each and a column for each data set.

    The metrics of a single data set stand beside each other. A panel has a line for each model. Lines of trials with
    steering are dashed, with open markers.

    Args:
        measured: the rows of panels.
        datasets: the data sets to show.
        baseline: what is reached without a model, in the first row, for each data set.
    """
    is_row = len(datasets) == 1
    if is_row:
        figure, axes = panels(1, len(measured), width=3.2, height=2.4)
        axes = axes.T
    else:
        figure, axes = panels(len(measured), len(datasets), width=2.9, height=2.0, sharex=True, sharey="row")
    every = measured[0].rows
    lines = dict.fromkeys(zip(every["model"], every["steering_weight"] > 0, strict=True))
    models = list(dict.fromkeys(every["model"]))
    handles: dict[str, Any] = {}
    for i, panel in enumerate(measured):
        for j, dataset in enumerate(datasets):
            place, mine = axes[i, j], panel.rows[panel.rows["dataset"] == dataset]
            for model, steered in lines:
                line = mine[(mine["model"] == model) & ((mine["steering_weight"] > 0) == steered)]
                line = line.sort_values("latent_dim")
                k = models.index(model)
                colour = COLOURS[k % len(COLOURS)]
                label = MODELS[model].title + (" with steering" if steered else "")
                handles[label] = place.errorbar(
                    line["latent_dim"],
                    line["mean"],
                    yerr=[line["mean"] - line["low"], line["high"] - line["mean"]],
                    color=colour,
                    marker=MARKERS[k % len(MARKERS)],
                    markerfacecolor="white" if steered else colour,
                    linestyle="--" if steered else "-",
                    capsize=2,
                    elinewidth=1,
                    label=label,
                )
            if i == 0 and dataset in baseline:
                words = "always a tick's commonest token"
                handles[words] = place.axhline(baseline[dataset], color=GREY, linestyle=(0, (1, 1)), linewidth=1)
            latent_axis(place, sorted(every["latent_dim"].unique()))
            if i < len(measured) - 1 and not is_row:
                place.set_xlabel("")
            place.set(title=dataset if i == 0 or is_row else "", ylabel=panel.label if j == 0 else "")
    columns = min(len(handles), 2 if len(datasets) < 3 else 3)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    return figure
