"""Numbers about a data set."""

from collections import Counter

import numpy as np
import pytest

from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.data.statistics import rank_correlations, statistics_of


def test_rank_correlations_ask_for_the_order_alone_and_constants_have_none() -> None:
    values = np.array([[1, 2, -1, 5], [2, 4, -8, 5], [3, 1000, -9, 5]])
    expected = [[1, 1, -1, np.nan], [1, 1, -1, np.nan], [-1, -1, 1, np.nan], [np.nan] * 4]
    np.testing.assert_allclose(rank_correlations(values), expected)


def test_repeats_and_tokens_are_counted(irish_folk: Dataset) -> None:
    statistics = statistics_of(irish_folk)
    rows = [row.tobytes() for split in SPLITS for row in irish_folk.split(split).tokens]
    assert statistics.distinct == len(set(rows)) == irish_folk.report["measures"]["distinct"]
    once = [row for row, count in Counter(rows).items() if count == 1]
    assert statistics.repeated == pytest.approx(1 - len(once) / len(rows))
    assert statistics.token_counts.sum() == irish_folk.train.tokens.size
    assert statistics.commonest == "__"
