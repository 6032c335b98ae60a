"""Measures back to notation: the events of a measure, and measures as ABC text.

The law of this module: a measure written out and read again is the same tokens. A hold at the first tick has no note of
its own to write; it becomes an invisible rest (`x`), or a tie where the measure before is written as well.

Notes are beamed by the beat of the metre. A length that no single note shape has is written as several notes tied
together or several rests, because programs that engrave ABC draw another length; only `x` is never cut. A bracket of
triplets says its ratio and its number of notes, `(3:2:2`, but for `(3`, which means the same to every reader in every
metre. Compound metres need none.

ABC has no accidentals in commas: there, such pitches are rounded to twelve tones, and a tune that has some says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from vaemusic_jax.data.holdrian import rounded_name
from vaemusic_jax.data.writers.key_signature import key_signature, major_key
from vaemusic_jax.music.grid import Grid
from vaemusic_jax.music.key_signatures import altered_letters
from vaemusic_jax.music.vocabulary import HOLD_NAME, REST_NAME, Vocabulary, is_pitch, spelling

if TYPE_CHECKING:
    import numpy as np

_ABC_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_MEASURES_PER_LINE = 4
#: Lengths in quarters that a single note has, with up to two dots; and those in triplets.
_SHAPES = frozenset(Fraction(2) ** k * dots for k in range(-6, 4) for dots in (1, Fraction(3, 2), Fraction(7, 4)))
_TRIPLET_SHAPES = frozenset(length * 2 / 3 for length in _SHAPES)
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


def sounds(names: Sequence[str], grid: Grid) -> list[Sound]:
    """The events of the token names of a measure, in time order; they fill the measure without gaps.

    Raises:
        ValueError: there is not one name for each tick of the grid.
    """
    if len(names) != grid.n_ticks:
        raise ValueError(f"{len(names)} tokens; a measure in {grid.metre} has {grid.n_ticks}")
    ticks = [tick for tick, name in enumerate(names) if name != HOLD_NAME or tick == 0]
    onsets = [*(grid.onset_of_tick[tick] for tick in ticks), grid.quarters]
    return [Sound(names[tick], on, off - on) for tick, (on, off) in zip(ticks, pairwise(onsets), strict=True)]


def note_lengths(sound: Sound, grid: Grid, shapes: Collection[Fraction]) -> list[Fraction]:
    """The lengths of single notes that add up to an event: one, or as few as can be cut where beats start.

    Args:
        sound: the event.
        grid: of the measure.
        shapes: the lengths in quarters that single notes have. If none of them leads to the start of a beat or to the
            end, the first note has the longest of them that stays in its beat.
    """
    lengths, at, end = [], sound.onset, sound.onset + sound.length
    while at < end:
        beats = [grid.beat * number for number in range(grid.n_beats, 0, -1)]
        ends = [end, *(beat for beat in beats if at < beat < end)]
        fitting = [each - at for each in ends if each - at in shapes]
        lengths.append(fitting[0] if fitting else max(each for each in shapes if each <= min(ends) - at))
        at += lengths[-1]
    return lengths


def triplet_length(grid: Grid) -> Fraction:
    """The length of the grid's shortest triplet in quarters: a beat in 4/4, half of one in 2/4; without any, a beat."""
    in_thirds = [onset for onset in grid.onset_of_tick if onset.denominator % 3 == 0]
    return 3 * min(in_thirds) if in_thirds else grid.beat


def token_names(tokens: Sequence[int] | np.ndarray, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Names of token indices."""
    return tuple(vocabulary.tokens[int(token)] for token in tokens)


def measure_to_abc(tokens: Sequence[int] | np.ndarray, vocabulary: Vocabulary) -> str:
    """One measure as a line of ABC, in units of 1/8 and without key signature: `A2 (3Bcd e4|`.

    Args:
        tokens: (T,) token indices.
        vocabulary: of the tokens, with the grid of the measure.

    Raises:
        ValueError: a measure of another number of tokens, or a pitch that ABC has no sign for.
    """
    return f"{_abc_bar(token_names(tokens, vocabulary), vocabulary.grid, {})}|"


def measures_to_abc(
    measures: Sequence[Sequence[int]] | np.ndarray, vocabulary: Vocabulary, *, title: str = "", number: int = 1
) -> str:
    """Consecutive measures as a complete ABC tune, with the key signature that `key_signature` chooses.

    Args:
        measures: (N, T) token indices.
        vocabulary: of the tokens, with the grid of the measures. Pitches of a microtonal one get no key signature.
        title: for the `T:` field.
        number: for the `X:` field.

    Raises:
        ValueError: as in `measure_to_abc`.
    """
    named = [token_names(tokens, vocabulary) for tokens in measures]
    fifths = 0 if vocabulary.microtonal else key_signature(named)
    altered = altered_letters(fifths)
    bars, sounding = [], ""
    for names in named:
        if names[0] == HOLD_NAME and not sounding and not any(map(is_pitch, names)):
            # nothing but what was held before: a short bar, as of a pickup, in which it starts
            bars.append(f"{_abc_pitch(HELD, {}, altered)}/8")
            sounding = HELD
        bars.append(_abc_bar(names, vocabulary.grid, altered, sounding))
        if names[0] == HOLD_NAME and sounding:
            bars[-2] += "-"
        last = next((name for name in reversed(names) if name != HOLD_NAME), sounding)
        sounding = "" if last == REST_NAME else last
    lines = ["|".join(bars[at : at + _MEASURES_PER_LINE]) + "|" for at in range(0, len(bars), _MEASURES_PER_LINE)]
    fields = [f"X:{number}", f"T:{title}", *[_ROUNDED] * vocabulary.microtonal]
    header = [*fields, f"M:{vocabulary.metre}", "L:1/8", f"K:{major_key(fifths)}"]
    return "\n".join([*header, *lines]) + "\n"


def _abc_bar(names: Sequence[str], grid: Grid, altered: dict[str, int], sounding: str = "") -> str:
    """The notes of one bar.

    Args:
        names: of its tokens.
        grid: of the measure.
        altered: the letters that the key signature alters.
        sounding: the pitch that a hold at the start continues, if it is known.
    """
    in_force: dict[str, int] = {}
    written = ""
    for group, in_triplets in _groups(sounds(names, grid), grid):
        # Within (3:2:n every length of the grid is written as a number of notes with a binary fraction
        unit = Fraction(1, 3) if in_triplets else Fraction(1, 2)
        shapes, notes = _TRIPLET_SHAPES if in_triplets else _SHAPES, list[str]()
        for sound in group:
            token = (sounding or "x") if sound.token == HOLD_NAME else sound.token
            lengths = [sound.length] if token == "x" else note_lengths(sound, grid, shapes)
            parts = [_abc_pitch(token, in_force, altered) + _abc_length(length / unit) for length in lengths]
            notes += [part + "-" * is_pitch(token) for part in parts[:-1]] + parts[-1:]
        bracket = ("(3" if len(notes) == 3 else f"(3:2:{len(notes)}") if in_triplets else ""
        starts_beat = not group[0].onset % grid.beat
        written += " " * (bool(written) and starts_beat) + bracket + "".join(notes)
    return written


def _groups(events: Sequence[Sound], grid: Grid) -> Iterator[tuple[list[Sound], bool]]:
    """Events in groups that are whole triplets or need none, with whether they are triplets.

    A group is as long as a triplet. Groups that a note joins are one.
    """
    length = triplet_length(grid)
    group: list[Sound] = []
    for event in events:
        group.append(event)
        if not (event.onset + event.length) % length:
            yield group, any(sound.onset.denominator % 3 == 0 for sound in group)
            group = []


def _abc_pitch(token: str, in_force: dict[str, int], altered: dict[str, int]) -> str:
    """A spelled pitch in ABC, with a sign wherever what stands before it in the bar could alter it.

    Readers differ on whether an accidental holds in all octaves or in its own; the sign is left out where both agree.
    """
    if token in ("x", REST_NAME):
        return "x" if token == "x" else "z"
    letter, octave, alteration = spelling(rounded_name(token))
    if alteration not in _ABC_SIGNS:
        raise ValueError(f"{token!r}: ABC has no sign for {abs(alteration)} semitones")
    places, signature = (letter, f"{letter}{octave}"), altered.get(letter, 0)
    sign = "" if all(in_force.get(place, signature) == alteration for place in places) else _ABC_SIGNS[alteration]
    in_force.update(dict.fromkeys(places, alteration))
    return sign + (letter + "," * (4 - octave) if octave <= 4 else letter.lower() + "'" * (octave - 5))


def _abc_length(units: Fraction) -> str:
    """A length in units of 1/8: nothing, `2`, `/2`, `3/2`."""
    above = "" if units.numerator == 1 else str(units.numerator)
    return above if units.denominator == 1 else f"{above}/{units.denominator}"
