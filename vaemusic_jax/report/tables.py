"""The study's tables: metrics by model, latent size, attributes and data set, with intervals over seeds."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.metrics.registry import METRICS, Columns, columns_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.configurations import (
    ONE_SEED,
    Configuration,
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
from vaemusic_jax.report.made_up_rows import made_up_note, made_up_rows
from vaemusic_jax.report.markup import Cell, Column, Table, Value

if TYPE_CHECKING:
    from vaemusic_jax.runs.evaluations import CorpusSample

MEANS = "Means over seeds with 95% percentile bootstrap intervals, which are narrow for few seeds."
ONE_SEED_EACH = "No intervals: each configuration has a single seed."
BOLD = "Bold: the best mean among {}; arrows show which way is better."
COMPARED = ("dataset", "attributes")

ACCURACY = ("reconstruction_accuracy", "tick_baseline", "skill", "unseen_accuracy", "seen_accuracy", "seen_in_training")
TOLD = "accuracy_wrong_attributes"
MORE_ACCURACY = ("validation_accuracy", "onset_accuracy", "measure_accuracy")
LOSSES = ("training_loss", "validation_loss", "loss", "cross_entropy", "kl")
CONTROL = (
    "reconstruction_efficiency.mean",
    "wrong_way.mean",
    "moved.mean",
    "reach.mean",
    "side_effect.mean",
    "natural_side_effect.mean",
    "interpretability.mean",
    "leakage_mlp.mean",
)
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


def study_tables(results: pd.DataFrame, corpora: Mapping[str, CorpusSample] | None = None) -> tuple[Table, ...]:
    """Returns the tables of accuracy, of losses, of control and interpretability, and of training efficiency.

    A last table holds the metrics of one column that neither these tables nor the overview show, if there are any.

    Args:
        results: one row per trial, of one run or several.
        corpora: the samples of data sets by name, for the rows of made-up decoders; those that are absent have none.

    Returns:
        Tables with one row per configuration, whether or not a trial of it has finished.
    """
    tables = (
        configuration_table(
            results,
            "accuracy",
            "Reconstruction accuracy: share of the tokens of a measure that are right, test split, free-running",
            (*ACCURACY, TOLD),
            notes=(
                "Baseline per tick: always predicting the training split's commonest token of each tick. Skill: the "
                "share of what it gets wrong that is right. Seen: test measures that also occur in training. Told "
                "wrong: AdversarialVAE is told another test measure's attributes.",
            ),
        ),
        configuration_table(
            results,
            "accuracy_parts",
            "Accuracy on the validation split, and on the test split over note onsets alone and of whole measures",
            MORE_ACCURACY,
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
            "What controls do, over nine quantiles of what they are in training, and what codes tell; means over the "
            "imposed attributes",
            CONTROL,
            notes=(
                "Efficiency: how surely the attribute follows its control. Wrong way: share of measures in which it "
                "goes against it. Moved: share in which it changes at all. Reach: how far it moves, as a share of what "
                "the same quantiles span in the data. Side effect: change of the other attributes per unit of its own, "
                "to be read against the natural one, of attributes that go together as in the data. Leakage: R² of a "
                "multi-layer perceptron that reads the attribute from the code, in MeasureVAE without the attribute's "
                "own dimension.",
                "All but interpretability and leakage are operational definitions of this project.",
                *([made_up_note()] if corpora else []),
            ),
            corpora=corpora or {},
        ),
        configuration_table(
            results,
            "training",
            "Training efficiency: what it takes to come to 95% of the best validation accuracy",
            TRAINING,
            notes=("Seconds are the trial's share of its cohort's time, on the machine of the run.",),
        ),
    )
    shown = {*ACCURACY, TOLD, *MORE_ACCURACY, *LOSSES, *TRAINING, "majority_baseline"}
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
    table = Table(
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
        (initials_note(), *unfinished_notes(results)),
        parted=True,
    )
    return with_seeds(table, found)


def configuration_table(
    results: pd.DataFrame,
    name: str,
    caption: str,
    metrics: Sequence[str],
    best_within: Sequence[str] = COMPARED,
    notes: Iterable[str] = (),
    corpora: Mapping[str, CorpusSample] | None = None,
) -> Table:
    """Returns a table with a row for each configuration and a column for each metric.

    Args:
        results: one row per trial.
        name, caption: the name and the caption of the table.
        metrics: names of columns of results; an absent column is empty in the table, and a footnote says so.
        best_within: names of fields. Among the rows that share them, the best mean is bold, and so are those that print
            the same.
        notes: sentences to be printed below the table.
        corpora: samples by data set. Where there is one, rows of made-up decoders follow those of its models.
    """
    found = configurations(results, metrics)
    fields, counts = distinguishing_fields(results), count_columns(found)
    best = {metric: best_rows(found, metric, best_within) for metric in metrics}
    rows: list[tuple[Cell, ...]] = []
    for (dataset, choice), group in itertools.groupby(enumerate(found), lambda each: _compared(each[1])):
        rows += [
            (
                *field_cells(row, fields),
                *count_cells(row, counts),
                *(value_cell(metric, row, i in best[metric]) for metric in metrics),
            )
            for i, row in group
        ]
        if corpora and dataset in corpora:
            rows += made_up_rows(corpora[dataset], choice, fields, len(counts), metrics)
    alike = "the rows of one data set and choice of attributes"
    bold = BOLD.format(f"{alike}, and of one model" if "model" in best_within else alike)
    columns = (*field_columns(fields), *counts, *map(metric_column, metrics))
    below = (bold, initials_note(), *notes, *unfinished_notes(results))
    return with_seeds(Table(name, caption, columns, tuple(rows), below, parted=True), found)


def with_seeds(table: Table, found: Sequence[Configuration]) -> Table:
    """Returns the table with a note on its intervals, or on their absence, which then no cell has of its own."""
    if any(row.counts["n_seeds"] > 1 for row in found):
        return dataclasses.replace(table, notes=(MEANS, *table.notes))

    def without(cell: Cell) -> Cell:
        if not isinstance(cell, Value):
            return cell
        return dataclasses.replace(cell, notes=tuple(note for note in cell.notes if note != ONE_SEED))

    rows = tuple(tuple(map(without, row)) for row in table.rows)
    return dataclasses.replace(table, rows=rows, notes=(ONE_SEED_EACH, *table.notes))


def _compared(row: Configuration) -> tuple[str, str]:
    """Returns the data set and the attributes of a configuration, in whose group it is compared."""
    return row.fields["dataset"], row.fields["attributes"]
