"""Defines what every reader of music files takes and gives: a `Reading`, and tunes of one or more voices of bars."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from vaemusic_jax.data.bars import Bar
from vaemusic_jax.music.grid import COMMON, GRIDS, Grid

Pitch = Literal["rounded", "microtonal"]
Voices = Literal["melody", "all"]


class UnreadableTuneError(Exception):
    """The tune as a whole cannot be used; the message is the reason under which it is counted, without its name."""


@dataclass(frozen=True)
class Reading:
    """How files are read: what is taken from them.

    Attributes:
        pitch: `rounded` to twelve tones, or `microtonal`: names such as `B4-4c`, in Holdrian commas, where a file has
            such pitches. It makes no difference to files that have none.
        voices: `melody`, the top part of a score and the melody track of a MIDI file; or `all` of them, each
            on its own. The voices of a tune in ABC are always all read.
        metre: the metre of the measures that are used, a row of `music.grid.GRIDS`.
    """

    pitch: Pitch = "rounded"
    voices: Voices = "melody"
    metre: str = COMMON

    @property
    def grid(self) -> Grid:
        """The grid of the measures that are used."""
        return GRIDS[self.metre]

    def in_words(self) -> str:
        """The reading in the words that reports on a data set use."""
        pitch = {"rounded": "pitches rounded to twelve tones", "microtonal": "pitches in Holdrian commas"}
        voices = {"melody": "the melody of each piece", "all": "all voices of each piece"}
        metre = "" if self.metre == COMMON else f", measures in {self.metre}"
        return f"{pitch[self.pitch]}, {voices[self.voices]}{metre}"


@dataclass(frozen=True)
class Tune:
    """One tune as written.

    Attributes:
        title: as written, or empty.
        voices: the bars of each voice in written order; a tune of one voice has one.
        repaired: what a rule had to complete -> how many notes of these voices.
    """

    title: str
    voices: tuple[tuple[Bar, ...], ...]
    repaired: Counter[str] = field(default_factory=Counter)
