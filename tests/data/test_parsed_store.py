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
    with ParsedStore(path) as store:
        store.put(RESULTS)
    with ParsedStore(path) as store:
        assert store.get([*RESULTS, "unknown"]) == RESULTS
        store.put({"key 0": {"n": -1}})
        assert store.get(["key 0", "key 1"]) == {"key 0": {"n": -1}, "key 1": RESULTS["key 1"]}
        assert store.get([]) == {}


def fill(path: Path, start: int) -> None:
    with ParsedStore(path) as store:
        for n in range(start, start + 60, 3):
            store.put({f"key {i}": RESULTS[f"key {i}"] for i in range(n, n + 3)})


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(path, start)) for start in (0, 30)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with ParsedStore(path) as store:
        assert store.get(list(RESULTS)) == {key: RESULTS[key] for key in list(RESULTS)[:90]}


def test_a_writer_waits_for_another_to_end(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    with ParsedStore(path) as store:
        other = sqlite3.connect(path, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        ending = threading.Timer(0.2, other.commit)
        ending.start()
        store.put({"key": {"n": 1}})
        ending.join()
        other.close()
        assert store.get(["key"]) == {"key": {"n": 1}}


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 100, b"SQLite format 3\x00" * 300])
def test_a_damaged_file_is_named_and_closed(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def connect(path: Path, timeout: float) -> sqlite3.Connection:
        opened.append(real(path, timeout=timeout))
        return opened[-1]

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", connect)
    path = tmp_path / "read.sqlite"
    path.write_bytes(content)
    with (
        pytest.raises(UserError, match=rf"{path}: damaged file of read music \(.*\); delete it"),
        ParsedStore(path) as store,
    ):
        store.get(["x"])
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    with ParsedStore(tmp_path / "read.sqlite") as store:
        store._connection.execute("INSERT INTO parsed VALUES ('x', x'00')")
        with pytest.raises(UserError, match="damaged file of read music"):
            store.get(["x"])


def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "read.sqlite"
    with ParsedStore(path) as store:
        store.put({"before": 1})
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite then reports a full disk
        with pytest.raises(UserError, match=rf"{path}: cannot be written: database or disk is full"):
            store.put(RESULTS)
    with ParsedStore(path) as store:
        assert store.get(["before", *RESULTS]) == {"before": 1}  # all or none


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"read\.sqlite: cannot be written"):
        ParsedStore(tmp_path / "file" / "read.sqlite")
