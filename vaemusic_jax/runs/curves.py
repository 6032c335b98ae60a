"""The training curves of a run, in the file curves.parquet of its directory."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.runs.table_file import Kind, read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

CURVE_COLUMNS = ("trial", "step", "split", "metric", "value")
CURVE_KEY = list(CURVE_COLUMNS[:-1])
KINDS: tuple[Kind, ...] = ("text", "whole number", "text", "text", "number")


class Curves:
    """The training and validation metrics of a run, sorted so that the file does not depend on interruptions."""

    def __init__(self, path: Path, trial_ids: Sequence[str]) -> None:
        """Remembers the path; the file is read when the table is first used.

        Args:
            path: the Parquet file, which need not exist yet.
            trial_ids: the ids of the run's trials, in the order by which rows are sorted.
        """
        self.path = path
        self._position = {trial_id: position for position, trial_id in enumerate(trial_ids)}
        self._table: pd.DataFrame | None = None

    @property
    def table(self) -> "pd.DataFrame":
        """A copy of the table: trial, step, split, metric, value; empty before the first validation.

        Raises:
            UserError: the file cannot be read.
        """
        if self._table is None:
            found = read_table(self.path, dict(zip(CURVE_COLUMNS, KINDS, strict=True)))
            self._table = _empty() if found is None else found
        return self._table.copy()

    def append(self, rows: "pd.DataFrame") -> None:
        """Adds rows and saves the file; they replace rows of the same trial, step, split and metric.

        Args:
            rows: columns trial, step, split, metric, value; any number of trials and steps.

        Raises:
            ValueError: the columns are different, or a trial does not belong to this run.
            UserError: the file cannot be read or written.
        """
        import pandas as pd

        unknown = set(rows["trial"]) - set(self._position)
        if set(rows.columns) != set(CURVE_COLUMNS) or unknown:
            raise ValueError(f"curves need the columns {CURVE_COLUMNS} and trials of this run, got {unknown or rows}")
        before, rows = self.table, rows[list(CURVE_COLUMNS)]
        both = pd.concat([before, rows]) if len(before) else rows
        self._write(both.drop_duplicates(CURVE_KEY, keep="last"))

    def truncate(self, trial_ids: Iterable[str], after_step: int) -> None:
        """Removes the rows of some trials after a step and saves the file. Raises UserError if that is not possible."""
        curves = self.table
        self._write(curves[~(curves["trial"].isin(list(trial_ids)) & (curves["step"] > after_step))])

    def _write(self, curves: "pd.DataFrame") -> None:
        """Sorts the table by trial and step and saves it. Raises UserError."""
        order = np.lexsort((curves["step"], curves["trial"].map(self._position)))
        self._table = curves.iloc[order].reset_index(drop=True)
        write_table(self.path, self._table)


def _empty() -> "pd.DataFrame":
    """Returns a table without rows."""
    import pandas as pd

    types = {"trial": "str", "step": "int64", "split": "str", "metric": "str", "value": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
