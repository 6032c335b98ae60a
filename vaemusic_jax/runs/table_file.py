"""Tables in Parquet files, which are written atomically, checked when read, and whose reading errors name the file."""

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.csv_text import csv_cell
from vaemusic_jax.support.words import host_memory, size

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "whole number", "number"]

BYTES_PER_CELL = 50  # of memory, at most: of a text in a table of pandas


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns errors that the `with` block raises while it reads or interprets a file into UserErrors with its path."""
    try:
        yield
    except PermissionError as error:
        place = error.filename or path
        raise UserError(f"{place}: cannot be read: permission denied; ask its owner to allow it") from error
    except (OSError, ValueError, KeyError, csv.Error) as error:  # pyarrow's errors are ValueErrors or OSErrors
        raise UserError(f"{path}: cannot be read: {error}; restore or remove it") from error


def read_table(
    path: Path, needed: Mapping[str, Kind], known: Mapping[str, Kind] | None = None, most_rows: int | None = None
) -> "pd.DataFrame | None":
    """Reads the table in a Parquet file. Its size and its columns are checked before its content is read.

    Args:
        path: the file.
        needed: the columns that it has to have, and what they hold.
        known: what further columns hold, where the file has them.
        most_rows: the most rows that it can have.

    Returns:
        The table, or None if there is no file.

    Raises:
        UserError: the file cannot be read, lacks a column, holds something else in one, or is too large.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    if not path.exists():
        return None
    with reading(path):
        if not path.is_file():
            raise ValueError("it is no regular file")
        found = pq.read_metadata(path)
        if most_rows is not None and found.num_rows > most_rows:
            raise ValueError(f"it has {found.num_rows:,} rows, of which there can be {most_rows:,}")
        memory, takes = host_memory(), found.num_rows * found.num_columns * BYTES_PER_CELL
        if memory is not None and takes > memory:
            raise ValueError(f"its {found.num_rows:,} rows would take {size(takes)} of {size(memory)} of memory")
        schema = pq.read_schema(path)
        for name in needed:
            if name not in schema.names:
                raise ValueError(f"it has no column {name}")
        for name, kind in {**(known or {}), **needed}.items():
            if schema.names.count(name) > 1 or (name in schema.names and not _holds(schema.field(name).type, kind)):
                raise ValueError(f"its column {name} holds {schema.field(name).type}, not one {kind} a row")
        return pd.read_parquet(path)


def _holds(kind: object, expected: Kind) -> bool:
    """Returns whether values of a type of Arrow are of an expected kind; missing values are of every kind."""
    from pyarrow import types

    if types.is_null(kind):
        return True
    if expected == "text":
        return bool(types.is_string(kind) or types.is_large_string(kind))
    is_number = types.is_integer(kind) if expected == "whole number" else not types.is_decimal(kind)
    return bool(is_number and (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)))


def as_csv(table: "pd.DataFrame") -> str:
    """Returns a table as CSV in which no text is a formula for spreadsheets; see `support.csv_text`."""
    safe = table.rename(columns=csv_cell)
    for name in safe.select_dtypes(exclude=["number", "boolean", "bool"]):
        safe[name] = safe[name].map(lambda value: csv_cell(value) if isinstance(value, str) else value)
    return safe.to_csv(index=False)


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table without its index to a Parquet file, atomically. Raises UserError if that is not possible."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomically(path, buffer.getvalue())
