"""Computes statistics of a data set: repeats, tokens, attributes and their correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaemusic_jax.data.dataset import SPLITS, Dataset

QUANTILES = (0, 0.25, 0.5, 0.75, 1)


@dataclass(frozen=True)
class Statistics:
    """Statistics of a data set; attributes and correlations are of the training split.

    Attributes:
        distinct: number of distinct measures.
        repeated: share of all measures that occur more than once.
        seen_in_training: share of the test measures that also occur in the training split.
        commonest: name of the commonest token.
        baseline: share of the test tokens that are the commonest token.
        token_counts: (V,) occurrences of each token in the training split.
        attributes: (N, A) values, columns in the order of `ATTRIBUTES`.
        correlations: (A, A) rank correlations (Spearman); nan where an attribute is constant.
    """

    distinct: int
    repeated: float
    seen_in_training: float
    commonest: str
    baseline: float
    token_counts: np.ndarray
    attributes: np.ndarray
    correlations: np.ndarray


def statistics_of(dataset: Dataset) -> Statistics:
    """Computes the statistics of a data set."""
    tokens = np.concatenate([dataset.split(split).tokens for split in SPLITS])
    _, counts = np.unique(tokens, axis=0, return_counts=True)
    token_counts = np.bincount(dataset.train.tokens.ravel(), minlength=len(dataset.vocabulary))
    commonest = int(token_counts.argmax())
    attributes = dataset.train.attributes
    return Statistics(
        distinct=len(counts),
        repeated=float(counts[counts > 1].sum() / len(tokens)),
        seen_in_training=dataset.seen_in_training,
        commonest=dataset.vocabulary.tokens[commonest],
        baseline=float((dataset.test.tokens == commonest).mean()),
        token_counts=token_counts,
        attributes=attributes,
        correlations=rank_correlations(attributes),
    )


def rank_correlations(values: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each column with each other, (columns, columns); nan where a column is constant.

    `scipy.stats.spearmanr` would return nan for all columns when one of them is constant.

    Args:
        values: (N, columns).
    """
    from scipy.stats import rankdata

    with np.errstate(invalid="ignore"):
        return np.asarray(np.corrcoef(rankdata(values, axis=0), rowvar=False))
