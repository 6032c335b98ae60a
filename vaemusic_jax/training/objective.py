"""The loss of every model, composed in one place for training and for scoring.

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
    """Every term by name, unweighted: (B,) one number per measure, or () one of the whole batch.

    Args:
        program, params, hp: of the member.
        posterior: of the batch.
        z_BxZ: the codes that `logits_BxTxV` were decoded from.
        logits_BxTxV: of the batch's tokens.
        batch: what was encoded.
        weight_B: 1 for measures that count, 0 for those that only fill the batch.
    """
    return {
        "cross_entropy": cross_entropy(logits_BxTxV, batch.tokens),
        "kl": kl_divergence(*posterior).sum(-1),
        **program.kind.own_terms(program, params, z_BxZ, batch, hp, weight_B),
    }


def total_loss(program: Program, hp: HyperParameters, means: Mapping[str, Array]) -> Array:
    """The loss, (), of the means (), of every term over the measures that count."""
    kl = means["kl"] / hp.latent_dim.astype(jnp.float32) if program.recipe.kl_mean_over_dims else means["kl"]
    total = means["cross_entropy"] + hp.beta * kl
    for term, weight in program.kind.weighted_terms.items():
        total = total + hp.scalars[weight] * means[term]
    return total
