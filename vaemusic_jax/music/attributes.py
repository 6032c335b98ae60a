"""The musical attributes of a measure: the table of attributes and the computation of their values.

Only note onsets count. Rests and holds are silence to every attribute, and so is a hold at the first tick, where an
event of the previous measure continues. A formula computes in integers up to one final division, so that measures with
equal attributes get bit-equal values. The attribute regulariser depends on that, because it takes the sign of their
difference.

Pitches of a microtonal vocabulary are counted in 53rds of a semitone, in which a comma is 12 whole units.

To add an attribute, add a row at the end: `ATTRIBUTES["name"] = Attribute("name", "N", unit, formula)`. Arrays of all
attributes, in data sets and checkpoints, have their columns in the order of the rows. A row may have a second formula,
of the probabilities of onsets instead of onsets, which training with `steering_weight` needs because it can be
differentiated. It equals the first formula where every probability is 0 or 1.

Shapes: T ticks of the grid (24 in 4/4), A attributes, V = vocabulary size, P = number of pitches, B measures, `...` any
batch axes.

Source: the attribute definitions of Pati & Lerch, "Attribute-based regularization of latent spaces for variational
auto-encoders" (2021), with the rhythmic-complexity weights of Toussaint's metrical hierarchy as published there.
"""

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.music.grid import Grid

RANGE_SEMITONES = 26  # the published unit of note range
MICROTONAL_UNIT = 53  # units per semitone in a microtonal vocabulary; a Holdrian comma is 12 units

# Weights of an onset, times 100 to stay in integers. What is weaker in the metre weighs more.
DOWNBEAT, HALF_MEASURE, BEAT, DIVISION, SUBDIVISION, OFF_THE_METRE = 20, 25, 67, 50, 100, 200


@functools.cache
def onset_weights(grid: Grid) -> tuple[int, ...]:
    """Returns the weight of an onset at each tick in `rhythmic_complexity`, times 100.

    A tick has the weight of the first of these that it is: the start of the measure (.20), its middle in a metre of
    four beats (.25), the start of a beat (.67), of a division of the beat (.50; metres divide beats into two parts or
    three), or of half a division (1). All other ticks, which the metre does not have, weigh most (2). In 4/4 these are
    the published weights (.20, .67, .25, .67 on the beats, each followed by 1, 2, .50, 2, 1).
    """
    division = grid.beat / grid.divisions
    levels = [
        (grid.quarters, DOWNBEAT),
        *([(grid.quarters / 2, HALF_MEASURE)] if grid.n_beats == 4 else []),
        (grid.beat, BEAT),
        (division, DIVISION),
        (division / 2, SUBDIVISION),
    ]
    return tuple(
        next((weight for length, weight in levels if onset % length == 0), OFF_THE_METRE)
        for onset in grid.onset_of_tick
    )


@dataclass(frozen=True)
class Onsets:
    """The note onsets of measures.

    Attributes:
        pitches: (..., T) int32 pitch in units of which `unit` make a semitone; it has no meaning where no note starts.
        at: (..., T) bool, whether a note starts at the tick.
        unit: the number of units of `pitches` in a semitone.
        grid: the grid of the measures.
    """

    pitches: np.ndarray
    at: np.ndarray
    unit: int
    grid: Grid

    @property
    def count(self) -> np.ndarray:
        """The number of onsets of each measure, (...) int32."""
        return self.at.sum(-1, dtype=np.int32)


@dataclass(frozen=True)
class OnsetChances:
    """The probabilities of note onsets, independent from tick to tick, as a decoder's softmax gives them.

    `chances` may be a NumPy or a JAX array: formulas use operators and methods that both have, so that this module does
    not import JAX.

    Attributes:
        chances: (B, T, P) the probability that a note of each pitch starts at each tick.
        pitches: (P,) the pitches in semitones, all different and ascending.
        grid: the grid of the measures.
    """

    chances: Any
    pitches: np.ndarray
    grid: Grid

    @property
    def at(self) -> Any:
        """The probability that any note starts at each tick, (B, T)."""
        return self.chances.sum(-1)


@dataclass(frozen=True)
class Attribute:
    """One musical attribute, a row of the table `ATTRIBUTES`.

    Attributes:
        name: the name in configurations and tables.
        initial: the short form in narrow tables.
        unit: the unit of a value, in words.
        formula: the function from onsets to values, (...) float32.
        version: the version of the formula. Prepared data sets store it with the values, and the values are computed
            again when it differs. `tests/music/test_attributes.py` fails if values change and the version does not.
        of_the_study: whether `all` in a configuration includes the attribute. It includes the study's four only, so
            that a new row changes no earlier configuration, trial or run.
        differentiable: the function from probabilities of onsets to values, (B,), which equals `formula` where all
            probabilities are 0 or 1; None if there is none, and then no trial that steers can have the attribute.
        shown_unit: the unit in which people give and read values, in words; empty if it is `unit`.
        shown_factor: the factor from a value to a value in that unit.
    """

    name: str
    initial: str
    unit: str
    formula: Callable[[Onsets], np.ndarray]
    version: int = 1
    of_the_study: bool = False
    differentiable: Callable[[OnsetChances], Any] | None = None
    shown_unit: str = ""
    shown_factor: float = 1.0

    @property
    def words(self) -> str:
        """The name with spaces, for use in sentences."""
        return self.name.replace("_", " ")


class AttributeTable(dict[str, Attribute]):
    """Attributes by name, in the order of the latent dimensions that they are tied to when all are regularised."""

    def index(self, name: str) -> int:
        """Returns the column of an attribute in arrays of all attributes. Raises ValueError for an unknown name."""
        return list(self).index(name)

    def of_the_study(self) -> tuple[str, ...]:
        """Returns the names of the attributes that `all` in a configuration stands for."""
        return tuple(name for name, row in self.items() if row.of_the_study)

    def revised(self) -> dict[str, int]:
        """Returns the versions of the formulas that are not their first, by name; values of others are stale."""
        return {name: row.version for name, row in self.items() if row.version > 1}

    def columns(self, names: Iterable[str]) -> list[int]:
        """Returns the columns of several attributes, in the given order. Raises ValueError for an unknown name."""
        return [self.index(name) for name in names]


def rhythmic_complexity(onsets: Onsets) -> np.ndarray:
    """Returns the weight of the onset ticks over that of all ticks, (...) float32; 1 if every tick is an onset."""
    weights = onset_weights(onsets.grid)
    return _over(onsets.at.astype(np.int32) @ np.array(weights, np.int32), sum(weights))


def note_range(onsets: Onsets) -> np.ndarray:
    """Returns (highest - lowest onset pitch) / 26 semitones, (...) float32; 0 with fewer than two onsets.

    It may exceed 1.
    """
    highest = np.where(onsets.at, onsets.pitches, 0).max(-1)
    lowest = np.where(onsets.at, onsets.pitches, highest[..., None]).min(-1)
    span = np.where(onsets.count >= 2, highest - lowest, 0)
    return _over(span, RANGE_SEMITONES * onsets.unit)


def note_density(onsets: Onsets) -> np.ndarray:
    """Returns the share of the ticks that are note onsets, (...) float32 from 0 to 1."""
    return _over(onsets.count, onsets.grid.n_ticks)


def average_interval_jump(onsets: Onsets) -> np.ndarray:
    """Returns the mean absolute interval between successive onsets in semitones, (...) float32.

    It is 0 with fewer than two onsets. Rests between two onsets are ignored.
    """
    ticks = np.arange(onsets.grid.n_ticks, dtype=np.int32)
    last_onset = np.maximum.accumulate(np.where(onsets.at, ticks, -1), axis=-1)
    # the last onset before each tick: `last_onset` of the tick before, and none (-1) at the first tick
    before = np.concatenate([np.full_like(last_onset[..., :1], -1), last_onset[..., :-1]], axis=-1)
    previous = np.take_along_axis(onsets.pitches, np.maximum(before, 0), axis=-1)
    jumps = np.where(onsets.at & (before >= 0), np.abs(onsets.pitches - previous), 0).sum(-1, dtype=np.int32)
    intervals = np.maximum(onsets.count - 1, 1)
    return jumps.astype(np.float32) / (intervals * onsets.unit).astype(np.float32)


def expected_complexity(onsets: OnsetChances) -> Any:
    """Returns the expected `rhythmic_complexity`, (B,)."""
    weights = onset_weights(onsets.grid)
    return onsets.at @ np.array(weights, onsets.at.dtype) / sum(weights)


def expected_range(onsets: OnsetChances) -> Any:
    """Returns the expected `note_range`, (B,).

    It is the sum over all steps from a pitch to the next higher one of the size of the step times the probability that
    at least one onset is above it and at least one below it.
    """
    dtype, n = onsets.at.dtype, len(onsets.pitches)
    is_above = np.tril(np.ones((n, n), dtype), -1)[:, : n - 1]  # [p, s]: pitch p is above step s
    above_BxTxS = onsets.chances @ is_above
    silent_BxTx1 = 1 - onsets.at[:, :, None]
    none_above, none_below = (1 - above_BxTxS).prod(1), (silent_BxTx1 + above_BxTxS).prod(1)
    crossed_BxS = 1 - none_above - none_below + silent_BxTx1.prod(1)
    return crossed_BxS @ np.diff(onsets.pitches).astype(dtype) / RANGE_SEMITONES


def expected_density(onsets: OnsetChances) -> Any:
    """Returns the expected `note_density`, (B,)."""
    return onsets.at.mean(1)


def expected_jump(onsets: OnsetChances) -> Any:
    """Returns the expected sum of intervals over the expected number of intervals, which counts as at least 1, (B,).

    The interval to an onset is from the last onset before it. With `far` the expected distance of each pitch to the
    last onset up to each tick, far[t] = distances to onsets at t + P(no onset at t) far[t - 1]. It is computed for
    windows of 1, 2, 4, ... ticks before t, each from two of half the length.
    """
    dtype, n_ticks = onsets.at.dtype, onsets.grid.n_ticks
    distances_PxP = np.abs(onsets.pitches[:, None] - onsets.pitches[None, :]).astype(dtype)
    chances_BxPxT = onsets.chances.swapaxes(1, 2)
    far_BxPxT, silent_Bx1xT = (onsets.chances @ distances_PxP).swapaxes(1, 2), 1 - onsets.at[:, None, :]
    for n in itertools.takewhile(lambda n: n < n_ticks, (1, 2, 4, 8, 16, 32)):
        later_TxT = np.eye(n_ticks, k=n, dtype=dtype)  # as a factor it moves values to the tick n later
        far_BxPxT = far_BxPxT + silent_Bx1xT * (far_BxPxT @ later_TxT)
        silent_Bx1xT = silent_Bx1xT * (silent_Bx1xT @ later_TxT)
    before_BxPxT = far_BxPxT @ np.eye(n_ticks, k=1, dtype=dtype)
    return (chances_BxPxT * before_BxPxT).sum((1, 2)) / (onsets.at.sum(1) - 1).clip(1)


def _over(whole: np.ndarray, divisor: int) -> np.ndarray:
    """Divides whole numbers by one divisor, in float32.

    It multiplies by the reciprocal, as compilers do for a constant divisor, so that values are bit for bit those that
    earlier versions trained on.
    """
    return whole.astype(np.float32) * (np.float32(1) / np.float32(divisor))


_ROWS = (
    Attribute(
        "rhythmic_complexity",
        "RC",
        "share of the greatest possible",
        rhythmic_complexity,
        differentiable=expected_complexity,
    ),
    Attribute(
        "note_range",
        "NR",
        "26 semitones",
        note_range,
        differentiable=expected_range,
        shown_unit="semitones",
        shown_factor=RANGE_SEMITONES,
    ),
    Attribute("note_density", "ND", "onsets a tick", note_density, differentiable=expected_density),
    Attribute("average_interval_jump", "IJ", "semitones", average_interval_jump, differentiable=expected_jump),
)
ATTRIBUTES = AttributeTable((row.name, replace(row, of_the_study=True)) for row in _ROWS)


def compute_attributes(tokens: ArrayLike, midi: ArrayLike, grid: Grid) -> np.ndarray:
    """Computes every attribute of measures; measures with equal attributes get bit-equal values.

    Args:
        tokens: (..., T) token indices, any integer type.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest (`Vocabulary.midi`): integers, or floats that are
            multiples of 1/53, the fractional semitones of a microtonal vocabulary.
        grid: the grid of the measures (`Vocabulary.grid`).

    Returns:
        (..., A) float32, attributes in the order of `ATTRIBUTES`.

    Raises:
        ValueError: the last axis of `tokens` is not the ticks of the grid.
    """
    indices, midi = np.asarray(tokens), np.asarray(midi)
    if indices.shape[-1:] != (grid.n_ticks,):
        raise ValueError(
            f"tokens have shape {indices.shape}; the last axis must be the {grid.n_ticks} ticks of a measure in "
            f"{grid.metre}"
        )
    unit = MICROTONAL_UNIT if np.issubdtype(midi.dtype, np.floating) else 1
    pitches = np.round(midi * unit).astype(np.int32)[indices]
    onsets = Onsets(pitches, pitches >= 0, unit, grid)
    return np.stack([attribute.formula(onsets) for attribute in ATTRIBUTES.values()], axis=-1)


def differentiable_attributes(chances: Any, midi: np.ndarray, grid: Grid) -> Any:
    """Computes attributes of probable measures so that they can be differentiated.

    Args:
        chances: (B, T, V) the probability of each token at each tick, a NumPy or a JAX array.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest (`Vocabulary.midi`).
        grid: the grid of the measures.

    Returns:
        The values (B,) of each attribute in the order of `ATTRIBUTES`, None for one without a differentiable formula.
        Where every probability is 0 or 1, the values are those of `compute_attributes` up to rounding.
    """
    midi = np.asarray(midi)
    pitches, index = np.unique(midi[midi >= 0], return_inverse=True)
    of_pitch = np.zeros((len(midi), len(pitches)), chances.dtype)
    of_pitch[np.flatnonzero(midi >= 0), index] = 1
    onsets = OnsetChances(chances @ of_pitch, pitches, grid)
    return [row.differentiable(onsets) if row.differentiable else None for row in ATTRIBUTES.values()]
