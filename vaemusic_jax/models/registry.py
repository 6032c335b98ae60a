"""From the name of a model to the object that knows its networks."""

import functools
import importlib

from vaemusic_jax.config.recipes import MODELS
from vaemusic_jax.models.base import Model


def model_of(name: str) -> Model:
    """The model of a row in `recipes.MODELS`. Raises KeyError for a name that has none."""
    return _imported(MODELS[name].network)


@functools.cache
def _imported(place: str) -> Model:
    module, _, kind = place.partition(":")
    model: Model = getattr(importlib.import_module(module), kind)()
    return model
