"""Who may write to a run directory: one process at a time, and none while its files are copied.

The lock is the operating system's, on the file `.lock`: it goes with the process that has it, however that ends.
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
    """Takes the lock of a run directory and gives it back only if what is done within fails.

    Raises:
        UserError: another process has it; the file cannot be made.
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
    """Keeps every process from writing to a run directory; writes nothing itself.

    Raises:
        UserError: a process is at work on it.
    """
    try:
        lock = os.open(path / LOCK, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):  # a copy without hidden files: nothing has been at work on it
        yield
        return
    try:
        _take(path, lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def is_at_work(path: Path) -> bool:
    """Whether a process is writing to a run directory now."""
    try:
        with unchanging(path):
            return False
    except UserError:
        return True


def _take(path: Path, lock: int, kind: int) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{path}: another process is working on this run; wait for it or stop it") from None
