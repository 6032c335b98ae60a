"""One process at a time writes to a run, whatever happens to the lock file, and file systems without locks are told."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runs.test_directory import start
from vaemusic_jax import cli
from vaemusic_jax.runs import lock
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.lock import BusyError, is_at_work, unchanging


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with start(tmp_path / "run") as run:
        yield run


@pytest.mark.parametrize("replaced", [False, True])
def test_a_removed_lock_file_admits_no_second_writer(run: RunDirectory, replaced: bool) -> None:
    (run.path / ".lock").unlink()
    if replaced:
        (run.path / ".lock").touch()
    for work in (RunDirectory.reopen, lambda path: unchanging(path).__enter__()):
        with pytest.raises(BusyError, match="run: another process is working on this run"):
            work(run.path)
    assert is_at_work(run.path) is True
    run.close()
    assert is_at_work(run.path) is False
    with RunDirectory.reopen(run.path):
        assert is_at_work(run.path) is True
    assert is_at_work(run.path) is False


def test_the_lock_file_alone_keeps_others_out(run: RunDirectory) -> None:
    """As for writers of other hosts on a network file system, and of earlier versions."""
    run.close()
    held = os.open(run.path / ".lock", os.O_RDWR)
    lock.fcntl.flock(held, lock.fcntl.LOCK_EX)
    try:
        with pytest.raises(BusyError):
            RunDirectory.reopen(run.path)
        assert is_at_work(run.path) is True
    finally:
        os.close(held)
    RunDirectory.reopen(run.path).close()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_and_works(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    run.close()

    def flock(*args: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    assert is_at_work(run.path) is None
    for work in (lambda: RunDirectory.reopen(run.path).close(), lambda: unchanging(run.path).__enter__()):
        work()
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{run.path}: this file system has no locks")
    assert cli.run(["status", str(run.path)]) == 0
    assert "is not known, since this file system has no locks" in capsys.readouterr().out


def test_locks_on_files_alone_are_enough(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on NFS, which has no exclusive locks on folders."""
    run.close()
    real = lock.fcntl.flock

    def flock(descriptor: int, kind: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir():
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(descriptor, kind)

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with RunDirectory.reopen(run.path):
        assert is_at_work(run.path) is True
    assert is_at_work(run.path) is False
