"""Traversals: measures are decoded with changed controls, for all members of a cohort in one call.

The control of attribute k is dimension k of the code, or the value of the attribute that the decoder is given, as
`config.models.MODELS` says for each model. Decoding is free-running and greedy.

Shapes: M measures, T ticks, K control slots of the cohort, R rows to decode, B rows of a block, Z latent dimensions.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from vaemusic_jax.data.blocks import ROWS
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters
from vaemusic_jax.models.program import Program

KEEP = np.float32(np.nan)  # the edit of a control that keeps its value
ORIGIN = -1  # the base of a row that starts from the prior's mean instead of from a measure


def decode_edited(
    program: Program,
    params: Params,
    hp: HyperParameters,
    edits_RxK: Array,
    tokens_MxT: Array,
    attributes_MxA: Array,
    base_R: Array,
) -> Array:
    """Decodes rows with changed controls by one member.

    When it is mapped over members with `vmap`, `params`, `hp` and `edits_RxK` have a member axis and the other arrays
    are shared. Only ROWS rows are decoded at a time, so that a cohort's working memory does not grow with R. It is
    below members * ROWS * 24 ticks * 12 hidden sizes * 4 bytes, most of it for encoding. XLA's figures for 14 members
    on CPU are 1.8 GiB at the published size of MeasureVAE (512), and 2.6 GiB at that of AdversarialVAE (1,024).

    Args:
        program: the program of the cohort.
        params: the member's weights.
        hp: the member's hyper-parameters.
        edits_RxK: new values of the controls, NaN for a control that keeps its value; in units of the latent dimension,
            or of the attribute if the decoder is given it.
        tokens_MxT: the measures to start from.
        attributes_MxA: their attributes.
        base_R: the index of the measure that each row starts from; ORIGIN for a code of zeros and attributes at their
            means.

    Returns:
        The decoded tokens, (R, T) uint8.
    """
    z_MxZ = program.encode(params, jnp.asarray(tokens_MxT).astype(jnp.int32)).mean
    own_MxK = jnp.asarray(attributes_MxA)[:, hp.attribute_index]
    # ORIGIN is the index of the last row, which is appended here.
    z = jnp.concatenate([z_MxZ, jnp.zeros_like(z_MxZ[:1])])
    own = jnp.concatenate([own_MxK, hp.conditioning.mean[hp.attribute_index][None]])

    def decode_block(block: tuple[Array, Array]) -> Array:
        base_B, edits_BxK = block
        z_BxZ, own_BxK = program.implementation.controls.set(z[base_B], own[base_B], edits_BxK)
        logits = program.decode(params, z_BxZ, hp.conditions(own_BxK))
        return jnp.argmax(logits, -1).astype(jnp.uint8)

    n = base_R.shape[0]
    n_blocks = -(-n // ROWS)
    fill = n_blocks * ROWS - n
    bases = jnp.pad(base_R, (0, fill)).reshape(n_blocks, ROWS)
    edits = jnp.pad(edits_RxK, ((0, fill), (0, 0))).reshape(n_blocks, ROWS, -1)
    return lax.map(decode_block, (bases, edits)).reshape(n_blocks * ROWS, -1)[:n]
