"""Reading many pieces in worker processes: the result, what is kept, and what a bad piece costs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from vaemusic_jax.data import read_pieces
from vaemusic_jax.data.parsed_store import ParsedStore
from vaemusic_jax.data.pieces import NO_ACCESS, Piece
from vaemusic_jax.data.read_pieces import (
    READER_DIED,
    READER_FAILED,
    TOO_LONG,
    TOO_MUCH_MEMORY,
    Parsed,
    parse_all,
    read_piece,
)
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.tunes import Reading, Tune
from vaemusic_jax.data.workers import Limits
from vaemusic_jax.errors import UserError

READING = Reading()
REPOSITORY = Path(__file__).parents[2]


def tune(number: int) -> Piece:
    music = "|".join(f"{'CDEFGAB'[(number // 7**place) % 7]}8" for place in range(4))
    return Piece(str(number), "abc", str(number), Path("book.abc"), f"X:{number}\nT:{number}\nM:4/4\nK:C\n{music}|")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParsedStore]:
    with ParsedStore(tmp_path / "read.sqlite") as store:
        yield store


def test_workers_and_the_store_change_nothing(store: ParsedStore, tmp_path: Path) -> None:
    pieces = [tune(n) for n in range(100)]
    direct = [read_piece(piece.kind, piece.content(), READING) for piece in pieces]
    assert [each.title for each in direct] == [piece.name for piece in pieces]
    assert parse_all(pieces, READING, store, workers=1) == direct
    assert parse_all(pieces, READING, store, workers=1) == direct  # from the store
    with ParsedStore(tmp_path / "other.sqlite") as other:
        assert parse_all(pieces, READING, other, workers=2) == direct


def test_only_what_is_new_is_read(store: ParsedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    parse_all([tune(n) for n in range(10)], READING, store)
    read: list[str] = []

    @contextmanager
    def pool(workers: int, limits: Limits, start: Callable[[], None]) -> Iterator[Callable[..., object]]:
        def schedule(function: Callable[..., object], task: tuple[Reading, list[tuple[str, bytes]]]) -> object:
            read.extend(content.decode() for _, content in task[1])
            return executor.submit(function, task)

        with ThreadPoolExecutor(1) as executor:
            yield schedule

    monkeypatch.setattr(read_pieces, "worker_pool", pool)
    pieces = [tune(n) for n in range(5, 12)]
    assert len(parse_all(pieces, READING, store)) == 7
    assert read == [str(piece.text) for piece in pieces[5:]]
    parse_all(pieces, Reading(voices="all"), store)
    assert len(read) == 2 + 7  # another reading is another result


def test_progress_counts_every_piece(store: ParsedStore) -> None:
    opened, counted = [], []

    @contextmanager
    def progress(description: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[..., None]]:
        opened.append((total, unit))
        yield lambda n=1, note="": counted.append(n)

    parse_all([tune(n) for n in range(70)], READING, store, workers=1, progress=progress)
    parse_all([tune(n) for n in range(80)], READING, store, workers=1, progress=progress)
    assert opened == [(70, "pieces"), (80, "pieces")]
    assert sum(counted) == 150


def test_no_workers_are_refused(store: ParsedStore) -> None:
    with pytest.raises(UserError, match="workers: 0"):
        parse_all([], READING, store, workers=0)
    with pytest.raises(UserError, match="seconds per file: 0 is no sensible limit"):
        Limits(seconds=0)


def test_a_piece_that_cannot_be_opened(store: ParsedStore) -> None:
    pieces = [Piece("gone.mid", "midi", "gone", Path("gone.mid")), tune(1)]
    first, second = parse_all(pieces, READING, store)
    assert first == Parsed.failed(NO_ACCESS)
    assert second.measures


# Readers that misbehave, for the tests below: workers import them from here.


def reader_that_hangs(data: bytes, reading: Reading) -> list[Tune]:
    while True:
        time.sleep(1)


def reader_that_dies(data: bytes, reading: Reading) -> list[Tune]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return []


def reader_that_takes_memory(data: bytes, reading: Reading) -> list[Tune]:
    return [Tune("x" * 2**31, ())]


def reader_with_a_fault(data: bytes, reading: Reading) -> list[Tune]:
    raise ZeroDivisionError


BAD = {
    "hangs": (reader_that_hangs, TOO_LONG),
    "dies": (reader_that_dies, READER_DIED),
    "takes_memory": (reader_that_takes_memory, TOO_MUCH_MEMORY),
    "fails": (reader_with_a_fault, f"{READER_FAILED} (ZeroDivisionError)"),
}


def run_bad_task(task: tuple[Reading, list[tuple[str, bytes]]]) -> list[dict[str, object]]:
    """As `read_pieces.run_task`, with the readers above under kinds of their own."""
    for kind, (reader, _) in BAD.items():
        READERS[kind] = Reader(kind, (), reader)
    return read_pieces.run_task(task)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_piece_costs_itself_alone(store: ParsedStore, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    good = [tune(n) for n in range(12)]
    bad = [Piece(kind, kind, kind, Path("book.abc"), kind) for kind in BAD]
    pieces = [each for i, piece in enumerate(good) for each in ([bad[i // 3], piece] if i % 3 == 1 else [piece])]
    with monkeypatch.context() as patch:
        patch.setattr(read_pieces, "run_task", run_bad_task)
        limits = Limits(seconds=1.5, memory=256)
        results = dict(
            zip(
                (p.name for p in pieces), parse_all(pieces, READING, store, limits=limits, workers=workers), strict=True
            )
        )
    for kind, (_, reason) in BAD.items():
        assert results[kind] == Parsed.failed(reason)
    for piece in good:
        assert results[piece.name] == read_piece("abc", piece.content(), READING)
    kept = store._connection.execute("SELECT count(*) FROM parsed").fetchone()[0]
    assert kept == len(good)  # what was only bad luck, perhaps, is tried anew


def test_a_script_without_main_guard_is_run_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('started')\n"
        "from pathlib import Path\n"
        "from vaemusic_jax.data.read_pieces import parse_all\n"
        "from vaemusic_jax.data.parsed_store import ParsedStore\n"
        "from vaemusic_jax.data.pieces import Piece\n"
        "from vaemusic_jax.data.tunes import Reading\n"
        "pieces = [Piece(str(n), 'abc', '', Path(), f'X:{n}') for n in range(100)]\n"
        f"with ParsedStore(Path({str(tmp_path / 'read.sqlite')!r})) as store:\n"
        "    print(len(parse_all(pieces, Reading(), store, workers=2)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=environment)
    assert (result.stdout, result.stderr) == ("started\n100\n", "")


def test_an_interrupt_keeps_what_was_read(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from contextlib import contextmanager\n"
        "from pathlib import Path\n"
        "from vaemusic_jax.data.read_pieces import parse_all\n"
        "from vaemusic_jax.data.parsed_store import ParsedStore\n"
        "from vaemusic_jax.data.pieces import Piece\n"
        "from vaemusic_jax.data.tunes import Reading\n"
        "@contextmanager\n"
        "def progress(description, total, unit):\n"
        "    def advance(n=1, note=''):\n"
        "        print(n, flush=True)\n"
        "        sys.stdin.readline()\n"
        "    yield advance\n"
        "pieces = [Piece(str(n), 'abc', '', Path(), f'X:{n}\\nK:C\\nC8|') for n in range(400)]\n"
        f"with ParsedStore(Path({str(tmp_path / 'read.sqlite')!r})) as store:\n"
        "    parse_all(pieces, Reading(), store, workers=2, progress=progress)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    done = 0
    while not done:
        done += int(process.stdout.readline())
        if not done:
            process.stdin.write("\n")
            process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode != 0
    with ParsedStore(tmp_path / "read.sqlite") as store:
        kept = store._connection.execute("SELECT count(*) FROM parsed").fetchone()[0]
    assert done <= kept < 400, said
