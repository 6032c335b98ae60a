"""The appendix of what one attribute's numbers are by each definition: model by attribute by definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.metrics.registry import METRICS, columns_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.configurations import (
    configurations,
    count_cells,
    count_columns,
    initials_note,
    metric_column,
    value_cell,
)
from vaemusic_jax.report.markup import Cell, Column, Table, Word
from vaemusic_jax.report.selection import evenly, main_setting, most_attributes
from vaemusic_jax.report.tables import with_seeds

if TYPE_CHECKING:
    import pandas as pd

MOST_SIZES = 5
# What codes tell of an attribute, and what its control does, each by several definitions.
OF_CODES = (
    "interpretability",
    "interpretability_sampled",
    "mig",
    "mig_sampled",
    "sap",
    "scc",
    "leakage_linear",
    "leakage_mlp",
)
OF_CONTROLS = (
    "reconstruction_efficiency",
    "reconstruction_efficiency_prior",
    "reach",
    "wrong_way",
    "side_effect",
    "natural_side_effect",
    "attribute_independence",
    "attribute_independence_prior",
)


def specification_tables(results: pd.DataFrame) -> tuple[Table, ...]:
    """Returns a table of codes and one of controls: a row for each model, latent size and imposed attribute.

    They are of the trials with most attributes of each data set, in the setting that most trials have, at five latent
    sizes at most. Their columns are the definitions.

    Args:
        results: one row per trial, of one run or several.
    """
    rows, selected = main_setting(results)
    shown = most_attributes(rows)
    sizes = evenly(sorted(shown["latent_dim"].unique()), MOST_SIZES)
    shown = shown[shown["latent_dim"].isin(sizes)]
    said = ("What codes tell of each attribute, by each definition", "What each control does, by each definition")
    return (
        _table(shown, "definitions_codes", said[0], OF_CODES, selected),
        _table(shown, "definitions_controls", said[1], OF_CONTROLS, selected),
    )


def _table(results: pd.DataFrame, name: str, caption: str, metrics: tuple[str, ...], selected: str) -> Table:
    known = [METRICS[metric] for metric in metrics]
    found = configurations(results, [column for metric in known for column in columns_of(metric)])
    counts = count_columns(found)
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        for attribute in parse_attributes(row.fields["attributes"]):
            k = list(ATTRIBUTES).index(attribute)
            rows.append(
                (
                    row.fields["dataset"],
                    MODELS[row.fields["model"]].title,
                    row.fields["latent_dim"],
                    Word(attribute, ATTRIBUTES[attribute].initial),
                    *count_cells(row, counts),
                    *(value_cell(columns_of(metric)[k], row) for metric in known),
                )
            )
    columns = (
        Column("dataset", "data set"),
        Column("model", "model"),
        Column("latent_dim", "latent size"),
        Column("attribute", "attribute"),
        *counts,
        *(metric_column(metric) for metric in metrics),
    )
    table = Table(name, caption, columns, tuple(rows), (initials_note(), *filter(None, [selected])), parted=True)
    return with_seeds(table, found)
