"""The questions that the study leaves open, each a section of the report where the run varies the thing."""

from __future__ import annotations

import dataclasses
from typing import Literal

from vaemusic_jax.report.markup import Table


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
    log_y: bool = False
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
