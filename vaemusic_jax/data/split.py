"""Deals the tunes to training, validation and test, and orders them at random.

Settings of one tune stay together: those that the source names as such (versions of a song, settings of a session
tune), and those that share enough music. Measures are compared up to transposition, and a measure weighs the more the
rarer it is: the logarithm of the number of tunes over the number of tunes with this measure. Two tunes are settings of
one tune when the measures they share are at least two and have at least `SHARED` of the weight of either one's
measures, or when all their measures are the same. Groups are the connected components of this relation: two tunes are
in one group when a chain of such pairs leads from one to the other.

Every choice follows from a hash of the seed and the tunes' names. So it is the same on every machine and under every
library version, and adding a tune moves few of the others.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from vaemusic_jax.music.vocabulary import has_commas, is_pitch, pitch_in_53rds, pitch_to_midi

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SHARED = 0.4
# A measure in more tunes than this, or with fewer onsets, does not count as shared: it tells nothing about two tunes
COMMONPLACE = 100
FEWEST_ONSETS = 2
ROWS_AT_A_TIME = 1000


def up_to_transposition(measure: Sequence[str]) -> tuple[Hashable, ...]:
    """The measure with each pitch as its interval above the first one: in semitones, or exactly in 53rds of them."""
    height = pitch_in_53rds if any(map(has_commas, measure)) else pitch_to_midi
    first: float | None = None
    key: list[Hashable] = []
    for token in measure:
        if is_pitch(token):
            pitch = height(token)
            first = pitch if first is None else first
            key.append(pitch - first)
        else:
            key.append(token)
    return tuple(key)


def group_settings(tunes: Sequence[Sequence[Sequence[str]]], songs: Sequence[str] = ()) -> list[int]:
    """Groups tunes that are settings of one another.

    Args:
        tunes: the measures of each tune, each measure as token names.
        songs: of each tune, what it is known to be a setting of; those of one song are in one group. None given:
            nothing is known.

    Returns:
        For every tune the number of its group: the index of the group's first tune.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(tunes)
    if not n:
        return []
    keys = {measure: up_to_transposition(measure) for measure in {each for tune in tunes for each in tune}}
    distinct = [frozenset(keys[measure] for measure in tune) for tune in tunes]
    pairs = [_same(songs), _same(distinct)]
    holds, weight = _telling_measures(distinct)
    total, count = holds @ weight, holds.sum(axis=1)
    for at in range(0, n, ROWS_AT_A_TIME):  # since the table of all pairs may be more than the memory holds
        some = holds[at : at + ROWS_AT_A_TIME]
        shared = (some * weight[None, :] @ holds.T).tocoo()
        a, b = shared.row + at, shared.col
        n_shared = np.asarray((some @ holds.T).tocsr()[shared.row, b]).ravel()
        related = shared.data >= SHARED * np.minimum(total[a], total[b])
        related &= n_shared >= np.minimum(2, np.minimum(count[a], count[b]))
        pairs.append(np.stack([a[related], b[related]]))
    a, b = np.concatenate(pairs, axis=1)
    _, group = connected_components(csr_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n)), directed=False)
    _, first = np.unique(group, return_index=True)
    return [int(index) for index in first[group]]


def _telling_measures(distinct: Sequence[frozenset[tuple[Hashable, ...]]]) -> tuple[Any, np.ndarray]:
    """A sparse (tunes, measures) table of ones, without commonplace measures, and the weights (measures,)."""
    from scipy.sparse import csr_array

    tunes_with = Counter(measure for tune in distinct for measure in tune)
    telling = {
        measure: number
        for number, (measure, n) in enumerate(
            (measure, n)
            for measure, n in tunes_with.items()
            if n <= COMMONPLACE and sum(map(is_interval, measure)) >= FEWEST_ONSETS
        )
    }
    columns = [sorted(telling[measure] for measure in tune if measure in telling) for tune in distinct]
    rows = np.repeat(np.arange(len(distinct)), [len(each) for each in columns])
    places = (rows, np.array([column for each in columns for column in each], np.int64))
    table = csr_array((np.ones(len(rows)), places), shape=(len(distinct), len(telling)))
    # Whole numbers, so that sums are exact and the same in any order. The least weight is 1, not 0, so that tunes that
    # share only measures that every tune has can still be compared.
    weight = np.array([max(1, round(2**20 * math.log(len(distinct) / tunes_with[each]))) for each in telling], float)
    return table, weight


def is_interval(token: Hashable) -> bool:
    """Whether a token of `up_to_transposition` is an onset."""
    return not isinstance(token, str)


def _same(what: Sequence[Hashable]) -> np.ndarray:
    """(2, P) pairs of tunes that have equal values: each tune with the first one of its value."""
    first: dict[Hashable, int] = {}
    return np.array([[first.setdefault(each, i), i] for i, each in enumerate(what)], np.int64).reshape(-1, 2).T


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
    """A key for sorting names into a seeded random order."""
    return hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).hexdigest()
