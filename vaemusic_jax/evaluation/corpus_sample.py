"""The sample of a data set that evaluation stores for reports, and facts about the data set."""

import numpy as np

from vaemusic_jax.data.blocks import measures_of
from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.metrics.baselines import majority_token_baseline, tick_baseline
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs.evaluations import DEFINITIONS, CorpusSample

N_TRAVERSED = 200  # the largest number of test measures that are decoded again
N_ENCODED = 4000  # the largest number of training measures whose codes are used


def chosen_measures(n_test: int) -> np.ndarray:
    """Returns the sorted indices of the test measures that are decoded again; they are the same for every trial."""
    return drawn(n_test, N_TRAVERSED)


def encoded_measures(n_train: int) -> np.ndarray:
    """Returns the sorted indices of the training measures whose codes are used; they are the same for every trial.

    Of 4,000 measures, the quantiles of levels are off by .004 (the outermost) to .008 (the median), one standard
    deviation, where levels are .11 apart; and probes take less than half the time that they take with 8,000, for an R^2
    that is about .03 lower.
    """
    return drawn(n_train, N_ENCODED)


def others(n_test: int) -> np.ndarray:
    """Returns for each test measure another one, whose attributes it is told: at random, each measure once."""
    order = np.random.default_rng(0).permutation(n_test)
    found = np.empty(n_test, np.int64)
    found[order] = np.roll(order, 1)
    return found


def drawn(n: int, most: int) -> np.ndarray:
    """Returns at most `most` of the indices below `n`, drawn with a fixed seed and sorted."""
    return np.sort(np.random.default_rng(0).choice(n, min(n, most), replace=False))


def sample_of(dataset: Dataset) -> CorpusSample:
    """Returns the test measures that are decoded again, the attributes of all, and facts about the data set."""
    training = np.asarray(measures_of(dataset.train).attributes, np.float64)
    facts = {
        "digest": dataset.digest,
        "vocabulary": dataset.vocabulary.to_plain(),
        "reading": dataset.report["reading"],
        **{name: dataset.report[name] for name in ("source",) if name in dataset.report},
        "tunes": {name: dataset.split(name).n_tunes for name in SPLITS},
        "measures": {name: len(dataset.split(name)) for name in SPLITS},
        "definitions": DEFINITIONS,
        "tick_baseline": tick_baseline(dataset.train.tokens, dataset.test.tokens),
        "majority_baseline": majority_token_baseline(dataset.train.tokens, dataset.test.tokens),
        "seen_in_training": dataset.seen_in_training,
        "token_entropy": token_entropy(dataset.train.tokens),
        "distinct": len(np.unique(dataset.train.tokens, axis=0)) / len(dataset.train),
        "attribute_mean": dict(zip(ATTRIBUTES, training.mean(0).tolist(), strict=True)),
        "revised": ATTRIBUTES.revised(),
        "attribute_std": dict(zip(ATTRIBUTES, training.std(0).tolist(), strict=True)),
    }
    test, chosen = dataset.test, chosen_measures(len(dataset.test))
    return CorpusSample(
        dataset.name,
        test.tokens[chosen],
        np.asarray(test.attributes),
        facts,
        tune=np.asarray(test.tune, np.int32),
        chosen=chosen.astype(np.int32),
        seen=dataset.is_seen_in_training,
    )


def token_entropy(tokens: np.ndarray) -> float:
    """Returns the entropy, in bits, of the distribution of single tokens (N, T), regardless of position."""
    counts = np.bincount(tokens.ravel())
    shares = counts[counts > 0] / tokens.size
    return float(-(shares * np.log2(shares)).sum())
