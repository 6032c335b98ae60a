"""Storage of named arrays and their metadata in one checksummed `.npz` file, written atomically."""

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
    """Writes arrays and metadata to one file, whole or not at all, and creates its folder.

    Args:
        path: where the file is written.
        arrays: the arrays by name.
        metadata: a dictionary that JSON can hold.
        compressed: whether to compress the arrays, which makes the file smaller but slower to read.

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
    """Reads the arrays and the metadata of a file that `write` made.

    Args:
        path: the file to read.
        hint: what the user can do if the file is damaged; it ends the error message.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the file is damaged or cannot be read; it is left as it is.
    """
    try:
        # The file is read into memory first, because numpy leaves a damaged zip file open.
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
    """Returns the SHA-256 digest of arrays and metadata as 64 hex digits."""
    digest = hashlib.sha256(json.dumps(metadata).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
