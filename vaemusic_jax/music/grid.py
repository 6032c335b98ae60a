"""The grids of measures, one for each metre: where the ticks of a measure lie.

A measure is a number of beats, and every beat has the same ticks. A data set has one metre, so that all of its measures
are on one grid. The study's grid is that of 4/4.

To add a metre, add a row to `GRIDS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

_METRE = re.compile(r"(\d{1,3})/(\d{1,3})")


@dataclass(frozen=True)
class Grid:
    """The grid of a measure.

    Attributes:
        metre: its name, such as `6/8`.
        n_beats: the number of beats in a measure.
        beat: the length of a beat in quarter notes.
        ticks_of_beat: where the ticks of a beat lie, in quarter notes from its start.
        divisions: the number of parts into which the metre divides a beat: 2 in simple metres, 3 in compound ones.
    """

    metre: str
    n_beats: int
    beat: Fraction
    ticks_of_beat: tuple[Fraction, ...]
    divisions: int

    @property
    def ticks_per_beat(self) -> int:
        """The number of ticks of a beat."""
        return len(self.ticks_of_beat)

    @property
    def n_ticks(self) -> int:
        """The number of ticks of a measure, T."""
        return self.n_beats * self.ticks_per_beat

    @property
    def quarters(self) -> Fraction:
        """The length of a measure in quarter notes."""
        return self.n_beats * self.beat

    @cached_property
    def onset_of_tick(self) -> tuple[Fraction, ...]:
        """Where each tick lies, in quarter notes from the start of the measure."""
        return tuple(number * self.beat + at for number in range(self.n_beats) for at in self.ticks_of_beat)

    @cached_property
    def tick_of_onset(self) -> dict[Fraction, int]:
        """The tick that lies at each place, in quarter notes from the start of the measure."""
        return {onset: tick for tick, onset in enumerate(self.onset_of_tick)}

    def takes(self, metre: str) -> bool:
        """Returns whether measures in a metre, as music writes it, belong on this grid.

        They do if they are as long and of the same kind: the grid of 4/4 takes 2/2 and 8/8 too, and that of 3/4 does
        not take 6/8. A compound metre must also have the same number of beats.
        """
        match = _METRE.fullmatch(metre)
        above, compound = int(match[1]) if match else 0, self.divisions == 3
        kind = above == self.divisions * self.n_beats if compound else not _is_compound(above)
        return kind and metre_quarters(metre) == self.quarters


def metre_quarters(metre: str) -> Fraction:
    """Returns the length of a measure in quarter notes, and 0 for a metre that is not a fraction."""
    match = _METRE.fullmatch(metre)
    return 4 * Fraction(int(match[1]), int(match[2])) if match and int(match[2]) else Fraction(0)


def _is_compound(above: int) -> bool:
    """Returns whether a metre with this number above the line has beats of three parts: 6, 9, 12 and so on."""
    return above > 3 and above % 3 == 0


def _simple(metre: str, n_beats: int, ticks_of_quarter: Iterable[Fraction]) -> Grid:
    return Grid(metre, n_beats, Fraction(1), tuple(ticks_of_quarter), 2)


def _compound(metre: str, n_beats: int) -> Grid:
    """Returns a grid of dotted quarter notes with a tick at every thirty-second note."""
    return Grid(metre, n_beats, Fraction(3, 2), tuple(Fraction(n, 8) for n in range(12)), 3)


COMMON = "4/4"  # the metre of the study
_SIXTEENTHS_AND_TRIPLETS = tuple(Fraction(n, 12) for n in (0, 3, 4, 6, 8, 9))
#: The same within each half of a quarter note. Tunes in 2/4 are written in notes half as long as those in 4/4.
_HALF_AS_LONG = tuple(half + at / 2 for half in (Fraction(0), Fraction(1, 2)) for at in _SIXTEENTHS_AND_TRIPLETS)

GRIDS: dict[str, Grid] = {
    grid.metre: grid
    for grid in (
        _simple(COMMON, 4, _SIXTEENTHS_AND_TRIPLETS),
        _simple("3/4", 3, _SIXTEENTHS_AND_TRIPLETS),
        _simple("2/4", 2, _HALF_AS_LONG),
        _compound("6/8", 2),
        _compound("9/8", 3),
        _compound("12/8", 4),
    )
}
