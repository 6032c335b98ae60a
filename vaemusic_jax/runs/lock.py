"""The lock of a run directory: one process at a time may write, and none while the files are copied.

It consists of two locks of the operating system, which are released when the process that holds them ends, in whatever
way: one on the folder itself, which stays when somebody removes the file `.lock`, and one on that file, which also
excludes processes of other hosts on network file systems, where a lock on a folder holds for one host only.
"""

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import writing
from vaemusic_jax.support.event_log import warn

LOCK = ".lock"
# What file systems without locks answer, such as Lustre without `-o flock` or NFS without its lock service. EBADF is
# NFS's answer to an exclusive lock on what is open for reading only.
WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF)

log = logging.getLogger(__name__)


class BusyError(UserError):
    """Raised if another process holds the lock of a run directory."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """Takes the lock of a run directory for writing, and releases it only if the `with` block raises.

    On a file system without locks a warning says so, and the work goes on without a lock.

    Yields:
        The function that releases the lock.

    Raises:
        UserError: another process holds the lock, or the lock file cannot be created.
    """
    held = contextlib.ExitStack()
    try:
        with writing(path / LOCK):
            folder = _opened(held, path, os.O_RDONLY)
            file = _opened(held, path / LOCK, os.O_RDWR | os.O_CREAT)
            if not _take(path, [folder, file], fcntl.LOCK_EX):
                _warn_of_no_locks(path)
        yield held.close
    except BaseException:
        held.close()
        raise


@contextlib.contextmanager
def unchanging(path: Path) -> Iterator[None]:
    """Prevents every process from writing to a run directory during the `with` block, which may only read it.

    On a file system without locks a warning says so, and the work goes on without a lock.

    Raises:
        UserError: a process is writing to it.
    """
    with contextlib.ExitStack() as held:
        if not _take(path, _readable(held, path), fcntl.LOCK_SH):
            _warn_of_no_locks(path)
        yield


def is_at_work(path: Path) -> bool | None:
    """Returns whether a process is writing to a run directory now; None on a file system without locks."""
    with contextlib.ExitStack() as held:
        try:
            return False if _take(path, _readable(held, path), fcntl.LOCK_SH) else None
        except BusyError:
            return True


def _opened(held: contextlib.ExitStack, path: Path, flags: int) -> int:
    """Opens a file or a folder until `held` is closed and returns its descriptor."""
    descriptor = os.open(path, flags, 0o666)
    held.callback(os.close, descriptor)
    return descriptor


def _readable(held: contextlib.ExitStack, path: Path) -> list[int]:
    """Opens what can be read of a run's folder and its lock file; a copy may lack hidden files."""
    found = []
    for each in (path, path / LOCK):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            found.append(_opened(held, each, os.O_RDONLY))
    return found


def _take(path: Path, descriptors: list[int], kind: int) -> bool:
    """Takes locks without waiting. Returns whether the file system has any. Raises BusyError if another holds one."""
    n_refused = 0
    for descriptor in descriptors:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{path}: another process is working on this run; wait for it or stop it") from None
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            n_refused += 1
    return not descriptors or n_refused < len(descriptors)


def _warn_of_no_locks(path: Path) -> None:
    warn(
        log,
        f"{path}: this file system has no locks, so a second process is not kept out of this run; make sure that only "
        "one works on it, or choose a folder on another file system",
    )
