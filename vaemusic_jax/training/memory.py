"""The fit of a cohort into device memory: a device trains as many members in parallel as fit, the others in turn.

The memory that a program needs is XLA's figure for the compiled program. Results do not depend on the division.
"""

import os
from typing import Any

import jax
import numpy as np

from vaemusic_jax.data.blocks import Measures, measures_of, n_in_fraction
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.training.cohort import Ensemble, table_for

GIB = 2**30


def cohort_ensemble(owner: Owner, dataset: Dataset, train: Measures, at_once: int | None = None) -> Ensemble:
    """Returns the ensemble of a cohort, in which each member has its own share of the training measures.

    Args:
        owner: the trials and the vocabulary.
        dataset: the data set that they are trained on.
        train: its training measures.
        at_once: the most members that a device computes in parallel; see `MemberAxis`.
    """
    program = program_of(owner.trials, len(owner.vocabulary), owner.vocabulary.midi)
    attributes = np.asarray(train.attributes)
    members = [
        trained_on(trial, program.n_attributes, attributes[: n_in_fraction(dataset.train, trial.data_fraction)])
        for trial in owner.trials
    ]
    table = table_for(owner.trials, dataset.vocabulary)
    return Ensemble(program, members, train, PROCESSES.all_devices(), table, at_once)


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
        UserError: the cohort does not fit even with one member at a time.
    """
    train = measures_of(dataset.train)
    while True:
        ensemble = cohort_ensemble(owner, dataset, train, at_once)
        needed = ensemble.compile(split, dataset.vocabulary.midi)
        held = device_memory(jax.local_devices()[0])
        if not PROCESSES.largest(needed > held):  # all processes use the same program, which has to fit everywhere
            return ensemble, needed
        if ensemble.axis.at_once == 1:
            raise UserError(
                f"trials {owner.trials[0].id} to {owner.trials[-1].id}: the {len(owner.trials)} need "
                f"{needed / GIB:.2g} GiB of a device's memory with one at a time, it has {held / GIB:.2g}; "
                "train them in parts (--shard), or on more devices"
            )
        at_once = ensemble.axis.at_once // 2


def device_memory(device: jax.Device) -> int:
    """Returns the bytes of memory that programs may use of a device; for a CPU device its share of the machine's."""
    stats: dict[str, Any] | None = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // jax.local_device_count()
