"""The report's chapter on controls: interpretability and the effect of each control on each attribute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.metrics.control import dependence
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.aggregate import aggregate
from vaemusic_jax.report.chapters.captions import legend, seeds
from vaemusic_jax.report.figures.heat_maps import Matrix, heat_maps
from vaemusic_jax.report.page import Chapter, Drawing, Heading, Part
from vaemusic_jax.report.selection import evenly, main_setting, most_attributes

if TYPE_CHECKING:
    import pandas as pd

    from vaemusic_jax.report.joined_runs import JoinedRuns

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
        grid = _dependences(runs, str(dataset), trials)
        if grid is None:
            parts.append(f"No control matrices of {dataset}: there are no traversals of its trials.")
            continue
        parts.append(
            Drawing(
                f"control_{dataset}",
                heat_maps(grid, "mean |Spearman|", x="attribute", y="control of"),
                "What each control (rows) does to each attribute (columns): mean over measures of |Spearman| between "
                "the control's value and the decoded attribute, then over seeds. Best is 1 on the diagonal and little "
                "beside it; right: |Spearman| between the attributes of the test measures themselves, which no control "
                "has to undercut. What is decoded at random has about .29 everywhere, by chance. "
                f"{counted}",
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


def _dependences(runs: JoinedRuns, dataset: str, trials: pd.DataFrame) -> list[list[Matrix | None]] | None:
    """Returns a row of matrices for each model, one per latent size; the first row ends with that of the data."""
    corpus = runs.corpus(dataset)
    attributes = runs.trials[trials["trial"].iloc[0]].attributes
    labels = [ATTRIBUTES[name].initial for name in attributes]
    grid: list[list[Matrix | None]] = []
    for model, rows in trials.groupby("model", sort=False):
        row: list[Matrix | None] = []
        for size in evenly(sorted(trials["latent_dim"].unique()), _MOST_SIZES):
            found = list(_control_matrices(runs, rows[rows["latent_dim"] == size]["trial"]))
            title = f"{MODELS[str(model)].title}\nlatent size {size}"
            row.append(Matrix(title, np.mean(found, axis=0), labels, labels) if found else None)
        if any(row):
            grid.append([*row, None])
    if not grid:
        return None
    if corpus:
        own = _rank_correlations(corpus.attributes[:, [ATTRIBUTES.index(name) for name in attributes]])
        grid[0][-1] = Matrix("the data\nthemselves", own, labels, labels)
    return grid


def _control_matrices(runs: JoinedRuns, trial_ids: pd.Series) -> Iterator[np.ndarray]:
    for trial_id in trial_ids:
        evaluation = runs.evaluation(trial_id)
        if evaluation and "traversal_attributes" in evaluation.arrays:
            own = [ATTRIBUTES.index(name) for name in runs.trials[trial_id].attributes]
            yield dependence(evaluation.arrays["control_values"], evaluation.arrays["traversal_attributes"][..., own])


def _rank_correlations(values: np.ndarray) -> np.ndarray:
    """Returns |Spearman| of the columns (K, K); NaN if one of them is constant."""
    import pandas as pd

    return pd.DataFrame(values).corr("spearman").abs().to_numpy()
