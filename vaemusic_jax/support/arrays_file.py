"""Named arrays and plain facts about them in one checksummed file, written atomically."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import write_atomically, writing

Arrays = dict[str, np.ndarray]


def write(path: Path, arrays: Arrays, metadata: dict[str, Any], *, compressed: bool = False) -> None:
    """Writes arrays and metadata to one file, whole or not at all; makes its folder.

    Args:
        path: of the file.
        arrays: by name.
        metadata: anything that JSON holds.
        compressed: smaller, but slower to read.

    Raises:
        UserError: the folder cannot be written to.
    """
    buffer = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(buffer, metadata=np.array(json.dumps(metadata)), checksum=np.array(checksum(arrays, metadata)), **arrays)  # type: ignore[arg-type]
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def read(path: Path, hint: str) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and metadata of a file.

    Args:
        path: of the file.
        hint: what to do where it is damaged.

    Raises:
        FileNotFoundError: there is none.
        UserError: the file is damaged or cannot be read; it is left as it is.
    """
    try:
        # from memory, because numpy leaves a damaged zip file open
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = json.loads(str(arrays.pop("metadata")))
        if str(arrays.pop("checksum")) != checksum(arrays, metadata):
            raise ValueError("checksum differs")
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise UserError(f"{path}: no permission to read it; {hint}") from error
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: damaged file ({error}); {hint}") from error
    return arrays, metadata


def checksum(arrays: Arrays, metadata: dict[str, Any]) -> str:
    """64 hex digits over all of it."""
    digest = hashlib.sha256(json.dumps(metadata).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
