"""Splits of a data set as the arrays that models are trained and scored on.

Shapes: N measures, T ticks, A attributes, G blocks.
"""

from typing import NamedTuple

import jax
import numpy as np

from vaemusic_jax.data.dataset import Split

ROWS = 256  # measures scored at a time; the pairs of the regulariser are counted within such a block


class Measures(NamedTuple):
    """Measures and what they sound like."""

    tokens: jax.Array | np.ndarray  # (N, T) small ints
    attributes: jax.Array | np.ndarray  # (N, A) in the order of `ATTRIBUTES`


def measures_of(split: Split) -> Measures:
    """The measures of a split with their attributes, as numpy arrays."""
    return Measures(split.tokens, split.attributes)


def some_of(measures: Measures, rows: np.ndarray) -> Measures:
    """The measures in these rows."""
    return Measures(*(np.asarray(part)[rows] for part in measures))


def joined(*splits: Measures) -> Measures:
    """The measures of several splits, one after the other."""
    return Measures(*map(np.concatenate, zip(*splits, strict=True)))


def n_in_fraction(train: Split, fraction: float) -> int:
    """How many measures the first `fraction` of the training tunes have; at least one tune's."""
    first_rows = np.flatnonzero(np.diff(train.tune, prepend=-1))
    n_tunes = max(1, round(fraction * len(first_rows)))
    return int(np.append(first_rows, len(train))[n_tunes])


def blocks(measures: Measures) -> tuple[Measures, np.ndarray]:
    """Cut measures into blocks: parts of (G, ROWS, ...) and weights (G, ROWS), 0 for the filling of the last block."""
    n = len(measures.tokens)
    n_blocks = -(-n // ROWS)
    index = np.minimum(np.arange(n_blocks * ROWS), n - 1)
    weight = (np.arange(n_blocks * ROWS) < n).astype(np.float32).reshape(n_blocks, ROWS)
    return Measures(*(np.asarray(part)[index].reshape(n_blocks, ROWS, -1) for part in measures)), weight
