"""Score one member on a split: losses and reconstruction, free-running and greedy from posterior means.

Used for the validation curves while training and for the results table from checkpoints.
"""

import jax.numpy as jnp
from jax import lax

from vaemusic_jax.layers import Array
from vaemusic_jax.losses import (
    adversary_losses,
    attribute_regularisation,
    class_targets,
    cross_entropy,
    kl_divergence,
)
from vaemusic_jax.measures import Measures
from vaemusic_jax.member import HyperParameters, Program, make_batch
from vaemusic_jax.metrics.reconstruction import measure_accuracy, onset_accuracy, token_accuracy
from vaemusic_jax.recipes import N_CLASSES


def score(
    program: Program, params: dict, hp: HyperParameters, split: tuple[Measures, Array], midi_V: Array
) -> dict[str, Array]:
    """Every loss and reconstruction metric of one member, scalars; `split` as made by `measures.blocks`.

    The sampled code is replaced by its mean throughout, so the result is not random.
    """

    def score_block(block: tuple[Measures, Array]) -> dict[str, Array]:
        measures, weight_B = block
        batch = make_batch(measures, hp)
        mean, log_std = program.vae().apply({"params": params["vae"]}, batch.tokens, method="encode")
        logits = program.vae().apply({"params": params["vae"]}, mean, batch.conditions, method="decode")
        predicted = jnp.argmax(logits, -1)
        right, onsets = onset_accuracy(predicted, batch.tokens, midi_V)
        sums = {
            "cross_entropy": cross_entropy(logits, batch.tokens),
            "kl": kl_divergence(mean, log_std).sum(-1),
            "reconstruction_accuracy": token_accuracy(predicted, batch.tokens),
            "measure_accuracy": measure_accuracy(predicted, batch.tokens),
            "onsets_right": right,
            "onsets": onsets,
        }
        if program.model == "measure_vae":
            terms_K = attribute_regularisation(mean[:, : program.n_attributes], batch.attributes, hp.delta, weight_B)
            sums["regularisation"] = jnp.broadcast_to((terms_K * hp.attribute_mask()).sum(), weight_B.shape)
        else:
            class_logits = program.classifier().apply({"params": params["classifier"]}, mean)
            targets = class_targets(batch.classes, N_CLASSES, program.recipe.ordinal_classes)
            reads, fools = adversary_losses(class_logits, targets, hp.attribute_mask())
            sums |= {"classifier_loss": reads, "adversary": fools}
        return {name: (values * weight_B).sum() for name, values in sums.items()}

    sums = {name: values.sum() for name, values in lax.map(score_block, split).items()}
    right, onsets = sums.pop("onsets_right"), sums.pop("onsets")
    means = {name: value / split[1].sum() for name, value in sums.items()}
    kl_term = means["kl"] / hp.latent_dim.astype(jnp.float32) if program.recipe.kl_mean_over_dims else means["kl"]
    if program.model == "measure_vae":
        own_term = hp.gamma * means["regularisation"]
    else:
        own_term = hp.adversary_weight * means["adversary"]
    return {
        "loss": means["cross_entropy"] + hp.beta * kl_term + own_term,
        **means,
        "onset_accuracy": right / onsets,
    }


def encode_split(program: Program, params: dict, measures: Measures) -> tuple[Array, Array]:
    """Posterior means and standard deviations of measures cut into blocks (G, ROWS, ...).

    Returns (G * ROWS, Z) each, the filling of the last block too.
    """

    def encode_block(tokens_BxT: Array) -> tuple[Array, Array]:
        mean, log_std = program.vae().apply({"params": params["vae"]}, tokens_BxT.astype(jnp.int32), method="encode")
        return mean, jnp.exp(log_std)

    mean, std = lax.map(encode_block, measures.tokens)
    return mean.reshape(-1, program.latent_dim), std.reshape(-1, program.latent_dim)
