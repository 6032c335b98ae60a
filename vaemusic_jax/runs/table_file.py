"""Tables in Parquet files: written whole or not at all, and read with what is wrong in one line."""

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import write_atomically

if TYPE_CHECKING:
    import pandas as pd


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what goes wrong within, while a file is read or makes no sense, into a UserError that names the path."""
    try:
        yield
    except (OSError, ValueError, KeyError, csv.Error) as error:  # pyarrow's errors are ValueErrors or OSErrors
        raise UserError(f"{path}: cannot be read: {error}; restore or remove it") from error


def read_table(path: Path) -> "pd.DataFrame | None":
    """The table in a Parquet file; None where there is no file. Raises UserError where it cannot be read."""
    import pandas as pd

    if not path.exists():
        return None
    with reading(path):
        return pd.read_parquet(path)


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table without its index as a Parquet file, atomically. Raises UserError where that is not possible."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomically(path, buffer.getvalue())
