"""The loss of every model, composed in one place for both training and scoring.

    loss = cross-entropy + beta * KL + sum over the model's own terms of weight * term

Shapes: B batch, T ticks, Z latent, V vocabulary.
"""

from collections.abc import Mapping

import jax.numpy as jnp

from vaemusic_jax.models.base import Params, Posterior
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.losses import cross_entropy, kl_divergence
from vaemusic_jax.models.member import Batch, HyperParameters
from vaemusic_jax.models.program import Program


def loss_terms(
    program: Program,
    params: Params,
    posterior: Posterior,
    z_BxZ: Array,
    logits_BxTxV: Array,
    batch: Batch,
    hp: HyperParameters,
    weight_B: Array,
) -> dict[str, Array]:
    """Computes every term of the loss, without weights.

    Args:
        program: the program of the cohort.
        params: the member's weights.
        posterior: the posterior distributions of the batch.
        z_BxZ: the codes that `logits_BxTxV` were decoded from.
        logits_BxTxV: the decoder's output.
        batch: the measures that were encoded.
        hp: the member's hyper-parameters.
        weight_B: 1 for measures that count, 0 for those that only fill the batch.

    Returns:
        The terms by name: (B,) one number per measure, or () one of the whole batch.
    """
    return {
        "cross_entropy": cross_entropy(logits_BxTxV, batch.tokens),
        "kl": kl_divergence(*posterior).sum(-1),
        **program.implementation.own_terms(program, params, posterior, z_BxZ, batch, hp, weight_B),
    }


def total_loss(program: Program, hp: HyperParameters, means: Mapping[str, Array]) -> Array:
    """Returns the loss, (), as the weighted sum of its terms.

    Args:
        program: the program of the cohort.
        hp: the member's hyper-parameters, which include the weights of terms.
        means: the mean of each term of `loss_terms` over the measures that count, () each.
    """
    kl = means["kl"] / hp.latent_dim.astype(jnp.float32) if program.recipe.kl_mean_over_dims else means["kl"]
    total = means["cross_entropy"] + hp.beta * kl
    for term, weight in program.implementation.weighted_terms.items():
        total = total + hp.scalars[weight] * means[term]
    return total
