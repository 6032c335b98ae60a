"""The training loop of a cohort, from its newest undamaged checkpoint to its last step.

Ctrl-C or SIGTERM during training leaves a checkpoint of the step at which it stopped.
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
from vaemusic_jax.data.blocks import Measures, blocks, measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import KEPT, CheckpointStore, DamagedCheckpointError, Owner, without_optimizer
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.event_log import event, timed, warn
from vaemusic_jax.support.interruption import Interrupted, interruptible, noticing
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.support.progress import Advance, Progress
from vaemusic_jax.training.cohort import MAX_STEPS_PER_CALL, NOT_FINITE, Ensemble, MemberState
from vaemusic_jax.training.memory import compiled_ensemble

log = logging.getLogger(__name__)

SECONDS_PER_CALL = 1.0  # the aimed duration of a call of the compiled program, from which its number of steps follows


@dataclass(frozen=True)
class Task:
    """The training of one cohort.

    Attributes:
        run: the run directory for its curves, statuses and checkpoints.
        cohort: the cohort.
        dataset: the data set that it is trained on.
        eval_every: the number of steps between two validations, each of which is followed by a checkpoint.
        members_per_device: the most members that a device trains in parallel; None for as many as fit.
        place: text that follows the cohort's name in messages, such as " (2 of 3)"; empty for the only cohort.
        keep_optimizer: whether the checkpoint of the last step holds the optimisers' states too.
    """

    run: RunDirectory
    cohort: Cohort
    dataset: Dataset
    eval_every: int
    members_per_device: int | None = None
    place: str = ""
    keep_optimizer: bool = False

    @cached_property
    def owner(self) -> Owner:
        """The owner of its checkpoints."""
        return Owner(self.cohort.trials, self.dataset.vocabulary, self.dataset.digest)

    @cached_property
    def store(self) -> CheckpointStore:
        """The store of its checkpoints."""
        return CheckpointStore(self.run.cohort_path(self.cohort))

    def save(self, step: int, arrays: dict[str, Any]) -> None:
        """Saves a checkpoint; that of the last step is kept alone, and without what further steps would need."""
        is_last = step == self.cohort.steps
        if is_last and not self.keep_optimizer:
            arrays = without_optimizer(arrays)
        self.store.save(step, arrays, self.owner, kept=1 if is_last else KEPT)

    @cached_property
    def ids(self) -> list[str]:
        """The ids of its trials."""
        return [trial.id for trial in self.cohort.trials]

    @property
    def name(self) -> str:
        """The name of the cohort in messages."""
        return f"{self.cohort.model} x {len(self.ids)} on {self.cohort.dataset}{self.place}"


def train_cohort(task: Task, progress: Progress) -> None:
    """Trains a cohort to its last step and records the status of its trials.

    Raises:
        UserError: its checkpoints belong to another owner or cannot be written, or the cohort does not fit the devices.
        Interrupted: a signal has stopped training, after a checkpoint.
    """
    run, cohort = task.run, task.cohort
    done, arrays = agreed_start(task.store, task.owner) or (0, None)
    if arrays and done == cohort.steps:
        if set(cohort.trials) & set(run.unfinished()):  # it was interrupted before the outcome was recorded
            record_outcome(run, task.ids, arrays["state"]["diverged_at"], arrays["state"]["diverged_by"])
        if PROCESSES.is_first():
            task.store.keep_newest()  # it may have been interrupted before that, too
        return
    run.truncate_curves(task.ids, after_step=done)
    run.set_status(task.ids, "running")
    description = f"{task.name}{f' from step {done}' if done else ''}"
    event(log, "cohort_started", cohort=cohort.id, trials=task.ids, from_step=done, steps=cohort.steps)
    validation = blocks(measures_of(task.dataset.validation))
    ensemble = compiled(task, validation, description, progress)
    state = ensemble.from_host(arrays) if arrays else ensemble.start()
    del arrays  # frees their memory
    state = train_on(task, ensemble, state, done, validation, description, progress)
    record_outcome(run, task.ids, *ensemble.axis.take((state.diverged_at, state.diverged_by)))
    event(log, "cohort_finished", cohort=cohort.id)


def compiled(task: Task, validation: tuple[Measures, np.ndarray], description: str, progress: Progress) -> Ensemble:
    """Returns the cohort's ensemble with compiled programs. Raises UserError if it does not fit the devices."""
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
    """Trains from step `done` to the last step in windows that end at validations.

    After each window it records curves and saves a checkpoint.

    Args:
        task: what is trained.
        ensemble: the compiled cohort.
        state: the state of the members after `done` steps.
        done: the number of steps made before.
        validation: measures and weights of the validation split, as made by `data.blocks.blocks`.
        description: the text beside the progress bar.
        progress: shows the progress.

    Returns:
        The state after the last step.

    Raises:
        Interrupted: a signal has stopped training, after a checkpoint.
    """
    steps, eval_every = task.cohort.steps, task.eval_every
    with progress(description, steps, "steps", done) as advance, noticing() as noticed:

        def signal_number() -> int | None:  # a signal to any of several processes stops all at the same step
            return int(PROCESSES.largest(noticed() or 0)) or None

        while done < steps:
            n_steps = min(eval_every - done % eval_every, steps - done)
            started = time.monotonic()
            state, n_made = run_window(ensemble, state, n_steps, advance, signal_number)
            seconds = time.monotonic() - started  # without compilation and validation
            done += n_made
            state = record_window(task, ensemble, state, done, seconds, n_made == n_steps, validation, advance)
            with timed(log, "checkpoint_saved", cohort=task.cohort.id, step=done):
                task.save(done, ensemble.held(state))
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
    """Records the curves of a window of steps, with a validation at its end, and returns the state.

    If a signal has cut the window short, only the time that it took is recorded. The sums of metrics stay in the state
    then, and the resumed window adds to them.

    Args:
        task: what is trained.
        ensemble: the compiled cohort.
        state: the state after the window.
        done: the step at which the window ends.
        seconds: the time that the window took.
        is_whole: whether it was not cut short.
        validation: measures and weights of the validation split.
        advance: shows the validation accuracy beside the progress bar.
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
    """Returns step and arrays of the newest undamaged checkpoint; None if there is none.

    Damaged checkpoints are moved to another folder, and a warning says so.

    Raises:
        UserError: the checkpoint has another owner or an unknown format.
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
    """Returns the `last_good` checkpoint as the first of several processes finds it; every process reads it."""
    good = last_good(store, owner) if PROCESSES.is_first() else None
    step = PROCESSES.from_first(lambda: good and good[0])
    return good if PROCESSES.is_first() or step is None else (step, store.arrays(step))


def run_window(
    ensemble: Ensemble, state: MemberState, n_steps: int, advance: Advance, stopping: Callable[[], object]
) -> tuple[MemberState, int]:
    """Makes training steps in calls of about SECONDS_PER_CALL each.

    The division into calls does not change the result. Several processes make the same calls, whose lengths follow the
    slowest process, since TPUs require that.

    Args:
        ensemble: the compiled cohort.
        state: the state of the members.
        n_steps: the number of steps.
        advance: reports the steps that have been made.
        stopping: called after each call; if it does not return None, no further call is made.

    Returns:
        The state afterwards and the number of steps made.
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
    """Describes the accuracy of the best member that has not diverged."""
    finite = accuracy_M[np.isfinite(accuracy_M)]
    return f"{finite.max():.3f} at best" if len(finite) else "of no member finite"


def curve_rows(ids: Sequence[str], step: int, by_split: dict[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    """Returns rows for curves.parquet: trial, step, split, metric, value.

    Args:
        ids: the ids of the trials.
        step: the step at which the values were measured.
        by_split: values by split and metric, (M,) each in the order of `ids`.
    """
    rows = [
        (trial, step, split, metric, float(value))
        for split, metrics in by_split.items()
        for metric, values in metrics.items()
        for trial, value in zip(ids, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["trial", "step", "split", "metric", "value"])


def record_outcome(run: RunDirectory, ids: Iterable[str], diverged_at: np.ndarray, diverged_by: np.ndarray) -> None:
    """Marks each trial as done, or as diverged with the step at which it diverged and what was not finite.

    Args:
        run: the run directory.
        ids: the ids of the trials.
        diverged_at: (M,) as in `MemberState`.
        diverged_by: (M,) as in `MemberState`.
    """
    statuses = {}
    for trial, step, cause in zip(ids, diverged_at, diverged_by, strict=True):
        statuses[trial] = "done" if step < 0 else f"diverged: {NOT_FINITE[cause]} not finite at step {step}"
        if step >= 0:
            event(log, "trial_diverged", logging.WARNING, trial=trial, step=int(step), why=statuses[trial])
    run.set_statuses(statuses)
