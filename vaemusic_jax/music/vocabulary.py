"""The token vocabulary: hold, rest and spelled pitches.

A pitch is spelled in twelve tones, such as `B-4`, or with a number of Holdrian commas up or down from the natural, such
as `B4-4c`; 53 commas make an octave. A vocabulary with at least one name of the second kind is microtonal, and then all
of its pitches are tuned in commas, the naturals too: C0 D9 E18 F22 G31 A40 B49.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vaemusic_jax.music.grid import COMMON, GRIDS, Grid

HOLD = 0  # the previous event continues; at the first tick it is the last event of the previous measure
REST = 1
HOLD_NAME = "__"
REST_NAME = "rest"

COMMAS_PER_OCTAVE = 53
#: The number of commas from C up to each natural, in the system of Arel, Ezgi and Uzdilek that SymbTr uses.
NATURAL_COMMAS = {"C": 0, "D": 9, "E": 18, "F": 22, "G": 31, "A": 40, "B": 49}
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MOST_TOKENS = 256  # a token is one byte

_SPELLED_PITCH = re.compile(r"([A-G])(#{1,4}|-{1,4})?(\d)")
_COMMA_PITCH = re.compile(r"([A-G])(\d)([+-][1-9]\d?)c")


def spelling(name: str) -> tuple[str, int, int]:
    """Returns letter, octave and alteration in semitones of a pitch spelled in music21's way: `B-3` is ("B", 3, -1).

    Raises:
        ValueError: `name` is not a spelled pitch.
    """
    match = _SPELLED_PITCH.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a spelled pitch such as 'C#4' or 'B-3'")
    letter, accidental, octave = match.group(1), match.group(2) or "", int(match.group(3))
    return letter, octave, accidental.count("#") - accidental.count("-")


def comma_spelling(name: str) -> tuple[str, int, int]:
    """Returns letter, octave and number of commas of a pitch with commas: `B4-4c` is ("B", 4, -4).

    Raises:
        ValueError: `name` has no commas.
    """
    match = _COMMA_PITCH.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a pitch with commas such as 'B4-4c' or 'F4+1c'")
    return match.group(1), int(match.group(2)), int(match.group(3))


def has_commas(name: str) -> bool:
    """Returns whether a token name is a pitch with commas, which ends in `c`."""
    return name.endswith("c")


def pitch_in_53rds(name: str) -> int:
    """Returns 53 times the MIDI number of a pitch tuned in commas, a whole number since a comma is 12/53 of a semitone.

    A natural has the pitch of its comma (`B4` is 60 + 49 * 12/53); a sharp or flat of twelve tones is one semitone away
    from its natural.

    Raises:
        ValueError: `name` is no pitch.
    """
    if has_commas(name):
        letter, octave, commas = comma_spelling(name)
        alteration = 12 * commas
    else:
        letter, octave, semitones = spelling(name)
        alteration = 53 * semitones
    return 53 * 12 * (octave + 1) + 12 * NATURAL_COMMAS[letter] + alteration


def pitch_to_midi(name: str) -> int | float:
    """Returns the MIDI number of a pitch: `C4` is 60, and `B4-4c` is 60 + 45 * 12/53, which is no whole number.

    The octave is that of the letter, so `B#3` is 60 and `C-4` is 59.

    Raises:
        ValueError: `name` is no pitch.
    """
    if has_commas(name):
        return pitch_in_53rds(name) / 53
    letter, octave, alteration = spelling(name)
    return 12 * (octave + 1) + SEMITONES[letter] + alteration


def is_pitch(name: str) -> bool:
    """Returns whether a token name is a note onset and not a hold or rest."""
    return name not in (HOLD_NAME, REST_NAME)


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that the ticks of measures can have, in the order of their indices, and the metre of the measures.

    The tokens are `__` (hold), `rest`, then the spelled pitches, sorted.

    Attributes:
        tokens: the names; the position of a name is its token index.
        metre: the metre of the measures, a row of `music.grid.GRIDS`.

    Raises:
        ValueError: the metre has no grid, the names do not start with hold and rest, the pitches are not sorted and
            distinct, one is no pitch, or there are more tokens than fit into one byte.
    """

    tokens: tuple[str, ...]
    metre: str = COMMON

    def __post_init__(self) -> None:
        if self.metre not in GRIDS:
            raise ValueError(f"metre {self.metre!r} is none of {', '.join(GRIDS)}")
        if self.tokens[:2] != (HOLD_NAME, REST_NAME):
            raise ValueError(f"a vocabulary starts with {HOLD_NAME!r}, {REST_NAME!r}, not {self.tokens[:2]}")
        if list(self.tokens[2:]) != sorted(set(self.tokens[2:])):
            raise ValueError("the pitches of a vocabulary are sorted and distinct")
        if len(self.tokens) > MOST_TOKENS:
            raise ValueError(f"{len(self.tokens)} tokens do not fit into one byte")
        for name in self.tokens[2:]:
            pitch_to_midi(name)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, name: str) -> bool:
        return name in self._indices

    @property
    def grid(self) -> Grid:
        """The grid of the measures."""
        return GRIDS[self.metre]

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.tokens)}

    @cached_property
    def microtonal(self) -> bool:
        """Whether any pitch is spelled with commas."""
        return any(map(has_commas, self.tokens))

    @cached_property
    def midi(self) -> np.ndarray:
        """The MIDI pitch of every token, (V,), -1 for hold and rest: int32, or float32 in a microtonal vocabulary."""
        if self.microtonal:
            in_53rds = np.array([-53, -53, *map(pitch_in_53rds, self.tokens[2:])])
            midi = (in_53rds / 53).astype(np.float32)
        else:
            midi = np.array([-1, -1, *map(pitch_to_midi, self.tokens[2:])], dtype=np.int32)
        midi.setflags(write=False)
        return midi

    def index(self, name: str) -> int:
        """Returns the index of a token name. Raises KeyError if the vocabulary does not have it."""
        return self._indices[name]

    def to_plain(self) -> list[str] | dict[str, Any]:
        """Returns what JSON files hold: the list of the names in 4/4, and names and metre in other metres."""
        names = list(self.tokens)
        return names if self.metre == COMMON else {"metre": self.metre, "tokens": names}

    @classmethod
    def from_plain(cls, plain: Any) -> Vocabulary:
        """Returns the vocabulary that `to_plain` described. Raises ValueError, KeyError or TypeError if it is none."""
        if isinstance(plain, dict):
            return cls(tuple(plain["tokens"]), plain["metre"])
        return cls(tuple(plain))

    def to_json(self) -> str:
        """Returns what `to_plain` returns, as text."""
        return json.dumps(self.to_plain())

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Returns the vocabulary that `to_json` wrote. Raises ValueError, KeyError or TypeError if it is none."""
        return cls.from_plain(json.loads(text))

    @classmethod
    def from_pitches(cls, pitches: Iterable[str], *, metre: str = COMMON, room: bool = True) -> Vocabulary:
        """Builds the vocabulary of the given pitches.

        Args:
            pitches: spelled pitches in any order; repeats are allowed.
            metre: the metre of the measures.
            room: whether to add the pitches between the lowest and the highest given one that held-out tunes and
                transpositions may need: every natural, single sharp and single flat of the seven letters; or, if one
                pitch has commas, the seven naturals and every given spelling, in all octaves. They are not added if
                there would then be more tokens than fit into one byte.

        Raises:
            ValueError: a name is no pitch, or the pitches alone are too many for one byte.
        """
        names = set(pitches)
        if room and names:
            microtonal = any(map(has_commas, names))
            height = pitch_in_53rds if microtonal else pitch_to_midi
            heights = [height(name) for name in names]
            low, high = min(heights), max(heights)
            with_room = {name for name in _spellings(names, microtonal) if low <= height(name) <= high} | names
            names = with_room if len(with_room) + 2 <= MOST_TOKENS else names
        return cls((HOLD_NAME, REST_NAME, *sorted(names)), metre)


def _spellings(names: Iterable[str], microtonal: bool) -> Iterator[str]:
    """Yields the spellings, in all octaves, that `Vocabulary.from_pitches` may add to those of `names`."""
    if microtonal:
        kinds = {re.sub(r"\d", "{}", name, count=1) for name in names} | {f"{letter}{{}}" for letter in NATURAL_COMMAS}
    else:
        kinds = {f"{letter}{sign}{{}}" for letter in SEMITONES for sign in ("", "#", "-")}
    return (kind.format(octave) for kind in kinds for octave in range(10))
