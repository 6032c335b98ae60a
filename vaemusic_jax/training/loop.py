"""One cohort, trained from its newest undamaged checkpoint to its last step.

Ctrl-C or SIGTERM while it trains leaves a checkpoint of the step at which it stopped.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
import pandas as pd

from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.measures import Measures, blocks, measures_of
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import CheckpointStore, DamagedCheckpointError, Owner
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.event_log import event, timed, warn
from vaemusic_jax.support.interruption import Interrupted, interruptible, noticing
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.support.progress import Advance, Progress
from vaemusic_jax.training.cohort import MAX_STEPS_PER_CALL, NOT_FINITE, Ensemble, MemberState
from vaemusic_jax.training.memory import compiled_ensemble

log = logging.getLogger(__name__)

SECONDS_PER_CALL = 1.0  # between two looks at the clock; steps per call follow from it


@dataclass(frozen=True)
class Task:
    """A cohort to train.

    Attributes:
        run: where its curves, statuses and checkpoints go.
        cohort: what to train.
        dataset: what to train it on.
        eval_every: steps between two validations, each followed by a checkpoint.
        members_per_device: the most members that a device trains side by side; None for as many as fit.
        place: which of how many cohorts it is, in words to follow its name; empty for the only one.
    """

    run: RunDirectory
    cohort: Cohort
    dataset: Dataset
    eval_every: int
    members_per_device: int | None = None
    place: str = ""

    @cached_property
    def owner(self) -> Owner:
        """Whose its checkpoints are."""
        return Owner(self.cohort.trials, self.dataset.vocabulary, self.dataset.digest)

    @cached_property
    def store(self) -> CheckpointStore:
        """Where its checkpoints are."""
        return CheckpointStore(self.run.cohort_path(self.cohort))

    @cached_property
    def ids(self) -> list[str]:
        """Of its trials."""
        return [trial.id for trial in self.cohort.trials]

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.cohort.model} x {len(self.ids)} on {self.cohort.dataset}{self.place}"


def train_cohort(task: Task, progress: Progress) -> None:
    """Trains a cohort to its last step, and records what has become of its trials.

    Raises:
        UserError: its checkpoints are of another owner or cannot be written; it does not fit the devices.
        Interrupted: by a signal, after a checkpoint.
    """
    run, cohort = task.run, task.cohort
    done, arrays = agreed_start(task.store, task.owner) or (0, None)
    if arrays and done == cohort.steps:
        if set(cohort.trials) & set(run.unfinished()):  # it was interrupted just before this
            record_outcome(run, task.ids, arrays["state"]["diverged_at"], arrays["state"]["diverged_by"])
        return
    run.truncate_curves(task.ids, after_step=done)
    run.set_status(task.ids, "running")
    description = f"{task.name}{f' from step {done}' if done else ''}"
    event(log, "cohort_started", cohort=cohort.id, trials=task.ids, from_step=done, steps=cohort.steps)
    validation = blocks(measures_of(task.dataset.validation))
    ensemble = compiled(task, validation, description, progress)
    state = ensemble.from_host(arrays) if arrays else ensemble.start()
    del arrays  # large
    state = train_on(task, ensemble, state, done, validation, description, progress)
    record_outcome(run, task.ids, *ensemble.axis.take((state.diverged_at, state.diverged_by)))
    event(log, "cohort_finished", cohort=cohort.id)


def compiled(task: Task, validation: tuple[Measures, np.ndarray], description: str, progress: Progress) -> Ensemble:
    """The cohort's programs, compiled to fit the devices."""
    with (
        timed(log, "cohort_compiled", cohort=task.cohort.id) as found,
        progress(f"compiling {description}", 1, "programs") as advance,
    ):
        ensemble, needed = compiled_ensemble(task.owner, task.dataset, validation, task.members_per_device)
        found |= {"members_at_once": ensemble.axis.at_once, "turns": ensemble.axis.turns, "memory_bytes": needed}
        advance(1)
    return ensemble


def train_on(
    task: Task,
    ensemble: Ensemble,
    state: MemberState,
    done: int,
    validation: tuple[Measures, np.ndarray],
    description: str,
    progress: Progress,
) -> MemberState:
    """Trains from step `done` to the last, window by window; curves and a checkpoint follow each window.

    Raises:
        Interrupted: by a signal, after a checkpoint.
    """
    steps, eval_every = task.cohort.steps, task.eval_every
    with progress(description, steps - done, "steps") as advance, noticing() as noticed:

        def signal_number() -> int | None:  # that came to any of several processes: all stop at the same step
            return int(PROCESSES.largest(noticed() or 0)) or None

        while done < steps:
            n_steps = min(eval_every - done % eval_every, steps - done)
            started = time.monotonic()
            state, n_made = run_window(ensemble, state, n_steps, advance, signal_number)
            seconds = time.monotonic() - started  # compiling and validating are not in it
            done += n_made
            state = record_window(task, ensemble, state, done, seconds, n_made == n_steps, validation, advance)
            with timed(log, "checkpoint_saved", cohort=task.cohort.id, step=done):
                task.store.save(done, ensemble.to_host(state), task.owner)
            if (number := signal_number()) is not None:
                raise Interrupted(
                    f"interrupted: {task.name} is saved at step {done:,} of {steps:,}; "
                    "the same command goes on from there",
                    number,
                )
    return state


def record_window(
    task: Task,
    ensemble: Ensemble,
    state: MemberState,
    done: int,
    seconds: float,
    is_whole: bool,
    validation: tuple[Measures, np.ndarray],
    advance: Advance,
) -> MemberState:
    """Writes the curves of a window that ends at step `done`; of one that was cut short, only the time it took.

    What has been summed stays in the state then, for the window that goes on.
    """
    share = {"seconds": np.full(len(task.ids), seconds / len(task.ids))}
    if not is_whole:
        task.run.append_curves(curve_rows(task.ids, done, {"train": share}))
        return state
    state, means = ensemble.read_sums(state)
    with timed(log, "validated", cohort=task.cohort.id, step=done, training_seconds=seconds) as found:
        held_out = ensemble.score(state, validation, task.dataset.vocabulary.midi)
        found["best_accuracy"] = float(np.fmax.reduce(held_out["reconstruction_accuracy"]))
    task.run.append_curves(curve_rows(task.ids, done, {"train": means | share, "validation": held_out}))
    advance(0, f"validation accuracy {best(held_out['reconstruction_accuracy'])}")
    return state


def last_good(store: CheckpointStore, owner: Owner) -> tuple[int, dict[str, Any]] | None:
    """Step and arrays of the newest checkpoint that is undamaged; None without any.

    What is damaged is moved aside, and said to be on stderr.

    Raises:
        UserError: it is of another owner or format.
    """
    while (step := store.latest_step()) is not None:
        try:
            if difference := store.owner_difference(owner):
                raise UserError(f"{store.path}: {difference}; choose another --out, or remove the folder to start anew")
            return step, store.arrays()
        except DamagedCheckpointError as error:
            place = store.set_aside()
            before = store.latest_step()
            goes_on = "starts anew" if before is None else f"goes on from step {before:,}"
            warn(log, f"{error.damage}; moved to {place}; training {goes_on}")
    return None


def agreed_start(store: CheckpointStore, owner: Owner) -> tuple[int, dict[str, Any]] | None:
    """What the first of several processes finds to be the `last_good`, read by each of them."""
    good = last_good(store, owner) if PROCESSES.is_first() else None
    step = PROCESSES.from_first(lambda: good and good[0])
    return good if PROCESSES.is_first() or step is None else (step, store.arrays(step))


def run_window(
    ensemble: Ensemble, state: MemberState, n_steps: int, advance: Advance, stopping: Callable[[], object]
) -> tuple[MemberState, int]:
    """`n_steps` steps in calls of about SECONDS_PER_CALL, fewer once `stopping()` is not None; and how many it were.

    How they are cut does not change the result. Several processes make the same calls, those of the slowest, since TPUs
    insist on it.
    """
    per_call, done = 1, 0
    while done < n_steps:
        now = min(per_call, n_steps - done)
        started = time.monotonic()
        state = ensemble.run(state, now)
        interruptible(jax.block_until_ready, state.train.step)
        seconds = PROCESSES.largest((time.monotonic() - started) / now)
        done += now
        advance(now)
        if stopping() is not None:
            break
        per_call = max(1, min(MAX_STEPS_PER_CALL, 2 * per_call, int(SECONDS_PER_CALL / seconds)))
    return state, done


def best(accuracy_M: np.ndarray) -> str:
    """The best member's, in words; members that diverged do not count."""
    finite = accuracy_M[np.isfinite(accuracy_M)]
    return f"{finite.max():.3f} at best" if len(finite) else "of no member finite"


def curve_rows(ids: Sequence[str], step: int, by_split: dict[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    """Long rows for curves.parquet: trial, step, split, metric, value."""
    rows = [
        (trial, step, split, metric, float(value))
        for split, metrics in by_split.items()
        for metric, values in metrics.items()
        for trial, value in zip(ids, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["trial", "step", "split", "metric", "value"])


def record_outcome(run: RunDirectory, ids: Iterable[str], diverged_at: np.ndarray, diverged_by: np.ndarray) -> None:
    """Marks each trial done, or diverged with the step it happened at and what was not finite."""
    for trial, step, cause in zip(ids, diverged_at, diverged_by, strict=True):
        if step < 0:
            run.set_status([trial], "done")
        else:
            run.set_status([trial], "diverged", f"{NOT_FINITE[cause]} not finite at step {step}")
            event(log, "trial_diverged", logging.WARNING, trial=trial, step=int(step), why=run.status()[trial])
