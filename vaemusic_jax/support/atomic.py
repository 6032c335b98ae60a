"""Atomic writing: a file has either its old or its new content, whatever happens while it is written."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vaemusic_jax.errors import UserError


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file in one step: a reader, or a crash at any moment, finds either the old or the new content.

    Raises:
        UserError: the file cannot be written, because the disk is full, the folder is read-only or the like. The old
            file stays as it is.
    """
    with writing(path):
        # The temporary file lies in the same folder, since a rename is atomic only within a file system.
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
            os.fsync(folder)  # makes the rename itself durable
        finally:
            os.close(folder)


def check_writable(path: Path) -> None:
    """Raises UserError if a file cannot be written to `path`; called before the work whose result it will hold."""
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        reason = "a folder" if path.is_dir() else "no such folder" if not folder.is_dir() else "no permission"
        raise UserError(f"{path}: cannot be written: {reason}; choose another place")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError that is raised in the `with` block into a UserError that names the path."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "free the disk or choose another place" if error.errno == errno.ENOSPC else "choose another place"
        raise UserError(f"{path}: cannot be written: {reason}; {hint}") from error


def _umask() -> int:
    """Returns the file mode mask of the process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
