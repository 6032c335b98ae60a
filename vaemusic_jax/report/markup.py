"""Tables and their renderings as LaTeX and CSV; ``html_table`` renders the same content as HTML."""

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
LONG_WORDS = 40  # Text with more letters counts as a sentence and wraps in LaTeX.
SENTENCES = 0.75  # Share of the line that all columns of sentences take together in LaTeX.


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


def to_latex(table: Table) -> str:
    """Renders a table as escaped `table` environments, for documents that load `booktabs` and have lines of 17 cm."""
    marks = footnote_marks(table)

    def text(cell: Cell) -> str:
        if not isinstance(cell, Value):
            return escape_latex(plain_text(cell))
        shown = escape_latex(mean_text(cell))
        bold = f"\\textbf{{{shown}}}" if cell.best else shown
        return bold + "".join(f"\\textsuperscript{{{marks[note]}}}" for note in cell.notes)

    def lines_of(row: tuple[Cell, ...]) -> list[str]:
        """Returns a line of means and below it a line of intervals, because pages are too narrow for one line."""
        below = [ends(cell.interval) if isinstance(cell, Value) else "" for cell in row]
        small = [f"{{\\tiny {interval}}}" if interval else "" for interval in below]
        return [" & ".join(map(text, row)), *([" & ".join(small)] if any(small) else [])]

    arrows = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "": ""}
    headers = [
        f"\\shortstack{{{escape_latex(column.header).replace(' ', _NEW_LINE)}{arrows[column.better]}}}"
        for column in table.columns
    ]
    parts = []
    for title, rows in parts_of(table):
        first = int(table.parted)  # The first cell, which all rows of a part share, is in the caption.
        kinds = _kinds(rows, first, len(headers))
        used = {note for row in rows for cell in row if isinstance(cell, Value) for note in cell.notes}
        footnotes = [f"\\textsuperscript{{{marks[note]}}} {escape_latex(note)}" for note in marks if note in used]
        below = " \\\\\n".join([*footnotes, *map(escape_latex, table.notes)])
        caption = escape_latex(f"{table.caption}, {title}" if title else table.caption)
        label = f"{table.name}-{title}".translate(_NO_LABEL) if title else table.name
        lines = [
            "\\begin{table}[htbp]",
            "\\centering\\scriptsize\\setlength{\\tabcolsep}{3pt}",
            f"\\caption{{{caption}}}",
            f"\\label{{tab:{label}}}",
            f"\\begin{{tabular}}{{{kinds}}}",
            "\\toprule",
            " & ".join(headers[first:]) + r" \\",
            "\\midrule",
            *(line + r" \\" for row in rows for line in lines_of(row[first:])),
            "\\bottomrule",
            "\\end{tabular}",
            *(["", f"\\medskip\\parbox{{\\linewidth}}{{\\raggedright {below}}}"] if below else []),
            "\\end{table}",
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


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


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # LaTeX reads a bracket after the end of a row as an option.
    "]": "{]}",
    "\N{EN DASH}": "--",
    "\N{SUPERSCRIPT TWO}": r"\textsuperscript{2}",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_NEW_LINE = r" \\ "
_LATEX_TABLE = str.maketrans(_LATEX)
_NO_LABEL = str.maketrans(dict.fromkeys(" \\{}%#~^&$,", "-"))


def escape_latex(text: str) -> str:
    """Escapes a text so that LaTeX prints it as it is."""
    return text.translate(_LATEX_TABLE)


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


def _kinds(rows: tuple[tuple[Cell, ...], ...], first: int, width: int) -> str:
    """Returns LaTeX's column types from a column on: `r` for numbers, `l` for words, `p` for sentences, which wrap."""
    columns = [[row[i] for row in rows] for i in range(first, width)]
    wraps = [any(isinstance(cell, str) and len(cell) > LONG_WORDS for cell in column) for column in columns]
    wrapped = f"p{{{SENTENCES / max(sum(wraps), 1):.2f}\\linewidth}}"
    plain = ["l" if all(isinstance(cell, str | Word) for cell in column) else "r" for column in columns]
    return "".join(wrapped if is_long else kind for is_long, kind in zip(wraps, plain, strict=True))


def parts_of(table: Table) -> Iterator[tuple[str, tuple[tuple[Cell, ...], ...]]]:
    """Yields the runs of rows with the same first cell and that cell, or all rows if the table is not parted."""
    if not table.parted:
        yield "", table.rows
        return
    for title, rows in itertools.groupby(table.rows, lambda row: str(row[0])):
        yield title, tuple(rows)
