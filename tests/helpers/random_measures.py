"""Measures of random tokens, of many holds and some rests."""

from __future__ import annotations

import numpy as np

from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary

Tunes = list[list[list[int]]]


def random_tunes(vocabulary: Vocabulary, n_tunes: int, seed: int) -> Tunes:
    """Returns tunes of one to five measures as token indices; they may start with a hold, or only hold."""
    rng = np.random.default_rng(seed)
    tunes = []
    for _ in range(n_tunes):
        shape = (int(rng.integers(1, 6)), vocabulary.grid.n_ticks)
        tokens, kind = rng.integers(REST + 1, len(vocabulary), shape), rng.uniform(size=shape)
        holds, rests = rng.uniform(0.2, 1, size=(shape[0], 1)), 0.08
        tunes.append(np.where(kind < holds, HOLD, np.where(kind > 1 - rests, REST, tokens)).tolist())
    return tunes
