"""What a model's file says beside its weights: the music it was trained on, and what its controls were there.

Shapes: E encoded training measures, K the model's controls, A all attributes, Z latent, P levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.music.attributes import ATTRIBUTES

if TYPE_CHECKING:
    from vaemusic_jax.data.dataset import Dataset
    from vaemusic_jax.play.trained_model import TrainedModel

LEVELS = np.linspace(0, 1, 101)  # the quantiles that are kept, P
_MOST_ENCODED = 20_000


@dataclass(frozen=True)
class About:
    """Facts about a trained model.

    Attributes:
        dataset: the name, the digest and the reading of the data set that it was trained on.
        controls: (K, P) quantiles of the values that each control has in training measures, float32.
        attributes: (A, P) quantiles of the attributes of training measures, float32.
        code_mean, code_std: (Z,) mean and standard deviation of the posterior means of training measures, float32.
        scores: metrics of the model by name, as in `results.csv`.
        intervals: of some of the scores the 95% interval over the test tunes, low and high.
        versions: versions of packages by name.
    """

    dataset: Mapping[str, str]
    controls: np.ndarray
    attributes: np.ndarray
    code_mean: np.ndarray
    code_std: np.ndarray
    scores: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def control_at(self, k: int, level: float) -> float:
        """Returns the value of control k at a quantile from 0 to 1 of the training measures."""
        return float(np.interp(level, LEVELS, self.controls[k]))

    def level_of(self, attribute: str, value: float) -> float:
        """Returns the share of training measures whose attribute is below a value, counting ties as half."""
        return _level_in(self.attributes[ATTRIBUTES.index(attribute)], value)

    def control_level_of(self, k: int, value: float) -> float:
        """Returns the share of training measures in which control k is below a value, counting ties as half."""
        return _level_in(self.controls[k], value)

    def attribute_at(self, attribute: str, level: float) -> float:
        """Returns the value of an attribute at a quantile from 0 to 1 of the training measures."""
        return float(np.interp(level, LEVELS, self.attributes[ATTRIBUTES.index(attribute)]))

    def spread(self, attribute: str) -> float:
        """Returns the standard deviation of an attribute's quantiles in training measures, and 1 if it is constant."""
        return float(self.attributes[ATTRIBUTES.index(attribute)].std()) or 1.0


def _level_in(quantiles: np.ndarray, value: float) -> float:
    low, high = np.searchsorted(quantiles, value, "left"), np.searchsorted(quantiles, value, "right")
    if low != high:
        return float((LEVELS[low] + LEVELS[high - 1]) / 2)
    return float(np.interp(value, quantiles, LEVELS))


def about(
    model: TrainedModel,
    dataset: Dataset,
    scores: Mapping[str, float] | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    versions: Mapping[str, str] | None = None,
) -> About:
    """Encodes the training measures of a model's data set, 20,000 at most, and returns the facts.

    Args:
        model: the model.
        dataset: the data set that it was trained on.
        scores: metrics of the model.
        intervals: of some of them, over the test tunes.
        versions: versions of packages.
    """
    train = dataset.train
    codes = model.encode(train.tokens[:_MOST_ENCODED])
    own = train.attributes[:, ATTRIBUTES.columns(model.trial.attributes)]
    values = own if model.told else codes[:, : own.shape[1]]
    return About(
        dataset={"name": dataset.name, "digest": dataset.digest, "reading": dataset.report["reading"]},
        controls=np.quantile(values, LEVELS, axis=0).T.astype(np.float32),
        attributes=np.quantile(train.attributes, LEVELS, axis=0).T.astype(np.float32),
        code_mean=codes.mean(0).astype(np.float32),
        code_std=codes.std(0).astype(np.float32),
        scores=dict(scores or {}),
        intervals=dict(intervals or {}),
        versions=dict(versions or {}),
    )
