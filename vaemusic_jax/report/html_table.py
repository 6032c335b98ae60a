"""Tables as HTML, in the classes that the style sheet knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from html import escape

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

MOST_VALUES = 5  # So many columns of values fit beside those of words on a page of A4.
_SHORT_WORDS = 20  # Text with at most so many letters stays on one line.


def to_html(table: Table) -> str:
    """Renders a table as an escaped `<table>` with its footnotes.

    Cells of numbers have the class `number`. Words at the left that repeat those of the row above have the class
    `again`. The first cell of the rows of a part is their heading.
    """
    marks = footnote_marks(table)
    first = int(table.parted)
    columns = table.columns[first:]
    is_number = [not any(isinstance(row[first + i], str | Word) for row in table.rows) for i in range(len(columns))]
    head = "".join(_heading(column, right) for column, right in zip(columns, is_number, strict=True))
    bodies = []
    for title, rows in parts_of(table):
        part = f'<tr class="part"><th colspan="{len(columns)}">{escape(title)}</th></tr>\n' if title else ""
        above: tuple[Cell, ...] = ()
        for row in rows:
            part += f"<tr>{_cells(row[first:], above[first:], marks)}</tr>\n"
            above = row
        bodies.append(f"<tbody>\n{part}</tbody>")
    footnotes = [f"<sup>{mark}</sup> {escape(note)}" for note, mark in marks.items()]
    below = "".join(f"<li>{line}</li>" for line in (*footnotes, *map(escape, table.notes)))
    return (
        f'<table id="table-{escape(table.name)}"><caption>{escape(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n{''.join(bodies)}</table>\n"
        + (f'<ul class="footnotes">{below}</ul>\n' if below else "")
    )


def narrow(table: Table) -> Iterator[Table]:
    """Yields tables that show the same with at most `MOST_VALUES` columns of values; the last one has the notes."""
    is_value = [any(isinstance(row[i], Value) for row in table.rows) for i in range(len(table.columns))]
    labels = [i for i, has_values in enumerate(is_value) if not has_values]
    values = [i for i, has_values in enumerate(is_value) if has_values]
    for start in range(0, len(values), MOST_VALUES):
        kept = [*labels, *values[start : start + MOST_VALUES]]
        yield dataclasses.replace(
            table,
            name=table.name if not start else f"{table.name}-{start // MOST_VALUES + 1}",
            caption=table.caption if not start else f"{table.caption}, continued",
            columns=tuple(table.columns[i] for i in kept),
            rows=tuple(tuple(row[i] for i in kept) for row in table.rows),
            notes=table.notes if start + MOST_VALUES >= len(values) else (),
        )


def _heading(column: Column, is_number: bool) -> str:
    arrow = {"higher": "\N{NO-BREAK SPACE}\N{UPWARDS ARROW}", "lower": "\N{NO-BREAK SPACE}\N{DOWNWARDS ARROW}", "": ""}
    start = '<th class="number">' if is_number else "<th>"
    return f"{start}{escape(column.header)}{arrow[column.better]}</th>"


def _cells(row: tuple[Cell, ...], above: tuple[Cell, ...], marks: dict[str, str]) -> str:
    """Renders the cells of a row, the words that the row above has too as such."""
    rendered, again = "", bool(above)
    for i, cell in enumerate(row):
        if isinstance(cell, Value):
            rendered += f'<td class="number">{_value(cell, marks)}</td>'
            continue
        text = plain_text(cell)
        again = again and isinstance(cell, str | Word) and cell == above[i]
        rendered += f"<td{_class(cell, text, again)}>{escape(text)}</td>"
    return rendered


def _class(cell: Word | str | float, text: str, again: bool) -> str:
    if not isinstance(cell, str | Word):
        return ' class="number"'
    kinds = ["sentence"] * (len(text) > LONG_WORDS) + ["short"] * (len(text) <= _SHORT_WORDS) + ["again"] * again
    return f' class="{" ".join(kinds)}"' if kinds else ""


def _value(cell: Value, marks: dict[str, str]) -> str:
    shown, interval = escape(mean_text(cell)), ends(cell.interval)
    marked = "".join(f"<sup>{marks[note]}</sup>" for note in cell.notes)
    below = f" <small>{interval}</small>" if interval else ""
    return f"{f'<strong>{shown}</strong>' if cell.best else shown}{marked}{below}"
