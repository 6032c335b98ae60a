"""A whole sweep: every cohort trained to its last step, with curves and checkpoints on the way.

Running it again goes on from the newest checkpoint of each cohort that is undamaged. Ctrl-C or SIGTERM while it trains
leaves one of the step at which it stopped.
"""

import hashlib
import importlib.metadata
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np
import pandas as pd

from vaemusic_jax import hosts
from vaemusic_jax.checkpoint import PACKAGES, CheckpointStore, DamagedCheckpointError, Owner
from vaemusic_jax.config import SweepConfig, cohorts, trials
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.ensemble import MAX_STEPS_PER_CALL, NOT_FINITE, Ensemble, MemberState
from vaemusic_jax.errors import UserError
from vaemusic_jax.event_log import event, run_started, timed, warn
from vaemusic_jax.fitting import compiled_ensemble
from vaemusic_jax.interruption import Interrupted, interruptible, noticing
from vaemusic_jax.joint_run import open_jointly
from vaemusic_jax.measures import blocks, measures_of
from vaemusic_jax.member_axis import use_every_core
from vaemusic_jax.progress import Advance, Progress, no_progress, progress_bar
from vaemusic_jax.run_directory import RunDirectory
from vaemusic_jax.transposition import table_for
from vaemusic_jax.trial import Cohort

log = logging.getLogger(__name__)

SECONDS_PER_CALL = 1.0  # between two looks at the clock; steps per call follow from it


def run_sweep(
    config: SweepConfig, progress: Progress = progress_bar, members_per_device: int | None = None
) -> RunDirectory:
    """Trains every trial of a configuration that is not yet trained, in its run directory, which stays open.

    Trials on data sets that have to be prepared first are left out for now, and said to be. Several processes
    (`hosts.joined`) do this together; the first alone shows progress and writes what is not a checkpoint. A device
    trains as many members side by side as fit its memory, at most `members_per_device`, and the others in turn.

    Raises:
        UserError: a data set that is not known, none that is ready, a directory of another run, a disk that is full and
            the like.
        Interrupted: by a signal, after a checkpoint.
    """
    use_every_core()
    if not hosts.is_first():
        progress = no_progress
    planned = trials(config)
    datasets, missing = load_datasets([trial.dataset for trial in planned], progress)
    for group in cohorts(planned):
        if group.dataset in datasets:
            table_for(group.trials, datasets[group.dataset].vocabulary)  # refused now rather than after other cohorts
    check_same_everywhere(config, datasets, members_per_device)
    run = open_jointly(config)
    try:
        run_started(run, "sweep")
        mark_waiting(run, missing)
        ready = [cohort for cohort in run.cohorts if cohort.dataset in datasets]
        for i, cohort in enumerate(ready, 1):
            place = f" ({i} of {len(ready)})" if len(ready) > 1 else ""
            dataset = datasets[cohort.dataset]
            train_cohort(run, cohort, dataset, config.eval_every, members_per_device, place, progress)
    except BaseException:
        run.close()
        raise
    return run


def load_datasets(names: Iterable[str], progress: Progress) -> tuple[dict[str, Dataset], dict[str, str]]:
    """The data sets that are ready, by name, and for those that have to be prepared first how that is done.

    Raises:
        UserError: a name is not known, or no data set is ready.
    """
    ready: dict[str, Dataset] = {}
    missing: dict[str, str] = {}
    for name in dict.fromkeys(names):
        try:
            ready[name] = load_dataset(name, progress=progress)
        except NotReadyError as error:
            missing[name] = str(error)
    if not ready:
        raise NotReadyError("; ".join(missing.values()))
    return ready, missing


def check_same_everywhere(config: SweepConfig, datasets: dict[str, Dataset], members_per_device: int | None) -> None:
    """Raises UserError where processes that train together have not the same configuration, data and versions."""
    digests = {f"data set {name}": dataset.digest for name, dataset in datasets.items()}
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    asked = config.model_copy(update={"out": None}).to_yaml()
    configuration = hashlib.sha256(asked.encode()).hexdigest()[:16]
    option = {"--members-per-device": str(members_per_device)}
    hosts.check_same({"configuration": configuration, **option, **digests, **versions})


def mark_waiting(run: RunDirectory, missing: dict[str, str]) -> None:
    """Marks what is still to be trained on missing data sets, and says so; what need not wait any more is pending."""
    before = run.status()
    if again := [trial.id for trial in run.unfinished() if before[trial.id].startswith("waiting")]:
        run.set_status(again, "pending")
    for name, reason in missing.items():
        if waiting := [trial.id for trial in run.unfinished() if trial.dataset == name]:
            run.set_status(waiting, "waiting", reason)
            if hosts.is_first():
                warn(log, f"{len(waiting)} of {len(run.trials)} trials are left out for now: {reason}")


def train_cohort(
    run: RunDirectory,
    cohort: Cohort,
    dataset: Dataset,
    eval_every: int,
    members_per_device: int | None,
    place: str,
    progress: Progress,
) -> None:
    """Trains one cohort from its newest checkpoint, or from the start, to its last step."""
    owner = Owner(cohort.trials, dataset.vocabulary, dataset.digest)
    store = CheckpointStore(run.cohort_path(cohort))
    ids = [trial.id for trial in cohort.trials]
    done, arrays = agreed_start(store, owner) or (0, None)
    if arrays and done == cohort.steps:
        if set(cohort.trials) & set(run.unfinished()):  # it was interrupted just before this
            record_outcome(run, ids, arrays["state"]["diverged_at"], arrays["state"]["diverged_by"])
        return
    run.truncate_curves(ids, after_step=done)
    run.set_status(ids, "running")
    description = f"{cohort.model} x {len(ids)} on {cohort.dataset}{place}{f' from step {done}' if done else ''}"
    event(log, "cohort_started", cohort=cohort.id, trials=ids, from_step=done, steps=cohort.steps)
    with (
        timed(log, "cohort_compiled", cohort=cohort.id) as found,
        progress(f"compiling {description}", 1, "programs") as advance,
    ):
        validation = blocks(measures_of(dataset.validation))
        ensemble, needed = compiled_ensemble(owner, dataset, validation, members_per_device)
        found |= {"members_at_once": ensemble.axis.at_once, "turns": ensemble.axis.turns, "memory_bytes": needed}
        advance(1)
    state = ensemble.from_host(arrays) if arrays else ensemble.start()
    del arrays  # large
    with progress(description, cohort.steps - done, "steps") as advance, noticing() as noticed:

        def signal_number() -> int | None:  # that came to any of several processes: all stop at the same step
            return int(hosts.largest(noticed() or 0)) or None

        while done < cohort.steps:
            n_steps = min(eval_every - done % eval_every, cohort.steps - done)
            started = time.monotonic()
            state, n_made = run_window(ensemble, state, n_steps, advance, signal_number)
            seconds = time.monotonic() - started  # compiling and validating are not in it
            share = {"seconds": np.full(len(ids), seconds / len(ids))}
            done += n_made
            if n_made == n_steps:
                state, means = ensemble.read_sums(state)
                with timed(log, "validated", cohort=cohort.id, step=done, training_seconds=seconds) as found:
                    held_out = ensemble.score(state, validation, dataset.vocabulary.midi)
                    found["best_accuracy"] = float(np.fmax.reduce(held_out["reconstruction_accuracy"]))
                run.append_curves(curve_rows(ids, done, {"train": means | share, "validation": held_out}))
                advance(0, f"validation accuracy {best(held_out['reconstruction_accuracy'])}")
            else:  # what has been summed stays in the state, and the time is not lost
                run.append_curves(curve_rows(ids, done, {"train": share}))
            with timed(log, "checkpoint_saved", cohort=cohort.id, step=done):
                store.save(done, ensemble.to_host(state), owner)
            if (number := signal_number()) is not None:
                saved = f"{cohort.model} x {len(ids)} on {cohort.dataset}{place} is saved at step {done:,}"
                raise Interrupted(
                    f"interrupted: {saved} of {cohort.steps:,}; the same command goes on from there", number
                )
    record_outcome(run, ids, *ensemble.axis.take((state.diverged_at, state.diverged_by)))
    event(log, "cohort_finished", cohort=cohort.id)


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
    good = last_good(store, owner) if hosts.is_first() else None
    step = hosts.from_first(lambda: good and good[0])
    return good if hosts.is_first() or step is None else (step, store.arrays(step))


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
        seconds = hosts.largest((time.monotonic() - started) / now)
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
