"""The run directory of several processes that train together: the first process writes it, the others read it."""

from collections.abc import Iterable, Mapping

import pandas as pd

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory, State
from vaemusic_jax.support.processes import PROCESSES


class FollowedRun(RunDirectory):
    """The run as it was when the first process opened it. Changes are ignored, since the first process records them."""

    def set_status(self, trial_ids: Iterable[str], status: State, reason: str = "") -> None:
        pass

    def set_statuses(self, statuses: Mapping[str, str]) -> None:
        pass

    def append_curves(self, rows: pd.DataFrame) -> None:
        pass

    def gather_curves(self) -> None:
        pass

    def truncate_curves(self, trial_ids: Iterable[str], after_step: int) -> None:
        pass


def open_jointly(config: SweepConfig) -> RunDirectory:
    """Opens the run directory of a configuration: for writing in the first process, as a `FollowedRun` in the others.

    Raises:
        UserError: the first process cannot open it (see `RunDirectory.open`), which every process reports; or this
            process cannot see it.
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
