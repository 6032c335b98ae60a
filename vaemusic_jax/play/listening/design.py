"""The design of a listening test: its pairs of measures, and the order of the trials on the page of each group.

A listener hears two measures and says which has more of an attribute. There are three kinds of pairs, *arms*: what a
MeasureVAE's knob gives, what an AdversarialVAE gives for a told value, and real measures, which say how well the
attribute can be heard at all. A *cell* is a source of pairs, one of the models or the corpus, and an attribute.

Groups come in twos. Both groups of two hear the same pairs in the opposite order of the two measures, and every two
groups have pairs of their own. The attributes form blocks. Their orders are a Latin square in which each attribute
follows each other one equally often.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary, is_pitch
from vaemusic_jax.play.explorer.page import translated
from vaemusic_jax.play.listening.pairs import MATCHED, Pairs, controlled_pairs, plain_pairs, real_pairs
from vaemusic_jax.play.trained_model import TrainedModel

Arm = Literal["knob", "told", "real"]
Kind = Literal["practice", "main", "catch", "rating"]
REAL = "corpus"  # the source of real pairs
STEPS = (0.4, 0.6, 0.8)  # between the quantiles that a control is set to
PRACTICE, CATCH = 1, 3  # trials of each block
RATED = 2  # measures of each cell that are rated, where there are ratings
SECONDS_A_TRIAL, SECONDS_BEFORE = 9, 180
_MOST_PLAIN = 10
_VERSION = 1


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


@dataclass(frozen=True)
class Design:
    """A listening test. Attributes:

    seed: the seed of everything that was drawn.
    vocabulary: of the tokens, with the metre of the measures.
    sources: of each source of pairs, by its name, the arm and what was measured of each control, by attribute.
    items: all pairs, by id.
    groups: for each group the trials in order, each as (id of the item, whether the measure with less comes first).
    """

    seed: int
    vocabulary: Vocabulary
    sources: Mapping[str, Mapping[str, Any]]
    items: tuple[Item, ...]
    groups: tuple[tuple[tuple[int, bool], ...], ...]
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def attributes(self) -> list[str]:
        """The attributes that are asked about, in the order of `ATTRIBUTES`."""
        return [name for name in ATTRIBUTES if any(item.attribute == name for item in self.items)]

    @property
    def cells(self) -> list[tuple[str, str]]:
        """The cells, as (source, attribute)."""
        return list(dict.fromkeys((item.source, item.attribute) for item in self.items if item.kind == "main"))

    @property
    def minutes(self) -> float:
        """How long a listener needs, about."""
        return (SECONDS_BEFORE + SECONDS_A_TRIAL * len(self.groups[0])) / 60

    def trials(self, group: int) -> list[tuple[Item, bool]]:
        """Returns the trials of a group, counted from 1, each as its item and whether the lower measure is first."""
        return [(self.items[item], first) for item, first in self.groups[group - 1]]

    def to_plain(self) -> dict[str, Any]:
        """Returns what `design.json` holds."""
        plain = {
            "version": _VERSION,
            "seed": self.seed,
            "vocabulary": self.vocabulary.to_plain(),
            "sources": self.sources,
            "items": [asdict(item) for item in self.items],
            "groups": [[list(trial) for trial in group] for group in self.groups],
        }
        return json.loads(json.dumps(plain, allow_nan=False))

    @property
    def study(self) -> str:
        """The name of the study, which pages and answers bear: a digest of the whole design."""
        text = json.dumps(self.to_plain(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @classmethod
    def from_plain(cls, plain: Any) -> Design:
        """Returns the design that `to_plain` described. Raises ValueError, KeyError or TypeError if it is none."""
        if plain["version"] != _VERSION:
            raise ValueError(f"version {plain['version']!r} is not {_VERSION}")
        items = tuple(
            Item(**{**each, **{name: tuple(each[name]) for name in ("levels", "low", "high")}})
            for each in plain["items"]
        )
        groups = tuple(tuple((int(item), bool(first)) for item, first in group) for group in plain["groups"])
        design = cls(int(plain["seed"]), Vocabulary.from_plain(plain["vocabulary"]), plain["sources"], items, groups)
        _check(design)
        return design


def make_design(
    models: Mapping[str, TrainedModel],
    measures_NxT: NDArray[np.int32],
    *,
    groups: int = 8,
    trials: int = 6,
    ratings: bool = False,
    seed: int = 0,
) -> Design:
    """Plans a listening test.

    Args:
        models: models with controls, by the names of their sources, in one metre.
        measures_NxT: real measures, in the tokens of the first model, all of which the other models have, too: they
            are what models start from and what real pairs are of.
        groups: the number of groups of listeners, even.
        trials: the number of pairs of each cell that a listener hears. Steps between quantiles take turns. In the
            second half of them the attributes of `MATCHED` have pairs that are equal in the other attribute.
        ratings: whether listeners rate single measures, too.
        seed: the seed of everything that is drawn.

    Raises:
        UserError: a number is out of range, or the measures give too few pairs.
    """
    if groups < 2 or groups % 2 or groups > 100:
        raise UserError(f"--groups: {groups} is no even number from 2 to 100")
    if not 2 <= trials <= 60:
        raise UserError(f"--trials: {trials} is not from 2 to 60")
    rng, first = np.random.default_rng(seed), next(iter(models.values()))
    names = {name for model in models.values() for name in model.vocabulary.tokens if is_pitch(name)}
    vocabulary = Vocabulary.from_pitches(names, room=False, metre=first.vocabulary.metre)
    controls = {name for model in models.values() for name in model.trial.attributes}
    attributes = [name for name in ATTRIBUTES if name in controls]
    if not attributes:
        raise UserError(f"{', '.join(models)}: no model has a control; there is nothing to ask about")
    makers = _Items(vocabulary, rng, sets=groups // 2)
    for attribute in attributes:
        for source, model in models.items():
            if attribute in model.trial.attributes:
                starts = translated(measures_NxT, first, model)
                pairs = controlled_pairs(model, starts, attribute, STEPS)
                makers.add_cell("told" if model.told else "knob", source, attribute, model, pairs, trials, ratings)
        plain = plain_pairs(first, measures_NxT, attribute, _MOST_PLAIN)
        makers.add(plain, PRACTICE, "practice", "real", REAL, attribute, first)
        makers.add(plain, CATCH, "catch", "real", REAL, attribute, first)
        makers.add_cell(
            "real", REAL, attribute, first, real_pairs(first, measures_NxT, attribute, STEPS), trials, ratings
        )
    sources = {
        name: {"arm": "told" if model.told else "knob", "scores": _scores(model)} for name, model in models.items()
    }
    sources[REAL] = {"arm": "real", "scores": {}}
    orders = tuple(_order(makers, attributes, group, rng, seed) for group in range(groups))
    flipped = tuple(_flipped(each) if group % 2 else tuple(each) for group, each in enumerate(orders))
    return Design(seed, vocabulary, sources, tuple(makers.items), flipped, tuple(makers.warnings))


class _Items:
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


def block_orders(n: int) -> list[list[int]]:
    """Returns orders of n blocks, n of them or 2n if n is odd.

    Each block is equally often at each place, and follows each other block equally often (Williams, "Experimental
    designs balanced for the estimation of residual effects of treatments", 1949).
    """
    first = [(place + 1) // 2 if place % 2 else -(place // 2) % n for place in range(n)]
    orders = [[(block + turn) % n for block in first] for turn in range(n)]
    return orders + [order[::-1] for order in orders] * (n % 2)


def _order(
    makers: _Items, attributes: Sequence[str], group: int, rng: np.random.Generator, seed: int
) -> list[tuple[int, bool]]:
    """Returns the trials of a group: a block for each attribute, which starts with practice, and ratings at the end.

    The lower measure is first in half of the main trials of each cell, and of the others of each block.
    """
    orders = block_orders(len(attributes))
    # The two groups of the same pairs have different orders, and either order of the measures has all of them.
    turn = group // 2 + group % 2 * (len(orders) // 2)
    blocks = [attributes[block] for block in orders[turn % len(orders)]]
    own = [item for item, heard_by in zip(makers.items, makers.heard_by, strict=True) if heard_by == group // 2]
    # Both groups of two start from the same halves, of which the second one's are then turned round.
    halves = np.random.default_rng([seed, group // 2])
    first: dict[int, bool] = {}
    for source, attribute, kind in dict.fromkeys((item.source, item.attribute, item.kind) for item in own):
        ids = [item.id for item in own if (item.source, item.attribute, item.kind) == (source, attribute, kind)]
        is_first = (np.arange(len(ids)) + halves.integers(2)) % 2 == 0
        first.update(zip(ids, halves.permutation(is_first).tolist(), strict=True))
    order: list[int] = []
    for attribute in blocks:
        of_block = [item for item in own if item.attribute == attribute and item.kind != "rating"]
        order += [item.id for item in of_block if item.kind == "practice"]
        order += rng.permutation([item.id for item in of_block if item.kind != "practice"]).tolist()
    for attribute in blocks:
        rated = [item.id for item in own if item.attribute == attribute and item.kind == "rating"]
        order += rng.permutation(np.array(rated, int)).tolist()
    return [(item, first[item]) for item in order]


def _flipped(order: Sequence[tuple[int, bool]]) -> tuple[tuple[int, bool], ...]:
    return tuple((item, not first) for item, first in order)


def _scores(model: TrainedModel) -> dict[str, dict[str, float | None]]:
    names = ("interpretability", "reconstruction_efficiency", "side_effect")
    return {
        attribute: {name: model.about.scores.get(f"{name}.{attribute}") for name in names}
        for attribute in model.trial.attributes
    }


def _check(design: Design) -> None:
    """Raises ValueError if the parts of a design do not fit together."""
    if [item.id for item in design.items] != list(range(len(design.items))):
        raise ValueError("the items are not numbered from 0")
    n_tokens, n_ticks = len(design.vocabulary), design.vocabulary.grid.n_ticks
    for item in design.items:
        if item.source not in design.sources or item.attribute not in item.changes:
            raise ValueError(f"item {item.id} has an unknown source or attribute")
        for tokens in (item.low, item.high):
            if len(tokens) not in (0, n_ticks) or not all(0 <= token < n_tokens for token in tokens):
                raise ValueError(f"item {item.id} has no measure of {n_ticks} tokens")
        if not all(np.isfinite([item.asked, *item.changes.values()])):
            raise ValueError(f"item {item.id} has a difference that is no number")
    if not design.groups or not all(0 <= item < len(design.items) for group in design.groups for item, _ in group):
        raise ValueError("a trial has an unknown item")
