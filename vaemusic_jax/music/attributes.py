"""The musical attributes of a measure: a table of them, and their values.

Only note onsets count: rests and holds are silence to every attribute, and so is a hold at the first tick, where the
event of the measure before goes on. A formula works in integers up to one final division, so that measures with equal
attributes get bit-equal values. The attribute regulariser depends on that, because it takes the sign of their
difference.

Pitches of a microtonal vocabulary are counted in 53rds of a semitone, in which a comma is 12 whole units.

To add an attribute, add a row: `ATTRIBUTES["name"] = Attribute("name", "N", unit, formula)`.

Shapes: T = 24 ticks, A attributes, V = vocabulary size, `...` any batch axes.

Source: the attribute definitions of Pati & Lerch, "Attribute-based regularization of latent spaces for variational
auto-encoders" (2021), with the rhythmic-complexity weights of Toussaint's metrical hierarchy as published there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.music.grid import N_TICKS

RANGE_SEMITONES = 26  # the published unit of note range
MICROTONAL_UNIT = 53  # of a semitone; a Holdrian comma is 12/53 of one

# Weight of an onset at each tick, times 100 to stay in integers: the off-beats weigh most, the downbeat least.
ONSET_WEIGHTS = tuple(w for first in (20, 67, 25, 67) for w in (first, 100, 200, 50, 200, 100))


@dataclass(frozen=True)
class Onsets:
    """The note onsets of measures.

    Attributes:
        pitches: (..., T) int32 pitch in `unit`ths of a semitone; of no meaning where there is no onset.
        at: (..., T) whether a note starts at the tick.
        unit: how many units of `pitches` make a semitone.
    """

    pitches: np.ndarray
    at: np.ndarray
    unit: int

    @property
    def count(self) -> np.ndarray:
        """(...) number of onsets."""
        return self.at.sum(-1, dtype=np.int32)


@dataclass(frozen=True)
class Attribute:
    """A row of the table.

    Attributes:
        name: as configurations and tables write it.
        initial: the short form in narrow tables.
        unit: of a value, in words.
        formula: from onsets to (...) float32 values.
        version: of the formula. Prepared data sets store the values with it; another number has them computed anew.
            `tests/music/test_attributes.py` fails when values change and the number does not.
    """

    name: str
    initial: str
    unit: str
    formula: Callable[[Onsets], np.ndarray]
    version: int = 1

    @property
    def words(self) -> str:
        """The name as prose writes it."""
        return self.name.replace("_", " ")


class AttributeTable(dict[str, Attribute]):
    """Attributes by name, in the order in which they take the latent dimensions when all are regularised."""

    def index(self, name: str) -> int:
        """The column of an attribute in arrays of all of them. Raises ValueError for an unknown name."""
        return list(self).index(name)

    def columns(self, names: Iterable[str]) -> list[int]:
        """The columns of several attributes, in the given order."""
        return [self.index(name) for name in names]


def rhythmic_complexity(onsets: Onsets) -> np.ndarray:
    """Weight of the onset ticks over the weight of all ticks; 1 when every tick is an onset."""
    weight = onsets.at.astype(np.int32) @ np.array(ONSET_WEIGHTS, np.int32)
    return _over(weight, sum(ONSET_WEIGHTS))


def note_range(onsets: Onsets) -> np.ndarray:
    """(highest - lowest onset pitch) / 26 semitones; 0 with fewer than two onsets; may exceed 1."""
    highest = np.where(onsets.at, onsets.pitches, 0).max(-1)
    lowest = np.where(onsets.at, onsets.pitches, highest[..., None]).min(-1)
    span = np.where(onsets.count >= 2, highest - lowest, 0)
    return _over(span, RANGE_SEMITONES * onsets.unit)


def note_density(onsets: Onsets) -> np.ndarray:
    """Share of the 24 ticks that are note onsets, 0 to 1."""
    return _over(onsets.count, N_TICKS)


def average_interval_jump(onsets: Onsets) -> np.ndarray:
    """Mean absolute interval between successive onsets, in semitones; 0 with fewer than two onsets.

    Rests between two onsets are ignored.
    """
    last_onset = np.maximum.accumulate(np.where(onsets.at, np.arange(N_TICKS, dtype=np.int32), -1), axis=-1)
    # the onset before each tick: what was last one tick earlier, nothing at the first tick
    before = np.concatenate([np.full_like(last_onset[..., :1], -1), last_onset[..., :-1]], axis=-1)
    previous = np.take_along_axis(onsets.pitches, np.maximum(before, 0), axis=-1)
    jumps = np.where(onsets.at & (before >= 0), np.abs(onsets.pitches - previous), 0).sum(-1, dtype=np.int32)
    intervals = np.maximum(onsets.count - 1, 1)
    return jumps.astype(np.float32) / (intervals * onsets.unit).astype(np.float32)


def _over(whole: np.ndarray, divisor: int) -> np.ndarray:
    """Whole numbers over one divisor, float32.

    By its reciprocal, as compilers divide by a constant: values are bit for bit those that earlier versions trained on.
    """
    return whole.astype(np.float32) * (np.float32(1) / np.float32(divisor))


ATTRIBUTES = AttributeTable(
    (row.name, row)
    for row in (
        Attribute("rhythmic_complexity", "RC", "share of the greatest possible", rhythmic_complexity),
        Attribute("note_range", "NR", "26 semitones", note_range),
        Attribute("note_density", "ND", "onsets a tick", note_density),
        Attribute("average_interval_jump", "IJ", "semitones", average_interval_jump),
    )
)


def compute_attributes(tokens: ArrayLike, midi: ArrayLike) -> np.ndarray:
    """Every attribute of measures, in the order of `ATTRIBUTES`; equal measures get equal values.

    Args:
        tokens: (..., 24) token indices, any integer type.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest (`Vocabulary.midi`): integers, or floats that are
            multiples of 1/53, the fractional semitones of a microtonal vocabulary.

    Returns:
        (..., A) float32.

    Raises:
        ValueError: the last axis of `tokens` is not the 24 ticks.
    """
    indices, midi = np.asarray(tokens), np.asarray(midi)
    if indices.shape[-1:] != (N_TICKS,):
        raise ValueError(f"tokens have shape {indices.shape}; the last axis must be the {N_TICKS} ticks of a measure")
    unit = MICROTONAL_UNIT if np.issubdtype(midi.dtype, np.floating) else 1
    pitches = np.round(midi * unit).astype(np.int32)[indices]
    onsets = Onsets(pitches, pitches >= 0, unit)
    return np.stack([attribute.formula(onsets) for attribute in ATTRIBUTES.values()], axis=-1)
