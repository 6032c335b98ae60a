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

MOST_VALUES = 7  # So many columns of values fit beside those of words on a page of A4.
_SHORT_WORDS = 20  # Text with at most so many letters stays on one line.


def to_html(table: Table) -> str:
    """Renders a table as an escaped `<table>` with its footnotes.

    Cells of words have a class by their length, those at the left that repeat the row above the class `again` too. The
    first cell of the rows of a part is their heading.
    """
    marks = footnote_marks(table)
    first = int(table.parted)
    columns = table.columns[first:]
    is_number = [not any(isinstance(row[first + i], str | Word) for row in table.rows) for i in range(len(columns))]
    head = "".join(_heading(column, right) for column, right in zip(columns, is_number, strict=True))
    bodies = []
    for title, rows in parts_of(table):
        part = (
            f'<tr class="part"><th class="words" colspan="{len(columns)}">{escape(title)}</th></tr>\n' if title else ""
        )
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


def narrow(table: Table, n_shared: int) -> Iterator[Table]:
    """Yields tables that show the same with at most `MOST_VALUES` columns of values; the last one has the notes.

    Args:
        table: the table.
        n_shared: so many cells at the left of rows become the heading of all rows that share them.
    """
    is_value = [any(isinstance(row[i], Value) for row in table.rows) for i in range(len(table.columns))]
    labels = [i for i, has_values in enumerate(is_value) if not has_values and i >= n_shared]
    values = [i for i, has_values in enumerate(is_value) if has_values]
    titles = [_title(table.columns[:n_shared], row[:n_shared]) for row in table.rows]
    for start in range(0, len(values), MOST_VALUES):
        kept = [*labels, *values[start : start + MOST_VALUES]]
        yield dataclasses.replace(
            table,
            name=table.name if not start else f"{table.name}-{start // MOST_VALUES + 1}",
            caption=table.caption if not start else f"{table.caption}, continued",
            columns=(Column("shared", ""), *(table.columns[i] for i in kept)),
            rows=tuple((title, *(row[i] for i in kept)) for title, row in zip(titles, table.rows, strict=True)),
            notes=table.notes if start + MOST_VALUES >= len(values) else (),
            parted=True,
        )


def has_sentences(table: Table) -> bool:
    """Returns whether some cell is a text of several lines."""
    return any(isinstance(cell, str) and len(cell) > LONG_WORDS for row in table.rows for cell in row)


def _title(columns: tuple[Column, ...], cells: tuple[Cell, ...]) -> str:
    """Returns cells as a heading such as `irish_folk, MeasureVAE, latent size 16`."""
    words = [
        plain_text(cell) if isinstance(cell, str | Word) else f"{column.header} {plain_text(cell)}"
        for column, cell in zip(columns, cells, strict=True)
        if not isinstance(cell, Value)
    ]
    return ", ".join(filter(None, words))


def _heading(column: Column, is_number: bool) -> str:
    arrow = {"higher": "\N{NO-BREAK SPACE}\N{UPWARDS ARROW}", "lower": "\N{NO-BREAK SPACE}\N{DOWNWARDS ARROW}", "": ""}
    start = "<th>" if is_number else '<th class="words">'
    return f"{start}{escape(column.header)}{arrow[column.better]}</th>"


def _cells(row: tuple[Cell, ...], above: tuple[Cell, ...], marks: dict[str, str]) -> str:
    """Renders the cells of a row, the words that the row above has too as such."""
    rendered, again = "", bool(above)
    for i, cell in enumerate(row):
        if isinstance(cell, Value):
            rendered += f"<td>{_value(cell, marks)}</td>"
            continue
        text = plain_text(cell)
        again = again and isinstance(cell, str | Word) and cell == above[i]
        rendered += f"<td{_class(cell, text, again)}>{escape(text)}</td>"
    return rendered


def _class(cell: Word | str | float, text: str, again: bool) -> str:
    if not isinstance(cell, str | Word):
        return ""
    kind = "short" if len(text) <= _SHORT_WORDS else "sentence" if len(text) > LONG_WORDS else "words"
    return f' class="{kind} again"' if again else f' class="{kind}"'


def _value(cell: Value, marks: dict[str, str]) -> str:
    shown, interval = escape(mean_text(cell)), ends(cell.interval)
    marked = "".join(f"<sup>{marks[note]}</sup>" for note in cell.notes)
    below = f" <small>{interval}</small>" if interval else ""
    return f"{f'<strong>{shown}</strong>' if cell.best else shown}{marked}{below}"
