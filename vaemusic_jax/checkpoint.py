"""Checkpoints of cohorts: the only file that knows of Orbax.

A checkpoint holds the members' arrays, without anything that belongs to the devices they were on, and says whose they
are: trials, vocabulary, data set and versions. It is read on any number of devices, and checked before it is used.
"""

import errno
import importlib.metadata
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
import orbax.checkpoint as ocp

from vaemusic_jax.atomic import writing
from vaemusic_jax.errors import UserError
from vaemusic_jax.member import Program, program_of
from vaemusic_jax.trial import Trial
from vaemusic_jax.vocabulary import Vocabulary

FORMAT = 2
KEPT = 2  # the newest, and the one before it
PACKAGES = ("vaemusic_jax", "jax", "flax", "optax", "orbax-checkpoint", "numpy")

# Orbax reports every directory that it makes, and errors with a traceback before it raises them.
logging.getLogger("absl").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Owner:
    """Whose arrays a checkpoint holds."""

    trials: tuple[Trial, ...]
    vocabulary: Vocabulary
    dataset_digest: str

    @property
    def program(self) -> Program:
        """The program that these trials train as."""
        return program_of(self.trials, len(self.vocabulary))

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


class CheckpointStore:
    """The checkpoints of one cohort, in the folder `checkpoints` of its place in the run directory."""

    def __init__(self, cohort_path: Path) -> None:
        self.path = (cohort_path / "checkpoints").absolute()

    def latest_step(self) -> int | None:
        """Steps trained when the newest checkpoint was written; None without any."""
        if not self.path.is_dir():
            return None
        with self._manager() as manager:
            step: int | None = manager.latest_step()
            return step

    def save(self, step: int, arrays: dict[str, Any], owner: Owner) -> None:
        """Writes a checkpoint: it is there whole or not at all. `arrays` is a nested dict of numpy arrays.

        Raises:
            UserError: the disk is full, the folder is read-only and the like; the checkpoints before stand.
        """
        state, metadata = ocp.args.StandardSave(arrays), ocp.args.JsonSave(owner.to_json())
        try:
            with writing(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                if shutil.disk_usage(self.path).free < sum(leaf.nbytes for leaf in jax.tree.leaves(arrays)):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                with self._manager() as manager:
                    manager.save(step, args=ocp.args.Composite(state=state, metadata=metadata))
        except (ValueError, RuntimeError) as error:  # tensorstore's own words for a full disk and the like
            raise UserError(f"{self.path}: cannot be written: {_first_words(error)}") from error

    def owner_difference(self, owner: Owner) -> str | None:
        """What makes the newest checkpoint unusable for `owner`, in words; None if it is its own."""
        return owner.difference(self.owner())

    def owner(self) -> Owner:
        """Whose the newest checkpoint is. Raises UserError."""
        with self._newest() as (place, restore):
            metadata = restore("metadata", ocp.args.JsonRestore())
            found, writer = metadata["format"], metadata["versions"]["vaemusic_jax"]
            if found == FORMAT:
                return Owner.from_json(metadata)
        raise UserError(f"{place}: has format {found}, this version reads {FORMAT}; use vaemusic_jax {writer}")

    def arrays(self) -> dict[str, Any]:
        """The newest checkpoint as a nested dict of numpy arrays, members along the first axis. Raises UserError."""
        with self._newest() as (_, restore):
            arrays: dict[str, Any] = restore("state", ocp.args.StandardRestore())
            return arrays

    @contextmanager
    def _newest(self) -> Iterator[tuple[Path, Callable[[str, Any], Any]]]:
        """Where the newest checkpoint is, and a function that restores an item of it; errors become UserErrors."""
        step = self.latest_step()
        if step is None:
            raise UserError(f"{self.path}: holds no checkpoint; run the sweep first")
        place = self.path / str(step)
        try:
            with self._manager() as manager:
                yield place, lambda item, how: manager.restore(step, args=ocp.args.Composite(**{item: how}))[item]
        except (OSError, ValueError, KeyError, TypeError) as error:
            advice = "remove it to go on from the one before"
            raise UserError(f"{place}: cannot be read: {_first_words(error)}; {advice}") from error

    @contextmanager
    def _manager(self) -> Iterator[ocp.CheckpointManager]:
        options = ocp.CheckpointManagerOptions(max_to_keep=KEPT, create=False, enable_async_checkpointing=False)
        with _no_echoes(), ocp.CheckpointManager(self.path, options=options) as manager:
            yield manager


@contextmanager
def _no_echoes() -> Iterator[None]:
    """Keeps to one error where tensorstore has many.

    Once a read or write has failed, those beside it still report, to an event loop that Orbax has closed, from threads
    of their own and at any later time. Python would print a traceback for each.
    """
    before = sys.unraisablehook

    def quiet(unraisable: "sys.UnraisableHookArgs") -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            before(unraisable)

    sys.unraisablehook = quiet
    yield
    sys.unraisablehook = before  # not after a failure


def _first_words(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
