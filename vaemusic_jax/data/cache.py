"""The cache of prepared data sets: one checksummed file each, written atomically.

The file name carries a key over everything that shapes the content, so a file is never out of date; a change of the
sources, the parameters or the code that reads them leads to another file.
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

#: Modules whose code shapes a data set, relative to the package.
SHAPING_CODE = (
    "vocabulary.py",
    "data/abc_fields.py",
    "data/abc_reader.py",
    "data/abc_voice.py",
    "data/dataset.py",
    "data/grid.py",
    "data/parse.py",
    "data/split.py",
    "data/tune.py",
    "data/tune_book.py",
)


def cache_directory(cache_dir: str | Path | None = None) -> Path:
    """`cache_dir`, else $VAEMUSIC_CACHE, else the user's cache directory of this platform."""
    chosen = cache_dir or os.environ.get("VAEMUSIC_CACHE")
    return Path(chosen) if chosen else user_cache_path("vaemusic")


def content_key(parameters: dict[str, Any], files: list[tuple[str, bytes]]) -> str:
    """16 hex digits over the parameters, the sources' names and bytes, and the code that turns them into a data set."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    for name, content in [*files, *((code, (package / code).read_bytes()) for code in SHAPING_CODE)]:
        digest.update(f"\n{name}\n".encode())
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


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
