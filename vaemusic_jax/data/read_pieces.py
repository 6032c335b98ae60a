"""Reads pieces of music into measures, in worker processes; counts every dropped measure and keeps every result."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.parsed_store import ParsedStore
from vaemusic_jax.data.pieces import NO_ACCESS, Piece
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError
from vaemusic_jax.data.workers import Limits, available_cores, worker_pool
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.grid import Grid
from vaemusic_jax.support.progress import Progress, no_progress

Measure = tuple[str, ...]
Result = TypeVar("Result")

MOST_WORKERS = 16
PIECES_PER_TASK = 32
BYTES_PER_TASK = 32_768
# A worker starts in about the time that it takes to read this many tunes
PIECES_PER_WORKER = 200
RESULTS_PER_WRITE = 256
PIECES_AT_A_TIME, BYTES_AT_A_TIME = 512, 2**25
TASKS_PER_WORKER = 3  # that wait, so that no worker does

TOO_MUCH_MEMORY = "takes more memory than a file may"
TOO_LONG = "takes longer than a file may"
READER_FAILED = "the reader failed"
READER_DIED = "the reader's process died"
NO_PROCESSES = "the processes that read music cannot be started, or are killed as soon as they are; free memory"


@dataclass
class Parsed:
    """The result of reading one piece.

    Attributes:
        title: as written.
        measures: the token names of each, voice after voice.
        written: number of written measures, kept or not.
        drops: reason -> measures.
        other_metres: metre -> measures dropped for it.
        repaired: what a rule had to complete -> notes.
        failure: why the piece as a whole gave nothing, or empty.
        unreadable: the failure is of the file or text, not of the music.
    """

    title: str = ""
    measures: list[Measure] = field(default_factory=list)
    written: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    other_metres: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    unreadable: bool = False

    @classmethod
    def failed(cls, reason: str) -> Parsed:
        return cls(failure=reason, unreadable=True)

    def to_json(self) -> dict[str, Any]:
        return vars(self) | {"measures": [" ".join(measure) for measure in self.measures]}

    @classmethod
    def from_json(cls, plain: dict[str, Any], known: dict[str, Measure]) -> Parsed:
        """The inverse of `to_json`; `known` lets equal measures share their memory."""
        measures = [known.setdefault(text, tuple(text.split(" "))) for text in plain["measures"]]
        counters = {name: Counter(plain[name]) for name in ("drops", "other_metres", "repaired")}
        return cls(**(plain | counters | {"measures": measures}))


def read_piece(kind: str, content: bytes, reading: Reading) -> Parsed:
    """Reads one piece and puts its bars on the grid; never raises on account of the content."""
    parsed = result_or_reason(kind, content, reading, lambda tunes: parsed_of(tunes, reading.grid))
    return Parsed.failed(parsed) if isinstance(parsed, str) else parsed


def result_or_reason(kind: str, content: bytes, reading: Reading, use: Callable[[list[Tune]], Result]) -> Result | str:
    """Reads one piece and returns what `use` makes of it, or why it cannot be read; never raises on account of it."""
    try:
        return use(READERS[kind].read(content, reading))
    except UnreadableTuneError as error:
        return str(error)
    except MemoryError:
        return TOO_MUCH_MEMORY
    except Exception as error:  # a fault of the reader must not cost the other pieces, and must show
        return f"{READER_FAILED} ({type(error).__name__})"


def import_readers() -> None:
    """The first call of every worker. Nothing is left to do: to call it, the worker has imported every reader."""


def parsed_of(tunes: Sequence[Tune], grid: Grid) -> Parsed:
    """Puts the bars of tunes on the grid."""
    parsed = Parsed(title=next((tune.title for tune in tunes if tune.title), ""))
    for tune in tunes:
        parsed.repaired += tune.repaired
    for bar in (bar for tune in tunes for voice in tune.voices for bar in voice):
        parsed.written += 1
        tokens = bar_to_tokens(bar, grid)
        if isinstance(tokens, Drop):
            parsed.drops[tokens.value] += 1
            if tokens is Drop.METRE:
                parsed.other_metres[bar.metre[:20] or "none"] += 1
        else:
            parsed.measures.append(tokens)
    if not parsed.measures:
        only_reason = next(iter(parsed.drops), "no music") if len(parsed.drops) < 2 else "no usable measure"
        parsed.failure = only_reason
    return parsed


def run_task(task: tuple[Reading, list[tuple[str, bytes]]]) -> list[dict[str, Any]]:
    """Reads some pieces, in a worker; returns their results as plain JSON."""
    reading, pieces = task
    return [read_piece(kind, content, reading).to_json() for kind, content in pieces]


def parse_all(
    pieces: Sequence[Piece],
    reading: Reading,
    store: ParsedStore,
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> list[Parsed]:
    """Reads pieces in worker processes; the result is in their order and does not depend on `workers`.

    Results go to the store as they come, and a piece that has one there is not read again. A piece that failed on a
    limit, or whose worker died, gets none and is tried again each time.

    Args:
        pieces: what to read.
        reading: what to take from it.
        store: of results.
        limits: what one piece may take.
        workers: processes; None takes one per available core, and fewer for a few pieces.
        progress: shows it.

    Raises:
        UserError: fewer than one worker, or a store that cannot be written.
    """
    if workers is not None and workers < 1:
        raise UserError(f"workers: {workers} processes cannot read anything; give 1 or more")
    workers = workers or min(available_cores(), MOST_WORKERS, 1 + len(pieces) // PIECES_PER_WORKER)
    run = _Run(pieces, reading, store, limits or Limits(), workers)
    with progress("reading music", total=len(pieces), unit="pieces") as advance, closing(run.steps()) as steps:
        for n in steps:
            advance(n)
    return [run.results[index] for index in range(len(pieces))]


@dataclass(frozen=True)
class _Waiting:
    """A piece that has to be read."""

    index: int
    key: str
    kind: str
    content: bytes


class _Run:
    """Reads many pieces: `steps` reads them, and `results` then holds the result of each, by its number."""

    def __init__(
        self, pieces: Sequence[Piece], reading: Reading, store: ParsedStore, limits: Limits, workers: int
    ) -> None:
        self.results: dict[int, Parsed] = {}
        self._pieces, self._reading, self._store, self._limits, self._workers = pieces, reading, store, limits, workers
        self._running: dict[Future[Any], list[_Waiting]] = {}
        self._unwritten: dict[str, dict[str, Any]] = {}
        self._known: dict[str, Measure] = {}

    def steps(self) -> Generator[int]:
        """Reads everything, in steps; yields how many pieces each has finished.

        Closing it keeps what was read.
        """
        with ExitStack() as stack:
            stack.callback(self._write)  # what was read before an interrupt, too
            schedule = None
            for some in self._windows():
                missing = self._look_up(some)
                yield len(some) - len(missing)
                for task in _tasks(missing):
                    schedule = schedule or stack.enter_context(worker_pool(self._workers, self._limits, import_readers))
                    self._start(schedule, task)
                    while len(self._running) >= TASKS_PER_WORKER * self._workers:
                        yield self._finish(schedule)
            while schedule and self._running:
                yield self._finish(schedule)

    def _windows(self) -> Iterator[list[_Waiting]]:
        """Opens the pieces, some at a time, because all of them together may not fit into memory."""
        some: list[_Waiting] = []
        size = 0
        for index, piece in enumerate(self._pieces):
            try:
                content = piece.content()
            except OSError:
                self.results[index] = Parsed.failed(NO_ACCESS)
                content = b""
            key = hashlib.sha256(f"{piece.kind} {self._reading}\n".encode() + content).hexdigest()
            some.append(_Waiting(index, key, piece.kind, content))
            size += len(content)
            if len(some) >= PIECES_AT_A_TIME or size >= BYTES_AT_A_TIME:
                yield some
                some, size = [], 0
        yield some

    def _look_up(self, some: list[_Waiting]) -> list[_Waiting]:
        """Takes results from the store; returns the pieces that it does not have."""
        stored = self._store.get([each.key for each in some])
        for each in some:
            if each.key in stored and each.index not in self.results:
                self.results[each.index] = Parsed.from_json(stored[each.key], self._known)
        return [each for each in some if each.index not in self.results]

    def _start(self, schedule: Callable[..., Future[Any]], task: list[_Waiting]) -> None:
        self._running[schedule(run_task, (self._reading, [(each.kind, each.content) for each in task]))] = task

    def _finish(self, schedule: Callable[..., Future[Any]]) -> int:
        """Waits for some running task; returns how many pieces are finished with it."""
        from pebble import ProcessExpired

        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        finished = 0
        for future in done:
            task = self._running.pop(future)
            try:
                results = future.result()
            except BrokenProcessPool as error:
                raise UserError(f"{NO_PROCESSES}, or take fewer with --workers") from error
            except (TimeoutError, ProcessExpired) as error:
                if len(task) > 1:  # each alone, to see which one it was
                    for each in task:
                        self._start(schedule, [each])
                    continue
                self.results[task[0].index] = Parsed.failed(
                    TOO_LONG if isinstance(error, TimeoutError) else READER_DIED
                )
            else:
                for each, result in zip(task, results, strict=True):
                    self._keep(each, result)
            finished += len(task)
        return finished

    def _keep(self, piece: _Waiting, result: dict[str, Any]) -> None:
        parsed = self.results[piece.index] = Parsed.from_json(result, self._known)
        if not parsed.failure.startswith((TOO_MUCH_MEMORY, READER_FAILED)):  # another time it may go well
            self._unwritten[piece.key] = result
        if len(self._unwritten) >= RESULTS_PER_WRITE:
            self._write()

    def _write(self) -> None:
        self._store.put(self._unwritten)
        self._unwritten = {}


def _tasks(pieces: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
    """Puts small pieces into one task, because each task costs a message to a worker and back."""
    task: list[_Waiting] = []
    size = 0
    for piece in pieces:
        if task and (len(task) >= PIECES_PER_TASK or size + len(piece.content) > BYTES_PER_TASK):
            yield task
            task, size = [], 0
        task.append(piece)
        size += len(piece.content)
    if task:
        yield task
