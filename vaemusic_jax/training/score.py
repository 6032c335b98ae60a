"""The loss and the reconstruction of one member on a split, free-running and greedy from posterior means.

Used for the validation curves while training and for the results table from checkpoints.
"""

import jax.numpy as jnp
from jax import lax

from vaemusic_jax.data.measures import Measures
from vaemusic_jax.metrics.reconstruction import measure_accuracy, onset_accuracy, token_accuracy
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters, make_batch
from vaemusic_jax.models.program import Program
from vaemusic_jax.training.objective import loss_terms, total_loss


def score(
    program: Program, params: Params, hp: HyperParameters, split: tuple[Measures, Array], midi_V: Array
) -> dict[str, Array]:
    """Every term of the loss and every reconstruction metric of one member, scalars.

    The sampled code is replaced by its mean throughout, so the result is not random.

    Args:
        program: of its cohort.
        params: its weights.
        hp: its numbers.
        split: measures and weights, as made by `measures.blocks`.
        midi_V: MIDI pitch of each token, -1 for hold and rest.
    """

    def score_block(block: tuple[Measures, Array]) -> dict[str, Array]:
        measures, weight_B = block
        batch = make_batch(measures, hp)
        posterior = program.encode(params, batch.tokens)
        logits = program.decode(params, posterior.mean, batch.conditions)
        predicted = jnp.argmax(logits, -1)
        right, onsets = onset_accuracy(predicted, batch.tokens, midi_V)
        sums = {
            **loss_terms(program, params, posterior, posterior.mean, logits, batch, hp, weight_B),
            "reconstruction_accuracy": token_accuracy(predicted, batch.tokens),
            "measure_accuracy": measure_accuracy(predicted, batch.tokens),
            "onsets_right": right,
            "onsets": onsets,
        }
        # A term of the whole block counts once for each of its measures.
        return {name: (jnp.broadcast_to(values, weight_B.shape) * weight_B).sum() for name, values in sums.items()}

    sums = {name: values.sum() for name, values in lax.map(score_block, split).items()}
    right, onsets = sums.pop("onsets_right"), sums.pop("onsets")
    means = {name: value / split[1].sum() for name, value in sums.items()}
    return {"loss": total_loss(program, hp, means), **means, "onset_accuracy": right / onsets}


def encode_split(program: Program, params: Params, measures: Measures) -> tuple[Array, Array]:
    """Posterior means and standard deviations of measures cut into blocks (G, ROWS, ...).

    Returns (G * ROWS, Z) each, the filling of the last block too.
    """

    def encode_block(tokens_BxT: Array) -> tuple[Array, Array]:
        posterior = program.encode(params, tokens_BxT.astype(jnp.int32))
        return posterior.mean, jnp.exp(posterior.log_std)

    mean, std = lax.map(encode_block, measures.tokens)
    return mean.reshape(-1, program.latent_dim), std.reshape(-1, program.latent_dim)
