"""Measures back to notation: the events of a measure, and measures as ABC text.

The law of this module: a measure written out and read again is the same tokens. A hold at the first tick has no note of
its own to write; it becomes an invisible rest (`x`), or a tie where the measure before is written as well.

ABC has no accidentals in commas: there, such pitches are rounded to twelve tones, and a tune that has some says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from vaemusic_jax.data.holdrian import rounded_name
from vaemusic_jax.music.grid import COMMON, GRIDS
from vaemusic_jax.music.vocabulary import HOLD_NAME, REST_NAME, Vocabulary, is_pitch, spelling

if TYPE_CHECKING:
    import numpy as np

_GRID = GRIDS[COMMON]
N_BEATS, N_TICKS, ONSET_OF_TICK = _GRID.n_beats, _GRID.n_ticks, _GRID.onset_of_tick

_ABC_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_MEASURES_PER_LINE = 4
#: What stands for a note held over from before, of unknown pitch, where a hidden rest would leave the measure silent.
HELD = "B4"
_ROUNDED = "N:pitches in commas, rounded to twelve tones"


@dataclass(frozen=True)
class Sound:
    """One event of a measure.

    Attributes:
        token: its name; `__` for what the measure before left sounding.
        onset, length: in quarters.
    """

    token: str
    onset: Fraction
    length: Fraction


def sounds(names: Sequence[str]) -> list[Sound]:
    """The events of 24 token names, in time order; they fill the measure without gaps."""
    if len(names) != N_TICKS:
        raise ValueError(f"{len(names)} tokens; a measure has {N_TICKS}")
    ticks = [tick for tick, name in enumerate(names) if name != HOLD_NAME or tick == 0]
    onsets = [*(ONSET_OF_TICK[tick] for tick in ticks), Fraction(N_BEATS)]
    return [Sound(names[tick], on, off - on) for tick, (on, off) in zip(ticks, pairwise(onsets), strict=True)]


def token_names(tokens: Sequence[int] | np.ndarray, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Names of token indices."""
    return tuple(vocabulary.tokens[int(token)] for token in tokens)


def measure_to_abc(tokens: Sequence[int] | np.ndarray, vocabulary: Vocabulary) -> str:
    """One measure as a line of ABC, in units of 1/8 and without key signature: `A2 (3Bcd e4|`.

    Args:
        tokens: 24 token indices.
        vocabulary: of the tokens.
    """
    return f"{_abc_bar(token_names(tokens, vocabulary))}|"


def measures_to_abc(
    measures: Sequence[Sequence[int]] | np.ndarray, vocabulary: Vocabulary, *, title: str = "", number: int = 1
) -> str:
    """Consecutive measures as a complete ABC tune.

    Args:
        measures: (N, 24) token indices.
        vocabulary: of the tokens.
        title: for the `T:` field.
        number: for the `X:` field.
    """
    bars, sounding = [], ""
    for tokens in measures:
        names = token_names(tokens, vocabulary)
        if names[0] == HOLD_NAME and not sounding and not any(map(is_pitch, names)):
            # nothing but what was held before: a short bar, as of a pickup, in which it starts
            bars.append("B/8")
            sounding = HELD
        bars.append(_abc_bar(names, sounding))
        if names[0] == HOLD_NAME and sounding:
            bars[-2] += "-"
        last = next((name for name in reversed(names) if name != HOLD_NAME), sounding)
        sounding = "" if last == REST_NAME else last
    lines = ["|".join(bars[at : at + _MEASURES_PER_LINE]) + "|" for at in range(0, len(bars), _MEASURES_PER_LINE)]
    header = [f"X:{number}", f"T:{title}", *[_ROUNDED] * vocabulary.microtonal, "M:4/4", "L:1/8", "K:C"]
    return "\n".join([*header, *lines]) + "\n"


def _abc_bar(names: Sequence[str], sounding: str = "") -> str:
    """The notes of one bar; `sounding` is the pitch that a hold at the start continues, if it is known."""
    in_force: dict[str, int] = {}
    groups = []
    for group, in_triplets in _groups(sounds(names)):
        # Within (3:2:n every length of the grid is written as k/8 quarters
        unit = Fraction(1, 3) if in_triplets else Fraction(1, 2)
        notes = []
        for sound in group:
            token = (sounding or "x") if sound.token == HOLD_NAME else sound.token
            notes.append(_abc_pitch(token, in_force) + _abc_length(sound.length / unit))
        bracket = f"(3:2:{len(notes)}" if in_triplets else ""
        groups.append(bracket.replace("(3:2:3", "(3") + "".join(notes))
    return " ".join(groups)


def _groups(events: Sequence[Sound]) -> Iterator[tuple[list[Sound], bool]]:
    """Events beat by beat, with whether they need a triplet bracket; beats joined by a note over both stay together."""
    group: list[Sound] = []
    for event in events:
        group.append(event)
        end = event.onset + event.length
        if end.denominator == 1:
            times = [sound.onset for sound in group]
            yield group, any((12 * time) % 3 for time in times)
            group = []


def _abc_pitch(token: str, in_force: dict[str, int]) -> str:
    """A spelled pitch in ABC, with a sign wherever what stands before it in the bar could alter it.

    Readers differ on whether an accidental holds in all octaves or in its own; the sign is left out where both agree.
    """
    if token in ("x", REST_NAME):
        return "x" if token == "x" else "z"
    letter, octave, alteration = spelling(rounded_name(token))
    places = (letter, f"{letter}{octave}")
    sign = "" if all(in_force.get(place, 0) == alteration for place in places) else _ABC_SIGNS[alteration]
    in_force.update(dict.fromkeys(places, alteration))
    return sign + (letter + "," * (4 - octave) if octave <= 4 else letter.lower() + "'" * (octave - 5))


def _abc_length(units: Fraction) -> str:
    """A length in units of 1/8: nothing, `2`, `/2`, `3/2`."""
    above = "" if units.numerator == 1 else str(units.numerator)
    return above if units.denominator == 1 else f"{above}/{units.denominator}"
