"""The steering term of the loss, which makes decoded measures follow the controls.

The regulariser makes MeasureVAE's encoder write an attribute into a dimension of the code, and AdversarialVAE's decoder
is told the attribute. Neither makes the decoder obey. This term does: for every measure of the batch it moves one
control to the value that it has for another measure of the batch, the donor, decodes free-running, and compares the
attributes of what is decoded with the donor's for this control and with the measure's own for the others.

How far a decoded attribute is from where it should be counts half in standard deviations and half in ranks. Music uses
few of the possible values: two thirds of the Irish measures have 7 or 8 onsets, and more than half of them a rhythmic
complexity within a third of a standard deviation. In standard deviations they are nearly alike, and a decoder that does
not tell them apart loses little; in ranks, which are what a control goes through when it is turned, they are far apart.

Argmax cannot be differentiated, so the measure is decoded twice. The first time is free-running and constant, and its
tokens are what the decoder is fed the second time. The second time gives the probabilities of the tokens, and
attributes that can be differentiated (`music.attributes.differentiable_attributes`) are those of these probabilities.

The term is one of training only. Scores on held-out measures do not have it: what controls do there is what evaluation
measures, on decoded measures and without probabilities.

Shapes: B batch, T ticks, Z latent, V vocabulary, K attribute slots of the cohort.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import Batch, HyperParameters
from vaemusic_jax.models.program import Program
from vaemusic_jax.music.attributes import differentiable_attributes

STEERING_STREAM = 2**31 - 2  # folded into the key of a step; splits of that key use small numbers
OTHERS = 0.1  # the weight of attributes that should stay, beside 1 for the one that should change
TEMPERATURE = 0.5  # of the probabilities that stand for decoded tokens: below 1 nearer to the most probable one
BLUR = 0.1  # the scale, in standard deviations, by which the batch's values are spread to make ranks differentiable
STARTS, FULL = 0.1, 0.4  # the shares of all steps at which the term sets in and at which it has its whole weight


class Move(NamedTuple):
    """What the steering term of one step moves, and how much the term weighs."""

    control: Array  # (B,) the index of the control of each measure that is moved
    donor: Array  # (B,) the index in the batch of the measure whose value it takes
    weight: Array  # () the weight of the term in the loss


def draw_move(program: Program, hp: HyperParameters, step: Array, key: Array) -> Move:
    """Draws one of the member's controls for each measure uniformly, and donors as a permutation of the batch."""
    control_key, donor_key = jax.random.split(key)
    chance_B = jax.random.uniform(control_key, (program.batch_size,))
    control_B = (chance_B * hp.n_attributes.astype(jnp.float32)).astype(jnp.int32)
    donor_B = jax.random.permutation(donor_key, program.batch_size)
    return Move(jnp.minimum(control_B, hp.n_attributes - 1), donor_B, hp.steering_weight * strength(program, step))


def strength(program: Program, step: Array) -> Array:
    """Returns the share of its weight that the term has at a step, (): 0 at first, then rising linearly to 1."""
    share = step.astype(jnp.float32) / program.steps
    return jnp.clip((share - STARTS) / (FULL - STARTS), 0.0, 1.0)


def steering(program: Program, params: Params, z_BxZ: Array, batch: Batch, hp: HyperParameters, move: Move) -> Array:
    """Returns how far decoded attributes are from where the controls should have set them, for each measure, (B,).

    It is the mean over the member's attributes of the Huber loss of `distance`. The attribute of the control that is
    moved has weight 1, the others OTHERS. Lower is better, and 0 is a decoder that obeys.

    Args:
        program: the program of the cohort, with the pitches of its vocabulary.
        params: the member's weights.
        z_BxZ: the codes of the batch.
        batch: the measures and their attributes.
        hp: the member's hyper-parameters.
        move: what is moved.

    Raises:
        ValueError: the program does not have the pitches of its vocabulary.
    """
    if not program.midi:
        raise ValueError("this program has no pitches; pass them to program_of")
    is_moved_BxK = jnp.arange(program.n_attributes)[None, :] == move.control[:, None]
    controls = program.implementation.controls
    values_BxK = controls.values(z_BxZ, batch.attributes)
    edits_BxK = jnp.where(is_moved_BxK, values_BxK[move.donor], jnp.nan)
    moved_z_BxZ, told_BxK = controls.set(z_BxZ, batch.attributes, edits_BxK)
    conditions_BxK = hp.conditions(told_BxK)

    own_logits = program.decode(*lax.stop_gradient((params, moved_z_BxZ, conditions_BxK)))
    logits = program.decode(params, moved_z_BxZ, conditions_BxK, jnp.argmax(own_logits, -1).astype(jnp.int32))
    every = differentiable_attributes(jax.nn.softmax(logits / TEMPERATURE), np.array(program.midi), program.grid)
    # An attribute without a differentiable formula is none of a steering trial's; its column only keeps the place.
    columns = [jnp.zeros(len(z_BxZ)) if column is None else column for column in every]
    decoded_BxK = jnp.stack(columns, axis=-1)[:, hp.attribute_index]

    target_BxK = jnp.where(is_moved_BxK, batch.attributes[move.donor], batch.attributes)
    std_K = hp.conditioning.std[hp.attribute_index]
    distance_BxK = distance(decoded_BxK, target_BxK, batch.attributes, std_K)
    weight_BxK = jnp.where(is_moved_BxK, 1.0, OTHERS) * hp.attribute_mask()[None, :]
    return (optax.losses.huber_loss(distance_BxK) * weight_BxK).sum(-1) / weight_BxK.sum(-1)


def distance(decoded_BxK: Array, target_BxK: Array, among_NxK: Array, std_K: Array) -> Array:
    """Returns how far attributes are above their targets, (B, K), half in standard deviations and half in ranks.

    The rank of a value is the share of the values `among_NxK` below it, which a logistic function of scale BLUR makes
    differentiable. Ranks are multiplied by the root of 12, since a uniform distribution then has a standard deviation
    of 1, as the other half has.

    Args:
        decoded_BxK: the attributes of decoded measures.
        target_BxK: what they should be.
        among_NxK: the attributes of the measures that they are ranked among.
        std_K: the standard deviations of the attributes of the training measures.
    """

    def rank(value_BxK: Array) -> Array:
        return jax.nn.sigmoid((value_BxK[:, None] - among_NxK[None]) / (BLUR * std_K[None, None])).mean(1)

    in_ranks_BxK = 12**0.5 * (rank(decoded_BxK) - rank(target_BxK))
    return 0.5 * (decoded_BxK - target_BxK) / std_K[None] + 0.5 * in_ranks_BxK
