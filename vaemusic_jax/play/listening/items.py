"""The pairs of a listening test, drawn so that no pair comes twice, and which sets of groups hear them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play.listening.pairs import MATCHED, Pairs
from vaemusic_jax.play.trained_model import TrainedModel

Arm = Literal["knob", "told", "real"]
Kind = Literal["practice", "main", "catch", "rating"]
RATED = 2  # measures of each cell that are rated, where there are ratings


@dataclass(frozen=True)
class Item:
    """A pair of measures, or one measure to be rated.

    Attributes:
        id: its number in the design, from 0.
        kind: what it is for.
        arm, source, attribute: where the pair is from, and what is asked about it.
        levels: the quantiles that the control was set to, lower first; of the attribute in real pairs.
        asked: the difference that was asked for, in standard deviations of the training measures.
        changes: the differences that came out, of every attribute by name, in the same unit; of a measure to be rated
            its attributes.
        matched: the attribute that was to be equal in both measures; empty if none.
        low, high: the tokens of the measures; the second should have more. A measure to be rated is `high`.
    """

    id: int
    kind: Kind
    arm: Arm
    source: str
    attribute: str
    levels: tuple[float, float]
    asked: float
    changes: Mapping[str, float]
    matched: str
    low: tuple[int, ...]
    high: tuple[int, ...]

    @property
    def obtained(self) -> float:
        """The difference in the attribute that came out, in standard deviations of the training measures."""
        return self.changes[self.attribute]


class Items:
    """The items of a design while it is made, and which sets of groups hear them."""

    def __init__(self, vocabulary: Vocabulary, rng: np.random.Generator, sets: int) -> None:
        self.vocabulary, self.rng, self.sets = vocabulary, rng, sets
        self.items: list[Item] = []
        self.heard_by: list[int] = []  # for each item its set
        self.used: dict[tuple[str, str], set[int]] = {}  # the numbers of the pairs of each cell that have been drawn
        self.heard: dict[tuple[int, str], set[bytes]] = {}  # real measures that a set has heard for an attribute
        self.warnings: list[str] = []

    def add_cell(
        self,
        arm: Arm,
        source: str,
        attribute: str,
        model: TrainedModel,
        pairs: Mapping[float, Pairs],
        trials: int,
        ratings: bool,
    ) -> None:
        """Adds the main trials of a cell, and its ratings."""
        other, n_missing, steps = MATCHED.get(attribute, ""), 0, list(pairs)
        for trial in reversed(range(trials)):  # equal pairs first, since there are fewer of them
            of_step = pairs[steps[trial % len(steps)]]
            is_matched = bool(other) and trial >= trials - trials // 2
            some = of_step.equal_in(other) if is_matched else of_step
            if is_matched and self._n_left(some, source, attribute) < self.sets:
                n_missing, is_matched, some = n_missing + self.sets, False, of_step
            self.add(some, 1, "main", arm, source, attribute, model, other if is_matched else "")
        if n_missing:
            self.warnings.append(
                f"{source}, {attribute}: {n_missing} pairs could not have equal {ATTRIBUTES[other].words}, because "
                "too few candidates do"
            )
        if ratings:
            self.add(pairs[steps[-1]], RATED, "rating", arm, source, attribute, model)

    def add(
        self,
        pairs: Pairs,
        n: int,
        kind: Kind,
        arm: Arm,
        source: str,
        attribute: str,
        model: TrainedModel,
        matched: str = "",
    ) -> None:
        """Draws n pairs for every set of groups, none of which was drawn before.

        Where there is a choice, a set hears a real measure once at most for an attribute, so that practice does not
        tell what is asked later.

        Raises:
            UserError: there are too few pairs.
        """
        if (left := self._n_left(pairs, source, attribute)) < n * self.sets:
            raise UserError(
                f"{source}, {attribute}: {n * self.sets} pairs are needed, and the measures give {left} that are not "
                "used yet; use fewer groups or trials"
            )
        order = self.rng.permutation(len(pairs))
        chosen = pairs.at(
            np.array(
                [self._next(pairs, order, row % self.sets, arm, source, attribute) for row in range(n * self.sets)],
                np.intp,
            )
        )
        index = np.array([self.vocabulary.index(name) for name in model.vocabulary.tokens])
        spread = np.array([model.about.spread(name) for name in ATTRIBUTES])
        for row in range(len(chosen)):
            is_low = kind == "rating" and row // self.sets % 2 == 0
            heard = chosen.low[row] if is_low else chosen.high[row]
            values = model.attributes(heard)[0] / spread if kind == "rating" else chosen.changes[row]
            self.items.append(
                Item(
                    id=len(self.items),
                    kind=kind,
                    arm=arm,
                    source=source,
                    attribute=attribute,
                    levels=(float(chosen.levels[row, 0]), float(chosen.levels[row, 1])),
                    asked=round(float(chosen.asked[row]), 4),
                    changes={name: round(float(each), 4) for name, each in zip(ATTRIBUTES, values, strict=True)},
                    matched=matched,
                    low=() if kind == "rating" else tuple(index[chosen.low[row]].tolist()),
                    high=tuple(index[heard].tolist()),
                )
            )
            self.heard_by.append(row % self.sets)

    def _n_left(self, pairs: Pairs, source: str, attribute: str) -> int:
        return len(set(pairs.number.tolist()) - self.used.get((source, attribute), set()))

    def _next(
        self, pairs: Pairs, order: NDArray[np.intp], own_set: int, arm: Arm, source: str, attribute: str
    ) -> np.intp:
        """Returns the row of the next pair for a set, in an order: not drawn before and, if real, of new measures."""
        used, heard = (
            self.used.setdefault((source, attribute), set()),
            self.heard.setdefault((own_set, attribute), set()),
        )
        left = [row for row in order if int(pairs.number[row]) not in used]
        measures = ({pairs.low[row].tobytes(), pairs.high[row].tobytes()} for row in left)
        is_new = (arm != "real" or not heard & both for both in measures)
        row = next((row for row, new in zip(left, is_new, strict=True) if new), left[0])
        used.add(int(pairs.number[row]))
        if arm == "real":
            heard |= {pairs.low[row].tobytes(), pairs.high[row].tobytes()}
        return row
