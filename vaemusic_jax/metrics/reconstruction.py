"""How much of a measure a model gives back. Pure functions of tokens; all but the baseline run under jit and vmap.

Each returns one number per measure, so that callers can sum over batches, or mask padding, without bias.
T = 24 ticks of a measure, V = vocabulary size; `predicted` are the argmax tokens of free-running, greedy decoding.
"""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike


def token_accuracy(predicted: jax.Array, tokens: jax.Array) -> jax.Array:
    """Reconstruction accuracy: the share of a measure's tokens that are right.

    Range 0 to 1, higher is better. Source: Pati & Lerch 2020. Holds are most of a measure, so read it against
    ``majority_token_baseline``.

    Args:
        predicted: (..., T) integer tokens.
        tokens: (..., T) integer tokens, the truth.

    Returns:
        (...) float32.

    Raises:
        ValueError: the shapes differ.
    """
    return _right(predicted, tokens).mean(-1)


def measure_accuracy(predicted: jax.Array, tokens: jax.Array) -> jax.Array:
    """1 where a whole measure is right, else 0: (..., T), (..., T) -> (...) float32. Higher is better.

    Raises:
        ValueError: the shapes differ.
    """
    return _right(predicted, tokens).all(-1).astype(jnp.float32)


def onset_accuracy(predicted: jax.Array, tokens: jax.Array, midi: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Token accuracy over the ticks at which the true measure has a note onset, as numerator and denominator.

    The ratio of the two sums over measures has range 0 to 1, higher is better; a model that predicts only holds gets 0.

    Args:
        predicted: (..., T) integer tokens.
        tokens: (..., T) integer tokens, the truth.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest.

    Returns:
        Number of onset ticks that are right, and number of onset ticks: two (...) float32.

    Raises:
        ValueError: the shapes differ.
    """
    right = _right(predicted, tokens)
    onset = jnp.asarray(midi)[tokens] >= 0
    return (right & onset).sum(-1).astype(jnp.float32), onset.sum(-1).astype(jnp.float32)


def majority_token_baseline(train_tokens: ArrayLike, test_tokens: ArrayLike) -> float:
    """Token accuracy of always predicting the token that is commonest in the training split.

    Args:
        train_tokens: (N, T) integer tokens.
        test_tokens: (M, T) integer tokens.

    Raises:
        ValueError: one of them holds no token.
    """
    train, test = np.asarray(train_tokens), np.asarray(test_tokens)
    if not train.size or not test.size:
        raise ValueError(f"need training and test tokens, got shapes {train.shape} and {test.shape}")
    return float(np.mean(test == np.bincount(train.ravel()).argmax()))


def _right(predicted: jax.Array, tokens: jax.Array) -> jax.Array:
    if predicted.shape != tokens.shape:
        raise ValueError(f"predicted tokens have shape {predicted.shape}, true ones {tokens.shape}; they must agree")
    return predicted == tokens
