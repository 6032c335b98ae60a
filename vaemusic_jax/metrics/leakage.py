"""Leakage: how well probes read musical attributes from codes that were not seen when the probes were trained.

An attribute can be spread over many dimensions, so that none of them tells of it and all together tell it exactly.
Measures of single dimensions, such as ``interpretability``, do not see that.

N is the number of measures, L that of latent dimensions and K that of attributes. Codes are posterior means or samples,
without the dimensions that only pad a member to the size of its cohort.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vaemusic_jax.metrics.information import DEGENERATE_VARIANCE, Floats, checked, varying

MIN_TRAINING_MEASURES = 20  # The MLP holds a tenth of them back to know when to stop.
HIDDEN = (128, 128)
MAX_EPOCHS, PATIENCE = 30, 5
LEARNING_RATE = 2e-3


def leakage_linear(
    train_codes: ArrayLike, train_attributes: ArrayLike, codes: ArrayLike, attributes: ArrayLike
) -> Floats:
    """Computes how well a linear regression reads each attribute from codes.

    leakage[k] = max(0, 1 - sum over the held-out measures of (a_k - prediction)^2 / sum of (a_k - mean of a_k)^2), with
    least squares on the training measures. The range is 0 to 1. At 0 the probe reads nothing, which is better where
    codes are meant to hold nothing of the attribute. A probe that predicts worse than the mean counts as 0.

    Args:
        train_codes: (N_train, L) codes of training measures.
        train_attributes: (N_train, K) attribute values of the same measures.
        codes: (N, L) codes of held-out measures.
        attributes: (N, K) attribute values of the same measures.

    Returns:
        (K,) float64. NaN for an attribute that is constant in either split.

    Raises:
        ValueError: a shape is wrong, there are fewer than 20 training or 5 held-out measures, or a value is not finite.
    """
    return _held_out_r2(_linear, train_codes, train_attributes, codes, attributes)


def leakage_mlp(
    train_codes: ArrayLike, train_attributes: ArrayLike, codes: ArrayLike, attributes: ArrayLike, seed: int = 0
) -> Floats:
    """Computes how well a multi-layer perceptron reads each attribute from codes.

    The value is that of ``leakage_linear`` with scikit-learn's `MLPRegressor` as probe: two hidden layers of 128 units,
    Adam at a learning rate of .002 in batches of 200, at most 30 epochs, and the weights of the epoch with the best R^2
    on a tenth of the training measures. One network predicts all attributes, so a value depends a little on the others.

    It takes about 3 s of one core at L = 256 with 8,000 training measures, which are the most that it is meant for.

    Args:
        train_codes: (N_train, L) codes of training measures.
        train_attributes: (N_train, K) attribute values of the same measures.
        codes: (N, L) codes of held-out measures.
        attributes: (N, K) attribute values of the same measures.
        seed: the seed of the initial weights, of the order of measures, and of the choice of those held back.

    Returns:
        (K,) float64. NaN for an attribute that is constant in either split.

    Raises:
        ValueError: as in ``leakage_linear``.
    """

    def predict(z_train: Floats, a_train: Floats, z: Floats) -> Floats:
        return _mlp(z_train, a_train, z, seed)

    return _held_out_r2(predict, train_codes, train_attributes, codes, attributes)


def _held_out_r2(
    predict: Callable[[Floats, Floats, Floats], Floats],
    train_codes: ArrayLike,
    train_attributes: ArrayLike,
    codes: ArrayLike,
    attributes: ArrayLike,
) -> Floats:
    """Returns R^2 of predictions from standardised codes, at least 0, as ``leakage_linear`` defines it, (K,).

    Args:
        predict: returns predictions (N, k) from training codes, training attributes (N_train, k) and codes.
        train_codes: (N_train, L).
        train_attributes: (N_train, K).
        codes: (N, L).
        attributes: (N, K).

    Raises:
        ValueError: as in ``leakage_linear``.
    """
    (z_train, a_train), (z_NxL, a_NxK) = checked(train_codes, train_attributes), checked(codes, attributes)
    if z_train.shape[1] != z_NxL.shape[1] or a_train.shape[1] != a_NxK.shape[1]:
        raise ValueError(
            f"training and held-out measures differ in their numbers of dimensions or attributes: codes "
            f"{z_train.shape} and {z_NxL.shape}, attributes {a_train.shape} and {a_NxK.shape}"
        )
    if len(z_train) < MIN_TRAINING_MEASURES:
        raise ValueError(f"{len(z_train)} training measures are too few; give at least {MIN_TRAINING_MEASURES}")
    r2_K = np.full(a_NxK.shape[1], np.nan)
    own = varying(a_train) & varying(a_NxK)
    if own.any():
        to_z, to_a = _standardiser(z_train), _standardiser(a_train[:, own])
        target = to_a(a_NxK[:, own])
        error = np.square(predict(to_z(z_train), to_a(a_train[:, own]), to_z(z_NxL)) - target).sum(0)
        r2_K[own] = np.maximum(0.0, 1.0 - error / np.square(target - target.mean(0)).sum(0))
    return r2_K


def _standardiser(train: Floats) -> Callable[[Floats], Floats]:
    """Returns a function that standardises columns by the mean and standard deviation that they have in training."""
    mean, variance = train.mean(0), train.var(0)
    std = np.sqrt(np.where(variance > DEGENERATE_VARIANCE, variance, 1.0))
    return lambda values: (values - mean) / std


def _linear(z_train: Floats, a_train: Floats, z: Floats) -> Floats:
    """Returns the predictions of a linear regression; standardised variables need no intercept."""
    weights, *_ = np.linalg.lstsq(z_train, a_train, rcond=None)
    found: Floats = z @ weights
    return found


def _mlp(z_train: Floats, a_train: Floats, z: Floats, seed: int) -> Floats:
    """Returns the predictions of a multi-layer perceptron, see ``leakage_mlp``."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor  # It is slow to import.
    from threadpoolctl import threadpool_limits

    settings: dict[str, Any] = {"hidden_layer_sizes": HIDDEN, "learning_rate_init": LEARNING_RATE, "random_state": seed}
    stopping: dict[str, Any] = {"max_iter": MAX_EPOCHS, "early_stopping": True, "n_iter_no_change": PATIENCE}
    z32_train, a32_train, z32 = (values.astype(np.float32) for values in (z_train, a_train, z))
    # One thread is faster for such small matrices, and gives the same digits on machines with other numbers of cores.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # The number of epochs is limited on purpose.
        probe = MLPRegressor(**settings, **stopping).fit(
            z32_train, a32_train if a32_train.shape[1] > 1 else a32_train[:, 0]
        )
    return np.asarray(probe.predict(z32), np.float64).reshape(len(z), -1)
