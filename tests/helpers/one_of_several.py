"""A program that runs the command line as one of several processes, to which an accident may happen.

    python -m tests.helpers.one_of_several ACCIDENT ARGUMENTS...

ACCIDENT is the name of a function below. Every data set is replaced by the small one of `sweeps`.
"""

import errno
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers import sweeps
from vaemusic_jax import cli
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.support import atomic, processes
from vaemusic_jax.training.cohort import Ensemble, MemberState


def none(patch: pytest.MonkeyPatch) -> None:
    """Nothing happens."""


def without_training(patch: pytest.MonkeyPatch) -> None:
    """Replaces training by nothing, so that exchanges and checkpoints are tested without compiling."""
    patch.setattr(Ensemble, "compile", lambda *args: 0)
    patch.setattr(Ensemble, "run", lambda self, state, n_steps: state)
    patch.setattr(Ensemble, "score", lambda *args: {"reconstruction_accuracy": np.full(2, 0.5)})


def killed_after_two_checkpoints(patch: pytest.MonkeyPatch) -> None:
    """Kills the process after its second checkpoint."""
    calls, save = itertools.count(1), CheckpointStore.save

    def kill(*args: Any, **kwargs: Any) -> None:
        save(*args, **kwargs)
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    without_training(patch)
    patch.setattr(CheckpointStore, "save", kill)


def terminated_in_the_third_call(patch: pytest.MonkeyPatch) -> None:
    """Sends SIGTERM to the process in its third call of the training program."""
    calls = itertools.count(1)

    def run(self: Ensemble, state: MemberState, n_steps: int) -> MemberState:
        if next(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return state

    without_training(patch)
    patch.setattr(Ensemble, "run", run)


def disk_full(patch: pytest.MonkeyPatch) -> None:
    """Lets the disk be full when the free space is asked for."""

    def no_space(path: Path) -> None:
        with atomic.writing(Path("here")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    without_training(patch)
    patch.setattr(shutil, "disk_usage", no_space)


if __name__ == "__main__":
    accident, *arguments = sys.argv[1:]
    processes.JOIN_SECONDS = 60
    with pytest.MonkeyPatch.context() as patch:
        sweeps.use_data(patch, sweeps.first_of(load_dataset("irish_folk")))
        globals()[accident](patch)
        sys.argv[1:] = arguments
        cli.main()
