"""A small listening test of random models and random measures."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tests.helpers.random_measures import random_tunes
from tests.helpers.random_models import random_model
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.about import LEVELS
from vaemusic_jax.play.listening.design import Design, make_design
from vaemusic_jax.play.trained_model import TrainedModel


def models_and_measures(*kinds: str, **fields: Any) -> tuple[dict[str, TrainedModel], np.ndarray]:
    """Returns random models by the names of their kinds, and measures whose attributes they have the quantiles of."""
    models = {kind: random_model(kind, latent_dim=6, **fields) for kind in kinds}
    first = next(iter(models.values()))
    tunes = random_tunes(first.vocabulary, 60, seed=0)
    measures = np.array([measure for tune in tunes for measure in tune], np.int32)
    measures = measures[(first.vocabulary.midi[measures] >= 0).sum(1) >= 2][:120]
    for kind, model in models.items():
        quantiles = np.quantile(model.attributes(measures), LEVELS, axis=0).T.astype(np.float32)
        own = quantiles[ATTRIBUTES.columns(model.trial.attributes)]
        scores = {f"{name}.{each}": 0.5 for name in ("interpretability", "side_effect") for each in ATTRIBUTES}
        controls = own if model.told else model.about.controls
        about = dataclasses.replace(model.about, attributes=quantiles, controls=controls, scores=scores)
        parts = (model.trial, model.vocabulary, model.params, model.standardise, model.told)
        models[kind] = TrainedModel(*parts, about=about)
    return models, measures


def design_of(*kinds: str, attributes: tuple[str, ...] = ("note_density",), **options: Any) -> Design:
    """Returns the design of a test of random models."""
    models, measures = models_and_measures(*kinds, attributes=attributes)
    return make_design(models, measures, **options)
