"""The terms of both models' losses. Sources: Pati & Lerch 2020 (regulariser), Kawai et al. 2020 (adversary).

Shapes: B batch, T ticks, V vocabulary, Z latent, K attributes, C classes.
"""

import chex
import jax
import jax.numpy as jnp
import optax

from vaemusic_jax.models.layers import Array


def cross_entropy(logits_BxTxV: Array, tokens_BxT: Array) -> Array:
    """Mean over the ticks of -log softmax(logits)[token], in nats, per measure: (B,)."""
    chex.assert_equal_shape_prefix([logits_BxTxV, tokens_BxT], 2)
    log_p = jax.nn.log_softmax(logits_BxTxV)
    # A one-hot product rather than a gather: its gradient is a matmul-like sum, not a scatter.
    one_hot = jax.nn.one_hot(tokens_BxT, logits_BxTxV.shape[-1], dtype=log_p.dtype)
    return -(log_p * one_hot).sum(-1).mean(-1)


def kl_divergence(mean_BxZ: Array, log_std_BxZ: Array) -> Array:
    """KL of N(mean, exp(log_std)^2) from N(0, 1) per measure and latent dimension, in nats: (B, Z).

    (mean^2 + std^2 - 1 - 2 log_std) / 2. Padded dimensions, where both inputs are 0, give 0.
    """
    chex.assert_equal_shape([mean_BxZ, log_std_BxZ])
    return 0.5 * (jnp.square(mean_BxZ) + jnp.exp(2.0 * log_std_BxZ) - 1.0 - 2.0 * log_std_BxZ)


def attribute_regularisation(codes_BxK: Array, attributes_BxK: Array, delta: Array | float, weight_B: Array) -> Array:
    """How badly each regularised dimension orders the measures by its attribute: (K,), 0 best, 2 worst.

    Mean over all pairs i, j of |tanh(delta (z_i - z_j)) - sign(a_i - a_j)| (Pati & Lerch 2020), equal attributes having
    sign 0. `weight_B` holds 1 for measures that count and 0 for those that only fill a batch.
    """
    chex.assert_equal_shape([codes_BxK, attributes_BxK])
    codes_KxB, attributes_KxB = codes_BxK.T, attributes_BxK.T
    difference = jnp.tanh(delta * (codes_KxB[:, :, None] - codes_KxB[:, None, :]))
    order = jnp.sign(attributes_KxB[:, :, None] - attributes_KxB[:, None, :])
    pair_weight = weight_B[:, None] * weight_B[None, :]
    return (jnp.abs(difference - order) * pair_weight[None]).sum((1, 2)) / jnp.square(weight_B.sum())


def class_targets(classes_BxK: Array, n_classes: int) -> Array:
    """Targets (B, K, C) of the discriminator: 1 for the true class, 0 for all others."""
    return jax.nn.one_hot(classes_BxK, n_classes, dtype=jnp.float32)


def adversary_losses(logits_BxKxC: Array, targets_BxKxC: Array, real_K: Array) -> tuple[Array, Array]:
    """Binary cross-entropy of the discriminator, and the encoder's against the opposite targets: (B,) each.

    Means over classes and the attributes that are real (`real_K` is 1) rather than padding. From logits: sigmoid and
    then a logarithm saturates in float32.
    """
    chex.assert_equal_shape([logits_BxKxC, targets_BxKxC])

    def mean(loss_BxKxC: Array) -> Array:
        return (loss_BxKxC.mean(-1) * real_K[None, :]).sum(-1) / real_K.sum()

    bce = optax.losses.sigmoid_binary_cross_entropy
    return mean(bce(logits_BxKxC, targets_BxKxC)), mean(bce(logits_BxKxC, 1.0 - targets_BxKxC))


def teacher_probability(iteration: Array, k: float = 1000.0) -> Array:
    """Chance that a tick is fed the true token before it, at training pass `iteration` from 1: k / (k + exp(i / k))."""
    return k / (k + jnp.exp(iteration / k))
