"""Which tunes go to which split, and in which order.

Settings of one tune stay together: those that the source names as such (versions of a song, settings of a session
tune), and those that show it. Two tunes are settings of one tune when they share at least `SHARED` of the distinct
measures of the smaller one, and at least two of them (or its only one); measures are compared up to transposition. The
relation is closed under "and so on" (connected components), so a group is what a chain of such pairs connects.

Every choice follows from a hash of the seed and the tunes' names: the same on every machine and under every library
version, and adding a tune hardly moves the others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from vaemusic_jax.vocabulary import has_commas, is_pitch, pitch_in_53rds, pitch_to_midi

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SHARED = 0.3
# A measure that stands in more tunes than this says nothing about two of them being one
COMMONPLACE = 100
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
        tunes: the measures of each tune, each measure 24 token names.
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
    number: dict[Hashable, int] = {}
    keys = {measure: up_to_transposition(measure) for measure in {each for tune in tunes for each in tune}}
    columns = [sorted({number.setdefault(keys[measure], len(number)) for measure in tune}) for tune in tunes]
    sizes = np.array([len(each) for each in columns])
    rows = np.repeat(np.arange(n), sizes)
    holds = csr_array(
        (np.ones(len(rows), np.int32), (rows, np.array([c for each in columns for c in each], np.int64))),
        shape=(n, len(number)),
    )
    telling = np.flatnonzero(np.bincount(holds.indices, minlength=len(number)) <= COMMONPLACE)
    holds = holds[:, telling]
    pairs = [_same_song(songs)]
    for at in range(0, n, ROWS_AT_A_TIME):  # since the table of all pairs may be more than the memory holds
        shared = (holds[at : at + ROWS_AT_A_TIME] @ holds.T).tocoo()
        a, b = shared.row + at, shared.col
        smaller = np.minimum(sizes[a], sizes[b])
        related = shared.data >= np.maximum(np.minimum(2, smaller), SHARED * smaller)
        pairs.append(np.stack([a[related], b[related]]))
    a, b = np.concatenate(pairs, axis=1)
    _, group = connected_components(csr_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n)), directed=False)
    _, first = np.unique(group, return_index=True)
    return [int(index) for index in first[group]]


def _same_song(songs: Sequence[str]) -> np.ndarray:
    """(2, P) pairs of tunes that are known to be of one song: each with the song's first."""
    first: dict[str, int] = {}
    return np.array([[first.setdefault(song, i), i] for i, song in enumerate(songs)], np.int64).reshape(-1, 2).T


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
