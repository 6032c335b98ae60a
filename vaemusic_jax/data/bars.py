"""Turns a bar of written notes and rests into the tokens of a grid, or says for which reason it cannot.

Times are exact fractions of a quarter note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from vaemusic_jax.music.grid import COMMON, GRIDS, Grid
from vaemusic_jax.music.vocabulary import HOLD_NAME, REST_NAME


class Drop(StrEnum):
    """Why a measure is not used, in the order in which the reasons are tried."""

    METRE = "another metre"
    UNREADABLE = "symbol that cannot be read"
    CHORD = "chord"
    OVERLAY = "second voice in the same measure"
    NO_LENGTH = "note without a length, or an absurd one"
    SILENT = "no note, only rests"
    SHORT = "shorter than its metre, such as a pickup"
    LONG = "longer than its metre"
    OFF_GRID = "onset off the grid"
    PITCH = "pitch outside the vocabulary"


@dataclass(slots=True)
class Event:
    """One written note or rest.

    Attributes:
        onset: quarters from the start of the bar.
        pitch: spelled in music21's way, None for a rest.
        tied: it continues the event before it, and is no onset of its own.
    """

    onset: Fraction
    pitch: str | None
    tied: bool = False


@dataclass(slots=True)
class Bar:
    """The events between two barlines.

    Attributes:
        metre: such as `4/4`; empty when the tune has none.
        events: in time order.
        length: in quarters.
        faults: reasons found while reading it.
    """

    metre: str
    events: list[Event] = field(default_factory=list)
    length: Fraction = Fraction(0)
    faults: set[Drop] = field(default_factory=set)


def bar_to_tokens(bar: Bar, grid: Grid = GRIDS[COMMON]) -> tuple[str, ...] | Drop:
    """The token names of a bar, one for each tick of the grid, or the first reason why it has none.

    A bar whose first event is tied to the bar before starts with a hold. A bar of nothing but a hold is kept, because
    its note sounds. A bar without any note is dropped. A rest after a rest gets no token of its own, because it does
    not matter to the ear how silence is notated.
    """
    quarters = _quarters(grid.metre, bar.metre)
    if quarters is None:
        return Drop.METRE
    if bar.faults:
        return next(reason for reason in Drop if reason in bar.faults)
    if all(event.pitch is None and not event.tied for event in bar.events):
        return Drop.SILENT
    if bar.length != quarters:
        return Drop.SHORT if bar.length < quarters else Drop.LONG
    tokens = [HOLD_NAME] * grid.n_ticks
    tick_of_onset = grid.tick_of_onset
    resting = False
    for event in bar.events:
        goes_on = event.tied or (resting and event.pitch is None)
        resting = event.pitch is None and not event.tied
        if goes_on:
            continue
        tick = tick_of_onset.get(event.onset)
        if tick is None:
            return Drop.OFF_GRID
        tokens[tick] = REST_NAME if event.pitch is None else event.pitch
    return tuple(tokens)


@lru_cache(maxsize=1024)
def _quarters(name: str, metre: str) -> Fraction | None:
    """The length in quarters of the measures that the grid of this name takes, if it takes those in a metre."""
    return GRIDS[name].quarters if GRIDS[name].takes(metre) else None
