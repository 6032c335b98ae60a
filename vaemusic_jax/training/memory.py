"""The fit of a cohort into device memory: a device trains as many members in parallel as fit, the others in turn.

The memory that a program needs is XLA's figure for the compiled program. Results do not depend on the division.
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

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
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.start_weights import start_weights

Compiled = TypeVar("Compiled")


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

    def compiled(at_once: int | None) -> tuple[Ensemble, MemberAxis, float]:
        ensemble = cohort_ensemble(owner, dataset, train, at_once)
        try:
            needed: float = ensemble.compile(split, dataset.vocabulary.midi)
        except jax.errors.JaxRuntimeError as error:  # compilers for TPUs refuse what is larger than the memory
            if not is_out_of_memory(error):
                raise
            needed = math.inf
        return ensemble, ensemble.axis, needed

    ensemble, needed = as_many_as_fit(compiled, owner.trials, at_once)
    return ensemble, int(needed)


def as_many_as_fit(
    compiled: Callable[[int | None], tuple[Compiled, MemberAxis, float]],
    trials: Sequence[Trial],
    at_once: int | None = None,
    held: int | None = None,
) -> tuple[Compiled, float]:
    """Compiles a cohort for fewer and fewer members at once, half as many each time, until it fits its devices.

    Args:
        compiled: compiles it for at most so many members at once on a device, and returns what came of it, the division
            of the members, and the bytes that it needs of each device's memory, infinite if the compiler says that
            there are too few.
        trials: the trials of the cohort.
        at_once: the most members at once to begin with; see `MemberAxis`.
        held: the bytes of memory that each device has; None for the devices of this machine.

    Returns:
        What was compiled, and the bytes that it needs of each device's memory.

    Raises:
        DoesNotFitError: the cohort does not fit even with one member at a time.
    """
    while True:
        found, axis, needed = compiled(at_once)
        has = device_memory(jax.local_devices()[0]) if held is None else held
        if not PROCESSES.largest(needed > has):  # all processes use the same program, which has to fit everywhere
            return found, needed
        if axis.at_once == 1:
            amount = "more than there is" if math.isinf(needed) else size(needed)
            raise DoesNotFitError(
                f"{_named(trials)} {amount} of a device's memory with one at a time, it has {size(has)}; "
                f"{_remedy(trials)}"
            )
        at_once = axis.at_once // 2


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
        if not is_out_of_memory(error) or jax.process_count() > 1:
            raise
        raise DoesNotFitError(
            f"{_named(trials)} more memory than there is ({' '.join(str(error).split())[:200]}); {_remedy(trials)}"
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Returns whether an error says that there is less memory, of the host or a device, than was needed."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


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
