"""The cache of prepared data sets: one checksummed file each, written atomically.

The file name carries a hash of the content: other content is another file, so none is ever replaced while it is in use.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from vaemusic_jax.atomic import write_atomically, writing
from vaemusic_jax.errors import UserError


def cache_directory(cache_dir: str | Path | None = None) -> Path:
    """`cache_dir`, else $VAEMUSIC_CACHE, else the user's cache directory of this platform."""
    chosen = cache_dir or os.environ.get("VAEMUSIC_CACHE")
    return Path(chosen) if chosen else user_cache_path("vaemusic")


def content_key(arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> str:
    """16 hex digits over what a cache file holds."""
    return _checksum(arrays, metadata)[:16]


def write(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> None:
    """Writes arrays and metadata to one file, whole or not at all.

    Raises:
        UserError: the folder cannot be written to.
    """
    checksum = np.array(_checksum(arrays, metadata))
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(metadata)), checksum=checksum, **arrays)  # type: ignore[arg-type]
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and metadata of a cache file.

    Raises:
        FileNotFoundError: there is none.
        UserError: the file is damaged or cannot be read; it is left as it is.
    """
    try:
        # from memory, because numpy leaves a damaged zip file open
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = json.loads(str(arrays.pop("metadata")))
        if str(arrays.pop("checksum")) != _checksum(arrays, metadata):
            raise ValueError("checksum differs")
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise UserError(f"{path}: no permission to read this cache file; choose another --cache-dir") from error
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: damaged cache file ({error}); delete it and run the same command again") from error
    return arrays, metadata


def _checksum(arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(metadata).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
