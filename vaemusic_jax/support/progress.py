"""Progress display of long work: a bar with rate and time left on a terminal, otherwise plain lines every few seconds.

Both are written to stderr, so that tables on stdout can be piped.

    with progress_bar("training", total=2000, unit="steps") as advance:
        advance(50, note="accuracy .81")

Functions that may take long accept ``progress: Progress``: ``progress_bar`` shows it, ``no_progress`` is silent.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich import progress as rich_progress
from rich.text import Text

from vaemusic_jax.support.terminal import SafeConsole
from vaemusic_jax.support.words import duration

PLAIN_SECONDS = 5.0  # the shortest time between two plain lines


class Advance(Protocol):
    """Reports that ``n`` more units are done; a ``note`` that is not empty replaces the remark at the line's end."""

    def __call__(self, n: int = 1, note: str = "") -> None: ...


class Progress(Protocol):
    """The type of ``progress_bar`` and ``no_progress``, which open the display of one piece of work."""

    def __call__(self, description: str, total: int, unit: str, done: int = 0) -> AbstractContextManager[Advance]: ...


@contextmanager
def progress_bar(description: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """Shows the progress of ``total`` units of work, named by the plural ``unit`` ("tunes", "steps").

    ``done`` units were done by an earlier process; they count, and rates are those of this process. A single unit has
    neither a count nor a rate.
    """
    console = SafeConsole(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        lines = PlainLines(description, total, unit, write=lambda line: console.print(line, soft_wrap=True))
        yield lines.advance
        lines.close()
        return
    with rich_progress.Progress(
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(bar_width=24),
        _CountRateLeft(unit, done),
        rich_progress.TextColumn("{task.fields[note]}", markup=False),
        console=console,
    ) as bar:
        task = bar.add_task(description, total=total, completed=done, note="")

        def advance(n: int = 1, note: str = "") -> None:
            bar.update(task, advance=n)
            if note:
                bar.update(task, note=note)

        yield advance


@contextmanager
def no_progress(description: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """Shows nothing."""

    def advance(n: int = 1, note: str = "") -> None:
        pass

    yield advance


class PlainLines:
    """Writes progress as lines of text, at most one per ``PLAIN_SECONDS`` and one at the end."""

    def __init__(
        self,
        description: str,
        total: int,
        unit: str,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        done: int = 0,
    ) -> None:
        self._description, self._total, self._unit, self._write, self._clock = description, total, unit, write, clock
        self._before = self._done = done
        self._note = ""
        self._start = self._last_line = clock()

    def advance(self, n: int = 1, note: str = "") -> None:
        self._done += n
        self._note = note or self._note
        now = self._clock()
        if self._total > 1 and self._done < self._total and now - self._last_line >= PLAIN_SECONDS:
            self._last_line = now
            rate = (self._done - self._before) / (now - self._start)
            left = (self._total - self._done) / rate if rate > 0 else None
            self._line(count_rate_left(self._done, self._total, self._unit, rate, left))

    def close(self) -> None:
        self._line(_finished(self._done - self._before, self._total, self._unit, self._clock() - self._start))

    def _line(self, text: str) -> None:
        self._write(f"{self._description}: {text}{'  ' if self._note else ''}{self._note}")


class _CountRateLeft(rich_progress.ProgressColumn):
    """Shows `120/500 steps  12.3/s  0:31 left`, and the time taken once the work is finished."""

    def __init__(self, unit: str, before: int) -> None:
        super().__init__()
        self._unit, self._before = unit, before

    def render(self, task: rich_progress.Task) -> Text:
        if task.finished:
            made = int(task.completed) - self._before
            return Text(_finished(made, int(task.total or 0), self._unit, task.finished_time or 0.0))
        if task.total == 1:
            return Text(duration(task.elapsed or 0.0))
        rate = task.speed or 0.0
        return Text(count_rate_left(int(task.completed), int(task.total or 0), self._unit, rate, task.time_remaining))


def count_rate_left(done: int, total: int, unit: str, rate: float, left: float | None) -> str:
    """Formats a line of progress; ``rate`` is in units per second, ``left`` in seconds or None while unknown."""
    shown_rate = f"{rate:,.0f}" if rate >= 100 else f"{rate:.2g}"
    shown_left = "?" if left is None else duration(left)
    return f"{done:,}/{total:,} {unit}  {shown_rate}/s  {shown_left} left"


def _finished(made: int, total: int, unit: str, seconds: float) -> str:
    """Formats the last line of progress: the units that this process has made, and how long they took."""
    made_of = f"{made:,} {unit}" if total > 1 else "done" if made else "not done"
    return f"{made_of} in {duration(seconds)}"
