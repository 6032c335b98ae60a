"""The training curves of a run: the file curves.parquet of its directory and, while it trains, parts that follow it.

A table that is saved after every validation would be written again and again. So new rows become a part of their own, a
file in the folder `curves`, and take in the parts before them that are not larger. There are few parts then, and a
row is written about as often as the number of rows can be halved. `gather` joins all parts in curves.parquet.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.table_file import Kind, read_table, reading, write_table
from vaemusic_jax.support.atomic import writing

if TYPE_CHECKING:
    import pandas as pd

CURVE_COLUMNS = ("trial", "step", "split", "metric", "value")
CURVE_KEY = list(CURVE_COLUMNS[:-1])
KINDS: dict[str, Kind] = dict(zip(CURVE_COLUMNS, ("text", "whole number", "text", "text", "number"), strict=True))


@dataclass(eq=False)
class _Part:
    """A file with rows of the curves. Rows of later parts replace those of earlier ones."""

    number: int  # 0: curves.parquet
    table: "pd.DataFrame"


class Curves:
    """The training and validation metrics of a run, sorted so that the table does not depend on interruptions."""

    def __init__(self, path: Path, trial_ids: Sequence[str]) -> None:
        """Remembers the path; the files are read when the table is first used.

        Args:
            path: the Parquet file, which need not exist yet. Its parts are in a folder beside it, of the same name
                without the suffix.
            trial_ids: the ids of the run's trials, in the order by which rows are sorted.
        """
        self.path, self.parts_path = path, path.with_suffix("")
        self._position = {trial_id: position for position, trial_id in enumerate(trial_ids)}
        self._known: list[_Part] | None = None

    @property
    def table(self) -> "pd.DataFrame":
        """The table, sorted by trial and step: trial, step, split, metric, value; empty before the first validation.

        Raises:
            UserError: a file cannot be read.
        """
        return self._joined(self._parts)

    def append(self, rows: "pd.DataFrame") -> None:
        """Adds rows and saves them; they replace rows of the same trial, step, split and metric.

        Args:
            rows: columns trial, step, split, metric, value; any number of trials and steps.

        Raises:
            ValueError: the columns are different, or a trial does not belong to this run.
            UserError: a file cannot be read or written.
        """
        unknown = set(rows["trial"]) - set(self._position)
        if set(rows.columns) != set(CURVE_COLUMNS) or unknown:
            raise ValueError(f"curves need the columns {CURVE_COLUMNS} and trials of this run, got {unknown or rows}")
        if len(rows):
            self._add(rows[list(CURVE_COLUMNS)])

    def truncate(self, trial_ids: Iterable[str], after_step: int) -> None:
        """Removes the rows of some trials after a step. Raises UserError if that is not possible."""
        of, keeps = set(trial_ids), []
        for part in self._parts:
            late = part.table["step"] > after_step
            keeps.append(~(late & part.table["trial"].isin(of)) if late.any() else None)
        if all(keep is None or keep.all() for keep in keeps):
            return
        kept = [
            _Part(part.number, part.table if keep is None else part.table[keep])
            for part, keep in zip(self._parts, keeps, strict=True)
        ]
        self._save(_Part(0, self._joined(kept)), replacing=self._parts)

    def gather(self) -> None:
        """Joins all parts in curves.parquet. Raises UserError if that is not possible."""
        with reading(self.parts_path):
            has_parts = self.parts_path.is_dir()
        if has_parts and self._parts:
            self._save(_Part(0, self.table), replacing=self._parts)

    def _add(self, rows: "pd.DataFrame") -> None:
        """Saves rows as the newest part, together with the parts before it that are not larger."""
        taken: list[_Part] = []
        size = len(rows)
        for part in reversed(self._parts):
            if not part.number or len(part.table) > size:
                break
            taken.insert(0, part)
            size += len(part.table)
        newest = self._parts[-1].number if self._parts else 0
        number = newest + 1  # so that its rows count, not those of parts which a killed process has not removed
        self._save(_Part(number, self._joined([*taken, _Part(number, rows)])), replacing=taken)

    def _save(self, part: _Part, replacing: list[_Part]) -> None:
        """Writes a part, then removes those that it replaces, the last ones of all.

        The oldest are removed first, so that rows which a later part has replaced do not come back if this process is
        killed meanwhile.
        """
        if part.number:
            with writing(self.parts_path):
                self.parts_path.mkdir(exist_ok=True)
        write_table(self._file(part.number), part.table)
        with writing(self.parts_path):
            for old in replacing:
                if old.number not in (0, part.number):
                    self._file(old.number).unlink(missing_ok=True)
            if not part.number:
                with contextlib.suppress(FileNotFoundError):
                    self.parts_path.rmdir()
        self._known = [old for old in self._parts if old not in replacing] + [part]

    def _joined(self, parts: Sequence[_Part]) -> "pd.DataFrame":
        """Returns the rows of parts as one table, sorted by trial and step."""
        import pandas as pd

        tables = [part.table for part in parts if len(part.table)]
        if not tables:
            return _empty()
        both = pd.concat(tables).drop_duplicates(CURVE_KEY, keep="last")
        order = np.lexsort((both["step"], both["trial"].map(self._position)))
        return both.iloc[order].reset_index(drop=True)

    @property
    def _parts(self) -> list[_Part]:
        """The parts in their order, which are read when they are first needed."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> list[_Part]:
        """Reads all parts, again if another process has joined some meanwhile."""
        while True:
            numbers = self._numbers()
            found = {}
            for number in (0, *numbers):
                try:
                    found[number] = read_table(self._file(number), KINDS)
                except UserError:
                    if self._file(number).exists():
                        raise
            if self._numbers() == numbers:
                return [_Part(number, table) for number, table in found.items() if table is not None]

    def _numbers(self) -> list[int]:
        """Returns the numbers of the parts beside curves.parquet in their order. Raises UserError."""
        with reading(self.parts_path):
            return sorted(int(path.stem) for path in self.parts_path.glob("*.parquet") if path.stem.isdecimal())

    def _file(self, number: int) -> Path:
        """Returns the path of a part."""
        return self.parts_path / f"{number}.parquet" if number else self.path


def _empty() -> "pd.DataFrame":
    """Returns a table without rows."""
    import pandas as pd

    types = {"trial": "str", "step": "int64", "split": "str", "metric": "str", "value": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
