"""Rows of the table of controls for made-up decoders, which say what the metrics make of behaviour that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.metrics.inputs import ControlInputs, measure
from vaemusic_jax.metrics.made_up import DECODERS, arrays_of
from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.aggregate import NO_VALUE, Interval
from vaemusic_jax.report.configurations import named_value
from vaemusic_jax.report.markup import Cell, Value, Word

if TYPE_CHECKING:
    from vaemusic_jax.runs.evaluations import CorpusSample

SHOWN = ("oracle", "natural", "random", "nothing")


def made_up_note() -> str:
    """Returns a sentence that says what the decoders of the rows do."""
    said = "; ".join(f"{name} {DECODERS[name].words}" for name in SHOWN)
    return f"Below the models of each data set are made-up decoders, for comparison: {said}."


def made_up_rows(
    corpus: CorpusSample, choice: str, fields: Iterable[str], n_counts: int, metrics: Sequence[str]
) -> list[tuple[Cell, ...]]:
    """Returns a row for each decoder in SHOWN; no row if no attribute is controlled.

    Args:
        corpus: the sample of the data set, whose test measures are decoded.
        choice: the attributes that are controlled, as in results.
        fields: the fields of trials that have a column.
        n_counts: the number of columns of counts.
        metrics: the columns of results to be shown; those that are of no control stay empty.
    """
    imposed = parse_attributes(choice)
    if not imposed:
        return []
    of_controls = {metric: row for metric in metrics if (row := metric_of(metric)).family == "control"}
    rows: list[tuple[Cell, ...]] = []
    for name in SHOWN:
        known: dict[str, Cell] = {
            "dataset": corpus.name,
            "attributes": Word(choice, named_value("attributes", choice)),
            "model": name,
        }
        arrays = arrays_of(DECODERS[name], corpus.attributes, ATTRIBUTES.columns(imposed), corpus.chosen)
        values = measure(of_controls.values(), ControlInputs(imposed, arrays, corpus.attributes, corpus.chosen))
        cells = [_cell(metric, values) for metric in metrics]
        rows.append((*(known.get(field, "") for field in fields), *("",) * n_counts, *cells))
    return rows


def _cell(metric: str, values: Mapping[str, Any]) -> Value | str:
    """Returns the cell of a metric, empty for a metric that is of no control."""
    if metric not in values:
        return ""
    if np.isnan(values[metric]):
        return Value(NO_VALUE, notes=(f"No value: {metric_of(metric).empty}.",))
    return Value(Interval(float(values[metric]), np.nan, np.nan, 1))
