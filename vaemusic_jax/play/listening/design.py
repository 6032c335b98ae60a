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
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary, is_pitch
from vaemusic_jax.play.explorer.page import translated
from vaemusic_jax.play.listening.items import Arm, Item, Items, Kind
from vaemusic_jax.play.listening.pairs import controlled_pairs, plain_pairs, real_pairs
from vaemusic_jax.play.trained_model import TrainedModel

REAL = "corpus"  # the source of real pairs
STEPS = (0.4, 0.6, 0.8)  # between the quantiles that a control is set to
PRACTICE, CATCH = 1, 3  # trials of each block
SECONDS_A_TRIAL, SECONDS_BEFORE = 9, 180
_MOST_PLAIN = 10
_VERSION = 1


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
    makers = Items(vocabulary, rng, sets=groups // 2)
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


def block_orders(n: int) -> list[list[int]]:
    """Returns orders of n blocks, n of them or 2n if n is odd.

    Each block is equally often at each place, and follows each other block equally often (Williams, "Experimental
    designs balanced for the estimation of residual effects of treatments", 1949).
    """
    first = [(place + 1) // 2 if place % 2 else -(place // 2) % n for place in range(n)]
    orders = [[(block + turn) % n for block in first] for turn in range(n)]
    return orders + [order[::-1] for order in orders] * (n % 2)


def _order(
    makers: Items, attributes: Sequence[str], group: int, rng: np.random.Generator, seed: int
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
        if item.source not in design.sources or item.attribute not in item.changes or item.attribute not in ATTRIBUTES:
            raise ValueError(f"item {item.id} has an unknown source or attribute")
        if item.kind not in get_args(Kind) or design.sources[item.source]["arm"] not in get_args(Arm):
            raise ValueError(f"item {item.id} is of an unknown kind or arm")
        for tokens in (item.low, item.high):
            if len(tokens) not in (0, n_ticks) or not all(0 <= token < n_tokens for token in tokens):
                raise ValueError(f"item {item.id} has no measure of {n_ticks} tokens")
        if not all(np.isfinite([item.asked, *item.changes.values()])):
            raise ValueError(f"item {item.id} has a difference that is no number")
    if not design.groups or not all(0 <= item < len(design.items) for group in design.groups for item, _ in group):
        raise ValueError("a trial has an unknown item")
