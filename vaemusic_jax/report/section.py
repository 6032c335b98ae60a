"""A section of the report on an open question: its words, its table and what its figures draw."""

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
    """One line, or one cloud of points.

    Attributes:
        label: in the legend.
        x, y: as many of each; never NaN.
        low, high: ends of the interval of each y, NaN where there is none; empty for points.
        names: of the points of a scatter plot, to be written beside them; empty for lines.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class FigureData:
    """What to draw, without a word on how.

    Attributes:
        name: stem of its file names.
        kind: `lines` and `scatter` have `series`; `heatmap` has `x`, `y` and `z`.
        caption: what is drawn, a sentence.
        x_label, y_label: of the axes.
        log_x, log_y: whether an axis is logarithmic; its values are then above 0, and those to be ticked.
        series: of lines or points.
        x, y: of a heat map's columns and rows.
        z: of its cells, `z[i][j]` at `y[i]`, `x[j]`; NaN where there is none.
        z_label: what the cells say.
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
    """An open question, as far as the run answers it.

    Attributes:
        name: short, for anchors.
        title: the question.
        text: what the run says, computed from its numbers.
        table: the numbers.
        figures: what to draw.
    """

    name: str
    title: str
    text: str
    table: Table
    figures: tuple[FigureData, ...]


def varied(results: pd.DataFrame, *fields: str) -> pd.DataFrame:
    """The trials that have, with all else being equal but the seed, finished counterparts that differ in some fields.

    Args:
        results: one row per trial.
        fields: of the trial; a combination of values that differs from another is enough.

    Returns:
        Those rows, whatever their status; none where the run does not vary the fields.
    """
    others = [name for name in CONFIGURATION if name not in fields]
    done = finished(results).groupby(others)[list(fields)].apply(lambda rows: len(rows.drop_duplicates()))
    if done.empty:
        return results.iloc[:0]
    keys = pd.MultiIndex.from_frame(results[others])
    return results[keys.isin(done[done > 1].index)]


def lines(results: pd.DataFrame, metric: str, x: str) -> tuple[Series, ...]:
    """Means over seeds with bootstrap intervals, against a field: a line for each setting of whatever else varies.

    Args:
        results: one row per trial; those that are done count.
        metric: column of results.
        x: a numeric field.
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
    """``lines`` of each metric that has values, for each model by itself."""
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
    """`bach, transpose 5`."""
    words = ("dataset", "model", "attributes")
    return ", ".join(
        str(named_value(name, value)) if name in words else f"{field_header(name)} {named_value(name, value)}"
        for name, value in zip(fields, values, strict=True)
    )
