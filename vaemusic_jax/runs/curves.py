"""curves.parquet of a run directory: what was measured while the trials trained."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.runs.table_file import read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

CURVE_COLUMNS = ("trial", "step", "split", "metric", "value")
CURVE_KEY = list(CURVE_COLUMNS[:-1])


class Curves:
    """The measurements of a run, sorted by trial and step, so that the file does not depend on interruptions."""

    def __init__(self, path: Path, trial_ids: Sequence[str]) -> None:
        """Nothing is read before it is asked for.

        Args:
            path: of the Parquet file, which need not exist yet.
            trial_ids: of the run's trials, in the order in which they are sorted.
        """
        self.path = path
        self._position = {trial_id: position for position, trial_id in enumerate(trial_ids)}
        self._table: pd.DataFrame | None = None

    @property
    def table(self) -> "pd.DataFrame":
        """A copy: trial, step, split, metric, value; empty before the first validation. Raises UserError."""
        if self._table is None:
            found = read_table(self.path)
            self._table = _empty() if found is None else found
        return self._table.copy()

    def append(self, rows: "pd.DataFrame") -> None:
        """Adds measurements and saves; one of the same trial, step, split and metric is replaced.

        Args:
            rows: columns trial, step, split, metric, value; any number of trials and steps.

        Raises:
            ValueError: the columns are others, or a trial is not of this run.
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
        """Forgets what was measured of trials after a step, and saves. Raises UserError."""
        curves = self.table
        self._write(curves[~(curves["trial"].isin(list(trial_ids)) & (curves["step"] > after_step))])

    def _write(self, curves: "pd.DataFrame") -> None:
        order = np.lexsort((curves["step"], curves["trial"].map(self._position)))
        self._table = curves.iloc[order].reset_index(drop=True)
        write_table(self.path, self._table)


def _empty() -> "pd.DataFrame":
    import pandas as pd

    types = {"trial": "str", "step": "int64", "split": "str", "metric": "str", "value": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
