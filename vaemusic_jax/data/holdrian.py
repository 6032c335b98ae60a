"""Converts pitches in Holdrian commas, 53 to the octave, in which Turkish makam music is written.

A pitch is numbered as in SymbTr's column `KomaAE`: C4 is 265 = 5 * 53, and each natural stands its number of commas
above C (`vocabulary.NATURAL_COMMAS`). Nine commas are a whole tone. In this system a sharp is 4 commas and a flat 5.
"""

from __future__ import annotations

from vaemusic_jax.data.tunes import Pitch
from vaemusic_jax.music.vocabulary import COMMAS_PER_OCTAVE, NATURAL_COMMAS, SEMITONES, comma_spelling, has_commas

#: MusicXML's accidental names in a score in commas: the signs of Arel, Ezgi and Uzdilek; the doubles are whole tones.
COMMAS_OF_ACCIDENTAL = {
    "natural": 0,
    "quarter-sharp": 1,
    "sharp": 4,
    "slash-quarter-sharp": 5,
    "slash-sharp": 8,
    "double-sharp": 9,
    "sharp-sharp": 9,
    "quarter-flat": -1,
    "slash-flat": -4,
    "flat": -5,
    "double-slash-flat": -8,
    "flat-flat": -9,
}
#: The names among them that only Turkish music is written with.
TURKISH_ACCIDENTALS = frozenset({"slash-flat", "double-slash-flat", "slash-quarter-sharp", "slash-sharp"})

# How many commas above a natural its letter reaches in `comma_name`: from there on it is the next letter, flattened.
# So E and B are flattened by up to 5 commas and F raised by up to 5, as nearly all makams spell them; elsewhere the
# nearer letter is taken.
_REACH = {"C": 4, "D": 3, "E": 1, "F": 5, "G": 4, "A": 3, "B": 1}


def comma_number(letter: str, octave: int, commas: int) -> int:
    """The comma number of a spelled pitch; C4 is 265."""
    return COMMAS_PER_OCTAVE * (octave + 1) + NATURAL_COMMAS[letter] + commas


def midi_number(koma: int) -> int:
    """The nearest MIDI number of a comma number; it is never half way between two."""
    return round(60 + 12 * (koma - 265) / COMMAS_PER_OCTAVE)


def comma_spelled(koma: int) -> tuple[str, int, int]:
    """(letter, octave, commas) for a comma number that comes without a spelling, as in MIDI.

    Spells it from the highest natural that is not above it, as far up as `_REACH` allows, else from the next natural,
    flattened.
    """
    octave, above_c = divmod(koma, COMMAS_PER_OCTAVE)
    letter = max((each for each in NATURAL_COMMAS if NATURAL_COMMAS[each] <= above_c), key=NATURAL_COMMAS.__getitem__)
    commas = above_c - NATURAL_COMMAS[letter]
    if commas <= _REACH[letter]:
        return letter, octave - 1, commas
    if letter == "B":
        return "C", octave, above_c - COMMAS_PER_OCTAVE
    letter = "CDEFGAB"["CDEFGAB".index(letter) + 1]
    return letter, octave - 1, above_c - NATURAL_COMMAS[letter]


def comma_name(koma: int) -> str:
    """The token name of a comma number that comes without a spelling: 313 is `B4-1c`, 314 is `B4`.

    It is spelled as `comma_spelled` says. The octave of the name is one digit for C0 (53) to B9 (579) only.
    """
    return written_name(*comma_spelled(koma), "microtonal")


def written_name(letter: str, octave: int, commas: int, pitch: Pitch) -> str:
    """The token name of a pitch spelled with commas.

    Args:
        letter, octave: of the natural.
        commas: above it; below it when negative.
        pitch: `microtonal` gives `B4-4c`, or `B4` for a natural; `rounded` the nearest of twelve tones, spelled with
            the same letter: `B-4`. Eight commas up are 1.8 semitones, so `F##4`; one comma down is the natural.
    """
    if pitch == "microtonal":
        return f"{letter}{octave}{commas:+d}c" if commas else f"{letter}{octave}"
    natural = 12 * (octave + 1) + SEMITONES[letter]
    semitones = midi_number(comma_number(letter, octave, commas)) - natural
    return f"{letter}{'#' * semitones}{'-' * -semitones}{octave}"


def rounded_name(name: str) -> str:
    """A token name with its commas, if it has any, rounded to the nearest of twelve tones: `B4-4c` is `B-4`."""
    return written_name(*comma_spelling(name), "rounded") if has_commas(name) else name
