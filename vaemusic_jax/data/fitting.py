"""Puts measures into a vocabulary: token names become indices, and pitches that it lacks are moved, respelled or named.

A spelling that the vocabulary lacks becomes the one it has for the same pitch: `E#4` becomes `F4`. Of several it is the
one with the fewest signs, then the first by name. A pitch that it lacks in every spelling is an error that names it, or
moves its tune by octaves: all measures of the tune by the same number, so that its intervals and ties stay, and by the
smallest one that takes all of its pitches into the vocabulary, upwards if both ways are equally far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vaemusic_jax.data.measures import Place, ReadMeasures
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary, is_pitch, pitch_in_53rds, pitch_to_midi

_MOST_OCTAVES = 9


@dataclass(frozen=True)
class Fitted:
    """Measures as tokens of a vocabulary.

    Attributes:
        tokens: int32 (N, T).
        octaves: by how many octaves each tune was moved, by its name; tunes that were not are left out.
        respelled: the spelling of each pitch that the vocabulary lacks -> the one that took its place.
    """

    tokens: np.ndarray
    octaves: dict[str, int]
    respelled: dict[str, str]


def fit(measures: ReadMeasures, vocabulary: Vocabulary, *, octaves: bool = False) -> Fitted:
    """Returns measures as tokens of a vocabulary.

    Args:
        measures: in the vocabulary's metre.
        vocabulary: to put them into.
        octaves: whether to move tunes by octaves that do not fit otherwise.

    Raises:
        UserError: a pitch is not in the vocabulary, or, with `octaves`, a tune does not fit in any octave.
    """
    sounding = _sounding(vocabulary)
    pitches: dict[str, dict[str, Place]] = {}  # of each tune, with the place where each is first
    for names, place in zip(measures.names, measures.places, strict=True):
        for name in filter(is_pitch, names):
            pitches.setdefault(place.tune, {}).setdefault(name, place)
    moved, respelled = dict[str, int](), dict[str, str]()
    spelled: dict[str, Mapping[str, str]] = {}  # of each tune: pitch -> the name that it gets
    for tune, places in pitches.items():
        shifts = [0, *(sign * n for n in range(1, _MOST_OCTAVES + 1) for sign in (1, -1))] if octaves else [0]
        for shift in shifts:
            spelled[tune] = {name: found for name in places if (found := sounding(name, shift)) is not None}
            if len(spelled[tune]) == len(places):
                break
        else:
            raise UserError(_misfit(places, vocabulary, octaves, sounding))
        if shift:
            moved[tune] = shift
        respelled |= {name: to for name, to in spelled[tune].items() if to != _moved(name, shift)}
    rows = [
        [vocabulary.index(spelled[place.tune][name] if is_pitch(name) else name) for name in names]
        for names, place in zip(measures.names, measures.places, strict=True)
    ]
    return Fitted(np.array(rows, np.int32).reshape(len(rows), vocabulary.grid.n_ticks), moved, respelled)


Sounding = Callable[[str, int], str | None]


def _sounding(vocabulary: Vocabulary) -> Sounding:
    """A function of a pitch and a number of octaves that gives the name of the pitch there, None if there is none."""
    number = pitch_in_53rds if vocabulary.microtonal else pitch_to_midi
    by_simplicity = sorted(vocabulary.tokens[2:], key=lambda name: (len(name), name), reverse=True)
    names = {number(name): name for name in by_simplicity}  # the simplest comes last, and stays

    def name_of(name: str, octaves: int) -> str | None:
        moved = _moved(name, octaves)
        if moved is None or moved in vocabulary:
            return moved
        return names.get(number(moved))

    return name_of


def _moved(name: str, octaves: int) -> str | None:
    """A pitch moved by octaves, None where no name has such an octave."""
    octave = int(re.findall(r"\d", name)[0]) + octaves
    return re.sub(r"\d", str(octave), name, count=1) if 0 <= octave <= 9 else None


def _misfit(places: Mapping[str, Place], vocabulary: Vocabulary, octaves: bool, sounding: Sounding) -> str:
    """Says which pitch of a tune the vocabulary lacks, and what it has."""
    theirs = _range(vocabulary.tokens[2:], vocabulary)
    if octaves:
        tune = next(iter(places.values())).tune
        return f"{tune}: in no octave are all its pitches, {_range([*places], vocabulary)}, among the model's, {theirs}"
    name, place = next((name, place) for name, place in places.items() if sounding(name, 0) is None)
    return f"{place}: {name} is none of the model's pitches, {theirs}; octaves=True moves such a tune by octaves"


def _range(names: Sequence[str], vocabulary: Vocabulary) -> str:
    number = pitch_in_53rds if vocabulary.microtonal else pitch_to_midi
    return f"{min(names, key=number)} to {max(names, key=number)}" if names else "none"
