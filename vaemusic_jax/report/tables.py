"""The study's tables: metrics by model, latent size, attributes and data set, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.metrics.registry import METRICS, Columns, columns_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.configurations import (
    best_rows,
    configurations,
    count_cells,
    count_columns,
    distinguishing_fields,
    field_cells,
    field_columns,
    initials_note,
    metric_column,
    unfinished_notes,
    value_cell,
)
from vaemusic_jax.report.markup import Cell, Column, Table

MEANS = "Means over seeds with 95% percentile bootstrap intervals, which are narrow for few seeds."
BOLD = "Bold: the best mean among {}; arrows show which way is better."
COMPARED = ("dataset", "attributes")

ACCURACY = ("reconstruction_accuracy", "tick_baseline", "skill", "unseen_accuracy", "seen_accuracy", "seen_in_training")
MORE_ACCURACY = ("accuracy_wrong_attributes", "validation_accuracy", "onset_accuracy", "measure_accuracy")
LOSSES = ("training_loss", "validation_loss", "loss", "cross_entropy", "kl")
CONTROL = ("reconstruction_efficiency.mean", "attribute_independence.mean", "interpretability.mean")
PRIOR = ("reconstruction_efficiency_prior.mean", "attribute_independence_prior.mean")
TRAINING = ("training_efficiency.steps", "training_efficiency.seconds", "training_efficiency.area")
BY_ATTRIBUTE = (  # These come first, followed by any other metrics of the registry.
    "interpretability",
    "interpretability_sampled",
    "leakage_linear",
    "leakage_mlp",
    "leakage_linear_sampled",
    "leakage_mlp_sampled",
    "mig",
    "mig_sampled",
    "sap",
    "scc",
    "mig_regularised",
    "sap_regularised",
    "dmig",
    "xmig",
    "dlig",
    "prior_overlap",
    "prior_mean",
    "prior_std",
    "reconstruction_efficiency",
    "reconstruction_efficiency_prior",
    "levels",
    "wrong_way",
    "moved",
    "reach",
    "side_effect",
    "natural_side_effect",
    "monotonicity",
    "smoothness",
    "consistency",
    "restrictiveness",
    "linearity",
    "attribute_change",
    "attribute_independence",
    "attribute_independence_prior",
)


def study_tables(results: pd.DataFrame) -> tuple[Table, ...]:
    """Returns the tables of accuracy, of losses, of control and interpretability, and of training efficiency.

    A last table holds the metrics of one column that neither these tables nor the overview show, if there are any.

    Args:
        results: one row per trial, of one run or several.

    Returns:
        Tables with one row per configuration, whether or not a trial of it has finished.
    """
    tables = (
        configuration_table(
            results,
            "accuracy",
            "Reconstruction accuracy: share of the 24 tokens of a measure that are right, test split, free-running",
            (*ACCURACY, *MORE_ACCURACY),
        ),
        configuration_table(
            results,
            "loss",
            "Loss on the training, validation and test split, and two parts of the last",
            LOSSES,
            best_within=(*COMPARED, "model"),
            notes=(
                "The models' losses have different terms; only the cross-entropy compares between them. The training "
                "loss is that of the last training steps, on what the decoder was fed there.",
            ),
        ),
        configuration_table(
            results,
            "control",
            "Reconstruction efficiency, attribute independence and interpretability, means over the imposed attributes",
            (*CONTROL, *PRIOR),
            notes=(
                "Efficiency and independence are operational definitions of this project. AdversarialVAE moves the "
                "attributes out of z, so its interpretability is low by design.",
            ),
        ),
        configuration_table(
            results,
            "training",
            "Training efficiency: what it takes to come to 95% of the best validation accuracy",
            TRAINING,
            notes=("Seconds are the trial's share of its cohort's time, on the machine of the run.",),
        ),
    )
    shown = {*ACCURACY, *MORE_ACCURACY, *LOSSES, *TRAINING, "majority_baseline"}
    others = [
        name for name, metric in METRICS.items() if metric.label and metric.columns is Columns.ONE and name not in shown
    ]
    return (*tables, configuration_table(results, "others", "Other metrics", others)) if others else tables


def overview_table(results: pd.DataFrame) -> Table:
    """Returns a table of every metric of single attributes.

    It has a row for each configuration and attribute, and a row for each configuration's mean over attributes.

    Args:
        results: one row per trial, of one run or several.
    """
    every = [name for name, metric in METRICS.items() if metric.label and metric.columns is not Columns.ONE]
    metrics = [METRICS[name] for name in dict.fromkeys((*BY_ATTRIBUTE, *every))]
    found = configurations(results, [column for metric in metrics for column in columns_of(metric)])
    fields, counts = distinguishing_fields(results), count_columns(found)
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        imposed = parse_attributes(row.fields["attributes"])
        first = (*field_cells(row, fields), *count_cells(row, counts))
        for k, attribute in enumerate(ATTRIBUTES):
            values = [value_cell(columns_of(metric)[k], row) for metric in metrics]
            rows.append((*first, attribute, "yes" if attribute in imposed else "no", *values))
        means = [
            "" if metric.columns is Columns.PER_ATTRIBUTE else value_cell(columns_of(metric)[-1], row)
            for metric in metrics
        ]
        rows.append((*first, "mean", "", *means))
    return Table(
        "attributes",
        "Every measure of single attributes, and its mean over the imposed ones",
        (
            *field_columns(fields),
            *counts,
            Column("attribute", "attribute"),
            Column("imposed", "imposed"),
            *map(metric_column, (metric.name for metric in metrics)),
        ),
        tuple(rows),
        (MEANS, initials_note(), *unfinished_notes(results)),
        parted=True,
    )


def configuration_table(
    results: pd.DataFrame,
    name: str,
    caption: str,
    metrics: Sequence[str],
    best_within: Sequence[str] = COMPARED,
    notes: Iterable[str] = (),
) -> Table:
    """Returns a table with a row for each configuration and a column for each metric.

    Args:
        results: one row per trial.
        name, caption: the name and the caption of the table.
        metrics: names of columns of results; an absent column is empty in the table, and a footnote says so.
        best_within: names of fields. Among the rows that share them, the best mean is bold, and so are those that print
            the same.
        notes: sentences to be printed below the table.
    """
    found = configurations(results, metrics)
    fields, counts = distinguishing_fields(results), count_columns(found)
    best = {metric: best_rows(found, metric, best_within) for metric in metrics}
    rows = tuple(
        (
            *field_cells(row, fields),
            *count_cells(row, counts),
            *(value_cell(metric, row, i in best[metric]) for metric in metrics),
        )
        for i, row in enumerate(found)
    )
    alike = "the rows of one data set and choice of attributes"
    bold = BOLD.format(f"{alike}, and of one model" if "model" in best_within else alike)
    columns = (*field_columns(fields), *counts, *map(metric_column, metrics))
    return Table(
        name, caption, columns, rows, (MEANS, bold, initials_note(), *notes, *unfinished_notes(results)), parted=True
    )
