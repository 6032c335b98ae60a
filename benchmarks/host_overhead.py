"""What a sweep spends on anything but training steps on the devices.

    python -m benchmarks.host_overhead
    python -m benchmarks.host_overhead --config configs/findings.yaml --steps 100

Trains a configuration for a few steps in a folder that is removed, with a clock at every part of a window (the steps
between two validations), then times windows against single calls of as many steps, in turns. Two minutes on two cores.
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import tyro

from benchmarks import machine
from benchmarks.members import Cohort, random_measures
from benchmarks.timing import MAX_STEPS_PER_CALL, Spread, in_turns, others_share
from vaemusic_jax.commands.programs import keep_programs
from vaemusic_jax.config.sweep import SweepConfig, load_config, trials
from vaemusic_jax.config.trial import cohorts
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.progress import progress_bar
from vaemusic_jax.training import loop, sweep
from vaemusic_jax.training.cohort import Ensemble

WINDOWS, STEPS = "windows of steps", "of these, steps on the devices"
PARTS: dict[str, tuple[Any, str]] = {
    "compiling": (Ensemble, "compile"),
    WINDOWS: (loop, "run_window"),
    STEPS: (Ensemble, "run"),
    "metrics to the host": (Ensemble, "read_sums"),
    "validation": (Ensemble, "score"),
    "curves.parquet": (RunDirectory, "append_curves"),
    "members to the host": (Ensemble, "to_host"),
    "checkpoint": (CheckpointStore, "save"),
}


@dataclass
class Options:
    """What to train."""

    config: Path = Path("configs/quickstart.yaml")
    steps: int = 200
    eval_every: int = 100
    rounds: int = 5


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    machine.prepare()
    keep_programs()
    print(machine.in_words(machine.description()))
    with tempfile.TemporaryDirectory() as folder:
        shortened = {"steps": options.steps, "eval_every": options.eval_every, "out": folder}
        config = load_config(options.config, shortened)
        spent = parts_of_a_sweep(config)
    print_parts(spent, len(cohorts(trials(config))) * math.ceil(options.steps / options.eval_every))
    for cohort in cohorts(trials(config)):
        ratio, others = window_against_one_call(Cohort(cohort.trials, random_measures()), options)
        print(f"{cohort.model} x {len(cohort.trials)}: a window takes {ratio} of one call; others {others}")


def parts_of_a_sweep(config: SweepConfig) -> dict[str, float]:
    """Runs a sweep and returns the seconds spent on each part, summed over cohorts."""
    spent = dict.fromkeys(PARTS, 0.0)
    with ExitStack() as stack:
        for part, (owner, name) in PARTS.items():
            stack.enter_context(clock_at(owner, name, part, spent))
        started = time.perf_counter()
        sweep.run_sweep(config, progress_bar).close()
        spent["everything"] = time.perf_counter() - started
    return spent


@contextmanager
def clock_at(owner: Any, name: str, part: str, spent: dict[str, float]) -> Iterator[None]:
    """Times calls of `owner.name` within the context, until their results are ready, and adds to `spent[part]`."""
    original: Callable[..., Any] = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return jax.block_until_ready(original(*args, **kwargs))
        finally:
            spent[part] += time.perf_counter() - started

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, original)


def print_parts(spent: dict[str, float], n_windows: int) -> None:
    """Prints a table of the parts and the host's share of a window."""
    for part, seconds in spent.items():
        print(f"{part:32} {seconds:8.2f} s {seconds / spent['everything']:6.1%}  {seconds / n_windows:8.3f} s a window")
    host = spent[WINDOWS] - spent[STEPS]
    print(f"host overhead inside a window: {host / spent[WINDOWS]:.2%} (aim: below 2 %)")


def window_against_one_call(cohort: Cohort, options: Options) -> tuple[Spread, str]:
    """Returns the time of a window in a sweep's calls over that of one call of as many steps, and others' CPU share."""
    steps = min(options.eval_every, MAX_STEPS_PER_CALL)

    def window(n_windows: int) -> None:
        for _ in range(n_windows):
            cohort.state, _ = loop.run_window(
                cohort.ensemble, cohort.state, steps, lambda n=1, note="": None, lambda: None
            )

    def one_call(n_windows: int) -> None:
        for _ in range(n_windows):
            cohort.run(steps)

    cut, whole = in_turns([window, one_call], options.rounds, seconds=0.0)
    ratio = Spread.of([a.seconds / b.seconds for a, b in zip(cut, whole, strict=True)])
    return ratio, others_share([*cut, *whole])


if __name__ == "__main__":
    main()
