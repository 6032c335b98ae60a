"""The file of one member in a checkpoint: its arrays by name, as an uncompressed .npz file of numpy.

Arrays are named by their places in nested dicts, as `state/train/params/vae/encoder/...`. A member is brought from its
device, written and forgotten before the next one, so that saving a large cohort takes the host little memory.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import traverse_util
from jax import lax

from vaemusic_jax.support.arrays_file import check_sizes

SEPARATOR = "/"
WEIGHTS = "/params/"  # a part of the names of weights
OF_MEMBER = "member/"  # the beginning of the names of what a member has learnt from its training data


class MemberRows:
    """The members of a cohort, each as numpy arrays by name; of arrays of several processes, those of this process."""

    def __init__(self, arrays: dict[str, Any], n_members: int) -> None:
        """Remembers the arrays.

        Args:
            arrays: a nested dict of numpy arrays, or of JAX arrays on any devices, with members along the first axis.
            n_members: the number of members; rows after them are left out.
        """
        self._parts = {
            name: list(_parts(leaf)) for name, leaf in traverse_util.flatten_dict(arrays, sep=SEPARATOR).items()
        }
        self._n_members = n_members

    def __iter__(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Yields the position and the arrays of each member, in order."""
        for index in range(self._n_members):
            found = {
                name: _row(rows, index - start)
                for name, parts in self._parts.items()
                for start, rows in parts
                if start <= index < start + len(rows)
            }
            if found:
                yield index, found


def write_member(folder: Path, index: int, rows: dict[str, np.ndarray]) -> None:
    """Writes the file of a member. Raises OSError if that is not possible."""
    named: dict[str, Any] = rows
    with (folder / f"{index}.npz").open("wb") as file:
        np.savez(file, **named)
        file.flush()
        os.fsync(file.fileno())


def read_member(folder: Path, index: int) -> dict[str, np.ndarray]:
    """Reads the file of a member. Raises ValueError or OSError if it is not there or damaged."""
    path = folder / f"{index}.npz"
    try:
        with zipfile.ZipFile(path) as packed:
            check_sizes(packed, path.stat().st_size)
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (zipfile.BadZipFile, EOFError, MemoryError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def digest(rows: dict[str, np.ndarray], weights_only: bool = False) -> str:
    """Returns the SHA-256 digest, 64 hex digits, of a member's arrays.

    Args:
        rows: the arrays by name.
        weights_only: whether to leave out what an evaluation does not depend on, such as the optimiser's state.
    """
    found = hashlib.sha256()
    for name in sorted(rows):
        if not weights_only or WEIGHTS in name or name.startswith(OF_MEMBER):
            row = rows[name]
            place = "".join(f"[{key!r}]" for key in name.split(SEPARATOR))
            found.update(f"{place} {row.dtype.str} {row.shape}".encode())
            found.update(row.tobytes())
    return found.hexdigest()


def nested(rows: dict[str, np.ndarray]) -> dict[str, Any]:
    """Returns arrays by name as a nested dict."""
    tree: dict[str, Any] = traverse_util.unflatten_dict(rows, sep=SEPARATOR)
    return tree


def stacked(members: Iterable[dict[str, np.ndarray]], n_members: int) -> dict[str, Any]:
    """Returns the arrays of members as a nested dict with members along the first axis.

    Raises ValueError if the members differ in names, shapes or types of arrays.
    """
    found: dict[str, np.ndarray] = {}
    for index, rows in enumerate(members):
        if not index:
            found = {name: np.empty((n_members, *row.shape), row.dtype) for name, row in rows.items()}
        if {name: (row.shape, row.dtype) for name, row in rows.items()} != {
            name: (of_all.shape[1:], of_all.dtype) for name, of_all in found.items()
        }:
            raise ValueError(f"member {index} has other arrays than those before it")
        for name, row in rows.items():
            found[name][index] = row
    return nested(found)


def _parts(leaf: Any) -> Iterator[tuple[int, Any]]:
    """Yields the parts of an array that this process holds, each with the position of its first row."""
    if not isinstance(leaf, jax.Array):
        yield 0, leaf
        return
    for shard in leaf.addressable_shards:
        is_on_host = shard.device.platform == "cpu"
        yield shard.index[0].start or 0, np.asarray(shard.data) if is_on_host else shard.data


def _row(rows: Any, index: int) -> np.ndarray:
    """Returns one row of a part as a numpy array."""
    if isinstance(rows, np.ndarray):
        return rows[index]
    return np.asarray(lax.dynamic_index_in_dim(rows, index, keepdims=False))
