"""Pairs of measures to compare: one control at two quantiles, and real measures that differ by as much.

Attributes are in standard deviations of the training measures, as differences of the second measure and the first.
Shapes: N measures, T ticks, A attributes, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.trained_model import TrainedModel

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # the quantiles that a control is set to
#: In half of an attribute's pairs this other attribute is equal, because people could go by it instead.
MATCHED = {"rhythmic_complexity": "note_density", "note_range": "average_interval_jump"}
EQUAL = 0.15  # differences up to this are equal; note counts differ by more than that in whole notes
NEAR = 0.25  # the measures of a real pair are at quantiles of the attribute, give or take this


@dataclass(frozen=True)
class Pairs:
    """Candidates for pairs of measures, in which the second should have more of an attribute.

    Attributes:
        number: (P,) the same number for the same two real measures, or for the same start and quantiles.
        low, high: (P, T) tokens of the first and the second measures.
        levels: (P, 2) the quantiles that the control was set to, or in real pairs those of the attribute.
        asked: (P,) the difference that was asked for: between the attribute's values at both quantiles.
        changes: (P, A) the differences that came out.
    """

    number: NDArray[np.intp]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    levels: NDArray[np.float64]
    asked: NDArray[np.float64]
    changes: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.low)

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Pairs:
        """Returns some of the pairs."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def equal_in(self, attribute: str) -> Pairs:
        """Returns the pairs whose measures are equal in an attribute."""
        return self.at(np.abs(self.changes[:, ATTRIBUTES.index(attribute)]) <= EQUAL)


def joined(pairs: Sequence[Pairs]) -> Pairs:
    """Returns all pairs of several, one after the other."""
    return Pairs(*(np.concatenate([getattr(each, name) for each in pairs]) for name in Pairs.__dataclass_fields__))


def level_pairs(step: float) -> list[tuple[float, float]]:
    """Returns the pairs of quantiles in LEVELS that are a step apart."""
    return [(a, b) for a in LEVELS for b in LEVELS if round(b - a, 3) == round(step, 3)]


def controlled_pairs(
    model: TrainedModel, starts_NxT: NDArray[np.int32], attribute: str, steps: Sequence[float]
) -> dict[float, Pairs]:
    """Returns measures decoded with one control at two quantiles, by the difference of the quantiles.

    Both measures of a pair come from one start. Nothing is selected by what came out.

    Args:
        model: the model.
        starts_NxT: measures to start from, in the model's tokens.
        attribute: the attribute whose control is set.
        steps: differences of two of LEVELS.
    """
    about, spread = model.about, _spread(model)
    decoded = {level: model.turn(starts_NxT, attribute, level=level) for level in LEVELS}
    attributes = {level: model.attributes(tokens).astype(float) for level, tokens in decoded.items()}
    found = {}
    for step in steps:
        each = []
        for low, high in level_pairs(step):
            difference = about.attribute_at(attribute, high) - about.attribute_at(attribute, low)
            place = (LEVELS.index(low) * len(LEVELS) + LEVELS.index(high)) * len(starts_NxT)
            each.append(
                Pairs(
                    place + np.arange(len(starts_NxT)),
                    decoded[low],
                    decoded[high],
                    np.tile([low, high], (len(starts_NxT), 1)),
                    np.full(len(starts_NxT), difference / about.spread(attribute)),
                    (attributes[high] - attributes[low]) / spread,
                )
            )
        found[step] = joined(each)
    return found


def real_pairs(
    model: TrainedModel, measures_NxT: NDArray[np.int32], attribute: str, steps: Sequence[float]
) -> dict[float, Pairs]:
    """Returns pairs of real measures that differ by what `controlled_pairs` asks for, by the step.

    They are as near to both quantiles as NEAR, and differ by at least half of what the quantiles do.

    Args:
        model: a model of these measures, for their attributes and quantiles.
        measures_NxT: the measures, in the model's tokens.
        attribute: the attribute that they differ in.
        steps: differences of two of LEVELS.
    """
    about, column, spread = model.about, ATTRIBUTES.index(attribute), _spread(model)
    scaled_NxA = model.attributes(measures_NxT).astype(float) / spread
    values = scaled_NxA[:, column]
    found = {}
    for step in steps:
        each = []
        for levels in level_pairs(step):
            ends = [about.attribute_at(attribute, level) / spread[column] for level in levels]
            low, high = (np.flatnonzero(np.abs(values - end) <= NEAR) for end in ends)
            first, second = (every.ravel() for every in np.meshgrid(low, high, indexing="ij"))
            difference = values[second] - values[first]
            is_apart = (difference > 0) & (difference >= (ends[1] - ends[0]) / 2)
            each.append(_of_measures(measures_NxT, scaled_NxA, first[is_apart], second[is_apart], column, levels))
        found[step] = joined(each)
    return found


def plain_pairs(model: TrainedModel, measures_NxT: NDArray[np.int32], attribute: str, n: int) -> Pairs:
    """Returns real pairs whose difference nobody can miss: of the measures with the least and the most, n by n."""
    scaled_NxA = model.attributes(measures_NxT).astype(float) / _spread(model)
    values = scaled_NxA[:, ATTRIBUTES.index(attribute)]
    order = np.argsort(values, kind="stable")
    n = min(n, len(order) // 2)
    first, second = (each.ravel() for each in np.meshgrid(order[:n], order[::-1][:n], indexing="ij"))
    return _of_measures(measures_NxT, scaled_NxA, first, second, ATTRIBUTES.index(attribute), (0.0, 1.0))


def _of_measures(
    measures_NxT: NDArray[np.int32],
    scaled_NxA: NDArray[np.float64],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    column: int,
    levels: tuple[float, float],
) -> Pairs:
    """Returns pairs of real measures. They are asked for what they differ by, as a perfect control gives it."""
    changes = scaled_NxA[second] - scaled_NxA[first]
    return Pairs(
        first * len(measures_NxT) + second,
        measures_NxT[first],
        measures_NxT[second],
        np.tile(levels, (len(first), 1)),
        changes[:, column],
        changes,
    )


def _spread(model: TrainedModel) -> NDArray[np.float64]:
    return np.array([model.about.spread(name) for name in ATTRIBUTES])
