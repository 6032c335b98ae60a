"""Chooses the key signature that measures are written with, so that few accidentals are needed.

Of the fifteen signatures, from seven flats to seven sharps, it is the one that agrees with the most notes; among equals
the one with the fewest signs, then the one of sharps. Notes count as they are spelled: a `B-4` agrees with two flats
and an `A#4` does not. Which of the keys with this signature the music is in is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from vaemusic_jax.music.key_signatures import altered_letters
from vaemusic_jax.music.vocabulary import is_pitch, spelling

MOST_SIGNS = 7
_MAJOR_KEYS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")


def key_signature(measures: Iterable[Sequence[str]]) -> int:
    """Returns the key signature of measures that are written together: its number of sharps, negative for flats.

    Args:
        measures: the token names of each, with pitches in twelve tones.
    """
    notes = Counter(spelling(name)[::2] for measure in measures for name in measure if is_pitch(name))

    def disagreeing(fifths: int) -> int:
        altered = altered_letters(fifths)
        return sum(n for (letter, alteration), n in notes.items() if altered.get(letter, 0) != alteration)

    return min(range(-MOST_SIGNS, MOST_SIGNS + 1), key=lambda fifths: (disagreeing(fifths), abs(fifths), fifths < 0))


def major_key(fifths: int) -> str:
    """Returns the name of the major key with a signature, as ABC writes it: `D` for 2 sharps, `Bb` for 2 flats."""
    return _MAJOR_KEYS[fifths + MOST_SIGNS]
