"""The run directory of several processes: the first opens and writes it, the others follow."""

from collections.abc import Iterable

import pandas as pd

from vaemusic_jax.config.sweep import SweepConfig, cohorts, trials
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory, State
from vaemusic_jax.support.processes import PROCESSES


class FollowedRun(RunDirectory):
    """A run as it was when the first process opened it; what this process notes of it is left to the first."""

    def set_status(self, trial_ids: Iterable[str], status: State, reason: str = "") -> None:
        pass

    def append_curves(self, rows: pd.DataFrame) -> None:
        pass

    def truncate_curves(self, trial_ids: Iterable[str], after_step: int) -> None:
        pass


def open_jointly(config: SweepConfig) -> RunDirectory:
    """Opens the run directory of a configuration, see `RunDirectory.open`; in all but the first process, follows it.

    Raises:
        UserError: in every process, what kept the first from opening it; or it is not seen from everywhere.
    """
    planned, path = trials(config), config.directory
    first = RunDirectory.open(path, config, planned, cohorts(planned)) if PROCESSES.is_first() else None
    PROCESSES.wait_for_all()
    if first is not None:
        return first
    if not (path / "trials.csv").is_file():
        raise UserError(
            f"{path}: the first process has opened it, but it is not seen here; choose an --out on a shared disk"
        )
    return FollowedRun.read(path)
