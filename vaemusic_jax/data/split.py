"""Which tunes go to which split, and in which order.

Settings of one tune stay together. Two tunes are settings of one tune when they share at least `SHARED` of the distinct
measures of the smaller one, and at least two of them (or its only one); measures are compared up to transposition. The
relation is closed under "and so on" (union-find), so a group is what a chain of such pairs connects.

Every choice follows from a hash of the seed and the tunes' names: the same on every machine and under every library
version, and adding a tune hardly moves the others.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from itertools import combinations

from vaemusic_jax.vocabulary import is_pitch, pitch_to_midi

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SHARED = 0.3
# A measure that stands in more tunes than this says nothing about two of them being one
COMMONPLACE = 100


def up_to_transposition(measure: Sequence[str]) -> tuple[Hashable, ...]:
    """The measure with each pitch as semitones above its first one."""
    first: int | None = None
    key: list[Hashable] = []
    for token in measure:
        if is_pitch(token):
            pitch = pitch_to_midi(token)
            first = pitch if first is None else first
            key.append(pitch - first)
        else:
            key.append(token)
    return tuple(key)


def group_settings(tunes: Sequence[Sequence[Sequence[str]]]) -> list[int]:
    """Groups tunes that are settings of one another.

    Args:
        tunes: the measures of each tune, each measure 24 token names.

    Returns:
        For every tune the number of its group: the index of the group's first tune.
    """
    distinct = [{up_to_transposition(measure) for measure in measures} for measures in tunes]
    holders: dict[Hashable, list[int]] = defaultdict(list)
    for index, measures in enumerate(distinct):
        for measure in measures:
            holders[measure].append(index)
    shared: Counter[tuple[int, int]] = Counter()
    for tunes_with_it in holders.values():
        if len(tunes_with_it) <= COMMONPLACE:
            shared.update(combinations(tunes_with_it, 2))

    parent = list(range(len(tunes)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    for (a, b), count in shared.items():
        smaller = min(len(distinct[a]), len(distinct[b]))
        if count >= max(min(2, smaller), SHARED * smaller):
            a, b = sorted((root(a), root(b)))
            parent[b] = a
    return [root(index) for index in range(len(tunes))]


def assign_splits(names: Sequence[str], groups: Sequence[int], seed: int) -> dict[str, list[int]]:
    """Deals groups of tunes to the splits in a seeded random order.

    Each group goes to the split that is furthest below its share of the tunes.

    Args:
        names: unique names of the tunes.
        groups: group number of each tune.
        seed: of the random order.

    Returns:
        Tune indices of each split, in a seeded random tune order, so that the first tunes of the training split are a
        random sample of it.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    order = sorted(members.values(), key=lambda group: min(shuffle_key(seed, "group", names[index]) for index in group))
    splits: dict[str, list[int]] = {split: [] for split in SHARES}
    for indices in order:
        furthest = max(SHARES, key=lambda split: SHARES[split] * len(names) - len(splits[split]))
        splits[furthest] += indices
    for dealt in splits.values():
        dealt.sort(key=lambda index: shuffle_key(seed, "order", names[index]))
    return splits


def shuffle_key(seed: int, purpose: str, name: str) -> str:
    """Sorting by this is a seeded random shuffle."""
    return hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).hexdigest()
