"""A run that may not be read is refused in one line."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runs.test_directory import start
from vaemusic_jax import cli
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with start(tmp_path / "run") as run:
        yield run


def test_a_folder_that_may_not_be_read_is_one_line(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tests may run as root, whom permissions do not stop, so the calls that would be refused are replaced."""
    store = CheckpointStore(run.cohort_path(run.cohorts[0]))
    run.close()

    def refuse(path: Path, *args: Any, **options: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    for method, work in {
        "is_file": lambda: RunDirectory.read(run.path),
        "is_dir": store.latest_step,
        "iterdir": lambda: RunDirectory.reopen(run.path),
    }.items():
        with monkeypatch.context() as patch:
            patch.setattr(Path, method, refuse)
            with pytest.raises(UserError, match="cannot be read: permission denied; ask its owner to allow it"):
                work()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", refuse)
        assert cli.run(["status", str(run.path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith("cannot be read: permission denied; ask its owner to allow it")
