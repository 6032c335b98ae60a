"""The cache: atomic, checksummed, keyed by everything that shapes the content."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaemusic_jax.data import cache
from vaemusic_jax.errors import UserError

ARRAYS: dict[str, np.ndarray] = {
    "tokens": np.arange(240, dtype=np.uint8).reshape(10, 24),
    "tune": np.arange(10, dtype=np.int32),
}
METADATA: dict[str, Any] = {"vocabulary": "[]", "report": {"kept": 10, "ü": [1, 2]}}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "irish_folk-0123.npz"
    cache.write(path, ARRAYS, METADATA)
    return path


def test_what_is_written_is_read_and_nothing_else_is_left(written: Path) -> None:
    arrays, metadata = cache.read(written)
    assert metadata == METADATA
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert os.listdir(written.parent) == [written.name]


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cache.read(tmp_path / "absent.npz")


def damages(content: bytes) -> dict[str, bytes]:
    middle = content.index(bytes(range(40, 60)))  # inside the tokens
    flipped = bytearray(content)
    flipped[middle] ^= 1
    return {
        "empty": b"",
        "cut in half": content[: len(content) // 2],
        "last byte missing": content[:-1],
        "one bit of the data flipped": bytes(flipped),
        "something else": b"hello" * 100,
        "an array without metadata": npy(),
    }


def npy() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, tokens=ARRAYS["tokens"])
    return buffer.getvalue()


@pytest.mark.parametrize("kind", list(damages(bytes(range(256)))))
def test_a_damaged_file_is_named_and_left_alone(written: Path, kind: str) -> None:
    damaged = damages(written.read_bytes())[kind]
    written.write_bytes(damaged)
    with pytest.raises(UserError, match=rf"{written}: damaged file .*; delete it and run the same command again"):
        cache.read(written)
    assert written.read_bytes() == damaged


def test_swapped_content_is_noticed_although_each_part_is_whole(written: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    cache.write(other, {**ARRAYS, "tune": ARRAYS["tune"] + 1}, METADATA)
    with np.load(written) as file:
        parts = {name: file[name] for name in file.files}
    with np.load(other) as file:
        parts["tune"] = file["tune"]
    np.savez(written, **parts)
    with pytest.raises(UserError, match="checksum"):
        cache.read(written)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"file/x.npz: cannot be written"):
        cache.write(tmp_path / "file" / "x.npz", ARRAYS, METADATA)


def test_a_full_disk_leaves_no_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    cache.write(tmp_path / "x.npz", ARRAYS, METADATA)
    before = (tmp_path / "x.npz").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="no space left on device"):
        cache.write(tmp_path / "x.npz", {**ARRAYS, "tune": ARRAYS["tune"] + 1}, METADATA)
    assert os.listdir(tmp_path) == ["x.npz"]
    assert (tmp_path / "x.npz").read_bytes() == before


def test_the_key_depends_on_all_that_is_held() -> None:
    keys = {
        cache.content_key(ARRAYS, METADATA),
        cache.content_key({**ARRAYS, "tune": ARRAYS["tune"] + 1}, METADATA),
        cache.content_key({**ARRAYS, "tune": ARRAYS["tune"].astype(np.int64)}, METADATA),
        cache.content_key(ARRAYS, {**METADATA, "vocabulary": "[1]"}),
    }
    assert len(keys) == 4
    assert cache.content_key(dict(reversed(ARRAYS.items())), METADATA) in keys


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAEMUSIC_CACHE", str(tmp_path / "from environment"))
    assert cache.cache_directory(tmp_path) == tmp_path
    assert cache.cache_directory() == tmp_path / "from environment"
    monkeypatch.delenv("VAEMUSIC_CACHE")
    assert cache.cache_directory().name == "vaemusic"
