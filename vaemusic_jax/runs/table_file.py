"""Tables in Parquet files, which are written atomically and whose reading errors name the file."""

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
    """Turns errors that the `with` block raises while it reads or interprets a file into UserErrors with its path."""
    try:
        yield
    except (OSError, ValueError, KeyError, csv.Error) as error:  # pyarrow's errors are ValueErrors or OSErrors
        raise UserError(f"{path}: cannot be read: {error}; restore or remove it") from error


def read_table(path: Path) -> "pd.DataFrame | None":
    """Reads the table in a Parquet file; None if there is no file. Raises UserError if it cannot be read."""
    import pandas as pd

    if not path.exists():
        return None
    with reading(path):
        return pd.read_parquet(path)


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table without its index to a Parquet file, atomically. Raises UserError if that is not possible."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomically(path, buffer.getvalue())
