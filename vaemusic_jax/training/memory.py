"""The fit of a cohort into device memory: a device trains as many members in parallel as fit, the others in turn.

The memory that a program needs is XLA's figure for the compiled program. Results do not depend on the division.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import Measures, measures_of, n_in_fraction
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.support.words import size
from vaemusic_jax.training.cohort import Ensemble, table_for
from vaemusic_jax.training.start_weights import start_weights


class DoesNotFitError(UserError):
    """A cohort needs more memory than there is; others may fit."""


def cohort_ensemble(owner: Owner, dataset: Dataset, train: Measures, at_once: int | None = None) -> Ensemble:
    """Returns the ensemble of a cohort, in which each member has its own share of the training measures.

    Args:
        owner: the trials and the vocabulary.
        dataset: the data set that they are trained on.
        train: its training measures.
        at_once: the most members that a device computes in parallel; see `MemberAxis`.
    """
    program = program_of(owner.trials, len(owner.vocabulary), owner.vocabulary.midi, owner.vocabulary.metre)
    attributes = np.asarray(train.attributes)
    members = [
        trained_on(trial, program.n_attributes, attributes[: n_in_fraction(dataset.train, trial.data_fraction)])
        for trial in owner.trials
    ]
    table = table_for(owner.trials, dataset.vocabulary)

    def weights(member: int, program: Program) -> Params | None:
        trial = owner.trials[member]
        return start_weights(trial, program, owner.vocabulary) if trial.starts_from_run else None

    return Ensemble(program, members, train, PROCESSES.all_devices(), table, at_once, weights)


def compiled_ensemble(
    owner: Owner, dataset: Dataset, split: tuple[Measures, np.ndarray], at_once: int | None = None
) -> tuple[Ensemble, int]:
    """Compiles a cohort so that it fits its devices.

    Args:
        owner: the trials and the vocabulary.
        dataset: the data set that they are trained on.
        split: the measures that they are scored on, as made by `data.blocks.blocks`.
        at_once: the most members that a device computes in parallel; see `MemberAxis`.

    Returns:
        The compiled ensemble and the bytes that it needs of each device's memory.

    Raises:
        DoesNotFitError: the cohort does not fit even with one member at a time.
    """
    train = measures_of(dataset.train)
    while True:
        ensemble = cohort_ensemble(owner, dataset, train, at_once)
        needed = ensemble.compile(split, dataset.vocabulary.midi)
        held = device_memory(jax.local_devices()[0])
        if not PROCESSES.largest(needed > held):  # all processes use the same program, which has to fit everywhere
            return ensemble, needed
        if ensemble.axis.at_once == 1:
            raise DoesNotFitError(
                f"{_named(owner.trials)} {size(needed)} of a device's memory with one at a time, it has {size(held)}; "
                f"{_remedy(owner.trials)}"
            )
        at_once = ensemble.axis.at_once // 2


@contextlib.contextmanager
def fitting(trials: Sequence[Trial]) -> Iterator[None]:
    """Turns errors of the `with` block that say that memory was not enough into a DoesNotFitError.

    Several processes are left to fail, since the others would wait for one that leaves a cohort alone.

    Args:
        trials: the trials that are trained in the block.
    """
    try:
        yield
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        is_memory = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
        if not is_memory or jax.process_count() > 1:
            raise
        raise DoesNotFitError(
            f"{_named(trials)} more memory than there is ({' '.join(str(error).split())[:200]}); {_remedy(trials)}"
        ) from error


def _named(trials: Sequence[Trial]) -> str:
    """Returns the beginning of a sentence on what trials need."""
    if len(trials) == 1:
        return f"trial {trials[0].id} needs"
    return f"trials {trials[0].id} to {trials[-1].id}: the {len(trials)} need"


def _remedy(trials: Sequence[Trial]) -> str:
    """Returns what the user can do about trials that do not fit."""
    if len(trials) == 1:
        return "use a smaller size, latent_dim or batch_size, or a larger device"
    return "train them in parts (--shard), or on more devices"


def device_memory(device: jax.Device) -> int:
    """Returns the bytes of memory that programs may use of a device; for a CPU device its share of the machine's."""
    stats: dict[str, Any] | None = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // jax.local_device_count()
