"""How many members of a cohort a device trains side by side: as many as its memory holds, the others in turn.

What a program needs is what XLA says of it once it is compiled. Results do not depend on the division.
"""

import os
from typing import Any

import jax
import numpy as np

from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.measures import Measures, measures_of, n_in_fraction
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.training.cohort import Ensemble, table_for

GIB = 2**30


def cohort_ensemble(owner: Owner, dataset: Dataset, train: Measures, at_once: int | None = None) -> Ensemble:
    """The members of a checkpoint's owner, each with its own share of the training measures."""
    program, attributes = program_of(owner.trials, len(owner.vocabulary)), np.asarray(train.attributes)
    members = [
        trained_on(trial, program.n_attributes, attributes[: n_in_fraction(dataset.train, trial.data_fraction)])
        for trial in owner.trials
    ]
    table = table_for(owner.trials, dataset.vocabulary)
    return Ensemble(program, members, train, PROCESSES.all_devices(), table, at_once)


def compiled_ensemble(
    owner: Owner, dataset: Dataset, split: tuple[Measures, np.ndarray], at_once: int | None = None
) -> tuple[Ensemble, int]:
    """A cohort compiled to fit its devices, and the bytes that it needs of the memory of each.

    Args:
        owner: whose members.
        dataset: what they learn from.
        split: what they are scored on, as made by `measures.blocks`.
        at_once: the most members that a device takes together; see `MemberAxis`.

    Raises:
        UserError: it does not fit with one member at a time either.
    """
    train = measures_of(dataset.train)
    while True:
        ensemble = cohort_ensemble(owner, dataset, train, at_once)
        needed = ensemble.compile(split, dataset.vocabulary.midi)
        held = device_memory(jax.local_devices()[0])
        if not PROCESSES.largest(needed > held):  # of several processes all have the same program
            return ensemble, needed
        if ensemble.axis.at_once == 1:
            raise UserError(
                f"trials {owner.trials[0].id} to {owner.trials[-1].id}: the {len(owner.trials)} need "
                f"{needed / GIB:.2g} GiB of a device's memory with one at a time, it has {held / GIB:.2g}; "
                "train them in parts (--shard), or on more devices"
            )
        at_once = ensemble.axis.at_once // 2


def device_memory(device: jax.Device) -> int:
    """Bytes that programs may use of a device; on CPU its share of the machine's memory."""
    stats: dict[str, Any] | None = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // jax.local_device_count()
