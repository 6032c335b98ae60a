"""What runs of thousands of trials cost beside training, and what saving and restoring large cohorts takes.

    python -m benchmarks.many_trials
    python -m benchmarks.many_trials --parts merge members

Every part is measured at several sizes, so that one sees whether time grows in proportion. Two minutes on two cores.
"""

import contextlib
import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import pandas as pd
import tyro

from benchmarks import machine
from vaemusic_jax.commands.dry_run import print_plan
from vaemusic_jax.commands.status import status
from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import cohorts
from vaemusic_jax.data.blocks import measures_of
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.play.restore import restore
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.curves import CURVE_COLUMNS
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.merge import merge
from vaemusic_jax.training.cohort import Ensemble
from vaemusic_jax.training.loop import curve_rows, record_outcome
from vaemusic_jax.training.memory import cohort_ensemble

MIB = 2**20
TINY: dict[str, Any] = {
    "name": "many",
    "dataset": "irish_folk",
    "model": "measure_vae",
    "size": 8,
    "attributes": "note_density",
    "batch_size": 16,
    "steps": 40,
    "eval_every": 20,
}
Part = Literal["dry_run", "outcome", "curves", "status", "merge", "fraction", "members"]
PARTS: tuple[Part, ...] = ("dry_run", "outcome", "curves", "status", "merge", "fraction", "members")


@dataclass
class Options:
    """What to measure."""

    parts: tuple[Part, ...] = PARTS


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    machine.prepare()
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            for line in MEASURE[part](Path(folder)):
                print(line, flush=True)


def config_of(n_trials: int, **fields: Any) -> SweepConfig:
    """Returns a configuration of so many trials in one cohort, five latent sizes each."""
    sizes = {"latent_dim": [4, 8, 16, 32, 64], "seed": list(range(n_trials // 5))}
    return SweepConfig.model_validate(TINY | sizes | fields)


def opened(path: Path, config: SweepConfig) -> RunDirectory:
    planned = trials(config)
    return RunDirectory.open(path, config, planned, cohorts(planned))


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        work()
    return time.perf_counter() - begin


def dry_run(folder: Path) -> Iterator[str]:
    for n in (1000, 5000):
        taken = seconds(partial(print_plan, config_of(n, out=str(folder / "run"))))
        yield f"dry run of {n:,} trials: {taken:.1f} s"


def outcome(folder: Path) -> Iterator[str]:
    for n in (1000, 2000):
        with opened(folder / str(n), config_of(n)) as run:
            ids, whole = [trial.id for trial in run.trials], np.zeros(n, int)
            taken = seconds(partial(record_outcome, run, ids, whole - 1, whole))
        yield f"outcome of {n:,} trials: {taken:.2f} s"


def curves(folder: Path) -> Iterator[str]:
    for n in (100, 200, 400):
        with opened(folder / str(n), config_of(100)) as run:
            ids = [trial.id for trial in run.trials]
            split = {f"metric_{i}": np.zeros(len(ids)) for i in range(10)}

            def save(run: RunDirectory = run, ids: list[str] = ids, split: Any = split, n: int = n) -> None:
                for step in range(n):
                    run.append_curves(curve_rows(ids, step + 1, {"train": split, "validation": split}))

            taken = seconds(save)
        yield f"curves of 100 trials, {n} validations of 2,000 rows: {taken:.1f} s"


def status_(folder: Path) -> Iterator[str]:
    for n in (250, 500, 1000):
        config = SweepConfig.model_validate(TINY | {"latent_dim": 4, "batch_size": list(range(1, n + 1))})
        with opened(folder / str(n), config) as run:
            rows = [
                (trial.id, step, split, metric, 0.5)
                for trial in run.trials
                for step in (20, 40)
                for split, metric in (("validation", "reconstruction_accuracy"), ("train", "seconds"))
            ]
            run.append_curves(pd.DataFrame(rows, columns=list(CURVE_COLUMNS)))
        taken = seconds(partial(status, folder / str(n)))
        yield f"status of {n:,} cohorts: {taken:.2f} s"


def merge_(folder: Path) -> Iterator[str]:
    for n in (500, 1000, 2000):
        paths = []
        for part in range(1, 5):
            paths.append(folder / f"{n}-{part}")
            with opened(paths[-1], config_of(n, shard=f"{part}/4")) as run:
                run.set_statuses(
                    {trial.id: f"diverged: loss not finite at step {i}" for i, trial in enumerate(run.trials)}
                )
        taken = seconds(partial(merge, folder / str(n), paths))
        yield f"merging {n:,} trials, each with a status of its own: {taken:.1f} s"


def made(config: SweepConfig) -> tuple[Owner, Ensemble]:
    """Returns the one cohort of a configuration, with at most one member on a device at a time."""
    dataset = load_dataset("irish_folk")
    owner = Owner(trials(config), dataset.vocabulary, dataset.digest)
    return owner, cohort_ensemble(owner, dataset, measures_of(dataset.train), 1)


def hundred_steps(ensemble: Ensemble, state: Any) -> None:
    """Makes 100 steps from a copy of a state, since the steps use up what they are given."""
    jax.block_until_ready(ensemble.run(ensemble.from_host(ensemble.to_host(state)), 100).train.step)


def fraction(folder: Path) -> Iterator[str]:
    del folder
    fields = {"model": "adversarial_vae", "latent_dim": 4, "batch_size": 64, "steps": 1000, "eval_every": 100}
    found = {}
    for share in (1.0, 0.001):
        _, ensemble = made(SweepConfig.model_validate(TINY | fields | {"data_fraction": share}))
        state = ensemble.run(ensemble.start(), 100)
        jax.block_until_ready(state.train.step)
        found[share] = min(seconds(partial(hundred_steps, ensemble, state)) for _ in range(3))
    yield f"100 steps on a thousandth of the data take {found[0.001] / found[1.0]:.2f} times as long as on all data"


def members(folder: Path) -> Iterator[str]:
    """The most resident memory beside the state, seen every two milliseconds, while 40 members are saved twice."""
    config = config_of(5, size=128, latent_dim=32, seed=list(range(40)), out=str(folder / "run"))
    owner, ensemble = made(config)
    state = ensemble.start()
    jax.block_until_ready(state.train.step)
    one = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) / 40 / MIB
    with opened(folder / "run", config) as run:
        store = CheckpointStore(run.cohort_path(run.cohorts[0]))
        before, most, stop = resident(), [resident()], threading.Event()

        def watch() -> None:
            while not stop.wait(0.002):
                most[0] = max(most[0], resident())

        watcher = threading.Thread(target=watch)
        watcher.start()

        def save() -> None:
            for step in (10, 20):
                store.save(step, ensemble.held(state), owner)

        taken = seconds(save)
        stop.set()
        watcher.join()
        run.set_status([trial.id for trial in run.trials], "done")
    beyond = most[0] - before
    yield f"two checkpoints of 40 members of {one:.1f} MiB: {taken:.1f} s, and memory of {beyond / one:.1f} members"
    restore(folder / "run", seed=3)
    yield f"restoring one of 40: {seconds(lambda: restore(folder / 'run', seed=4)):.2f} s"


def resident() -> float:
    """Returns the resident memory of this process, MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / MIB


MEASURE: dict[Part, Callable[[Path], Iterator[str]]] = {
    "dry_run": dry_run,
    "outcome": outcome,
    "curves": curves,
    "status": status_,
    "merge": merge_,
    "fraction": fraction,
    "members": members,
}

if __name__ == "__main__":
    main()
