"""Measures decoded again with their controls moved, for all members of a cohort in one call.

The control of attribute k is dimension k of the code, or the value of the attribute that the decoder is told, as
`recipes.MODELS` says of the model. Decoding is free-running and greedy.

Shapes: M measures (not members here), T ticks, K control slots of the cohort, R rows to decode, Z latent dimensions.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from vaemusic_jax.data.measures import ROWS
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters
from vaemusic_jax.models.program import Program, turned

KEEP = np.float32(np.nan)  # what stands in an edit for a control that is left as it is
ORIGIN = -1  # the base of a row that starts from the prior's mean rather than from a measure


def decode_edited(
    program: Program,
    params: Params,
    hp: HyperParameters,
    edits_RxK: Array,
    tokens_MxT: Array,
    attributes_Mx4: Array,
    base_R: Array,
) -> Array:
    """Rows decoded by one member: (R, 24) uint8. For `vmap` over members the first four are its own.

    Only ROWS rows are decoded at a time, so that a cohort's working memory does not grow with R: it is below
    members * ROWS * 24 ticks * 12 hidden sizes * 4 bytes, most of it for encoding. XLA's own count for 14 members on
    CPU: 1.8 GiB at the published size of MeasureVAE (512), 2.6 GiB at that of AdversarialVAE (1,024).

    Args:
        program: of the cohort.
        params: the member's weights.
        hp: its hyper-parameters.
        edits_RxK: values for the controls, NaN where one is left as it is; in units of the latent dimension, or of the
            attribute where the decoder is told it.
        tokens_MxT: measures to start from.
        attributes_Mx4: what they sound like.
        base_R: for each row the measure it starts from, or ORIGIN: code zero, and attributes at their mean.
    """
    z_MxZ = program.encode(params, jnp.asarray(tokens_MxT).astype(jnp.int32)).mean
    own_MxK = jnp.asarray(attributes_Mx4)[:, hp.attribute_index]
    # the last row, which ORIGIN points to
    z = jnp.concatenate([z_MxZ, jnp.zeros_like(z_MxZ[:1])])
    own = jnp.concatenate([own_MxK, hp.conditioning.mean[hp.attribute_index][None]])

    def decode_block(block: tuple[Array, Array]) -> Array:
        base_B, edits_BxK = block
        z_BxZ, own_BxK = turned(program, z[base_B], own[base_B], edits_BxK)
        logits = program.decode(params, z_BxZ, hp.conditions(own_BxK))
        return jnp.argmax(logits, -1).astype(jnp.uint8)

    n = base_R.shape[0]
    n_blocks = -(-n // ROWS)
    fill = n_blocks * ROWS - n
    bases = jnp.pad(base_R, (0, fill)).reshape(n_blocks, ROWS)
    edits = jnp.pad(edits_RxK, ((0, fill), (0, 0))).reshape(n_blocks, ROWS, -1)
    return lax.map(decode_block, (bases, edits)).reshape(n_blocks * ROWS, -1)[:n]
