"""The notes of one MIDI part, in ticks, to bars of exact onsets and rests.

- Bars follow the time signatures, 4/4 before the first. One that repeats the metre in force changes nothing. Any other
  starts a bar where it stands: a bar cut short by it is `SHORT`. Two different ones at one tick: the metre is unknown.
- Bars come into being by notes that sound in them, so silence takes neither time nor room. A note that goes on through
  more than `MOST_BARS_HELD` bars is stuck: its bars are `NO_LENGTH`, and there are no further ones for it.
- An onset stands on the grid exactly, or one rounding away where the file's ticks cannot express it (a third of a
  quarter of 256 ticks). Any other onset keeps its place and costs its bar. Nothing is quantised. Where three onsets in
  a row are off the grid, but twelfths of a quarter note apart, the part has lost the beat: no bar from there on is
  used, for a part that drifts on meets the grid again in wrong places.
- Several pitches at one onset are a `CHORD`. A note that sounds into the next is legato, and cut there, if it overlaps
  by no more than an eighth of a quarter note and half of the next note. A longer overlap is an `OVERLAY`, in every bar
  in which both notes sound.
- A note-off on the grid is taken literally: a rest follows. Off the grid it is an articulation, and the note is written
  up to the next onset, if less than a quarter note is missing; else up to the end of the eighth in which it stops. A
  note-off within 1/96 of a quarter note of the grid is on it.
- Where most notes of a part stop at one share of the time up to the next (`_gate`: 95 %, for instance), a note that
  sounds nine tenths of that time reaches the next onset, and any other is as long as that share says, if that is on
  the grid. Else the rules above hold.
- A note without a note-off lasts to the next onset; the bar of the last one is `NO_LENGTH`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from vaemusic_jax.data.grid import TICKS_OF_QUARTER, Bar, Drop, Event
from vaemusic_jax.data.midi_tracks import Part

MOST_BARS_HELD = 16
_COMMON = "4/4"


@dataclass(frozen=True)
class Section:
    """Bars of one metre.

    Attributes:
        start, end: in ticks; the last section has no end.
        metre: such as `3/4`, or empty when it is unknown.
        bar: length of a bar in ticks; a fraction where the ticks cannot express it.
        first: number of its first bar.
    """

    start: int
    end: int | None
    metre: str
    bar: Fraction | int
    first: int


def sections(signatures: list[tuple[int, int, int]], ppq: int) -> list[Section]:
    """The metres of a file in order.

    Args:
        signatures: (tick, numerator, denominator) in any order; numerators and denominators are positive.
        ppq: ticks in a quarter note.
    """
    changes: dict[int, set[str]] = {0: set()}
    for tick, above, below in sorted(signatures):
        changes.setdefault(tick, set()).add(f"{above}/{below}")
    changes[0] = changes[0] or {_COMMON}
    heard = [(tick, metres.pop() if len(metres) == 1 else "") for tick, metres in changes.items()]
    heard = heard[:1] + [new for old, new in pairwise(heard) if new[1] != old[1]]
    found, first = [], 0
    for at, (tick, metre) in enumerate(heard):
        above, below = map(int, (metre or _COMMON).split("/"))
        bar: Fraction | int = Fraction(4 * ppq * above, below)
        bar = int(bar) if bar.denominator == 1 else bar
        end = heard[at + 1][0] if at + 1 < len(heard) else None
        found.append(Section(tick, end, metre, bar, first))
        first += -(-(end - tick) // bar) if end is not None else 0
    return found


class Grid:
    """Where the 24 ticks of a measure lie in a file."""

    def __init__(self, signatures: list[tuple[int, int, int]], ppq: int) -> None:
        self.ppq = ppq
        self.sections = sections(signatures, ppq)
        self._starts = [section.start for section in self.sections]
        # Tick within the quarter -> exact place; where two places claim a tick, only one that it hits exactly has it
        places: dict[int, set[Fraction]] = {}
        for place in TICKS_OF_QUARTER:
            exact = place * ppq
            for tick in {exact.numerator // exact.denominator, -(-exact.numerator // exact.denominator)}:
                places.setdefault(tick, set()).add(place)
        self.places = {
            tick: next(iter(claims)) if len(claims) == 1 else Fraction(tick, ppq)
            for tick, claims in places.items()
            if tick < ppq and (len(claims) == 1 or any(place * ppq == tick for place in claims))
        }
        self._ticks = sorted({*self.places, ppq})
        self._quarters: dict[Fraction | int, Fraction] = {}
        self._near = max(ppq // 96, 1)

    def off(self, ticks: np.ndarray) -> np.ndarray:
        """Which of many ticks (N,) are off the grid."""
        sections = np.maximum(np.searchsorted(self._starts, ticks, side="right") - 1, 0)
        return ~np.isin((ticks - np.array(self._starts)[sections]) % self.ppq, list(self.places))

    def section(self, tick: int) -> Section:
        """The section in which a tick lies."""
        return self.sections[max(bisect_right(self._starts, tick) - 1, 0)]

    def quarters(self, ticks: Fraction | int) -> Fraction:
        """Ticks from a barline in quarters: exactly the place on the grid that they stand for, if they do."""
        found = self._quarters.get(ticks)
        if found is None:
            whole, rest = divmod(ticks, self.ppq)
            place = self.places.get(int(rest)) if rest == int(rest) else None
            found = self._quarters[ticks] = Fraction(ticks) / self.ppq if place is None else whole + place
        return found

    def near(self, tick: float, reach: float | None = None) -> int | None:
        """The nearest tick on the grid, if it is within reach (1/96 of a quarter note if not given)."""
        start = self.section(int(tick)).start
        whole, rest = divmod(tick - start, self.ppq)
        place = min(self._ticks, key=lambda each: abs(each - rest))
        return int(start + whole * self.ppq + place) if abs(place - rest) <= (reach or self._near) else None

    def end_of_eighth(self, tick: int) -> int:
        """Where the eighth in which a tick lies ends."""
        start = self.section(tick).start
        eighths = (tick - start) * 2 // self.ppq + 1
        return start + -(-eighths * self.ppq // 2)


def part_to_bars(part: Part, grid: Grid) -> tuple[Bar, ...]:
    """The bars in which a part sounds, in order.

    Args:
        part: its notes, by onset.
        grid: of the file.
    """
    line = _Line(grid)
    legato = grid.ppq // 8
    onsets, starts = np.unique(part.onset, return_index=True)
    if not len(onsets):
        return ()
    ends = np.maximum.reduceat(part.end, starts)
    gate = _gate(onsets, ends, grid)
    bounds = [*starts.tolist(), len(part.onset)]
    notes = zip(onsets.tolist(), ends.tolist(), [*onsets[1:].tolist(), None], pairwise(bounds), strict=True)
    sounding_until = -1
    lost = _beat_lost(onsets, grid)
    for onset, end, following, (first, last) in notes:
        faults = set()
        if last - first > 1 and len(set(part.pitch[first:last].tolist())) > 1:
            faults.add(Drop.CHORD)
        if not part.spelled[first]:
            faults.add(Drop.PITCH)
        if lost is not None and onset >= lost:
            faults.add(Drop.OFF_GRID)
        overlap = sounding_until - onset
        if overlap > 0 and (overlap > legato or (end > onset and 2 * overlap > end - onset)):
            line.mark(onset, sounding_until, Drop.OVERLAY)
        if end < onset:  # never ended
            if following is None:
                faults.add(Drop.NO_LENGTH)
            end = onset + 1 if following is None else following
        if faults:
            for fault in faults:
                line.mark(onset, end, fault)
        line.add(onset, _written_end(onset, end, following, gate, grid), part.spelled[first] or None)
        sounding_until = max(sounding_until, end)
    return line.bars()


def _beat_lost(onsets: np.ndarray, grid: Grid) -> int | None:
    """The first of three onsets in a row that are off the grid but regular among themselves, or None."""
    off = grid.off(onsets)
    twelfths = np.diff(onsets) * 12
    regular = np.abs(twelfths - np.rint(twelfths / grid.ppq) * grid.ppq) < 12 * (grid.ppq % 12 > 0) + 1
    displaced = off[:-2] & off[1:-1] & off[2:] & regular[:-1] & regular[1:]
    return int(onsets[np.argmax(displaced)]) if displaced.any() else None


def _gate(onsets: np.ndarray, ends: np.ndarray, grid: Grid) -> float:
    """The share of its length that every note of a part sounds, or 1.

    The commonest ratio, in hundredths, of a note's sounding length to the time up to the next onset, if it lies from
    0.8 up to 1 and at least half of the notes have it and end off the grid.
    """
    percents = np.rint(100 * (ends - onsets)[:-1] / np.diff(onsets))[grid.off(ends[:-1])]
    if not len(percents):
        return 1.0
    [(percent, count)] = Counter(percents.astype(int).tolist()).most_common(1)
    return percent / 100 if 80 <= percent < 100 and 2 * count >= len(onsets) - 1 else 1.0


def _written_end(onset: int, end: int, following: int | None, gate: float, grid: Grid) -> int:
    """Where a note ends as written; see the head of this module."""
    if following is not None and end >= following:
        return following
    if gate < 1:
        if following is not None and 10 * (end - onset) >= 9 * (following - onset):
            return following
        on_grid = grid.near(onset + (end - onset) / gate, 1.5 / gate)  # both ticks are rounded
        if on_grid is not None and (following is None or on_grid <= following):
            return on_grid
    on_grid = grid.near(end)
    if on_grid is not None and on_grid > onset:
        return on_grid if following is None else min(on_grid, following)
    if following is not None and following - end < grid.ppq:
        return following
    return grid.end_of_eighth(end)


@dataclass
class _Line:
    """One voice, written from left to right."""

    grid: Grid
    _bars: dict[int, Bar] = field(default_factory=dict)
    _number: int = -1  # of the bar being written
    _written: Fraction | int = 0  # up to here, in ticks
    _start: Fraction | int = 0
    _end: Fraction | int = 0

    def add(self, onset: int, end: int, pitch: str | None) -> None:
        """Writes a note, which starts no earlier than all before; it ends those that still sound."""
        self._turn_to(onset)
        self._rest_until(onset)
        bar = self._bars[self._number]
        bar.events.append(Event(self.grid.quarters(onset - self._start), pitch))
        self._written = min(end, self._end)
        held = 0
        while end > self._end:
            self._turn_to(self._end)
            held += 1
            bar = self._bars[self._number]
            bar.events.append(Event(Fraction(0), pitch, tied=True))
            self._written = min(end, self._end)
            if held == MOST_BARS_HELD:
                self.mark(onset, self._end, Drop.NO_LENGTH)
                break

    def mark(self, start: int, end: Fraction | int, fault: Drop) -> None:
        """Gives a fault to the bars from one tick up to another, at most one more than a note may be held."""
        at: Fraction | int = start
        for _ in range(MOST_BARS_HELD + 1):
            number, _, bar_end, section = self._place(at)
            self._bar(number, section, bar_end - self._place(at)[1]).faults.add(fault)
            at = bar_end
            if at >= end:
                break

    def bars(self) -> tuple[Bar, ...]:
        """All bars so far; the last one is filled up with a rest."""
        self._rest_until(self._end)
        return tuple(self._bars[number] for number in sorted(self._bars))

    def _place(self, tick: Fraction | int) -> tuple[int, Fraction | int, Fraction | int, Section]:
        section = self.grid.section(int(tick))
        count = int((tick - section.start) // section.bar)
        start = section.start + count * section.bar
        end = start + section.bar
        return section.first + count, start, end if section.end is None else min(end, section.end), section

    def _bar(self, number: int, section: Section, length: Fraction | int) -> Bar:
        bar = self._bars.get(number)
        if bar is None:
            bar = self._bars[number] = Bar(section.metre, length=Fraction(length) / self.grid.ppq)
        return bar

    def _turn_to(self, tick: Fraction | int) -> None:
        if self._number >= 0 and tick < self._end:
            return
        if self._number >= 0:
            self._rest_until(self._end)
        self._number, self._start, self._end, section = self._place(tick)
        self._bar(self._number, section, self._end - self._start)
        self._written = self._start

    def _rest_until(self, tick: Fraction | int) -> None:
        if self._written < tick:
            self._bars[self._number].events.append(Event(self.grid.quarters(self._written - self._start), None))
            self._written = tick
