"""What lies along the controls: which attributes change, and whether what is decoded is music of the corpus's kind.

Both measures are named by Pati & Lerch, "Is disentanglement enough? On latent representations for controllable music
generation" (ISMIR 2021). Their exact wording was not available to us, so the formulas are operational definitions of
ours. Numpy in, numbers out; shapes as in ``control``.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.control import checked_traversals
from vaemusic_jax.metrics.information import Floats
from vaemusic_jax.music.attributes import ATTRIBUTES


def attribute_change(changed: ArrayLike) -> Floats:
    """Of all the change that a control makes, which share falls on which attribute.

    change[k, j] = mean over m of (max - min over q of changed[m, k, :, j]) / (std of attribute j over everything
    decoded), and each row divided by its sum. Range 0 to 1, rows sum to 1; best is the identity matrix. It is about how
    far attributes move, ``dependence`` about how surely.

    Args:
        changed: (M, K, Q, K) decoded attributes, see ``control``.

    Returns:
        (K, K), controls in rows; a row of NaN for a control that changes nothing.

    Raises:
        ValueError: wrong shape, a control of fewer than 2 values, or values that are not finite.
    """
    changed_MxKxQxK = checked_traversals(changed)
    moved_KxK = np.ptp(changed_MxKxQxK, axis=2).mean(0)
    spread_K = changed_MxKxQxK.std((0, 1, 2))
    # An attribute that never changes has no spread to divide by, and was not moved either.
    moved_KxK = np.divide(moved_KxK, spread_K, out=np.zeros_like(moved_KxK), where=moved_KxK > 0)
    total_Kx1 = moved_KxK.sum(1, keepdims=True)
    return moved_KxK / np.where(total_Kx1 > 0, total_Kx1, np.nan)


def latent_density_ratio(changed: ArrayLike, data: ArrayLike) -> Floats:
    """Share of the points along a control at which a measure is decoded that the corpus could contain.

    A decoded measure counts as one if it has at least one note, and each of its four attributes lies within the range,
    least to greatest, that it has in the data. Range 0 to 1, higher is better: a low ratio means holes in the latent
    space. It sees no more of a measure than its attributes, so it is an upper bound.

    Args:
        changed: (M, K, Q, 4) all four attributes, in the order of ``trial.ATTRIBUTES``, of measure m decoded with
            control k at its q-th value.
        data: (N, 4) the same of real measures.

    Returns:
        (K,)

    Raises:
        ValueError: wrong shapes, or values that are not finite.
    """
    changed_MxKxQxA, data_NxA = np.asarray(changed), np.asarray(data)
    n = len(ATTRIBUTES)
    if changed_MxKxQxA.ndim != 4 or changed_MxKxQxA.shape[3] != n or not changed_MxKxQxA.size:
        raise ValueError(f"changed attributes need shape (M, K, Q, {n}), got {changed_MxKxQxA.shape}")
    if data_NxA.ndim != 2 or data_NxA.shape[1] != n or not len(data_NxA):
        raise ValueError(f"data need shape (N, {n}), got {data_NxA.shape}")
    for name, values in (("changed attributes", changed_MxKxQxA), ("data", data_NxA)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} hold values that are not finite")
    possible = ((changed_MxKxQxA >= data_NxA.min(0)) & (changed_MxKxQxA <= data_NxA.max(0))).all(3)
    has_a_note = changed_MxKxQxA[..., ATTRIBUTES.index("note_density")] > 0
    return (possible & has_a_note).mean((0, 2))
