"""The folder that a sweep writes and everything else reads; ``docs/run_directory.md`` describes its files.

A run directory belongs to one configuration. Opening it again resumes what is there; a lock keeps a second process out.
Every file is written atomically, so a run that is killed at any moment leaves a directory that resumes.
"""

import contextlib
import csv
import io
import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from vaemusic_jax.atomic import write_atomically, writing
from vaemusic_jax.config import SweepConfig, differences, load_config
from vaemusic_jax.errors import UserError
from vaemusic_jax.run_lock import LOCK, locked
from vaemusic_jax.trial import Cohort, Trial, parse_attributes

if TYPE_CHECKING:
    import pandas as pd

State = Literal["pending", "waiting", "running", "done", "diverged"]
FINISHED = ("done", "diverged")

CURVE_COLUMNS = ("trial", "step", "split", "metric", "value")
CURVE_KEY = list(CURVE_COLUMNS[:-1])
TEMPORARY = ".*.tmp"
OTHER_PLACE = "choose another --out, or remove the folder to start anew"


class RunDirectory:
    """One run: its configuration, trials and cohorts, and the tables that grow while they train.

    Attributes:
        path: the folder.
        config: the configuration it belongs to.
        trials: in the order of the configuration.
        cohorts: as they were when the run was started; a resumed run goes on with these.
    """

    def __init__(self, path: Path) -> None:
        """Reads what is there; use ``open``, ``reopen`` or ``read``."""
        self.path = path
        self.config = load_config(path / "config.yaml")
        rows = _read_trials(path / "trials.csv")
        self.trials = tuple(trial for trial, _, _ in rows)
        self.cohorts = _regroup(rows)
        self._cohort_of = {trial.id: cohort for trial, cohort, _ in rows}
        self._status = {trial.id: status for trial, _, status in rows}
        self._curves: pd.DataFrame | None = None
        self._unlock: weakref.finalize | None = None  # None: open for reading only

    @classmethod
    def open(cls, path: str | Path, config: SweepConfig, trials: Sequence[Trial], cohorts: Iterable[Cohort]) -> Self:
        """Creates the run directory, or resumes the run of the same configuration there; locked until closed.

        Raises:
            UserError: it holds another configuration (nothing is written), or something that is no run; another
                process has it; it cannot be written.
        """
        path = Path(path)
        _check_run_or_empty(path)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        with locked(path) as lock:
            if (path / "config.yaml").exists():
                changed = differences(load_config(path / "config.yaml"), config)
                if changed:
                    raise UserError(f"{path}: holds a run that differs in {'; '.join(changed)}; {OTHER_PLACE}")
            else:
                write_atomically(path / "config.yaml", config.model_copy(update={"out": None}).to_yaml().encode())
            if not (path / "trials.csv").exists():  # written second, so also absent where creation was interrupted
                cohort_of = {trial.id: cohort.id for cohort in cohorts for trial in cohort.trials}
                _write_trials(path / "trials.csv", [(trial, cohort_of[trial.id], "pending") for trial in trials])
            run = cls(path)
            if [trial.id for trial in run.trials] != [trial.id for trial in trials]:
                raise UserError(
                    f"{path}: the same configuration stood for other trials when this run was started, "
                    f"since a recipe's own values have changed; {OTHER_PLACE}"
                )
            for left in path.glob(TEMPORARY):  # of a process that was killed
                left.unlink(missing_ok=True)
            return run._hold(lock)

    @classmethod
    def reopen(cls, path: str | Path) -> Self:
        """An existing run, to be written to whatever its configuration; locked until closed. Raises UserError."""
        _check_run(Path(path))
        with locked(Path(path)) as lock:
            return cls(Path(path))._hold(lock)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """An existing run, for reading only, even while it is being written. Raises UserError."""
        _check_run(Path(path))
        return cls(Path(path))

    def close(self) -> None:
        """Lets other processes open it."""
        if self._unlock is not None:
            self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def cohort_path(self, cohort: Cohort) -> Path:
        """Where a cohort's checkpoints go; made by whoever writes there."""
        return self.path / "cohorts" / cohort.id

    def status(self) -> dict[str, str]:
        """By trial id: ``pending``, ``waiting: why``, ``running``, ``done`` or ``diverged: why``."""
        return dict(self._status)

    def unfinished(self) -> tuple[Trial, ...]:
        """The trials that are still to be trained, or trained further."""
        return tuple(trial for trial in self.trials if not self._status[trial.id].startswith(FINISHED))

    def set_status(self, trial_ids: Iterable[str], status: State, reason: str = "") -> None:
        """Records what has become of trials, with the reason where they wait or diverged."""
        self._check_writable()
        for trial_id in trial_ids:
            self._status[trial_id] = f"{status}: {' '.join(reason.split())}" if reason else status
        rows = [(trial, self._cohort_of[trial.id], self._status[trial.id]) for trial in self.trials]
        _write_trials(self.path / "trials.csv", rows)

    @property
    def trials_table(self) -> "pd.DataFrame":
        """trials.csv: trial (its id), every field of the trial, cohort, status."""
        import pandas as pd

        rows = [_row(trial, self._cohort_of[trial.id], self._status[trial.id]) for trial in self.trials]
        return pd.DataFrame(rows)

    @property
    def curves(self) -> "pd.DataFrame":
        """curves.parquet: trial, step, split, metric, value; by trial and step, empty before the first validation."""
        if self._curves is None:
            self._curves = _read_curves(self.path / "curves.parquet")
        return self._curves.copy()

    def append_curves(self, rows: "pd.DataFrame") -> None:
        """Adds measurements; one of the same trial, step, split and metric is replaced.

        Args:
            rows: columns trial, step, split, metric, value; any number of trials and steps.
        """
        import pandas as pd

        unknown = set(rows["trial"]) - set(self._status)
        if set(rows.columns) != set(CURVE_COLUMNS) or unknown:
            raise ValueError(f"curves need the columns {CURVE_COLUMNS} and trials of this run, got {unknown or rows}")
        both = pd.concat([self.curves, rows[list(CURVE_COLUMNS)]]) if len(self.curves) else rows[list(CURVE_COLUMNS)]
        self._write_curves(both.drop_duplicates(CURVE_KEY, keep="last"))

    def truncate_curves(self, trial_ids: Iterable[str], after_step: int) -> None:
        """Forgets what was measured after a step, as when these trials resume from the checkpoint of that step."""
        curves = self.curves
        self._write_curves(curves[~(curves["trial"].isin(list(trial_ids)) & (curves["step"] > after_step))])

    @property
    def results(self) -> "pd.DataFrame | None":
        """results.parquet: one row per trial, or None before the first evaluation."""
        import pandas as pd

        path = self.path / "results.parquet"
        if not path.exists():
            return None
        with _reading(path):
            return pd.read_parquet(path)

    def write_results(self, results: "pd.DataFrame") -> None:
        """Saves one row per trial as results.csv and results.parquet, replacing what was there."""
        self._check_writable()
        write_atomically(self.path / "results.csv", results.to_csv(index=False).encode())
        write_atomically(self.path / "results.parquet", _parquet(results))

    def _write_curves(self, curves: "pd.DataFrame") -> None:
        self._check_writable()
        # Sorted, so that the file does not depend on how often a run was interrupted.
        position = {trial.id: i for i, trial in enumerate(self.trials)}
        order = np.lexsort((curves["step"], curves["trial"].map(position)))
        self._curves = curves.iloc[order].reset_index(drop=True)
        write_atomically(self.path / "curves.parquet", _parquet(self._curves))

    def _hold(self, lock: int) -> Self:
        """Keeps the lock until close(), or as long as this object lives."""
        self._unlock = weakref.finalize(self, os.close, lock)
        return self

    def _check_writable(self) -> None:
        if self._unlock is None or not self._unlock.alive:
            raise RuntimeError(f"{self.path} is open for reading only")


def _check_run(path: Path) -> None:
    missing = [name for name in ("config.yaml", "trials.csv") if not (path / name).is_file()]
    if missing:
        raise UserError(f"{path}: is no run directory, for it has no {missing[0]}; give the folder that a sweep wrote")


def _check_run_or_empty(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; choose a folder with --out")
    if path.is_dir() and not (path / "config.yaml").exists():
        with _reading(path):
            others = sorted(p.name for p in path.iterdir() if p.name != LOCK and not p.match(TEMPORARY))
        if others:
            raise UserError(f"{path}: is no run directory but holds {others[0]}; choose a new folder with --out")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, csv.Error) as error:  # pyarrow's errors are ValueErrors or OSErrors
        raise UserError(f"{path}: cannot be read: {error}; restore or remove it") from error


def _row(trial: Trial, cohort: str, status: str) -> dict[str, Any]:
    return {"trial": trial.id, **trial.row(), "cohort": cohort, "status": status}


def _write_trials(path: Path, rows: Iterable[tuple[Trial, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["trial", *Trial.model_fields, "cohort", "status"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(*row) for row in rows)
    write_atomically(path, text.getvalue().encode())


def _read_trials(path: Path) -> list[tuple[Trial, str, str]]:
    """Trial, cohort and status of each row."""
    rows = []
    with _reading(path), path.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
        if not table:
            raise ValueError("it holds no trials")
        if missing := [name for name in Trial.model_fields if name not in table[0]]:
            raise ValueError(f"it has no column {missing[0]}, as of another version of vaemusic_jax")
        for row in table:
            fields = {name: row[name] for name in Trial.model_fields} | {
                "attributes": parse_attributes(row["attributes"])
            }
            trial = Trial.model_validate(fields, strict=False)
            if trial.id != row["trial"]:
                raise ValueError(f"the values of trial {row['trial']} have been changed")
            rows.append((trial, row["cohort"], row["status"]))
    return rows


def _regroup(rows: list[tuple[Trial, str, str]]) -> tuple[Cohort, ...]:
    groups: dict[str, list[Trial]] = {}
    for trial, cohort, _ in rows:
        groups.setdefault(cohort, []).append(trial)
    return tuple(Cohort(tuple(members)) for members in groups.values())


def _read_curves(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not path.exists():
        types = {"trial": "str", "step": "int64", "split": "str", "metric": "str", "value": "float64"}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    with _reading(path):
        return pd.read_parquet(path)


def _parquet(table: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
