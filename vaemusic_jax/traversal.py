"""Measures decoded again with their controls moved, for all members of a cohort in one call.

The control of attribute k is dimension k of the code in MeasureVAE, and the value that the decoder is told in
AdversarialVAE. Decoding is free-running and greedy.

Shapes: M measures (not members here), T ticks, K control slots of the cohort, R rows to decode, Z latent dimensions.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from vaemusic_jax.layers import Array
from vaemusic_jax.measures import ROWS
from vaemusic_jax.member import HyperParameters, Program

KEEP = np.float32(np.nan)  # what stands in an edit for a control that is left as it is
ORIGIN = -1  # the base of a row that starts from the prior's mean rather than from a measure


def decode_edited(
    program: Program,
    params: dict[str, Any],
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
        edits_RxK: values for the controls, NaN where one is left as it is; in units of the latent dimension for
            MeasureVAE, of the attribute for AdversarialVAE.
        tokens_MxT: measures to start from.
        attributes_Mx4: what they sound like.
        base_R: for each row the measure it starts from, or ORIGIN: code zero, and attributes at their mean.
    """
    vae = program.vae()
    tokens_MxT = jnp.asarray(tokens_MxT).astype(jnp.int32)
    z_MxZ = vae.apply({"params": params["vae"]}, tokens_MxT, method="encode")[0]
    own_MxK = jnp.asarray(attributes_Mx4)[:, hp.attribute_index]
    # the last row, which ORIGIN points to
    z = jnp.concatenate([z_MxZ, jnp.zeros_like(z_MxZ[:1])])
    own = jnp.concatenate([own_MxK, hp.conditioning.mean[hp.attribute_index][None]])

    def decode_block(block: tuple[Array, Array]) -> Array:
        base_B, edits_BxK = block
        z_BxZ, own_BxK = z[base_B], own[base_B]
        if program.model == "measure_vae":
            n_slots = edits_BxK.shape[1]
            controls_BxK = jnp.where(jnp.isnan(edits_BxK), z_BxZ[:, :n_slots], edits_BxK)
            z_BxZ = jnp.concatenate([controls_BxK, z_BxZ[:, n_slots:]], axis=1)
        else:
            own_BxK = jnp.where(jnp.isnan(edits_BxK), own_BxK, edits_BxK)
        logits = vae.apply({"params": params["vae"]}, z_BxZ, hp.conditions(own_BxK), method="decode")
        return jnp.argmax(logits, -1).astype(jnp.uint8)

    n = base_R.shape[0]
    n_blocks = -(-n // ROWS)
    fill = n_blocks * ROWS - n
    bases = jnp.pad(base_R, (0, fill)).reshape(n_blocks, ROWS)
    edits = jnp.pad(edits_RxK, ((0, fill), (0, 0))).reshape(n_blocks, ROWS, -1)
    return lax.map(decode_block, (bases, edits)).reshape(n_blocks * ROWS, -1)[:n]
