"""The report's chapter on controls: interpretability and the effect of each control on each attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.metrics.control import effect
from vaemusic_jax.metrics.made_up import DECODERS, arrays_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.aggregate import aggregate
from vaemusic_jax.report.chapters.captions import legend, seeds
from vaemusic_jax.report.figures.heat_maps import Matrix, heat_maps
from vaemusic_jax.report.page import Chapter, Drawing, Heading, Part
from vaemusic_jax.report.selection import evenly, main_setting, most_attributes

if TYPE_CHECKING:
    import pandas as pd

    from vaemusic_jax.report.joined_runs import JoinedRuns
    from vaemusic_jax.runs.evaluations import CorpusSample
    from vaemusic_jax.support.arrays_file import Arrays

_MOST_SIZES = 4  # The largest number of latent sizes that are shown.


def control_matrices(runs: JoinedRuns) -> Chapter:
    """Makes the chapter with heat maps of interpretability and of each control's effect on each attribute."""
    rows, selected = main_setting(runs.results)
    shown = most_attributes(rows[rows["reconstruction_accuracy"].notna()])
    parts: list[Part] = [f"Trials with the most attributes of each data set. {selected} {legend()}."]
    for dataset, trials in shown.groupby("dataset", sort=False):
        counted = f"{dataset}, test split; {seeds(aggregate(trials, ['reconstruction_accuracy']))}."
        parts.append(Heading(str(dataset)))
        matrices = _interpretability(trials)
        if all(np.isnan(matrix.values).all() for matrix in matrices):
            parts.append(f"No interpretability of {dataset}: no trial has a value.")
        else:
            parts.append(
                Drawing(
                    f"interpretability_{dataset}",
                    heat_maps([matrices], "R²", x="latent dimensions"),
                    "Interpretability: R² of each attribute on its most informative latent dimension, mean over seeds; "
                    f"* where in all seeds it is the regularised one; higher is better. {counted}",
                )
            )
        grid = _effects(runs, str(dataset), trials)
        if grid is None:
            parts.append(f"No control matrices of {dataset}: there are no traversals of its trials.")
            continue
        parts.append(
            Drawing(
                f"control_{dataset}",
                heat_maps(grid, "standard deviations", x="attribute", y="control of", around_0=True),
                "How far each control (rows) moves each attribute (columns) from its lowest to its highest level, in "
                "standard deviations of the test measures: mean over measures, then over seeds. Best is as much on the "
                "diagonal as on that of the natural control, and little beside it. Right: a control that moves its "
                "attribute to each level, and the others as they go with it in the test measures, which no control has "
                f"to undercut. {counted}",
            )
        )
    return Chapter("control", "What the controls do", tuple(parts))


def _interpretability(trials: pd.DataFrame) -> list[Matrix]:
    sizes = sorted(trials["latent_dim"].unique())
    matrices = []
    for model, rows in trials.groupby("model", sort=False):
        cells = rows.groupby("latent_dim")
        values = [cells[f"interpretability.{name}"].mean().reindex(sizes) for name in ATTRIBUTES]
        marked = [cells[f"interpretability.{name}.is_regularised"].min().reindex(sizes) for name in ATTRIBUTES]
        marks = np.array([["*" if mark else "" for mark in row.fillna(False)] for row in marked])
        labels = [ATTRIBUTES[name].initial for name in ATTRIBUTES]
        matrices.append(
            Matrix(MODELS[str(model)].title, np.array(values, float), labels, [str(n) for n in sizes], marks)
        )
    return matrices


def _effects(runs: JoinedRuns, dataset: str, trials: pd.DataFrame) -> list[list[Matrix | None]] | None:
    """Returns a row of matrices for each model, one per latent size; the first row ends with the natural control."""
    corpus = runs.corpus(dataset)
    attributes = runs.trials[trials["trial"].iloc[0]].attributes
    own, labels = ATTRIBUTES.columns(attributes), [ATTRIBUTES[name].initial for name in attributes]
    grid: list[list[Matrix | None]] = []
    if corpus is None:
        return None
    for model, rows in trials.groupby("model", sort=False):
        row: list[Matrix | None] = []
        for size in evenly(sorted(trials["latent_dim"].unique()), _MOST_SIZES):
            of_size = rows[rows["latent_dim"] == size]["trial"]
            evaluations = [found for trial in of_size if (found := runs.evaluation(trial))]
            kept = [found.arrays for found in evaluations if "traversal_attributes" in found.arrays]
            effects = [_effect_of(arrays, corpus, own) for arrays in kept]
            title = f"{MODELS[str(model)].title}\nlatent size {size}"
            row.append(Matrix(title, np.mean(effects, axis=0), labels, labels) if effects else None)
        if any(row):
            grid.append([*row, None])
    if not grid:
        return None
    natural = arrays_of(DECODERS["natural"], corpus.attributes, own, corpus.chosen)
    grid[0][-1] = Matrix("natural,\nnot a model", _effect_of(natural, corpus, own), labels, labels)
    return grid


def _effect_of(arrays: Arrays, corpus: CorpusSample, own: list[int]) -> np.ndarray:
    return effect(arrays["control_values"], arrays["traversal_attributes"][..., own], corpus.attributes[:, own])
