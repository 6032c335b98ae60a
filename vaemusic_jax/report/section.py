"""Sections of the report on open questions: text, a table and the data of figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.report.aggregate import CONFIGURATION, finished, interval_over_seeds
from vaemusic_jax.report.configurations import distinguishing_fields, field_header, named_value
from vaemusic_jax.report.markup import Table
from vaemusic_jax.report.seed_tests import by_seed


@dataclasses.dataclass(frozen=True)
class Series:
    """One line, or the points of one kind, in a figure.

    Attributes:
        label: its text in the legend.
        x, y: the coordinates, equally many, without NaN.
        low, high: the ends of the interval of each y, NaN if it has none; empty for points.
        names: texts to be written beside the points of a scatter plot; empty for lines.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class FigureData:
    """The data of a figure, without its style.

    Attributes:
        name: the stem of its file names.
        kind: `lines` and `scatter` have `series`; `heatmap` has `x`, `y` and `z`.
        caption: a sentence that says what is drawn.
        x_label, y_label: the labels of the axes.
        log_x: whether the horizontal axis is logarithmic, with a tick at each value; the values are then above 0.
        series: the lines or points.
        x, y: the values of a heat map's columns and rows.
        z: the values of its cells, `z[i][j]` at `y[i]` and `x[j]`; NaN for an empty cell.
        z_label: the label of the cells' colour scale.
    """

    name: str
    kind: Literal["lines", "heatmap", "scatter"]
    caption: str
    x_label: str
    y_label: str
    log_x: bool = False
    series: tuple[Series, ...] = ()
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    z: tuple[tuple[float, ...], ...] = ()
    z_label: str = ""


@dataclasses.dataclass(frozen=True)
class Section:
    """A section on an open question, as far as the run answers it.

    Attributes:
        name: a short name for anchors.
        title: the question.
        text: the answer, computed from the run's numbers.
        table: the numbers.
        figures: the data of the section's figures.
    """

    name: str
    title: str
    text: str
    table: Table
    figures: tuple[FigureData, ...]


def varied(results: pd.DataFrame, *fields: str) -> pd.DataFrame:
    """Selects the trials among which some fields vary while all other fields but the seed are equal.

    Args:
        results: one row per trial.
        fields: the fields of a trial that may vary; it is enough if one of them does.

    Returns:
        The rows of each group of such trials of which finished ones differ in the fields. Unfinished trials of a group
        are included. The table is empty if the run does not vary the fields.
    """
    others = [name for name in CONFIGURATION if name not in fields]
    done = finished(results).groupby(others)[list(fields)].apply(lambda rows: len(rows.drop_duplicates()))
    if done.empty:
        return results.iloc[:0]
    keys = pd.MultiIndex.from_frame(results[others])
    return results[keys.isin(done[done > 1].index)]


def lines(results: pd.DataFrame, metric: str, x: str) -> tuple[Series, ...]:
    """Returns means over seeds with bootstrap intervals against a field: a line for each setting of the other fields.

    Args:
        results: one row per trial; only trials that are done count.
        metric: the name of a column of results.
        x: the name of a numeric field.
    """
    others = [name for name in distinguishing_fields(results) if name != x and results[name].nunique() > 1]
    table = by_seed(results, metric, [*others, x])
    found: dict[str, list[tuple[float, ...]]] = {}
    for key, row in table.iterrows():
        *values, at = key if isinstance(key, tuple) else (key,)
        interval = interval_over_seeds(row)
        point = (float(at), interval.mean, interval.low, interval.high)
        found.setdefault(_label(others, values), []).append(point)
    return tuple(Series(label, *map(tuple, zip(*sorted(points), strict=True))) for label, points in found.items())


def line_figures(
    results: pd.DataFrame, name: str, x: str, metrics: Sequence[str], log_x: bool
) -> tuple[FigureData, ...]:
    """Returns a figure of ``lines`` for each model and each metric that has values.

    Args:
        results: one row per trial.
        name: the beginning of the figures' file names.
        x: the name of a numeric field, for the horizontal axis.
        metrics: names of columns of results.
        log_x: whether the horizontal axis is logarithmic.
    """
    figures = []
    for model, rows in results.groupby("model", sort=False):
        shown = str(named_value("model", model))
        for metric in metrics:
            series = lines(rows, metric, x)
            if series:
                text, across = metric_of(metric).label, field_header(x)
                caption = f"{shown}: {text} against {across}. Means over seeds, 95% bootstrap intervals."
                file = f"{name}-{model}-{metric.replace('.', '-')}"
                figures.append(FigureData(file, "lines", caption, across, text, log_x=log_x, series=series))
    return tuple(figures)


def _label(fields: Sequence[str], values: Sequence[Any]) -> str:
    """Returns the label of a line, such as `bach, transposed by up to 5`."""
    words = ("dataset", "model", "attributes")
    return ", ".join(
        str(named_value(name, value)) if name in words else f"{field_header(name)} {named_value(name, value)}"
        for name, value in zip(fields, values, strict=True)
    )
