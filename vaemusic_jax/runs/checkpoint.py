"""Checkpoints of cohorts: the only file that knows of Orbax.

A checkpoint holds the members' arrays, without anything that belongs to the devices they were on, and says whose they
are: trials, vocabulary, data set and versions. It is read on any number of devices, and checked before it is used:
against who asks, and against digests of what was written, since Orbax notices no byte that has changed in an array.
Several processes write one together, each the members that its devices hold; any one reads it alone.
"""

import errno
import hashlib
import importlib.metadata
import itertools
import json
import logging
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

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.support.atomic import writing
from vaemusic_jax.support.processes import PROCESSES, own_rows

FORMAT = 4
READABLE = (3, 4)  # 3 had every number of a member under `hp`, those that follow from its trial too
KEPT = 2  # the newest, and the one before it
PACKAGES = ("vaemusic_jax", "jax", "flax", "optax", "orbax-checkpoint", "numpy")


@dataclass(frozen=True)
class Owner:
    """Whose arrays a checkpoint holds."""

    trials: tuple[Trial, ...]
    vocabulary: Vocabulary
    dataset_digest: str

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "trial_ids": [trial.id for trial in self.trials],
            "trials": [trial.model_dump(mode="json") for trial in self.trials],
            "vocabulary": list(self.vocabulary.tokens),
            "dataset_digest": self.dataset_digest,
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        }

    @classmethod
    def from_json(cls, metadata: dict[str, Any]) -> "Owner":
        trials = tuple(Trial.model_validate(trial, strict=False) for trial in metadata["trials"])
        return cls(trials, Vocabulary(tuple(metadata["vocabulary"])), metadata["dataset_digest"])

    def difference(self, other: "Owner") -> str | None:
        """What makes a checkpoint of `other` unusable here, in words."""
        ours, theirs = [trial.id for trial in self.trials], [trial.id for trial in other.trials]
        if ours != theirs:
            mine, yours = " ".join(ours), " ".join(theirs)
            return f"it was written for trials {yours}, this run has {mine} there"
        if self.vocabulary != other.vocabulary:
            only = sorted(set(self.vocabulary.tokens) ^ set(other.vocabulary.tokens))
            return (
                f"its vocabulary of {len(other.vocabulary)} tokens differs from this data set's in {' '.join(only[:8])}"
            )
        if self.dataset_digest != other.dataset_digest:
            return f"it was trained on data {other.dataset_digest}, this data set is {self.dataset_digest}"
        return None


class DamagedCheckpointError(UserError):
    """A checkpoint that cannot be read, or does not hold what was written; `damage` says which, and why."""

    def __init__(self, damage: str) -> None:
        super().__init__(f"{damage}; run the sweep again to go on from the one before")
        self.damage = damage


class CheckpointStore:
    """The checkpoints of one cohort, in the folder `checkpoints` of its place in the run directory."""

    def __init__(self, cohort_path: Path) -> None:
        self.path = (cohort_path / "checkpoints").absolute()
        self.damaged_path = self.path.with_name("damaged")

    def latest_step(self) -> int | None:
        """Steps trained when the newest checkpoint was written; None without any."""
        if not self.path.is_dir():
            return None
        with self._manager({jax.process_index()}) as manager:
            step: int | None = manager.latest_step()
            return step

    def save(self, step: int, arrays: dict[str, Any], owner: Owner) -> None:
        """Writes a checkpoint: it is there whole or not at all.

        Args:
            step: training steps made.
            arrays: nested dict of numpy arrays; of several processes, of what all their devices hold, and every
                process has to save. Rows beyond the owner's trials are dropped when they are read.
            owner: whose they are.

        Raises:
            UserError: the disk is full, the folder is read-only and the like; the checkpoints before stand.
        """
        leaves = jax.tree.leaves(arrays)
        together = any(isinstance(leaf, jax.Array) for leaf in leaves)
        writers = range(jax.process_count()) if together else [jax.process_index()]
        try:
            with writing(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                if shutil.disk_usage(self.path).free < sum(leaf.nbytes for leaf in leaves):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                # Who has failed by now says so here; Orbax would wait for it.
                digests = _digests_of_all(arrays, len(owner.trials)) if together else member_digests(arrays)
                told = owner.to_json() | {"digests": digests}
                items = {
                    "state": ocp.args.StandardSave(arrays),
                    "metadata": ocp.args.JsonSave(told | {"digest": _digest(told)}),
                }
                # Removing what a killed process has left.
                with self._manager(set(writers), cleanup_tmp_directories=True) as manager:
                    manager.save(step, args=ocp.args.Composite(**items))
        except (ValueError, RuntimeError) as error:  # tensorstore's own words for a full disk and the like
            is_full = os.strerror(errno.ENOSPC) in str(error)
            reason = "no space left on device; free the disk" if is_full else _first_words(error)
            raise UserError(f"{self.path}: cannot be written: {reason}") from error

    def owner_difference(self, owner: Owner) -> str | None:
        """What makes the newest checkpoint unusable for `owner`, in words; None if it is its own."""
        return owner.difference(self.owner())

    def owner(self) -> Owner:
        """Whose the newest checkpoint is. Raises UserError, a DamagedCheckpointError where it is damaged."""
        with self._newest() as restore:
            return Owner.from_json(restore("metadata"))

    def arrays(self, step: int | None = None) -> dict[str, Any]:
        """The newest checkpoint, or that of a step, as a nested dict of numpy arrays, members along the first axis.

        Raises as `owner`.
        """
        with self._newest(step) as restore:
            metadata = restore("metadata")
            arrays: dict[str, Any] = jax.tree.map(lambda leaf: leaf[: len(metadata["trials"])], restore("state"))
            if member_digests(arrays) != metadata["digests"]:
                raise ValueError("its arrays are not those that were written")
            if metadata["format"] == 3:
                arrays["member"] = {name: arrays["hp"][name] for name in ("n_train", "conditioning")}
                del arrays["hp"]
            return arrays

    def set_aside(self) -> Path:
        """Moves the newest checkpoint to the folder `damaged` beside the others, and says where. Raises UserError."""
        step = str(self.latest_step())
        names = itertools.chain([step], (f"{step}.{n}" for n in itertools.count(2)))
        place = next(self.damaged_path / name for name in names if not (self.damaged_path / name).exists())
        with writing(place):
            self.damaged_path.mkdir(exist_ok=True)
            (self.path / step).rename(place)
        return place

    @contextmanager
    def _newest(self, step: int | None = None) -> Iterator[Callable[[str], Any]]:
        """A function that restores an item of the newest checkpoint, or a step's; errors within become UserErrors."""
        step = self.latest_step() if step is None else step
        if step is None:
            raise UserError(f"{self.path}: holds no checkpoint; run the sweep first")
        place = self.path / str(step)
        try:
            with self._manager({jax.process_index()}) as manager:

                def restore(item: str) -> Any:
                    how = ocp.args.StandardRestore(_numpy_like(place)) if item == "state" else ocp.args.JsonRestore()
                    return manager.restore(step, args=ocp.args.Composite(**{item: how}))[item]

                _check_metadata(place, restore("metadata"))
                yield restore
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, PermissionError) or "PERMISSION_DENIED" in str(error):
                raise UserError(f"{place}: cannot be read: permission denied; ask its owner for it") from error
            raise DamagedCheckpointError(f"{place}: cannot be read: {_first_words(error)}") from error

    @contextmanager
    def _manager(self, processes: set[int], **more: Any) -> Iterator[ocp.CheckpointManager]:
        """For some processes to use together. Named, they wait for each other without the help of their devices."""
        several = ocp.options.MultiprocessingOptions(primary_host=min(processes), active_processes=processes)
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT,
            create=False,
            enable_async_checkpointing=False,
            multiprocessing_options=several,
            **more,
        )
        with quiet_orbax(), ocp.CheckpointManager(self.path, options=options) as manager:
            yield manager


def member_digests(arrays: dict[str, Any]) -> list[str]:
    """64 hex digits for each member, over all that a checkpoint holds of it."""
    leaves = [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(arrays)]

    def digest(member: int) -> str:
        found = hashlib.sha256()
        for name, leaf in leaves:
            row = np.asarray(leaf[member])
            found.update(f"{name} {row.dtype.str} {row.shape}".encode())
            found.update(row.tobytes())
        return found.hexdigest()

    return [digest(member) for member in range(len(leaves[0][1]))]


def _digests_of_all(arrays: dict[str, Any], n_members: int) -> list[str]:
    """`member_digests` of arrays on the devices of several processes, each of which reads its own rows."""
    (digests,) = PROCESSES.gather([np.array(member_digests(jax.tree.map(own_rows, arrays)))])
    found: list[str] = digests[:n_members].tolist()
    return found


def _check_metadata(place: Path, metadata: dict[str, Any]) -> None:
    """Raises UserError for another format, ValueError for what is not as it was written."""
    if metadata["format"] not in READABLE:
        found, writer = metadata["format"], metadata["versions"]["vaemusic_jax"]
        readable = " and ".join(map(str, READABLE))
        raise UserError(f"{place}: has format {found}, this version reads {readable}; use vaemusic_jax {writer}")
    if metadata.pop("digest") != _digest(metadata):
        raise ValueError("its metadata are not those that were written")


def _digest(metadata: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()


def _numpy_like(place: Path) -> Any:
    """Numpy arrays to restore like, without contents: Orbax would look for the devices that wrote them otherwise."""
    written = ocp.StandardCheckpointHandler().metadata(place / "state").tree
    return jax.tree.map(lambda leaf: np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape), written)


@contextmanager
def quiet_orbax() -> Iterator[None]:
    """Keeps what Orbax prints to the errors that it raises, while it is at work.

    Orbax logs every directory that it makes, and every error with a traceback before it raises it. Once a read or write
    has failed, those that went on beside it fail too, at any later time and in threads of their own: asyncio then logs
    each, and Python prints a traceback for each that reports to an event loop which Orbax has closed. After a failure
    these two therefore stay silent about tensorstore; everything else is as it was before.
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
    """Whether a record of asyncio's is about something else than a read or write of a checkpoint."""
    return "tensorstore" not in record.getMessage()


def _first_words(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
