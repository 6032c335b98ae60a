"""Baselines of reconstruction, which know no more than how often tokens occur, and the skill of doing better."""

import numpy as np
from numpy.typing import ArrayLike


def majority_token_baseline(train_tokens: ArrayLike, test_tokens: ArrayLike) -> float:
    """Computes the token accuracy, 0 to 1, of always predicting the commonest token of the training split.

    Args:
        train_tokens: (N, T) integer tokens.
        test_tokens: (M, T) integer tokens.

    Raises:
        ValueError: one of the two holds no token.
    """
    train, test = _checked(train_tokens, test_tokens)
    return float(np.mean(test == np.bincount(train.ravel()).argmax()))


def tick_baseline(train_tokens: ArrayLike, test_tokens: ArrayLike) -> float:
    """Computes the token accuracy, 0 to 1, of always predicting the training split's commonest token of each tick.

    It is the stronger of the two baselines: notes start on beats rather than between them.

    The arguments and errors are those of ``majority_token_baseline``.
    """
    train, test = _checked(train_tokens, test_tokens)
    return float(np.mean(test == np.array([np.bincount(tick_N).argmax() for tick_N in train.T])))


def skill(accuracy: float, baseline: float) -> float:
    """Computes how much of what a baseline gets wrong is right: (accuracy - baseline) / (1 - baseline).

    At 1 everything is right, at 0 the model knows no more than the baseline, and below 0 less. Unlike accuracy, it
    compares between corpora of which one has longer notes. It is NaN for a baseline of 1.
    """
    return (accuracy - baseline) / (1 - baseline) if baseline < 1 else float("nan")


def _checked(train_tokens: ArrayLike, test_tokens: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns training and test tokens as arrays. Raises ValueError if one of the two holds no token."""
    train, test = np.asarray(train_tokens), np.asarray(test_tokens)
    if not train.size or not test.size:
        raise ValueError(f"need training and test tokens, got shapes {train.shape} and {test.shape}")
    return train, test
