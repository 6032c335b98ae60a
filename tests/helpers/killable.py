"""A program that starts processes which work on run directories, and kills them at given moments.

    python -m tests.helpers.killable CONFIG

Each line that it reads is a JSON list for one process: a folder, the work "sweep" or "checkpoint", and, if the process
is to be killed, three values for the moment: a stage of the work, a number of operations and seconds. The stage is
"start" or the unit of a progress bar, such as "steps". The process is killed so many seconds after so many writing
operations below the folder since the stage began. The program answers with the exit status of the process, which is
negative for a signal. Every process is a fork, so that JAX is imported once, before it has threads.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import conftest
from tests.helpers import sweeps
from tests.runs.test_checkpoint import OWNER, arrays
from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.support.progress import Advance, no_progress
from vaemusic_jax.training.sweep import run_sweep

assert conftest  # It is imported for its settings of JAX.
OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "shutil.rmtree"}


def kill_after(n_operations: int, seconds: float, folder: str) -> None:
    """Kills this process `seconds` after its nth writing operation below the folder begins; n = 0 means now."""

    def kill() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    def count(event: str, args: tuple[Any, ...]) -> None:
        nonlocal n_operations
        if event not in OPERATIONS or (event == "open" and not args[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        # When a tree of files is removed, paths are relative to an open folder.
        in_open_folder = event in ("os.remove", "os.rmdir") and args[-1] != -1
        if in_open_folder or str(args[0]).startswith(folder):
            n_operations -= 1
            if n_operations == 0:
                threading.Thread(target=kill).start() if seconds else kill()

    if n_operations:
        sys.addaudithook(count)
    else:
        threading.Thread(target=kill).start()


def work(request: list[Any], config: SweepConfig, dataset: Dataset) -> None:
    """Does the requested work, unless the process is killed on the way."""
    path, kind, *moment = request
    stage, n_operations, seconds = moment or (None, 0, 0)

    def begin(unit: str) -> None:
        if unit == stage:
            kill_after(n_operations, seconds, path)

    def progress(description: str, total: int, unit: str, done: int = 0) -> AbstractContextManager[Advance]:
        begin(unit)
        return no_progress(description, total, unit, done)

    begin("start")
    if kind == "checkpoint":
        store = CheckpointStore(Path(path))
        step = (store.latest_step() or 0) + 1
        store.save(step, arrays(step), OWNER)
    else:
        with pytest.MonkeyPatch.context() as patch:
            sweeps.use_data(patch, dataset)
            run_sweep(config.model_copy(update={"out": path}), progress).close()


def main() -> None:
    config = SweepConfig.model_validate_json(sys.argv[1], strict=False)
    dataset = sweeps.first_of(load_dataset("irish_folk"), 200, 50)
    for line in sys.stdin:
        process = os.fork()
        if not process:
            work(json.loads(line), config, dataset)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
