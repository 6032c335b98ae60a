"""Metrics of what a model decodes along its controls: which attributes change, and whether the corpus has such music.

Pati & Lerch name both metrics in "Is disentanglement enough? On latent representations for controllable music
generation" (ISMIR 2021). Their exact wording was not available to us, so the formulas are our own operational
definitions. The functions take and return NumPy arrays with the shapes of ``control``.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.control import checked_traversals
from vaemusic_jax.metrics.information import Floats
from vaemusic_jax.music.attributes import ATTRIBUTES


def attribute_change(changed: ArrayLike) -> Floats:
    """Computes how the change that a control makes is divided among the attributes.

    change[k, j] = mean over m of (max - min over q of changed[m, k, :, j]) / (std of attribute j over everything
    decoded), with each row divided by its sum. The range is 0 to 1; the best matrix is the identity. This metric
    measures how far attributes move, ``dependence`` how reliably.

    Args:
        changed: (M, K, Q, K) decoded attributes, see ``control``.

    Returns:
        (K, K) float64 with controls in rows; a control that changes nothing has a row of NaN.

    Raises:
        ValueError: the shape is wrong, a control has fewer than 2 values, or a value is not finite.
    """
    changed_MxKxQxK = checked_traversals(changed)
    moved_KxK = np.ptp(changed_MxKxQxK, axis=2).mean(0)
    spread_K = changed_MxKxQxK.std((0, 1, 2))
    # An attribute that never changes has no spread to divide by; its change is 0.
    moved_KxK = np.divide(moved_KxK, spread_K, out=np.zeros_like(moved_KxK), where=moved_KxK > 0)
    total_Kx1 = moved_KxK.sum(1, keepdims=True)
    return moved_KxK / np.where(total_Kx1 > 0, total_Kx1, np.nan)


def latent_density_ratio(changed: ArrayLike, data: ArrayLike) -> Floats:
    """Computes the share of decoded measures along each control that the corpus could contain.

    The corpus could contain a measure if it has at least one note and each of its attributes lies between the smallest
    and the largest value in the data. The range is 0 to 1 and higher is better; a low ratio means that the latent space
    has holes. The metric looks at the attributes of a measure only, so it is an upper bound.

    Args:
        changed: (M, K, Q, A) all attributes, in the order of ``music.attributes.ATTRIBUTES``, of measure m decoded with
            control k at its q-th value.
        data: (N, A) the same attributes of real measures.

    Returns:
        (K,) float64.

    Raises:
        ValueError: a shape is wrong, or a value is not finite.
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
