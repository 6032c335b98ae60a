"""The table of a run's trials, in the file trials.csv of its directory: their fields, cohorts and statuses."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, get_args

from pydantic import ValidationError

from vaemusic_jax.config.trial import Cohort, Trial, parse_attributes
from vaemusic_jax.runs.table_file import reading
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.names import checked_name
from vaemusic_jax.support.words import size

if TYPE_CHECKING:
    import pandas as pd

State = Literal["pending", "waiting", "running", "done", "diverged"]
FINISHED = ("done", "diverged")
MOST_BYTES = 2**30


class TrialRow(NamedTuple):
    """One row of the table.

    Attributes:
        trial: the trial.
        cohort: the id of the cohort that the trial belongs to.
        status: a ``State``, followed by ``: reason`` if the trial waits or has diverged.
    """

    trial: Trial
    cohort: str
    status: str

    def columns(self) -> dict[str, Any]:
        """Returns the row by column name: trial (its id), every field of the trial, cohort, status."""
        return {"trial": self.trial.id, **self.trial.row(), "cohort": self.cohort, "status": self.status}


class TrialsTable:
    """The rows of trials.csv in the order of the configuration; changing a status saves the file."""

    def __init__(self, path: Path, rows: Iterable[TrialRow]) -> None:
        self.path = path
        self._rows = {row.trial.id: row for row in rows}

    @classmethod
    def create(cls, path: Path, trials: Iterable[Trial], cohorts: Iterable[Cohort]) -> None:
        """Writes the table of a new run, in which every trial is pending. Raises UserError if it cannot be written."""
        cohort_of = {trial.id: cohort.id for cohort in cohorts for trial in cohort.trials}
        cls(path, [TrialRow(trial, cohort_of[trial.id], "pending") for trial in trials])._write()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the table of an existing run.

        A field of ``Trial`` with a default may be missing if the run was started before the field existed; its trials
        have the default then. Columns that are no fields of a trial are ignored.

        Raises:
            UserError: the file cannot be read, lacks a field without a default, or has been edited.
        """
        with reading(path):
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"it has {size(path.stat().st_size)}, more than the trials of any run")
            with path.open(newline="", encoding="utf-8") as file:
                found = list(csv.DictReader(file))
            if not found:
                raise ValueError("it holds no trials")
            for name in ("trial", "cohort", "status"):
                if name not in found[0]:
                    raise ValueError(f"it has no column {name}")
            required = [name for name, field in Trial.model_fields.items() if field.is_required()]
            if missing := [name for name in required if name not in found[0]]:
                raise ValueError(f"it has no column {missing[0]}, as of another version of vaemusic_jax")
            table = cls(path, map(_parse, found))
            table.cohorts  # noqa: B018 - raises ValueError for cohorts that cannot be
            return table

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials in the order of the table."""
        return tuple(row.trial for row in self._rows.values())

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """The cohorts that were formed when the run was started; this version might group the trials differently."""
        groups: dict[str, list[Trial]] = {}
        for row in self._rows.values():
            groups.setdefault(row.cohort, []).append(row.trial)
        return tuple(Cohort(tuple(members)) for members in groups.values())

    def status(self) -> dict[str, str]:
        """Returns by trial id ``pending``, ``waiting: why``, ``running``, ``done`` or ``diverged: why``."""
        return {trial_id: row.status for trial_id, row in self._rows.items()}

    def unfinished(self) -> tuple[Trial, ...]:
        """Returns the trials that are not yet trained to the end."""
        return tuple(row.trial for row in self._rows.values() if not row.status.startswith(FINISHED))

    def set_status(self, trial_ids: Iterable[str], status: State, reason: str = "") -> None:
        """Records the same status for trials and saves the table. Raises UserError if it cannot be saved."""
        words = f"{status}: {' '.join(reason.split())}" if reason else status
        self.set_statuses(dict.fromkeys(trial_ids, words))

    def set_statuses(self, statuses: Mapping[str, str]) -> None:
        """Records the statuses of trials, by id as `status` returns them, and saves the table once.

        Raises UserError if it cannot be saved.
        """
        for trial_id, words in statuses.items():
            self._rows[trial_id] = self._rows[trial_id]._replace(status=words)
        self._write()

    def to_frame(self) -> "pd.DataFrame":
        """Returns the table with the columns of the file, and numbers as numbers."""
        import pandas as pd

        return pd.DataFrame([row.columns() for row in self._rows.values()])

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["trial", *Trial.model_fields, "cohort", "status"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.columns() for row in self._rows.values())
        write_atomically(self.path, text.getvalue().encode())


def _parse(columns: dict[str, str]) -> TrialRow:
    """Parses a row. Raises ValueError if a value has been edited."""
    if None in columns or None in columns.values():
        raise ValueError(f"the row of trial {columns['trial']} has not as many cells as there are columns")
    fields: dict[str, Any] = {name: columns[name] for name in Trial.model_fields if name in columns}
    try:
        trial = Trial.model_validate(fields | {"attributes": parse_attributes(columns["attributes"])}, strict=False)
    except ValidationError as error:
        problem = error.errors()[0]
        where, why = ".".join(map(str, problem["loc"])), problem["msg"].removeprefix("Value error, ")
        raise ValueError(f"{where + ': ' if where else ''}{why}") from None
    if trial.id != columns["trial"]:
        raise ValueError(f"the values of trial {columns['trial']} have been changed")
    if columns["status"].partition(": ")[0] not in get_args(State):
        raise ValueError(f"trial {trial.id} has the status {columns['status'][:40]!r}")
    return TrialRow(trial, checked_name(columns["cohort"]), columns["status"])
