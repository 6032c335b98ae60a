"""A run that is killed, at whatever moments, ends as if it had not been."""

import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chex
import pytest

from tests.helpers import sweeps
from tests.runs.test_checkpoint import OWNER, arrays
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.runs.checkpoint import CheckpointStore

Work = Callable[..., bool]

N_KILLS = 20
# Windows of few steps, so that a checkpoint is being written for a good part of the time.
EVERY = 3
SMALL = {"latent_dim": 4, "attributes": "all"}
GRIDS = [
    SMALL | {"model": "measure_vae", "steps": 2 * EVERY},
    SMALL | {"model": "measure_vae", "steps": 2 * EVERY, "learning_rate": sweeps.DIVERGING_RATE},
    SMALL | {"model": "adversarial_vae", "steps": 20 * EVERY},
]


def moments() -> Iterator[tuple[str, int, float]]:
    """As `killable` has them, a few early ones and then others without end."""
    draw = random.Random(0)
    for _ in range(3):
        yield "start", draw.randint(1, 12), 0  # while the run directory is made
    while True:
        yield "steps", draw.randint(1, 60), 0  # before any operation of Python's on a file or folder
        yield "steps", draw.randint(1, 60), draw.uniform(0, 0.03)  # between those of tensorstore's own
        yield "steps", 0, draw.uniform(0, 0.5)


@pytest.fixture
def killed(irish_folk: Dataset, tmp_path: Path) -> Iterator[Work]:
    """Does work as `killable` has it, and says whether it was killed; needs the data set to be prepared."""
    program = [
        sys.executable,
        "-m",
        "tests.helpers.killable",
        sweeps.config_of(tmp_path, eval_every=EVERY, grids=GRIDS).model_dump_json(),
    ]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def work(path: Path, *request: Any) -> bool:
            print(json.dumps([str(path), *request]), file=stdin, flush=True)
            status = int(stdout.readline())
            assert status in (0, -signal.SIGKILL)
            return status != 0

        yield work
        stdin.close()


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_as_if_it_had_not_been(killed: Work, tmp_path: Path) -> None:
    """`pytest -n 0 -s` prints the kills."""
    assert not killed(tmp_path / "whole", "sweep")
    runs, n_kills, when = (tmp_path / f"run{i}" for i in itertools.count()), 0, moments()
    run = next(runs)
    while n_kills < N_KILLS:
        moment = next(when)
        if killed(run, "sweep", *moment):
            n_kills += 1
            print(f"{n_kills}: {moment}, then on disk {sorted(p.name for p in run.glob('cohorts/*/checkpoints/*'))}")
        else:  # it was done before
            sweeps.assert_same_run(run, tmp_path / "whole")
            run = next(runs)
    assert not killed(run, "sweep")
    sweeps.assert_same_run(run, tmp_path / "whole")
    assert not list(tmp_path.rglob("damaged"))
    assert not list(run.rglob("*tmp*"))


def test_a_checkpoint_killed_at_any_operation_is_whole_or_not_there(killed: Work, tmp_path: Path) -> None:
    """The third, and also while the first is removed."""
    for _ in range(2):
        assert not killed(tmp_path / "two", "checkpoint")
    newest: list[int] = []
    while True:
        copy = Path(shutil.copytree(tmp_path / "two", tmp_path / f"killed{len(newest) + 1}"))
        if not killed(copy, "checkpoint", "start", len(newest) + 1, 0):
            break
        store = CheckpointStore(copy)
        newest.append(store.latest_step() or 0)
        for step in (newest[-1], 4):
            assert store.owner() == OWNER
            assert store.latest_step() == step
            chex.assert_trees_all_equal(store.arrays(), arrays(step))
            if step != 4:
                store.save(4, arrays(4), OWNER)
        assert not list(copy.rglob("*tmp*"))
    assert set(newest) == {2, 3}
    print(f"\nkilled at each of {len(newest)} operations, after {newest.count(3)} of them the checkpoint was there")
