"""Renders tables as LaTeX: as floats of one page, and as tables that break over pages of A4."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterator, Sequence

from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.report.markup import (
    LONG_WORDS,
    Cell,
    Column,
    Table,
    Value,
    Word,
    ends,
    footnote_marks,
    mean_text,
    parts_of,
    plain_text,
)

SENTENCES = 0.75  # Share of the line that all columns of sentences take together in a float.
_NO_LABEL = str.maketrans(dict.fromkeys(" \\{}%#~^&$,", "-"))
_NEW_LINE = r" \\ "
_KEPT_TOGETHER, _END_OF_ROW = " \\\\*[-1pt]\n", r"\\ \addlinespace[1pt]"  # of tables over pages
_HEADING = "judged by"  # Headings of this length or less stand in one line.
_ARROWS = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "": ""}

# Of tables over pages, in letters of \scriptsize: the length of a line of 17 cm, the space beside a column, the width
# of a letter of an interval and of a heading, and the length up to which a text stays in one line.
_LINE, _GAP, _SMALL, _HEADER, _SHORT = 120.0, 1.7, 0.72, 0.9, 12


@dataclasses.dataclass(frozen=True)
class _Part:
    """What is printed of the rows of a table, or of one of its parts.

    Attributes:
        caption, label: its caption and its name in references, escaped.
        headers: the headings of its columns.
        lines: the lines of each row: its cells, and below them their intervals, if there are any.
        below: its footnotes and notes, a text each.
        columns, rows: the columns and rows as they are.
    """

    caption: str
    label: str
    headers: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    below: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def to_latex(table: Table) -> str:
    """Renders a table as escaped `table` environments, for documents that load `booktabs` and have lines of 17 cm."""
    rendered = []
    for part in _parts(table):
        below = " \\\\\n".join(part.below)
        lines = [
            "\\begin{table}[htbp]",
            "\\centering\\scriptsize\\setlength{\\tabcolsep}{3pt}",
            f"\\caption{{{part.caption}}}",
            f"\\label{{tab:{part.label}}}",
            f"\\begin{{tabular}}{{{_kinds(part.rows)}}}",
            "\\toprule",
            " & ".join(part.headers) + r" \\",
            "\\midrule",
            *(line + r" \\" for row in part.lines for line in row),
            "\\bottomrule",
            "\\end{tabular}",
            *(["", f"\\medskip\\parbox{{\\linewidth}}{{\\raggedright {below}}}"] if below else []),
            "\\end{table}",
        ]
        rendered.append("\n".join(lines) + "\n")
    return "\n".join(rendered)


def to_long_latex(table: Table) -> str:
    """Renders a table as escaped `longtable` environments, which break over pages and are no wider than 17 cm.

    Documents have to load `array`, `booktabs` and `longtable`. A table with too many columns of values for a line
    becomes several, each with all columns of words.
    """
    rendered = []
    for piece in _narrow(table):
        for part in _parts(piece):
            header = " & ".join(part.headers) + r" \\"
            lines = [
                "{\\scriptsize\\setlength{\\tabcolsep}{3pt}\\setlength{\\LTcapwidth}{\\linewidth}",
                f"\\begin{{longtable}}{{{_fitted_kinds(part)}}}",
                f"\\caption{{{part.caption}}}\\label{{tab:{part.label}}}\\\\",
                f"\\toprule\n{header}\n\\midrule\n\\endfirsthead",
                f"\\toprule\n{header}\n\\midrule\n\\endhead",
                "\\bottomrule\n\\endfoot",
                *(f"{_KEPT_TOGETHER.join(row)} {_END_OF_ROW}" for row in part.lines),
                "\\end{longtable}",
                *([f"\\noindent{{\\raggedright {' '.join(part.below)}\\par}}", "\\medskip"] if part.below else []),
                "}",
            ]
            rendered.append("\n".join(lines) + "\n")
    return "\n".join(rendered)


def labels_of(table: Table) -> tuple[str, ...]:
    """Returns the labels of the environments that ``to_long_latex`` renders a table as, without `tab:`."""
    return tuple(part.label for piece in _narrow(table) for part in _parts(piece))


def _parts(table: Table) -> Iterator[_Part]:
    marks = footnote_marks(table)

    def text(cell: Cell) -> str:
        if not isinstance(cell, Value):
            return escape_latex(plain_text(cell))
        shown = _number(mean_text(cell)) if cell.interval.n else escape_latex(mean_text(cell))
        bold = f"\\textbf{{{shown}}}" if cell.best else shown
        return bold + "".join(f"\\textsuperscript{{{marks[note]}}}" for note in cell.notes)

    def lines_of(row: tuple[Cell, ...]) -> tuple[str, ...]:
        """Returns a line of means and below it a line of intervals, because pages are too narrow for one line."""
        below = [ends(cell.interval) if isinstance(cell, Value) else "" for cell in row]
        small = [f"{{\\tiny {_number(interval)}}}" if interval else "" for interval in below]
        return (" & ".join(map(text, row)), *([" & ".join(small)] if any(small) else []))

    headers = [
        f"\\shortstack{{\\strut {_NEW_LINE.join(map(escape_latex, _stacked(column)))}{_ARROWS[column.better]}}}"
        for column in table.columns
    ]
    first = int(table.parted)  # The first cell, which all rows of a part share, is in the caption.
    for title, rows in parts_of(table):
        used = {note for row in rows for cell in row if isinstance(cell, Value) for note in cell.notes}
        footnotes = [f"\\textsuperscript{{{marks[note]}}} {escape_latex(note)}" for note in marks if note in used]
        yield _Part(
            escape_latex(f"{table.caption}, {title}" if title else table.caption),
            f"{table.name}-{title}".translate(_NO_LABEL) if title else table.name,
            tuple(headers[first:]),
            tuple(lines_of(row[first:]) for row in rows),
            (*footnotes, *map(escape_latex, table.notes)),
            table.columns[first:],
            tuple(row[first:] for row in rows),
        )


def _number(text: str) -> str:
    """Returns a number or an interval with signs for minus, which are longer than hyphens."""
    return text.replace("-", "$-$")


def _kinds(rows: Sequence[tuple[Cell, ...]]) -> str:
    """Returns LaTeX's column types: `r` for numbers, `l` for words, `p` for sentences, which wrap."""
    columns = list(zip(*rows, strict=True))
    wraps = [any(isinstance(cell, str) and len(cell) > LONG_WORDS for cell in column) for column in columns]
    wrapped = f"p{{{SENTENCES / max(sum(wraps), 1):.2f}\\linewidth}}"
    plain = map(_kind, columns)
    return "".join(wrapped if is_long else kind for is_long, kind in zip(wraps, plain, strict=True))


def _kind(column: Sequence[Cell]) -> str:
    return "l" if all(isinstance(cell, str | Word) for cell in column) else "r"


def _fitted_kinds(part: _Part) -> str:
    """Returns column types as ``_kinds``, in which texts wrap only if the line is too short, by their lengths."""
    columns = list(zip(*part.rows, strict=True))
    widths = list(map(_column_width, part.columns, columns))
    room = _LINE - _GAP * len(columns)
    kinds = list(map(_kind, columns))
    if sum(widths) > room:
        long = [i for i, kind in enumerate(kinds) if kind == "l" and widths[i] > _SHORT]
        words = {i: _longest_word(part.columns[i], columns[i]) for i in long}
        left = room - sum(width for i, width in enumerate(widths) if i not in long) - sum(words.values())
        shares = {i: widths[i] - words[i] for i in long}
        for i, share in shares.items():
            width = (words[i] + max(left, 0.0) * share / max(sum(shares.values()), 1.0)) / _LINE
            kinds[i] = f">{{\\raggedright\\arraybackslash}}p{{{width:.3f}\\linewidth}}"
    return "".join(kinds)


def _column_width(column: Column, cells: Sequence[Cell]) -> float:
    *lines, last = map(len, _stacked(column))
    return max([*map(_width, cells), _HEADER * max([*lines, last + len(_ARROWS[column.better][:2])])])


def _longest_word(column: Column, cells: Sequence[Cell]) -> float:
    """Returns the width of the longest word of a column of words, which cannot wrap; of monsters, of so much of it."""
    texts = [column.header, *(plain_text(cell) for cell in cells if not isinstance(cell, Value))]
    words = [word for text in texts for word in text.split()]
    return min(max(map(len, words), default=0), LONG_WORDS)


def _width(cell: Cell) -> float:
    """Returns about how many letters of \\scriptsize a cell is wide."""
    if not isinstance(cell, Value):
        return len(plain_text(cell))
    return max(len(mean_text(cell)) + len(cell.notes), _SMALL * len(ends(cell.interval)))


def _narrow(table: Table) -> Iterator[Table]:
    """Yields tables whose columns of values fit a line beside those of words; the last one has the notes."""
    first = int(table.parted)
    is_value = [any(isinstance(row[i], Value) for row in table.rows) for i in range(len(table.columns))]
    columns = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    widths = [_column_width(*both) + _GAP for both in zip(table.columns, columns, strict=True)]
    words = [i for i, has_values in enumerate(is_value) if not has_values]
    values = [i for i, has_values in enumerate(is_value) if has_values]
    room = _LINE - sum(min(widths[i], 0.3 * _LINE) for i in words if i >= first)
    n_pieces = max(1, math.ceil(sum(widths[i] for i in values) / max(room, 0.3 * _LINE)))
    each = max(1, math.ceil(len(values) / n_pieces))
    for start in range(0, max(len(values), 1), each):
        kept = sorted([*words, *values[start : start + each]])
        yield dataclasses.replace(
            table,
            name=f"{table.name}-{start // each + 1}" if start else table.name,
            caption=f"{table.caption}, continued" if start else table.caption,
            columns=tuple(table.columns[i] for i in kept),
            rows=tuple(tuple(row[i] for i in kept) for row in table.rows),
            notes=table.notes if start + each >= len(values) else (),
        )


def _stacked(column: Column) -> list[str]:
    """Returns the lines of a column's heading, which are as short as its longest word allows."""
    return textwrap.wrap(column.header, max(map(len, [*column.header.split(), _HEADING]))) or [""]
