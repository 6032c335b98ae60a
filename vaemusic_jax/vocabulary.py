"""The token vocabulary: hold, rest and spelled pitches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

HOLD = 0  # the previous event goes on; at the first tick, the previous measure's event does
REST = 1
HOLD_NAME = "__"
REST_NAME = "rest"

_SPELLED_PITCH = re.compile(r"([A-G])(#{1,4}|-{1,4})?(\d)")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def spelling(name: str) -> tuple[str, int, int]:
    """(letter, octave, alteration in semitones) of a pitch spelled in music21's way: `B-3` is ("B", 3, -1).

    Raises:
        ValueError: `name` is not a spelled pitch.
    """
    match = _SPELLED_PITCH.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a spelled pitch such as 'C#4' or 'B-3'")
    letter, accidental, octave = match.group(1), match.group(2) or "", int(match.group(3))
    return letter, octave, accidental.count("#") - accidental.count("-")


def pitch_to_midi(name: str) -> int:
    """MIDI number of a spelled pitch; `C4` is 60.

    The octave belongs to the letter, so `B#3` is 60 and `C-4` is 59.

    Raises:
        ValueError: `name` is not a spelled pitch.
    """
    letter, octave, alteration = spelling(name)
    return 12 * (octave + 1) + _SEMITONES[letter] + alteration


def is_pitch(name: str) -> bool:
    """Whether a token name is a note onset, not a hold or rest."""
    return name not in (HOLD_NAME, REST_NAME)


@dataclass(frozen=True)
class Vocabulary:
    """Token names in index order: `__` (hold), `rest`, then the spelled pitches, sorted.

    Attributes:
        tokens: the names; the position of a name is its token index.
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.tokens[:2] != (HOLD_NAME, REST_NAME):
            raise ValueError(f"a vocabulary starts with {HOLD_NAME!r}, {REST_NAME!r}, not {self.tokens[:2]}")
        if list(self.tokens[2:]) != sorted(set(self.tokens[2:])):
            raise ValueError("the pitches of a vocabulary are sorted and distinct")
        if len(self.tokens) > 256:
            raise ValueError(f"{len(self.tokens)} tokens do not fit into one byte")

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, name: str) -> bool:
        return name in self._indices

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.tokens)}

    @cached_property
    def midi(self) -> np.ndarray:
        """MIDI pitch of every token, int32 (V,); -1 for hold and rest."""
        midi = np.array([-1, -1, *map(pitch_to_midi, self.tokens[2:])], dtype=np.int32)
        midi.setflags(write=False)
        return midi

    def index(self, name: str) -> int:
        """Index of a token name; KeyError when the vocabulary does not have it."""
        return self._indices[name]

    def to_json(self) -> str:
        return json.dumps(list(self.tokens))

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        return cls(tuple(json.loads(text)))

    @classmethod
    def from_pitches(cls, pitches: Iterable[str], *, room: bool = True) -> Vocabulary:
        """The vocabulary of these spelled pitches.

        Args:
            pitches: spelled pitches, in any order, repeats allowed.
            room: add every natural, single sharp and single flat of the seven letters whose MIDI pitch lies between
                the lowest and the highest given, so that held-out tunes and transpositions fit.
        """
        names = set(pitches)
        if room and names:
            midi = [pitch_to_midi(name) for name in names]
            low, high = min(midi), max(midi)
            # C-flat and B-sharp carry the octave of their letter, hence one octave more on either side
            octaves = range(max(low // 12 - 2, 0), min(high // 12, 9) + 1)
            spelled = (
                f"{letter}{sign}{octave}" for letter in "ABCDEFG" for sign in ("", "#", "-") for octave in octaves
            )
            names.update(name for name in spelled if low <= pitch_to_midi(name) <= high)
        return cls((HOLD_NAME, REST_NAME, *sorted(names)))
