"""Training of a whole sweep: every cohort is trained to its last step, with curves and checkpoints on the way.

Running it again continues each cohort from its newest undamaged checkpoint. Ctrl-C or SIGTERM during training leaves a
checkpoint of the step at which it stopped.
"""

import hashlib
import logging
from collections.abc import Iterable

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Cohort, cohorts
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.started import run_started
from vaemusic_jax.support.event_log import warn
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.support.progress import Progress, no_progress, progress_bar
from vaemusic_jax.support.versions import versions
from vaemusic_jax.training.cohort import table_for
from vaemusic_jax.training.devices import prepare_devices
from vaemusic_jax.training.joint_run import open_jointly
from vaemusic_jax.training.loop import Task, train_cohort
from vaemusic_jax.training.memory import DoesNotFitError, fitting
from vaemusic_jax.training.start_weights import source_of

log = logging.getLogger(__name__)


def run_sweep(
    config: SweepConfig, progress: Progress = progress_bar, members_per_device: int | None = None
) -> RunDirectory:
    """Trains every trial of a configuration that is not yet trained.

    Trials on data sets that have to be prepared first are left out, with a warning, and so are the trials of a cohort
    that does not fit the memory, which `RunDirectory.left_out` then holds. Several processes (see
    `support.processes.joined`) can do this together; then only the first one shows progress and writes files other than
    checkpoints.

    Args:
        config: the configuration.
        progress: shows the progress.
        members_per_device: the most members that a device trains in parallel; None for as many as fit its memory. The
            others are trained in turn.

    Returns:
        The run directory, still open.

    Raises:
        UserError: a data set is not known, none is ready, no cohort fits the memory, the directory holds another run,
            the disk is full or the like.
        Interrupted: a signal has stopped training, after a checkpoint.
    """
    prepare_devices()
    if not PROCESSES.is_first():
        progress = no_progress
    planned = trials(config)
    datasets, missing = load_datasets([trial.dataset for trial in planned], progress)
    for group in cohorts(planned):
        if group.dataset in datasets:
            table_for(group.trials, datasets[group.dataset].vocabulary)  # raises before any cohort is trained
            check_sources(config, group, datasets[group.dataset].vocabulary)
    check_same_everywhere(config, datasets, members_per_device)
    run = open_jointly(config)
    try:
        run_started(run, "sweep")
        mark_waiting(run, missing)
        ready = [cohort for cohort in run.cohorts if cohort.dataset in datasets]
        for i, cohort in enumerate(ready, 1):
            place = f" ({i} of {len(ready)})" if len(ready) > 1 else ""
            dataset = datasets[cohort.dataset]
            task = Task(run, cohort, dataset, config.eval_every, members_per_device, place, config.keep_optimizer)
            try:
                with fitting(cohort.trials):
                    train_cohort(task, progress)
            except DoesNotFitError as error:
                leave_out(run, cohort, str(error))
        if run.left_out and len(run.unfinished()) == len(run.trials):
            raise UserError("; ".join(dict.fromkeys(run.left_out.values())))
        run.gather_curves()
    except BaseException:
        run.close()
        raise
    return run


def leave_out(run: RunDirectory, cohort: Cohort, reason: str) -> None:
    """Marks the trials of a cohort that does not fit as waiting, and warns of them."""
    ids = [trial.id for trial in cohort.trials]
    run.left_out |= dict.fromkeys(ids, reason)
    run.set_status(ids, "waiting", reason)
    if PROCESSES.is_first():
        warn(log, f"{len(ids)} of {len(run.trials)} trials are left out: {reason}")


def check_sources(config: SweepConfig, group: Cohort, vocabulary: Vocabulary) -> None:
    """Raises UserError if a trial of a cohort that has not begun cannot start from the weights that it names."""
    if not CheckpointStore(config.directory / "cohorts" / group.id).path.exists():
        for trial in group.trials:
            if trial.starts_from_run:
                source_of(trial, vocabulary)


def load_datasets(names: Iterable[str], progress: Progress) -> tuple[dict[str, Dataset], dict[str, str]]:
    """Loads the data sets that are ready.

    Returns:
        The data sets by name, and for each that has to be prepared first the text that says how.

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
    """Raises UserError if processes that train together differ in configuration, data, or versions of packages."""
    digests = {f"data set {name}": dataset.digest for name, dataset in datasets.items()}
    asked = config.model_copy(update={"out": None}).to_yaml()
    configuration = hashlib.sha256(asked.encode()).hexdigest()[:16]
    option = {"--members-per-device": str(members_per_device)}
    PROCESSES.check_same({"configuration": configuration, **option, **digests, **versions()})


def mark_waiting(run: RunDirectory, missing: dict[str, str]) -> None:
    """Marks unfinished trials on missing data sets as waiting and warns of them; the others become pending."""
    before = run.status()
    if again := [trial.id for trial in run.unfinished() if before[trial.id].startswith("waiting")]:
        run.set_status(again, "pending")
    for name, reason in missing.items():
        if waiting := [trial.id for trial in run.unfinished() if trial.dataset == name]:
            run.set_status(waiting, "waiting", reason)
            if PROCESSES.is_first():
                warn(log, f"{len(waiting)} of {len(run.trials)} trials are left out for now: {reason}")
