"""Tables and their rendering as CSV; ``html_table`` and ``latex_table`` render the same content for print."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import math
from collections.abc import Iterator

from vaemusic_jax.metrics.registry import Better
from vaemusic_jax.report.aggregate import Interval
from vaemusic_jax.support.csv_text import csv_cell

DASH = "\N{EN DASH}"
LONG_WORDS = 40  # Text with more letters counts as a sentence and wraps in print.


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its name in the CSV file.
        header: its heading in print.
        better: whether higher or lower values are better, shown as an arrow beside the heading; empty if neither is.
    """

    name: str
    header: str
    better: Better = ""


@dataclasses.dataclass(frozen=True)
class Value:
    """A cell with a mean over seeds.

    Attributes:
        interval: the mean and its interval; an interval without ends is not printed.
        best: whether the cell is printed in bold.
        notes: footnotes, each a sentence.
        instead: the text that is printed if there is no mean.
    """

    interval: Interval
    best: bool = False
    notes: tuple[str, ...] = ()
    instead: str = DASH


@dataclasses.dataclass(frozen=True)
class Word:
    """A cell whose text differs between the CSV file and print.

    Attributes:
        text: the text in the CSV file.
        shown: the text in print.
    """

    text: str
    shown: str


Cell = Value | Word | str | int | float


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with its caption and notes.

    Attributes:
        name: the stem of its file names.
        caption: a sentence or phrase about its content.
        columns: the columns, as many as each row has cells.
        rows: rows of cells; a cell is text, a `Word`, a plain number, or a `Value` over seeds.
        notes: sentences that are printed below the footnotes of the cells.
        parted: whether each run of rows with the same first cell is a part: in LaTeX a table of its own, so that long
            tables fit on pages, and in HTML rows below a heading.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    parted: bool = False

    def __post_init__(self) -> None:
        wrong = [len(row) for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(f"a row has {wrong[0]} cells for {len(self.columns)} columns")


def number(value: float) -> str:
    """Formats a number with three decimals, from 100 on without decimals but with commas, and NaN as a dash."""
    if math.isnan(value):
        return DASH
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.3f}"
    return text.removeprefix("-") if float(text) == 0 else text


def ends(interval: Interval) -> str:
    """Returns `[low, high]`, or an empty text if the interval has no ends."""
    return "" if math.isnan(interval.low) else f"[{number(interval.low)}, {number(interval.high)}]"


def to_csv(table: Table) -> str:
    """Renders a table as CSV with unrounded numbers; NaN becomes an empty field.

    A `Value` fills four columns: NAME, NAME.low, NAME.high and NAME.n.
    """
    is_value = [any(isinstance(row[i], Value) for row in table.rows) for i in range(len(table.columns))]

    def header() -> Iterator[str]:
        for column, wide in zip(table.columns, is_value, strict=True):
            yield column.name
            if wide:
                yield from (f"{column.name}.{part}" for part in ("low", "high", "n"))

    def fields(row: tuple[Cell, ...]) -> Iterator[str | int | float]:
        for cell, wide in zip(row, is_value, strict=True):
            if isinstance(cell, Value):
                known = cell.interval
                yield from ("" if math.isnan(x) else x for x in (known.mean, known.low, known.high, known.n))
            else:
                plain = cell.text if isinstance(cell, Word) else cell
                plain = csv_cell(plain) if isinstance(plain, str) else plain
                yield "" if isinstance(plain, float) and math.isnan(plain) else plain
                yield from ("",) * (3 if wide else 0)  # This is a word in a column of values.

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header())
    writer.writerows(fields(row) for row in table.rows)
    return text.getvalue()


def plain_text(cell: Word | str | float) -> str:
    """Returns a cell that is no `Value` as print shows it."""
    if isinstance(cell, Word):
        return cell.shown
    if isinstance(cell, float):
        return DASH if math.isnan(cell) else f"{cell:.4g}"
    return str(cell)


def mean_text(cell: Value) -> str:
    """Returns the mean of a cell as print shows it, or what stands there instead."""
    return cell.instead if math.isnan(cell.interval.mean) else number(cell.interval.mean)


def footnote_marks(table: Table) -> dict[str, str]:
    """Returns a letter for each footnote of the cells, in the order of first use: a to z, aa, ab..."""
    notes = dict.fromkeys(note for row in table.rows for cell in row if isinstance(cell, Value) for note in cell.notes)
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ("".join(word) for size in itertools.count(1) for word in itertools.product(letters, repeat=size))
    return dict(zip(notes, names, strict=False))


def parts_of(table: Table) -> Iterator[tuple[str, tuple[tuple[Cell, ...], ...]]]:
    """Yields the runs of rows with the same first cell and that cell, or all rows if the table is not parted."""
    if not table.parted:
        yield "", table.rows
        return
    for title, rows in itertools.groupby(table.rows, lambda row: str(row[0])):
        yield title, tuple(rows)
