"""The cache of prepared data sets: one checksummed file each, written atomically.

The file name carries a hash of the content, so different contents never share a file, and no file is replaced while it
is in use.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from vaemusic_jax.errors import UserError
from vaemusic_jax.support import arrays_file

HINT = "delete it and run the same command again, or choose another --cache-dir"


_chosen: ContextVar[Path | None] = ContextVar("cache directory", default=None)


@contextlib.contextmanager
def cached_in(folder: Path | None) -> Iterator[None]:
    """Makes a folder the cache directory of the `with` block, unless it is None."""
    token = _chosen.set(folder)
    try:
        yield
    finally:
        _chosen.reset(token)


def check_writable(cache_dir: str | Path | None = None) -> None:
    """Makes the cache directory. Raises UserError if it cannot be written, and says how to choose another."""
    folder = cache_directory(cache_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(
            f"{folder}: cannot be written: {reason}; name another folder for prepared data with --cache-dir, or in the "
            "environment variable VAEMUSIC_CACHE"
        ) from error


def cache_directory(cache_dir: str | Path | None = None) -> Path:
    """`cache_dir`, else $VAEMUSIC_CACHE, else the user's cache directory of this platform."""
    chosen = cache_dir or _chosen.get() or os.environ.get("VAEMUSIC_CACHE")
    return Path(chosen) if chosen else user_cache_path("vaemusic")


def content_key(arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> str:
    """Returns 16 hex digits over what a cache file holds."""
    return arrays_file.checksum(arrays, metadata)[:16]


def write(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> None:
    """Writes arrays and metadata to one file, whole or not at all. Raises UserError."""
    arrays_file.write(path, arrays, metadata)


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads arrays and metadata from a cache file.

    Raises:
        FileNotFoundError: there is none.
        UserError: the file is damaged or cannot be read; it is left as it is.
    """
    return arrays_file.read(path, HINT)
