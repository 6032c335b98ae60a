"""`python -m tests.helpers.one_of_several ACCIDENT ARGUMENTS...`: the command line as one of several processes.

It finds the small data set of `sweeps`. The accident is `none` or a function below.
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
    pass


def without_training(patch: pytest.MonkeyPatch) -> None:
    """The same exchanges and checkpoints, without the time that it takes to compile the training."""
    patch.setattr(Ensemble, "compile", lambda *args: 0)
    patch.setattr(Ensemble, "run", lambda self, state, n_steps: state)
    patch.setattr(Ensemble, "score", lambda *args: {"reconstruction_accuracy": np.full(2, 0.5)})


def killed_after_two_checkpoints(patch: pytest.MonkeyPatch) -> None:
    calls, save = itertools.count(1), CheckpointStore.save

    def kill(*args: Any) -> None:
        save(*args)
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    without_training(patch)
    patch.setattr(CheckpointStore, "save", kill)


def terminated_in_the_third_call(patch: pytest.MonkeyPatch) -> None:
    calls = itertools.count(1)

    def run(self: Ensemble, state: MemberState, n_steps: int) -> MemberState:
        if next(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return state

    without_training(patch)
    patch.setattr(Ensemble, "run", run)


def disk_full(patch: pytest.MonkeyPatch) -> None:
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
