"""Metrics of reconstruction: how many tokens of a measure a model gives back.

They are pure functions of tokens, which run under jit and vmap. Each returns one number per measure, so that callers
can sum over batches, or mask padding, without bias. T is the number of ticks of a measure and V the vocabulary size;
`predicted` holds the argmax tokens of free-running, greedy decoding.
"""

import jax
import jax.numpy as jnp


def token_accuracy(predicted: jax.Array, tokens: jax.Array) -> jax.Array:
    """Computes the reconstruction accuracy: the share of a measure's tokens that are right (Pati & Lerch 2020).

    The range is 0 to 1 and higher is better. Most tokens of a measure are holds, so compare the accuracy with
    ``baselines.tick_baseline``.

    Args:
        predicted: (..., T) integer tokens.
        tokens: (..., T) the true tokens, integers.

    Returns:
        (...) float32.

    Raises:
        ValueError: the shapes differ.
    """
    return _right(predicted, tokens).mean(-1)


def measure_accuracy(predicted: jax.Array, tokens: jax.Array) -> jax.Array:
    """Computes which measures are right as a whole: 1 for right, else 0. Higher is better.

    Args:
        predicted: (..., T) integer tokens.
        tokens: (..., T) the true tokens, integers.

    Returns:
        (...) float32.

    Raises:
        ValueError: the shapes differ.
    """
    return _right(predicted, tokens).all(-1).astype(jnp.float32)


def onset_accuracy(predicted: jax.Array, tokens: jax.Array, midi: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Computes the token accuracy over the ticks with a note onset in the true measure, as numerator and denominator.

    Sum both over measures and divide: the ratio has range 0 to 1 and higher is better. A model that predicts only holds
    gets 0.

    Args:
        predicted: (..., T) integer tokens.
        tokens: (..., T) the true tokens, integers.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest.

    Returns:
        The number of onset ticks that are right and the number of onset ticks, (...) float32 each.

    Raises:
        ValueError: the shapes differ.
    """
    right = _right(predicted, tokens)
    onset = jnp.asarray(midi)[tokens] >= 0
    return (right & onset).sum(-1).astype(jnp.float32), onset.sum(-1).astype(jnp.float32)


def _right(predicted: jax.Array, tokens: jax.Array) -> jax.Array:
    if predicted.shape != tokens.shape:
        raise ValueError(f"predicted tokens have shape {predicted.shape}, true ones {tokens.shape}; they must agree")
    return predicted == tokens
