"""The run directory, which a sweep writes and all other commands read; ``docs/run_directory.md`` describes its files.

A run directory belongs to one configuration. Opening it again resumes the run, and a lock excludes a second process.
Every file is written atomically, so that a run which is killed at any moment can be resumed.
"""

import contextlib
import logging
import re
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vaemusic_jax.config.sweep import SweepConfig, differences, load_config, named_fields
from vaemusic_jax.config.sweep import trials as trials_of
from vaemusic_jax.config.trial import Cohort, Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.runs.curves import Curves
from vaemusic_jax.runs.lock import LOCK, locked
from vaemusic_jax.runs.table_file import Kind, as_csv, read_table, reading, write_table
from vaemusic_jax.runs.trials_table import State, TrialsTable
from vaemusic_jax.support.atomic import write_atomically, writing
from vaemusic_jax.support.event_log import warn
from vaemusic_jax.support.names import inside

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

TEMPORARY = ".*.tmp"
MORE_STEPS = (
    "the learning rate's schedule is over all steps, so a run cannot be made longer: choose another --out, to train "
    "anew or from these weights with --init-from {path}"
)
OTHER_PLACE = "choose another --out, or remove the folder to start anew"


class RunDirectory:
    """One run: its configuration, trials and cohorts, and the tables that grow during training.

    Attributes:
        path: the folder.
        config: the configuration of the run.
        trials: the trials in the order of the configuration.
        cohorts: the cohorts that were formed when the run was started; a resumed run continues with them.
        left_out: by trial id why this process could not train a trial.
    """

    def __init__(self, path: Path) -> None:
        """Reads an existing directory. Callers use ``open``, ``reopen`` or ``read`` instead."""
        self.path = path
        self.config = load_config(path / "config.yaml")
        self._table = TrialsTable.read(path / "trials.csv")
        self.trials = self._table.trials
        self.cohorts = self._table.cohorts
        self._curves = Curves(path / "curves.parquet", [trial.id for trial in self.trials])
        self.left_out: dict[str, str] = {}
        self._unlock: weakref.finalize | None = None  # None: open for reading only

    @classmethod
    def open(cls, path: str | Path, config: SweepConfig, trials: Sequence[Trial], cohorts: Iterable[Cohort]) -> Self:
        """Creates a run directory, or resumes the run of the same configuration in it; it is locked until closed.

        A resumed run keeps the trials and cohorts that it was started with, and a warning says so if a recipe's own
        values have changed since.

        Args:
            path: the folder.
            config: the configuration.
            trials: the trials of the configuration.
            cohorts: the cohorts of these trials.

        Raises:
            UserError: the folder holds a run of another configuration, in which case nothing is written; it holds
                something that is no run; another process has locked it; or it cannot be written.
        """
        path = Path(path)
        _check_run_or_empty(path)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        _check_links(path)
        with locked(path) as release:
            if (path / "config.yaml").exists():
                _check_unedited(path)
                changed = differences(load_config(path / "config.yaml"), config)
                if changed:
                    advice = MORE_STEPS.format(path=path) if is_longer(changed) else OTHER_PLACE
                    raise UserError(f"{path}: holds a run that differs in {'; '.join(changed)}; {advice}")
            else:
                write_atomically(path / "config.yaml", config.model_copy(update={"out": None}).to_yaml().encode())
            if not (path / "trials.csv").exists():  # it is written second, so an interrupted creation lacks it
                TrialsTable.create(path / "trials.csv", trials, cohorts)
            run = cls(path)
            if [trial.id for trial in run.trials] != [trial.id for trial in trials]:
                warn(
                    log,
                    f"{path}: the same configuration stood for other trials when this run was started, "
                    "since a recipe's own values have changed; the run goes on with those that it was started with",
                )
            for folder in (path, path / "curves"):
                for left in folder.glob(TEMPORARY):  # files of a process that was killed
                    left.unlink(missing_ok=True)
            return run._hold(release)

    @classmethod
    def reopen(cls, path: str | Path) -> Self:
        """Opens an existing run for writing, whatever its configuration; locked until closed. Raises UserError."""
        _check_run(Path(path))
        _check_links(Path(path))
        with locked(Path(path)) as release:
            return cls(Path(path))._hold(release)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Opens an existing run for reading, which is possible while another process writes it. Raises UserError."""
        _check_run(Path(path))
        return cls(Path(path))

    def close(self) -> None:
        """Joins the parts of the curves, and releases the lock, so that other processes can open the run."""
        if self._unlock is not None and self._unlock.alive:
            try:
                with contextlib.suppress(UserError):  # such as a full disk; the parts are as good
                    self._curves.gather()
            finally:
                self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def cohort_path(self, cohort: Cohort) -> Path:
        """Returns the folder of a cohort's checkpoints, which need not exist yet."""
        return self.path / "cohorts" / cohort.id

    def status(self) -> dict[str, str]:
        """Returns by trial id ``pending``, ``waiting: why``, ``running``, ``done`` or ``diverged: why``."""
        return self._table.status()

    def unfinished(self) -> tuple[Trial, ...]:
        """Returns the trials that are not yet trained to the end."""
        return self._table.unfinished()

    def set_status(self, trial_ids: Iterable[str], status: State, reason: str = "") -> None:
        """Records the status of trials, with the reason if they wait or have diverged. Raises UserError."""
        self._check_writable()
        self._table.set_status(trial_ids, status, reason)

    def set_statuses(self, statuses: Mapping[str, str]) -> None:
        """Records statuses by trial id, as `status` returns them, at once. Raises UserError."""
        self._check_writable()
        self._table.set_statuses(statuses)

    @property
    def trials_table(self) -> "pd.DataFrame":
        """The table trials.csv: trial (its id), every field of the trial, cohort, status."""
        return self._table.to_frame()

    @property
    def curves(self) -> "pd.DataFrame":
        """The learning curves, sorted by trial and step: trial, step, split, metric, value.

        The table is empty before the first validation. Raises UserError if a file of it cannot be read.
        """
        return self._curves.table

    def append_curves(self, rows: "pd.DataFrame") -> None:
        """Adds rows to the curves; they replace rows of the same trial, step, split and metric.

        Args:
            rows: columns trial, step, split, metric, value; any number of trials and steps.

        Raises:
            ValueError: the columns are different, or a trial does not belong to this run.
            UserError: the file cannot be read or written.
        """
        self._check_writable()
        self._curves.append(rows)

    def gather_curves(self) -> None:
        """Joins the parts of the curves, of which there are several while a run trains, in curves.parquet.

        Raises UserError if it cannot be written.
        """
        self._check_writable()
        self._curves.gather()

    def truncate_curves(self, trial_ids: Iterable[str], after_step: int) -> None:
        """Removes the curves of trials after the step from which they are about to resume. Raises UserError."""
        self._check_writable()
        self._curves.truncate(trial_ids, after_step)

    @property
    def results(self) -> "pd.DataFrame | None":
        """The table results.parquet with one row per trial; None before the first evaluation. Raises UserError."""
        known: dict[str, Kind] = dict.fromkeys(all_columns(), "number")
        return read_table(self.path / "results.parquet", {"trial": "text"}, known, most_rows=len(self.trials))

    def write_results(self, results: "pd.DataFrame") -> None:
        """Saves one row per trial as results.csv and results.parquet, which are replaced. Raises UserError."""
        self._check_writable()
        write_atomically(self.path / "results.csv", as_csv(results).encode())
        write_table(self.path / "results.parquet", results)

    def _hold(self, release: Callable[[], None]) -> Self:
        """Keeps the lock until `close` is called or this object is deleted."""
        self._unlock = weakref.finalize(self, release)
        return self

    def _check_writable(self) -> None:
        """Raises RuntimeError if the run is open for reading only."""
        if self._unlock is None or not self._unlock.alive:
            raise RuntimeError(f"{self.path} is open for reading only")


def is_longer(changed: Sequence[str]) -> bool:
    """Returns whether a configuration asks for more steps than another and is the same but for that."""
    numbers = [re.fullmatch(r"steps: (\d+) -> (\d+)", text) for text in changed]
    return len(changed) == 1 and numbers[0] is not None and int(numbers[0][2]) > int(numbers[0][1])


def _check_run(path: Path) -> None:
    """Raises UserError if the path is no run directory."""
    with reading(path):
        missing = [name for name in ("config.yaml", "trials.csv") if not (path / name).is_file()]
    if missing:
        raise UserError(f"{path}: is no run directory, for it has no {missing[0]}; give the folder that a sweep wrote")


def _check_unedited(path: Path) -> None:
    """Raises UserError if config.yaml stands for other trials than those of trials.csv.

    Values that it leaves to recipes may differ, since recipes change with versions of this package.
    """
    if not (path / "trials.csv").exists():
        return
    config = load_config(path / "config.yaml")
    named = named_fields(config)
    rows = [
        {tuple(trial.row()[name] for name in named) for trial in found}
        for found in (
            TrialsTable.read(path / "trials.csv").trials,
            trials_of(config.model_copy(update={"shard": None})),
        )
    ]
    if not rows[0] <= rows[1] or (not config.shard and rows[0] != rows[1]):
        differ = [name for k, name in enumerate(named) if len({frozenset(row[k] for row in each) for each in rows}) > 1]
        differ = differ or named
        raise UserError(
            f"{path / 'config.yaml'}: was edited after the run was started: trials.csv has other trials, which differ "
            f"in {', '.join(differ)}; restore the file, or give the new configuration another --out"
        )


def _check_links(path: Path) -> None:
    """Raises UserError if a link in the run directory leads out of it, where what is written would go as well."""
    with reading(path):
        for folder in (path, path / "evaluation", path / "cohorts", *path.glob("cohorts/*")):
            if folder.is_dir():
                for entry in folder.iterdir():
                    if entry.is_symlink():
                        inside(path, str(entry.relative_to(path)))


def _check_run_or_empty(path: Path) -> None:
    """Raises UserError if the path exists and is neither a run directory nor an empty folder."""
    with reading(path):
        if path.exists() and not path.is_dir():
            raise UserError(f"{path}: is a file; choose a folder with --out")
        others = list[str]()
        if path.is_dir() and not (path / "config.yaml").exists():
            others = sorted(p.name for p in path.iterdir() if p.name != LOCK and not p.match(TEMPORARY))
    if others:
        raise UserError(f"{path}: is no run directory but holds {others[0]}; choose a new folder with --out")
