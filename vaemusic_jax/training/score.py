"""Scores of one member on a split: its loss and reconstruction, decoded free-running and greedy from posterior means.

They are used for the validation curves during training, and for the results table of evaluation.
"""

import jax.numpy as jnp
from jax import lax

from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.metrics.reconstruction import measure_accuracy, onset_accuracy, token_accuracy
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters, make_batch
from vaemusic_jax.models.program import Program
from vaemusic_jax.training.objective import loss_terms, total_loss


def score(
    program: Program, params: Params, hp: HyperParameters, split: tuple[Measures, Array], midi_V: Array
) -> dict[str, Array]:
    """Scores one member on one split.

    Codes are the posterior means and are not sampled, so the result is not random.

    Args:
        program: the program of the member's cohort.
        params: the member's weights.
        hp: the member's hyper-parameters.
        split: measures and weights, as made by `data.blocks.blocks`.
        midi_V: the MIDI pitch of each token, -1 for hold and rest.

    Returns:
        The loss, each of its terms, and the reconstruction metrics by name, () each. Cross-entropy and KL divergence
        are in nats, accuracies are shares from 0 to 1.
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


def count_right(program: Program, params: Params, hp: HyperParameters, measures: Measures) -> Array:
    """Returns how many tokens of each measure in blocks (G, ROWS, ...) are right, (G * ROWS,) uint8 from 0 to T.

    Measures are decoded as in ``score``. A decoder that is told attributes is told those of `measures`.
    """

    def count_block(measures: Measures) -> Array:
        batch = make_batch(measures, hp)
        logits = program.decode(params, program.encode(params, batch.tokens).mean, batch.conditions)
        return (jnp.argmax(logits, -1) == batch.tokens).sum(-1).astype(jnp.uint8)

    return lax.map(count_block, measures).reshape(-1)


def encode_split(program: Program, params: Params, measures: Measures) -> tuple[Array, Array]:
    """Returns posterior means and standard deviations of measures in blocks (G, ROWS, ...).

    They have shape (G * ROWS, Z) each, and include the rows that only fill the last block.
    """

    def encode_block(tokens_BxT: Array) -> tuple[Array, Array]:
        posterior = program.encode(params, tokens_BxT.astype(jnp.int32))
        return posterior.mean, jnp.exp(posterior.log_std)

    mean, std = lax.map(encode_block, measures.tokens)
    return mean.reshape(-1, program.latent_dim), std.reshape(-1, program.latent_dim)
