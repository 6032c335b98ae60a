"""Results that were read are kept: whole, for several processes at once."""

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest

from vaemusic_jax.data.parsed_store import ParsedStore
from vaemusic_jax.errors import UserError

RESULTS = {f"key {n}": {"title": f"ü {n}", "measures": ["C4 __", "rest __"], "n": n} for n in range(1200)}


def test_what_is_put_is_got_also_later(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "read.sqlite"
    store = ParsedStore(path)
    store.put(RESULTS)
    store.close()
    store = ParsedStore(path)
    assert store.get([*RESULTS, "unknown"]) == RESULTS
    store.put({"key 0": {"n": -1}})
    assert store.get(["key 0", "key 1"]) == {"key 0": {"n": -1}, "key 1": RESULTS["key 1"]}
    assert store.get([]) == {}
    store.close()


def fill(path: Path, start: int) -> None:
    store = ParsedStore(path)
    for n in range(start, start + 60, 3):
        store.put({f"key {i}": RESULTS[f"key {i}"] for i in range(n, n + 3)})
    store.close()


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(path, start)) for start in (0, 30)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    store = ParsedStore(path)
    assert store.get(list(RESULTS)) == {key: RESULTS[key] for key in list(RESULTS)[:90]}
    store.close()


def test_a_writer_waits_for_another_to_end(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    store = ParsedStore(path)
    other = sqlite3.connect(path, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    ending = threading.Timer(0.2, other.commit)
    ending.start()
    store.put({"key": {"n": 1}})
    ending.join()
    other.close()
    assert store.get(["key"]) == {"key": {"n": 1}}
    store.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 100, b"SQLite format 3\x00" * 300])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "read.sqlite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{path}: damaged file of read music \(.*\); delete it"):
        ParsedStore(path).get(["x"])


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    store = ParsedStore(path)
    store._connection.execute("INSERT INTO parsed VALUES ('x', x'00')")
    with pytest.raises(UserError, match="damaged file of read music"):
        store.get(["x"])
    store.close()


def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    store = ParsedStore(path)
    store.put({"before": 1})
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite then says what it says of a full disk
    with pytest.raises(UserError, match=rf"{path}: cannot be written: database or disk is full"):
        store.put(RESULTS)
    store.close()
    store = ParsedStore(path)
    assert store.get(["before", *RESULTS]) == {"before": 1}  # all or none
    store.close()


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"read\.sqlite: cannot be written"):
        ParsedStore(tmp_path / "file" / "read.sqlite")
