"""Storage of named arrays and their metadata in one checksummed `.npz` file, written atomically."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import write_atomically, writing
from vaemusic_jax.support.words import host_memory, size

Arrays = dict[str, np.ndarray]

MOST_BYTES = 2**30  # of all arrays of a file, unless the file itself is large
MOST_TIMES = 20  # as many bytes as the file has, if that is more
DAMAGES = (OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, MemoryError)
#: What `unpacked` raises for bytes that are not as `packed` returned them.
NOT_PACKED = (*DAMAGES, zipfile.BadZipFile, zlib.error)


def write(path: Path, arrays: Arrays, metadata: dict[str, Any], *, compressed: bool = False) -> None:
    """Writes arrays and metadata to one file, whole or not at all, and creates its folder.

    Args:
        path: where the file is written.
        arrays: the arrays by name.
        metadata: a dictionary that JSON can hold.
        compressed: whether to compress the arrays, which makes the file smaller but slower to read.

    Raises:
        UserError: the folder cannot be written to.
    """
    content = packed(arrays, metadata, compressed=compressed)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)


def packed(arrays: Arrays, metadata: dict[str, Any], *, compressed: bool = False) -> bytes:
    """Returns arrays and metadata as the content of a file, see `write`."""
    buffer = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(buffer, metadata=np.array(json.dumps(metadata)), checksum=np.array(checksum(arrays, metadata)), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpacked(file: BinaryIO, file_bytes: int) -> tuple[Arrays, dict[str, Any]]:
    """Returns the arrays and the metadata of a file of so many bytes that `write` made. Raises one of NOT_PACKED."""
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        check_sizes(archive, file_bytes)
        for name in archive.namelist():
            with archive.open(name) as member:
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
    metadata = json.loads(str(arrays.pop("metadata")))
    if str(arrays.pop("checksum")) != checksum(arrays, metadata):
        raise ValueError("checksum differs")
    return arrays, metadata


def read(path: Path, hint: str) -> tuple[Arrays, dict[str, Any]]:
    """Reads the arrays and the metadata of a file that `write` made.

    Args:
        path: the file to read.
        hint: what the user can do if the file is damaged; it ends the error message.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the file is damaged or cannot be read; it is left as it is.
    """
    with _as_user_errors(path, hint), path.open("rb") as file:
        return unpacked(_regular(path, file), path.stat().st_size)


def read_metadata(path: Path, hint: str) -> dict[str, Any]:
    """Reads the metadata alone of a file that `write` made; `read` also checks that it belongs to the arrays.

    Args:
        path: the file to read.
        hint: as for `read`.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the file is damaged or cannot be read.
    """
    with _as_user_errors(path, hint), path.open("rb") as file, zipfile.ZipFile(_regular(path, file)) as archive:
        check_sizes(archive, path.stat().st_size, ("metadata.npy",))
        with archive.open("metadata.npy") as member:
            metadata: dict[str, Any] = json.loads(str(np.lib.format.read_array(member, allow_pickle=False)))
    return metadata


@contextlib.contextmanager
def _as_user_errors(path: Path, hint: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise UserError(f"{path}: no permission to read it; {hint}") from error
    except NOT_PACKED as error:
        raise UserError(f"{path}: damaged file ({error}); {hint}") from error


@contextlib.contextmanager
def damaged(path: Path, hint: str) -> Iterator[None]:
    """Turns errors of the `with` block, which looks at what a file holds, into UserErrors with its path."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{path}: holds something else than was written ({what}); {hint}") from error


def check_shapes(arrays: Arrays, expected: Mapping[str, tuple[str, str]]) -> None:
    """Raises ValueError if an array has other sizes, or numbers of another kind, than its name says.

    Args:
        arrays: the arrays by name; those that are not expected may be anything.
        expected: by name the kinds of NumPy (`dtype.kind`) and the sizes, each a number or a word; a word stands for
            the same size in all arrays.
    """
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        kinds, letters = expected.get(name, ("", ""))
        if not kinds:
            continue
        words = letters.split()
        fits = array.dtype.kind in kinds and array.ndim == len(words)
        for word, n in zip(words, array.shape, strict=False):
            fits = fits and n == (int(word) if word.isdigit() else sizes.setdefault(word, n))
        if not fits:
            raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}")


def _regular(path: Path, file: BinaryIO) -> BinaryIO:
    """Returns the open file. Raises ValueError for a device, a pipe or the like."""
    if not path.is_file():
        raise ValueError("it is no regular file")
    return file


def check_sizes(archive: zipfile.ZipFile, file_bytes: int, names: Sequence[str] = ()) -> None:
    """Raises ValueError if arrays are not as long as their headers say, or too large together to be honest.

    Args:
        archive: the arrays.
        file_bytes: the size of the file.
        names: the members to look at; all by default.
    """
    total = 0
    for info in map(archive.getinfo, names) if names else archive.infolist():
        with archive.open(info) as member:
            version = np.lib.format.read_magic(member)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"{info.filename} has format {version}")
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(member)
            if dtype.hasobject:
                raise ValueError(f"{info.filename} holds objects of Python, which are never read")
            if math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
                raise ValueError(f"{info.filename} does not hold what its header says")
        total += info.file_size
    check_total(total, file_bytes)


def check_total(total: int, stored: int) -> None:
    """Raises ValueError if arrays of `total` bytes are too many for the `stored` bytes on disk or for this machine."""
    most = max(MOST_BYTES, MOST_TIMES * stored)
    if total > min(most, host_memory() or most):
        raise ValueError(f"its arrays would take {size(total)}, of which {size(stored)} are in the file")


def checksum(arrays: Arrays, metadata: dict[str, Any]) -> str:
    """Returns the SHA-256 digest of arrays and metadata as 64 hex digits."""
    digest = hashlib.sha256(json.dumps(metadata).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
