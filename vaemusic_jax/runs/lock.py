"""The lock of a run directory: one process at a time may write, and none while the files are copied.

It is a lock of the operating system on the file `.lock`, so it is released when the process that holds it ends, in
whatever way.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import writing

LOCK = ".lock"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Takes the lock of a run directory for writing, and releases it only if the `with` block raises.

    Yields:
        The file descriptor of the lock, which is released when it is closed.

    Raises:
        UserError: another process holds the lock, or the lock file cannot be created.
    """
    with writing(path / LOCK):
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with writing(path / LOCK):
            _take(path, lock, fcntl.LOCK_EX)
        yield lock
    except BaseException:
        os.close(lock)
        raise


@contextlib.contextmanager
def unchanging(path: Path) -> Iterator[None]:
    """Prevents every process from writing to a run directory during the `with` block, which may only read it.

    Raises:
        UserError: a process is writing to it.
    """
    try:
        lock = os.open(path / LOCK, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):  # a copy without hidden files, to which no process has written
        yield
        return
    try:
        _take(path, lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def is_at_work(path: Path) -> bool:
    """Returns whether a process is writing to a run directory now."""
    try:
        with unchanging(path):
            return False
    except UserError:
        return True


def _take(path: Path, lock: int, kind: int) -> None:
    """Takes a lock without waiting. Raises UserError if another process holds it."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{path}: another process is working on this run; wait for it or stop it") from None
