"""Turns a bar of written notes and rests into 24 tokens, or says for which reason it cannot.

A quarter note has six ticks at 0, 1/4, 1/3, 1/2, 2/3 and 3/4 of it; a measure has four quarters. Times are exact
fractions of a quarter note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from vaemusic_jax.music.grid import N_BEATS, N_TICKS, ONSET_OF_TICK
from vaemusic_jax.music.vocabulary import HOLD_NAME, REST_NAME

TICK_OF_ONSET = {onset: tick for tick, onset in enumerate(ONSET_OF_TICK)}

_FRACTION = re.compile(r"(\d{1,3})/(\d{1,3})")


class Drop(StrEnum):
    """Why a measure is not used, in the order in which the reasons are tried."""

    METRE = "metre of other than four quarters"
    UNREADABLE = "symbol that cannot be read"
    CHORD = "chord"
    OVERLAY = "second voice in the same measure"
    NO_LENGTH = "note without a length, or an absurd one"
    SILENT = "no note, only rests"
    SHORT = "shorter than its metre, such as a pickup"
    LONG = "longer than its metre"
    OFF_GRID = "onset off the 24-tick grid"
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


def metre_quarters(metre: str) -> Fraction:
    """Length of a measure in quarters; 0 for a metre that is not a fraction."""
    match = _FRACTION.fullmatch(metre)
    return 4 * Fraction(int(match[1]), int(match[2])) if match and int(match[2]) else Fraction(0)


def bar_to_tokens(bar: Bar) -> tuple[str, ...] | Drop:
    """The 24 token names of a bar, or the first reason why it has none.

    A bar whose first event is tied to the bar before starts with a hold. A bar of nothing but a hold is kept, because
    its note sounds. A bar without any note is dropped. A rest after a rest gets no token of its own, because it does
    not matter to the ear how silence is notated.
    """
    if metre_quarters(bar.metre) != N_BEATS:
        return Drop.METRE
    if bar.faults:
        return next(reason for reason in Drop if reason in bar.faults)
    if all(event.pitch is None and not event.tied for event in bar.events):
        return Drop.SILENT
    if bar.length != N_BEATS:
        return Drop.SHORT if bar.length < N_BEATS else Drop.LONG
    tokens = [HOLD_NAME] * N_TICKS
    resting = False
    for event in bar.events:
        goes_on = event.tied or (resting and event.pitch is None)
        resting = event.pitch is None and not event.tied
        if goes_on:
            continue
        tick = TICK_OF_ONSET.get(event.onset)
        if tick is None:
            return Drop.OFF_GRID
        tokens[tick] = REST_NAME if event.pitch is None else event.pitch
    return tuple(tokens)
