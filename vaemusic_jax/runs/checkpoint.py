"""Checkpoints of cohorts. No other module uses Orbax.

A checkpoint holds the arrays of the members, each member in a file of its own (`runs.member_files`), and the owner of
the arrays: trials, vocabulary, data set and versions. It can be read on any number of devices. Before use it is checked
against the expected owner, and against digests of what was written. Several processes write a checkpoint together, each
the members on its own devices; every process can read it alone. Orbax makes a checkpoint appear as a whole, removes
old ones and lets processes wait for each other.
"""

import errno
import functools
import hashlib
import itertools
import json
import logging
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import LatestN

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.member_files import MemberRows, digest, nested, read_member, stacked, write_member
from vaemusic_jax.runs.table_file import reading
from vaemusic_jax.support.arrays_file import check_total
from vaemusic_jax.support.atomic import writing
from vaemusic_jax.support.jax_settings import RANDOM_BITS
from vaemusic_jax.support.processes import PROCESSES
from vaemusic_jax.support.versions import versions

FORMAT = 5
READABLE = (3, 4, 5)
ONE_ITEM = 4  # up to this format the arrays of all members are one item, which Orbax wrote
ALL_HYPER_PARAMETERS = 3  # up to this format they are stored as `hp`, also those that follow from the trial
KEPT = 2  # the newest checkpoint and the one before it, while a cohort trains
MEMBERS = "members"  # the folder of the members' files in a checkpoint
CHANGED = "its arrays are not those that were written"


@dataclass(frozen=True)
class Owner:
    """The owner of the arrays in a checkpoint.

    Attributes:
        trials: the trials of the cohort, in the order of the arrays' first axis.
        vocabulary: the vocabulary that they were trained with.
        dataset_digest: the digest of the data set that they were trained on.
        random_bits: how their random numbers are drawn from seeds.
    """

    trials: tuple[Trial, ...]
    vocabulary: Vocabulary
    dataset_digest: str
    random_bits: str = RANDOM_BITS

    def to_json(self) -> dict[str, Any]:
        """Returns the metadata of a checkpoint of this owner, with the format and the versions of packages."""
        return {
            "format": FORMAT,
            "trial_ids": [trial.id for trial in self.trials],
            "trials": [trial.model_dump(mode="json") for trial in self.trials],
            "vocabulary": self.vocabulary.to_plain(),
            "dataset_digest": self.dataset_digest,
            "random_bits": self.random_bits,
            "versions": versions(),
        }

    @classmethod
    def from_json(cls, metadata: dict[str, Any]) -> "Owner":
        """Returns the owner in the metadata of a checkpoint."""
        trials = tuple(Trial.model_validate(trial, strict=False) for trial in metadata["trials"])
        vocabulary = Vocabulary.from_plain(metadata["vocabulary"])
        # Checkpoints without an entry were written when JAX drew random numbers like this unless told otherwise.
        return cls(trials, vocabulary, metadata["dataset_digest"], metadata.get("random_bits", RANDOM_BITS))

    def difference(self, other: "Owner") -> str | None:
        """Says why a checkpoint of `other` cannot be used for this owner; None if it can."""
        ours, theirs = [trial.id for trial in self.trials], [trial.id for trial in other.trials]
        if ours != theirs:
            mine, yours = " ".join(ours), " ".join(theirs)
            return f"it was written for trials {yours}, this run has {mine} there"
        if self.vocabulary.metre != other.vocabulary.metre:
            metres = other.vocabulary.metre, self.vocabulary.metre
            return "it was trained on measures in {}, this data set's are in {}".format(*metres)
        if self.vocabulary != other.vocabulary:
            only = sorted(set(self.vocabulary.tokens) ^ set(other.vocabulary.tokens))
            return (
                f"its vocabulary of {len(other.vocabulary)} tokens differs from this data set's in {' '.join(only[:8])}"
            )
        if self.dataset_digest != other.dataset_digest:
            return f"it was trained on data {other.dataset_digest}, this data set is {self.dataset_digest}"
        if self.random_bits != other.random_bits:
            return f"its random numbers are {other.random_bits}, this version's are {self.random_bits}"
        return None


class MembersHandler(ocp.CheckpointHandler):
    """Has Orbax save the members of a cohort one after the other, so that few of them are in memory at a time."""

    def save(self, directory: Any, args: "SaveMembers") -> None:
        """Writes the file of each member."""
        for index, rows in args.members:
            write_member(Path(directory), index, rows)

    def restore(self, directory: Any, args: Any = None) -> Path:
        """Returns the folder of the files."""
        return Path(directory)


@ocp.args.register_with_handler(MembersHandler, for_save=True, for_restore=True)
@dataclass
class SaveMembers(ocp.args.CheckpointArgs):
    """What `MembersHandler` saves."""

    members: MemberRows


class DamagedCheckpointError(UserError):
    """Raised for a checkpoint that cannot be read or does not hold what was written.

    Attributes:
        damage: the place of the checkpoint and what is wrong with it.
    """

    def __init__(self, damage: str) -> None:
        super().__init__(f"{damage}; run the sweep again to go on from the one before, if there is one")
        self.damage = damage


class CheckpointStore:
    """The checkpoints of one cohort, in the subfolder `checkpoints` of the cohort's folder in the run directory."""

    def __init__(self, cohort_path: Path) -> None:
        self.path = (cohort_path / "checkpoints").absolute()
        self.damaged_path = self.path.with_name("damaged")

    def latest_step(self) -> int | None:
        """Returns the number of training steps in the newest checkpoint; None if there is no checkpoint.

        Raises:
            UserError: the folder cannot be read.
        """
        with reading(self.path):
            if not self.path.is_dir():
                return None
            with self._manager({jax.process_index()}) as manager:
                step: int | None = manager.latest_step()
                return step

    def save(self, step: int, arrays: dict[str, Any], owner: Owner, kept: int = KEPT) -> None:
        """Writes a checkpoint, whole or not at all.

        Args:
            step: the number of training steps made.
            arrays: a nested dict of arrays with members along the first axis, of numpy or of JAX; the latter are
                brought from their devices member by member. If several processes train together, the arrays are on the
                devices of all of them, and every process has to save them. Rows after the owner's trials are left out.
            owner: the owner of the arrays.
            kept: the number of checkpoints to keep, the newest ones; older ones are removed when this one is whole.

        Raises:
            UserError: the checkpoint cannot be written, because the disk is full, the folder is read-only or the like.
                Earlier checkpoints stay as they are.
        """
        leaves = jax.tree.leaves(arrays)
        together = any(isinstance(leaf, jax.Array) and not leaf.is_fully_addressable for leaf in leaves)
        writers = range(jax.process_count()) if together else [jax.process_index()]
        try:
            with writing(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                if shutil.disk_usage(self.path).free < sum(leaf.nbytes for leaf in leaves):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                # Computing the digests of all raises UserError if a process has failed; Orbax would wait for it.
                members = MemberRows(arrays, len(owner.trials))
                told = owner.to_json() | {"step": step} | _digests(members, together)
                items = {
                    MEMBERS: SaveMembers(members),
                    "metadata": ocp.args.JsonSave(told | {"digest": _digest(told)}),
                }
                # Orbax also removes temporary folders that a killed process has left.
                with self._manager(set(writers), kept, cleanup_tmp_directories=True) as manager:
                    manager.save(step, args=ocp.args.Composite(**items))
        except (ValueError, RuntimeError) as error:  # Orbax's errors for a full disk and the like
            is_full = os.strerror(errno.ENOSPC) in str(error)
            reason = "no space left on device; free the disk" if is_full else _first_words(error)
            raise UserError(f"{self.path}: cannot be written: {reason}") from error

    def owner_difference(self, owner: Owner) -> str | None:
        """Says why the newest checkpoint cannot be used for `owner`; None if it can. Raises as `owner`."""
        return owner.difference(self.owner())

    def owner(self) -> Owner:
        """Returns the owner of the newest checkpoint.

        Raises:
            DamagedCheckpointError: the checkpoint is damaged.
            UserError: there is no checkpoint, it has an unknown format, or it must not be read.
        """
        with self._newest() as restore:
            return Owner.from_json(restore("metadata"))

    def weights_digests(self) -> list[str] | None:
        """Returns a digest of each member's weights in the newest checkpoint; None if an earlier version wrote it.

        Raises as `owner`.
        """
        with self._newest() as restore:
            digests: list[str] | None = restore("metadata").get("weights")
            return digests

    def arrays(self, step: int | None = None) -> dict[str, Any]:
        """Reads the newest checkpoint, or that of a step. Raises as `owner`.

        Returns:
            A nested dict of numpy arrays, with members along the first axis.
        """
        with self._newest(step) as restore:
            metadata = restore("metadata")
            n = len(metadata["trials"])
            if metadata["format"] > ONE_ITEM:
                return stacked((self._read_member(restore, i) for i in range(n)), n)
            arrays: dict[str, Any] = jax.tree.map(lambda leaf: leaf[:n], restore("state"))
            if [digest(rows) for _, rows in MemberRows(arrays, n)] != metadata["digests"]:
                raise ValueError(CHANGED)
            return _renamed(arrays, metadata["format"])

    def member(self, index: int) -> dict[str, Any]:
        """Reads one member of the newest checkpoint, and nothing of the others unless an earlier version wrote it.

        Args:
            index: the position of the member among the owner's trials.

        Returns:
            A nested dict of numpy arrays, without the axis of members. Raises as `owner`.
        """
        with self._newest() as restore:
            if restore("metadata")["format"] > ONE_ITEM:
                return nested(self._read_member(restore, index))
        return jax.tree.map(lambda leaf: leaf[index], self.arrays())

    @staticmethod
    def _read_member(restore: Callable[[str], Any], index: int) -> dict[str, np.ndarray]:
        """Returns one member's arrays by name. Raises ValueError if they are not those that were written."""
        found = read_member(restore(MEMBERS), index)
        if digest(found) != restore("metadata")["digests"][index]:
            raise ValueError(CHANGED)
        return found

    def keep_newest(self) -> None:
        """Removes all checkpoints but the newest. Raises UserError if that is not possible."""
        newest = str(self.latest_step())
        with writing(self.path):
            for path in self.path.iterdir():
                if path.name.isdecimal() and path.name != newest:
                    shutil.rmtree(path)

    def set_aside(self) -> Path:
        """Moves the newest checkpoint to the folder `damaged` and returns its new path. Raises UserError."""
        step = str(self.latest_step())
        names = itertools.chain([step], (f"{step}.{n}" for n in itertools.count(2)))
        place = next(self.damaged_path / name for name in names if not (self.damaged_path / name).exists())
        with writing(place):
            self.damaged_path.mkdir(exist_ok=True)
            (self.path / step).rename(place)
        return place

    @contextmanager
    def _newest(self, step: int | None = None) -> Iterator[Callable[[str], Any]]:
        """Yields a function that returns an item of the newest checkpoint, or of that of a step; MEMBERS is a folder.

        Errors in the `with` block become UserErrors.
        """
        step = self.latest_step() if step is None else step
        if step is None:
            raise UserError(f"{self.path}: holds no checkpoint; run the sweep first")
        place = self.path / str(step)
        try:
            with self._manager({jax.process_index()}) as manager:

                @functools.cache
                def restore(item: str) -> Any:
                    if item == MEMBERS:
                        return place / MEMBERS
                    how = ocp.args.StandardRestore(_numpy_like(place)) if item == "state" else ocp.args.JsonRestore()
                    return manager.restore(step, args=ocp.args.Composite(**{item: how}))[item]

                _check_metadata(place, restore("metadata"))
                yield restore
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            if isinstance(error, PermissionError) or "PERMISSION_DENIED" in str(error):
                raise UserError(f"{place}: cannot be read: permission denied; ask its owner to allow it") from error
            raise DamagedCheckpointError(f"{place}: cannot be read: {_first_words(error)}") from error

    @contextmanager
    def _manager(self, processes: set[int], kept: int = KEPT, **more: Any) -> Iterator[ocp.CheckpointManager]:
        """Yields an Orbax manager that the given processes use together.

        Because they are named, Orbax makes them wait for each other without using their devices.
        """
        several = ocp.options.MultiprocessingOptions(primary_host=min(processes), active_processes=processes)
        options = ocp.CheckpointManagerOptions(
            preservation_policy=LatestN(kept),
            create=False,
            enable_async_checkpointing=False,
            multiprocessing_options=several,
            **more,
        )
        with quiet_orbax(), ocp.CheckpointManager(self.path, options=options) as manager:
            yield manager


def _digests(members: MemberRows, together: bool) -> dict[str, list[str]]:
    """Returns the metadata that tell the content of a checkpoint: digests of all arrays, and of the weights alone.

    If several processes save together, each reads its own members.
    """
    found = [(digest(rows), digest(rows, weights_only=True)) for _, rows in members]
    if together:
        (gathered,) = PROCESSES.gather([np.array(found, dtype="<U64").reshape(-1, 2)])
        found = gathered.tolist()
    return {"digests": [all_of for all_of, _ in found], "weights": [weights for _, weights in found]}


def _check_metadata(place: Path, metadata: dict[str, Any]) -> None:
    """Raises UserError for an unknown format, and ValueError for metadata that are not as they were written."""
    if metadata["format"] not in READABLE:
        found, writer = metadata["format"], metadata["versions"]["vaemusic_jax"]
        readable = f"{READABLE[0]} to {READABLE[-1]}"
        raise UserError(f"{place}: has format {found}, this version reads {readable}; use vaemusic_jax {writer}")
    if metadata.pop("digest") != _digest(metadata):
        raise ValueError("its metadata are not those that were written")
    if metadata.get("step", int(place.name)) != int(place.name):  # earlier versions did not write the step
        raise ValueError(f"it was written at step {metadata['step']}, and its folder has been renamed or copied")


def _digest(metadata: dict[str, Any]) -> str:
    """Returns the SHA-256 digest of metadata, 64 hex digits."""
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()


def without_optimizer(arrays: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of a checkpoint without the optimisers' states, which only further training steps need."""
    train = {name: part for name, part in arrays["state"]["train"].items() if name != "optimiser"}
    return arrays | {"state": arrays["state"] | {"train": train}}


def _renamed(arrays: dict[str, Any], written: int) -> dict[str, Any]:
    """Returns the arrays of a checkpoint of an earlier format under their names of today."""
    if written <= ALL_HYPER_PARAMETERS:
        arrays["member"] = {name: arrays["hp"][name] for name in ("n_train", "conditioning")}
        del arrays["hp"]
    return arrays


def _numpy_like(place: Path) -> Any:
    """Returns numpy arrays of the types and shapes of a checkpoint's, which make Orbax restore to numpy arrays.

    Without them Orbax would look for the devices that the arrays were on. Raises ValueError for arrays that are too
    large for what is on disk, before any of them is made.
    """
    written = ocp.StandardCheckpointHandler().metadata(place / "state").tree
    claimed = sum(math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(written))
    check_total(claimed, sum(path.stat().st_size for path in (place / "state").rglob("*") if path.is_file()))
    return jax.tree.map(lambda leaf: np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape), written)


@contextmanager
def quiet_orbax() -> Iterator[None]:
    """Suppresses what Orbax logs and prints while it works; the errors that it raises say enough.

    Orbax logs every directory that it makes, and logs every error with a traceback before raising it. When a read or
    write has failed, concurrent ones fail too, later and in other threads. Asyncio then logs each of them, and Python
    prints a traceback for each that reports to an event loop which Orbax has already closed. After a failure these two
    kinds of messages therefore stay suppressed. All other logging settings are restored.
    """
    absl, asyncio, hook = logging.getLogger("absl"), logging.getLogger("asyncio"), sys.unraisablehook
    level, was_filtered = absl.level, _is_no_echo in asyncio.filters

    def quiet(unraisable: "sys.UnraisableHookArgs") -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            hook(unraisable)

    absl.setLevel(logging.CRITICAL)
    asyncio.addFilter(_is_no_echo)
    sys.unraisablehook = quiet
    try:
        yield
        sys.unraisablehook = hook
        if not was_filtered:
            asyncio.removeFilter(_is_no_echo)
    finally:
        absl.setLevel(level)


def _is_no_echo(record: logging.LogRecord) -> bool:
    """Returns whether a log record of asyncio is about something else than reading or writing a checkpoint."""
    return "tensorstore" not in record.getMessage()


def _first_words(error: Exception) -> str:
    """Returns the first 200 characters of an error message, on one line."""
    return " ".join(str(error).split())[:200]
