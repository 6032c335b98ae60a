"""Files that are whole or absent, whatever happens while they are written."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vaemusic_jax.errors import UserError


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces the file at once: a reader, or a crash at any moment, meets the old content or the new.

    Raises:
        UserError: the disk is full, the folder is read-only and the like; the old file stands.
    """
    with writing(path):
        # In the same folder, since a rename is atomic only within a file system.
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the rename itself
        finally:
            os.close(folder)


def check_writable(path: Path) -> None:
    """Raises UserError when a file cannot be written there, before the work that it is to hold."""
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        reason = "a folder" if path.is_dir() else "no such folder" if not folder.is_dir() else "no permission"
        raise UserError(f"{path}: cannot be written: {reason}; choose another place")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError raised within into a UserError that names the path."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "free the disk or choose another place" if error.errno == errno.ENOSPC else "choose another place"
        raise UserError(f"{path}: cannot be written: {reason}; {hint}") from error


def _umask() -> int:
    """The process's, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
