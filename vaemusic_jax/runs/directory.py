"""The folder that a sweep writes and everything else reads; ``docs/run_directory.md`` describes its files.

A run directory belongs to one configuration. Opening it again resumes what is there; a lock keeps a second process out.
Every file is written atomically, so a run that is killed at any moment leaves a directory that resumes.
"""

import os
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vaemusic_jax.config.sweep import SweepConfig, differences, load_config
from vaemusic_jax.config.trial import Cohort, Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.curves import Curves
from vaemusic_jax.runs.lock import LOCK, locked
from vaemusic_jax.runs.table_file import read_table, reading, write_table
from vaemusic_jax.runs.trials_table import State, TrialsTable
from vaemusic_jax.support.atomic import write_atomically, writing

if TYPE_CHECKING:
    import pandas as pd

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
        self._table = TrialsTable.read(path / "trials.csv")
        self.trials = self._table.trials
        self.cohorts = self._table.cohorts
        self._curves = Curves(path / "curves.parquet", [trial.id for trial in self.trials])
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
                TrialsTable.create(path / "trials.csv", trials, cohorts)
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
        return self._table.status()

    def unfinished(self) -> tuple[Trial, ...]:
        """The trials that are still to be trained, or trained further."""
        return self._table.unfinished()

    def set_status(self, trial_ids: Iterable[str], status: State, reason: str = "") -> None:
        """Records what has become of trials, with the reason where they wait or diverged."""
        self._check_writable()
        self._table.set_status(trial_ids, status, reason)

    @property
    def trials_table(self) -> "pd.DataFrame":
        """trials.csv: trial (its id), every field of the trial, cohort, status."""
        return self._table.to_frame()

    @property
    def curves(self) -> "pd.DataFrame":
        """curves.parquet: trial, step, split, metric, value; by trial and step, empty before the first validation."""
        return self._curves.table

    def append_curves(self, rows: "pd.DataFrame") -> None:
        """Adds measurements; one of the same trial, step, split and metric is replaced.

        Args:
            rows: columns trial, step, split, metric, value; any number of trials and steps.
        """
        self._check_writable()
        self._curves.append(rows)

    def truncate_curves(self, trial_ids: Iterable[str], after_step: int) -> None:
        """Forgets what was measured after a step, as when these trials resume from the checkpoint of that step."""
        self._check_writable()
        self._curves.truncate(trial_ids, after_step)

    @property
    def results(self) -> "pd.DataFrame | None":
        """results.parquet: one row per trial, or None before the first evaluation."""
        return read_table(self.path / "results.parquet")

    def write_results(self, results: "pd.DataFrame") -> None:
        """Saves one row per trial as results.csv and results.parquet, replacing what was there."""
        self._check_writable()
        write_atomically(self.path / "results.csv", results.to_csv(index=False).encode())
        write_table(self.path / "results.parquet", results)

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
        with reading(path):
            others = sorted(p.name for p in path.iterdir() if p.name != LOCK and not p.match(TEMPORARY))
        if others:
            raise UserError(f"{path}: is no run directory but holds {others[0]}; choose a new folder with --out")
