"""The attribute-change matrix of dMelodies: which attributes change at all while a control is moved over its range.

The formula is that of the public code of Pati & Lerch, "Is disentanglement enough? On latent representations for
controllable music generation" (ISMIR 2021).
"""

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.control import checked_data, checked_traversals
from vaemusic_jax.metrics.information import Floats

POINTS = 5  # values that a control is set to, from the least to the largest that it has in validation measures
ROUNDING = 1e-6  # Attributes are float32.


def attribute_change(changed: ArrayLike, original: ArrayLike) -> Floats:
    """Computes how often each control changes each attribute, relative to the attribute that it changes most often.

    change[k, j] = mean over m of the number of points p at which changed[m, k, p, j] differs from original[m, j], with
    each row divided by its maximum. The range is 0 to 1; the best matrix is the identity. How far an attribute changes
    does not count, and neither does the direction: what is decoded at random has 1 on the diagonal, or nearly so.

    Args:
        changed: (M, K, P, K) attributes decoded at P points evenly spaced over the range of each control.
        original: (M, K) attributes of the measures that were moved.

    Returns:
        (K, K) float64 with controls in rows; a control that changes nothing has a row of NaN.

    Raises:
        ValueError: a shape is wrong, or a value is not finite.
    """
    changed_MxKxPxK = checked_traversals(changed)
    original_MxK = checked_data(original, changed_MxKxPxK.shape[-1])
    if len(original_MxK) != len(changed_MxKxPxK):
        raise ValueError(f"{len(changed_MxKxPxK)} measures were moved, and {len(original_MxK)} originals given")
    differs = np.abs(changed_MxKxPxK - original_MxK[:, None, None, :]) > ROUNDING
    count_KxK = differs.sum(2).mean(0)
    most_Kx1 = count_KxK.max(1, keepdims=True)
    return count_KxK / np.where(most_Kx1 > 0, most_Kx1, np.nan)
