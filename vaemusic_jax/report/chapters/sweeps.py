"""The report's chapters on whole sweeps: metrics against latent size, and learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.report.aggregate import aggregate
from vaemusic_jax.report.chapters.captions import legend, seeds
from vaemusic_jax.report.figures.curves import learning_curves
from vaemusic_jax.report.figures.latent_size import by_latent_size
from vaemusic_jax.report.page import Chapter, Drawing, Gallery, Part
from vaemusic_jax.report.selection import main_setting, most_attributes
from vaemusic_jax.report.style import legend_labels

if TYPE_CHECKING:
    import pandas as pd

    from vaemusic_jax.report.joined_runs import JoinedRuns

# Each row holds a column of results, the name of its figure, the label of its axis, and words for the caption.
_BY_SIZE = (
    (
        "reconstruction_accuracy",
        "accuracy",
        "share of tokens right",
        "Reconstruction accuracy, decoded free-running; higher is better",
    ),
    ("loss", "loss", "total loss", "Total loss, whose terms differ between the models; lower is better"),
    (
        "cross_entropy",
        "cross_entropy",
        "nats per token",
        "Cross-entropy, which compares between the models; lower is better",
    ),
    (
        "interpretability.mean",
        "interpretability",
        "R²",
        "Interpretability, mean over the imposed attributes; higher is better",
    ),
    (
        "reconstruction_efficiency.mean",
        "efficiency",
        "rank correlation",
        "Reconstruction efficiency, mean over the imposed attributes; higher is better",
    ),
    (
        "side_effect.mean",
        "side_effect",
        "others' change over own",
        "Side effect: change of the other imposed attributes per unit of the control's own, mean over the controls "
        "of trials in which each has an effect; lower is better",
    ),
    (
        "leakage_mlp.mean",
        "leakage",
        "R²",
        "Leakage: R² of a probe that reads an imposed attribute from the code, in MeasureVAE without its own "
        "dimension, mean over the attributes; lower is better",
    ),
)


def latent_sizes(runs: JoinedRuns) -> Chapter:
    """Makes the chapter with figures of metrics against latent size."""
    rows, selected = main_setting(runs.results)
    parts: list[Part] = [
        "Points are means over seeds, bars 95% bootstrap intervals over seeds, all on the test split. "
        f"Points of equal size are moved apart so that no bar covers another. {selected} {legend()}."
    ]
    drawn: dict[str, Drawing] = {}
    if rows["latent_dim"].nunique() < 2:
        return Chapter("latent_size", "Against latent size", ("The run has one latent size only: see the tables.",))
    for metric, name, label, says in _BY_SIZE:
        summed = aggregate(rows, [metric])
        if summed["mean"].isna().all():
            parts.append(f"No figure: {says.partition(';')[0]}: no trial has a value.")
            continue
        beside, dotted = _references(rows, metric)
        said = f". Dotted: {dotted}" if beside else ""
        figure = by_latent_size(summed, label, beside, dotted)
        drawn[name] = Drawing(f"{name}_by_latent_size", figure, f"{says}{said}. Test split; {seeds(summed)}.")
    if drawn:  # A dotted line, which some figures have, is in their captions.
        shortest = min(drawn.values(), key=lambda drawing: len(legend_labels(drawing.figure)))
        parts.append(Gallery(tuple(drawn.values()), shortest))
    return Chapter("latent_size", "Against latent size", tuple(parts))


def learning(runs: JoinedRuns) -> Chapter:
    """Makes the chapter with learning curves."""
    rows, selected = main_setting(runs.results)
    shown = most_attributes(rows[rows["status"] == "done"])
    parts: list[Part] = []
    drawn: list[Drawing] = []
    for metric, label, better in (
        ("reconstruction_accuracy", "validation accuracy", "higher"),
        ("loss", "validation loss", "lower"),
    ):
        curves = runs.curves[(runs.curves["split"] == "validation") & runs.curves["trial"].isin(shown["trial"])]
        if not (curves["metric"] == metric).any():
            parts.append(f"No {label} has been recorded.")
            continue
        counted = seeds(aggregate(shown, [metric]), "n_seeds")
        says = (
            f"{label.capitalize()} while training, with the most attributes of each data set; {better} is better. "
            "Lines: mean over seeds, bands: their lowest and highest. "
            f"Validation split; {counted}; only trials that are done. {selected}"
        )
        name = f"learning_{label.split()[-1]}"
        drawn.append(Drawing(name, learning_curves(curves, shown, metric, label), says.strip()))
    parts += [Gallery(tuple(drawn), drawn[0])] if drawn else []
    return Chapter("learning", "Learning curves", tuple(parts))


# What a metric is read against, a column that describes the data set, and words for it.
_REFERENCES = {
    "reconstruction_accuracy": ("tick_baseline", "always the commonest token of a tick"),
    "side_effect.mean": ("natural_side_effect.mean", "natural, with the most attributes"),
}


def _references(rows: pd.DataFrame, metric: str) -> tuple[dict[str, float], str]:
    """Returns the value of each data set that a metric is read against, and what it is; none for most metrics."""
    column, words = _REFERENCES.get(metric, ("", ""))
    if column not in rows:
        return {}, words
    known = most_attributes(rows[rows[column].notna()]).groupby("dataset")[column].mean()
    return {str(name): float(value) for name, value in known.items()}, words
