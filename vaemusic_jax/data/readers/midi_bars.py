"""Writes the notes of one MIDI part, in ticks, as bars of exact onsets and rests.

- Only bars in which a note sounds are made, so long silences take neither time nor memory. A note that lasts through
  more than `MOST_BARS_HELD` bars counts as stuck: its bars get the fault `NO_LENGTH`, and further ones are not made.
- Nothing is quantised: an onset off the grid (`midi_grid`) keeps its place, and its bar is dropped. Where three onsets
  in a row are off the grid, but twelfths of a quarter note apart, the part has lost the beat, and no bar from there on
  is used, because such a part meets the grid again in wrong places. The exception is a part that lost the beat by
  grace notes: notes on the grid, no more than a sixteenth of a quarter note before the next one, that push back all
  notes after them. If it keeps the beat without these notes and the time they take, it is read without them.
- A note of no ticks is a grace note and left out.
- Several pitches at one onset are a `CHORD`. A note that sounds into the next is legato, and cut there, if it overlaps
  by no more than an eighth of a quarter note and half of the next note. A longer overlap is an `OVERLAY`, in every bar
  in which both notes sound.
- A note-off on the grid is taken literally: a rest follows. Off the grid it is an articulation, and the note is written
  up to the next onset, if less than a quarter note is missing; else up to the end of the eighth in which it stops, or
  up to its start if it stops in its first quarter, as legato. A note-off within 1/96 of a quarter note of the grid is
  on it.
- Where most notes of a part stop at one share of the time up to the next (`_gate`: 95 %, for instance), a note that
  sounds nine tenths of that time reaches the next onset, and any other is as long as that share says, if that is on
  the grid. Else the rules above hold.
- A note without a note-off lasts to the next onset; the bar of the last one is `NO_LENGTH`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from vaemusic_jax.data.bars import Bar, Drop, Event
from vaemusic_jax.data.readers.midi_grid import MidiGrid, Section
from vaemusic_jax.data.readers.midi_tracks import Part
from vaemusic_jax.data.tunes import UnreadableTuneError

MOST_BARS_HELD = 16
MOST_BARS = 100_000  # of one part


def part_to_bars(part: Part, grid: MidiGrid) -> tuple[Bar, ...]:
    """The bars in which a part sounds, in order.

    Args:
        part: its notes, by onset.
        grid: of the file.

    Raises:
        UnreadableTuneError: more than `MOST_BARS` bars.
    """
    part, lost = _with_its_beat(part, grid)
    line = _Line(grid)
    legato = grid.ppq // 8
    onsets, starts = np.unique(part.onset, return_index=True)
    ends = np.maximum.reduceat(part.end, starts)
    gate = _gate(onsets, ends, grid)
    bounds = [*starts.tolist(), len(part.onset)]
    notes = zip(onsets.tolist(), ends.tolist(), [*onsets[1:].tolist(), None], pairwise(bounds), strict=True)
    sounding_until = -1
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


def _with_its_beat(part: Part, grid: MidiGrid) -> tuple[Part, int | None]:
    """The part, without grace notes that take its beat away if there are any, and where it has lost the beat."""
    lost = _beat_lost(np.unique(part.onset), grid)
    if lost is None:
        return part, None
    gap = np.append(np.diff(part.onset), grid.ppq)
    is_grace = np.zeros(len(gap), dtype=bool)
    pushed = 0
    onsets = part.onset.tolist()
    for at in np.flatnonzero((gap > 0) & (16 * gap <= grid.ppq)).tolist():
        # A grace note that takes its time from the next one pushes nothing back
        taken = at + 2 < len(onsets) and grid.on(onsets[at + 2] - pushed)
        if grid.on(onsets[at] - pushed) and not taken:
            is_grace[at] = True
            pushed += int(gap[at])
    shift = np.cumsum(np.where(is_grace, gap, 0))[~is_grace]
    whole, part = (
        part,
        Part(
            part.name,
            part.onset[~is_grace] - shift,
            part.end[~is_grace] - shift,
            part.pitch[~is_grace],
            [name for name, grace in zip(part.spelled, is_grace, strict=True) if not grace],
        ),
    )
    return (whole, lost) if _beat_lost(np.unique(part.onset), grid) is not None else (part, None)


def _beat_lost(onsets: np.ndarray, grid: MidiGrid) -> int | None:
    """The first of three onsets in a row that are off the grid but regular among themselves, or None."""
    off = grid.off(onsets)
    twelfths = np.diff(onsets) * 12
    regular = np.abs(twelfths - np.rint(twelfths / grid.ppq) * grid.ppq) < 12 * (grid.ppq % 12 > 0) + 1
    displaced = off[:-2] & off[1:-1] & off[2:] & regular[:-1] & regular[1:]
    return int(onsets[np.argmax(displaced)]) if displaced.any() else None


def _gate(onsets: np.ndarray, ends: np.ndarray, grid: MidiGrid) -> float:
    """The share of its length that every note of a part sounds, or 1.

    The commonest ratio, in hundredths, of a note's sounding length to the time up to the next onset, if it lies from
    0.8 up to 1 and at least half of the notes have it and end off the grid.
    """
    percents = np.rint(100 * (ends - onsets)[:-1] / np.diff(onsets))[grid.off(ends[:-1])]
    if not len(percents):
        return 1.0
    [(percent, count)] = Counter(percents.astype(int).tolist()).most_common(1)
    return percent / 100 if 80 <= percent < 100 and 2 * count >= len(onsets) - 1 else 1.0


def _written_end(onset: int, end: int, following: int | None, gate: float, grid: MidiGrid) -> int:
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
    eighth = grid.end_of_eighth(end)
    return eighth if eighth > onset else grid.end_of_eighth(eighth + grid.ppq // 4)


@dataclass
class _Line:
    """One voice, written from left to right."""

    grid: MidiGrid
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
            if len(self._bars) == MOST_BARS:
                raise UnreadableTuneError(f"more than {MOST_BARS:,} bars")
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
