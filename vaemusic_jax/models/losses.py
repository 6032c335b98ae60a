"""The terms of both models' losses, after Pati & Lerch 2020 (regulariser) and Kawai et al. 2020 (adversary).

Shapes: B batch, T ticks, V vocabulary, Z latent, K attributes, C classes.
"""

import chex
import jax
import jax.numpy as jnp
import optax

from vaemusic_jax.models.layers import Array


def cross_entropy(logits_BxTxV: Array, tokens_BxT: Array) -> Array:
    """Returns the mean over ticks of -log softmax(logits)[token] for each measure, (B,), in nats."""
    chex.assert_equal_shape_prefix([logits_BxTxV, tokens_BxT], 2)
    log_p = jax.nn.log_softmax(logits_BxTxV)
    # The gradient of a one-hot product is a sum; that of a gather would be a scatter, which is slower.
    one_hot = jax.nn.one_hot(tokens_BxT, logits_BxTxV.shape[-1], dtype=log_p.dtype)
    return -(log_p * one_hot).sum(-1).mean(-1)


def kl_divergence(mean_BxZ: Array, log_std_BxZ: Array) -> Array:
    """Returns KL(N(mean, exp(log_std)^2) || N(0, 1)) for each measure and latent dimension, (B, Z), in nats.

    It is (mean^2 + std^2 - 1 - 2 log_std) / 2. Padded dimensions, where both inputs are 0, give 0.
    """
    chex.assert_equal_shape([mean_BxZ, log_std_BxZ])
    return 0.5 * (jnp.square(mean_BxZ) + jnp.exp(2.0 * log_std_BxZ) - 1.0 - 2.0 * log_std_BxZ)


def attribute_regularisation(codes_BxK: Array, attributes_BxK: Array, delta: Array | float, weight_B: Array) -> Array:
    """Returns how badly each regularised dimension orders the measures by its attribute, (K,), from 0 (best) to 2.

    It is the mean over all pairs i, j of |tanh(delta (z_i - z_j)) - sign(a_i - a_j)| (Pati & Lerch 2020), where equal
    attributes have sign 0.

    Args:
        codes_BxK: the regularised dimensions of the codes.
        attributes_BxK: the attributes that the dimensions are tied to.
        delta: the steepness of the comparison of codes.
        weight_B: 1 for measures that count, 0 for those that only fill the batch.
    """
    chex.assert_equal_shape([codes_BxK, attributes_BxK])
    codes_KxB, attributes_KxB = codes_BxK.T, attributes_BxK.T
    difference = jnp.tanh(delta * (codes_KxB[:, :, None] - codes_KxB[:, None, :]))
    order = jnp.sign(attributes_KxB[:, :, None] - attributes_KxB[:, None, :])
    pair_weight = weight_B[:, None] * weight_B[None, :]
    return (jnp.abs(difference - order) * pair_weight[None]).sum((1, 2)) / jnp.square(weight_B.sum())


def class_targets(classes_BxK: Array, n_classes: int) -> Array:
    """Returns the discriminator's targets (B, K, C): 1 for the true class, 0 for all others."""
    return jax.nn.one_hot(classes_BxK, n_classes, dtype=jnp.float32)


def adversary_losses(logits_BxKxC: Array, targets_BxKxC: Array, real_K: Array) -> tuple[Array, Array]:
    """Returns the discriminator's loss and the encoder's adversary loss for each measure, (B,) each, in nats.

    The discriminator's is the binary cross-entropy of its predictions against the targets, the encoder's that against
    the opposite targets. Both are means over the classes and the attributes that are not padding. They are computed
    from logits, because a logarithm of a sigmoid saturates in float32.

    Args:
        logits_BxKxC: the discriminator's output.
        targets_BxKxC: as of `class_targets`.
        real_K: 1 for the member's attributes, 0 for padding.
    """
    chex.assert_equal_shape([logits_BxKxC, targets_BxKxC])

    def mean(loss_BxKxC: Array) -> Array:
        return (loss_BxKxC.mean(-1) * real_K[None, :]).sum(-1) / real_K.sum()

    bce = optax.losses.sigmoid_binary_cross_entropy
    return mean(bce(logits_BxKxC, targets_BxKxC)), mean(bce(logits_BxKxC, 1.0 - targets_BxKxC))


def regressor_losses(values_BxK: Array, conditions_BxK: Array, real_K: Array) -> tuple[Array, Array]:
    """Returns the regressor's loss and the encoder's adversary loss for each measure, (B,) each.

    The regressor's is the squared error of its values, as a mean over the attributes that are not padding. The
    encoder's is 1 less that. Since the variance of conditions is 1, its mean over measures is the regressor's R^2: at
    most 1, about 0 for codes that tell nothing, and below 0 for a regressor that is misled.

    Args:
        values_BxK: the regressor's output.
        conditions_BxK: the standardised attribute values.
        real_K: 1 for the member's attributes, 0 for padding.
    """
    chex.assert_equal_shape([values_BxK, conditions_BxK])
    error_B = (jnp.square(values_BxK - conditions_BxK) * real_K[None, :]).sum(-1) / real_K.sum()
    return error_B, 1.0 - error_B


def teacher_probability(iteration: Array, k: float = 1000.0) -> Array:
    """Returns k / (k + exp(i / k)), the probability that a tick is fed the true previous token in training pass i.

    Args:
        iteration: i, the number of the training pass, counted from 1.
        k: how slowly the probability falls, in training passes.
    """
    return k / (k + jnp.exp(iteration / k))
