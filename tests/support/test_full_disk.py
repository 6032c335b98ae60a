"""A disk that is really full: a small one of its own, in memory."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import chex
import numpy as np
import pytest

from tests.runs.test_checkpoint import OWNER, arrays
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import CheckpointStore

KIB = 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 256 KiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no right to mount a disk here: {error}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize("room", [0, 4 * KIB, 32 * KIB, 40 * KIB])
def test_a_full_disk_is_one_line_and_costs_nothing(
    room: int, disk: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Full at once, before the arrays are written, and while they are."""
    store = CheckpointStore(disk)
    large = arrays(2) | {"noise": np.random.default_rng(0).integers(0, 256, (3, 8 * KIB), np.uint8)}
    store.save(1, arrays(1), OWNER)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - room))
    with pytest.raises(UserError, match="cannot be written: no space left on device; free the disk") as refused:
        store.save(2, large, OWNER)
    assert str(refused.value).startswith(f"{store.path}: ")
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert store.latest_step() == 1
    chex.assert_trees_all_equal(store.arrays(), arrays(1))
    ballast.unlink()
    store.save(2, large, OWNER)
    chex.assert_trees_all_equal(store.arrays(), large)
