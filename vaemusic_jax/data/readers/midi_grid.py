"""Computes where bars and the ticks of measures lie in a MIDI file.

- Bars follow the time signatures, 4/4 before the first. One that repeats the metre in force changes nothing. Any other
  starts a bar where it stands: a bar cut short by it is `SHORT`. Two different ones at one tick: the metre is unknown.
- An onset stands on the grid exactly, or one rounding away where the file's ticks cannot express it: a third of a
  quarter note of 256 ticks is 85 or 86.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np

from vaemusic_jax.music.grid import COMMON, GRIDS, Grid


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
    changes[0] = changes[0] or {COMMON}
    heard = [(tick, metres.pop() if len(metres) == 1 else "") for tick, metres in changes.items()]
    heard = heard[:1] + [new for old, new in pairwise(heard) if new[1] != old[1]]
    found, first = [], 0
    for at, (tick, metre) in enumerate(heard):
        above, below = map(int, (metre or COMMON).split("/"))
        bar: Fraction | int = Fraction(4 * ppq * above, below)
        bar = int(bar) if bar.denominator == 1 else bar
        end = heard[at + 1][0] if at + 1 < len(heard) else None
        found.append(Section(tick, end, metre, bar, first))
        first += -(-(end - tick) // bar) if end is not None else 0
    return found


class MidiGrid:
    """Where the ticks of measures lie in a file.

    They are taken to lie at the same places of every quarter note, as they do in bars that are as long as a measure.
    """

    def __init__(self, signatures: list[tuple[int, int, int]], ppq: int, grid: Grid) -> None:
        self.ppq = ppq
        self.sections = sections(signatures, ppq)
        self._starts = [section.start for section in self.sections]
        self.places, self._ticks = _places(ppq, grid.metre)
        self._quarters: dict[Fraction | int, Fraction] = {}
        self._near = max(ppq // 96, 1)

    def since_metre(self, ticks: np.ndarray) -> np.ndarray:
        """Ticks (N,) counted from where the metre in which each lies begins."""
        sections = np.maximum(np.searchsorted(self._starts, ticks, side="right") - 1, 0)
        since: np.ndarray = ticks - np.array(self._starts)[sections]
        return since

    def off(self, ticks: np.ndarray) -> np.ndarray:
        """Which of many ticks (N,) are off the grid."""
        return ~np.isin(self.since_metre(ticks) % self.ppq, list(self.places))

    def on(self, tick: int) -> bool:
        """Whether a tick is on the grid."""
        return (tick - self.section(tick).start) % self.ppq in self.places

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
        above = bisect_left(self._ticks, rest)
        place = self._ticks[above]
        if above and rest - self._ticks[above - 1] <= place - rest:
            place = self._ticks[above - 1]
        return int(start + whole * self.ppq + place) if abs(place - rest) <= (reach or self._near) else None

    def end_of_eighth(self, tick: int) -> int:
        """Where the eighth in which a tick lies ends; for the first quarter of an eighth, where it starts."""
        start = self.section(tick).start
        whole, rest = divmod(2 * (tick - start), self.ppq)
        return start + -(-(whole + (4 * rest > self.ppq)) * self.ppq // 2)


@lru_cache(maxsize=256)
def _places(ppq: int, metre: str) -> tuple[dict[int, Fraction], list[int]]:
    """Exact places by tick within a quarter note, and those ticks in order with the end of the quarter note.

    The places are those of the grid of a metre.
    Where two places claim a tick, only one that it hits exactly has it.
    """
    claimed: dict[int, set[Fraction]] = {}
    for place in {onset % 1 for onset in GRIDS[metre].onset_of_tick}:
        exact = place * ppq
        for tick in {exact.numerator // exact.denominator, -(-exact.numerator // exact.denominator)}:
            claimed.setdefault(tick, set()).add(place)
    places = {
        tick: next(iter(claims)) if len(claims) == 1 else Fraction(tick, ppq)
        for tick, claims in claimed.items()
        if tick < ppq and (len(claims) == 1 or any(place * ppq == tick for place in claims))
    }
    return places, sorted({*places, ppq})
