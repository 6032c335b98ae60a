"""Look-up of a model's implementation by its name."""

import functools
import importlib

from vaemusic_jax.config.recipes import MODELS
from vaemusic_jax.models.base import Model


def model_of(name: str) -> Model:
    """Returns the model of a row in `config.recipes.MODELS`. Raises KeyError for a name that is not in the table."""
    return _imported(MODELS[name].network)


@functools.cache
def _imported(place: str) -> Model:
    """Imports the class at "module:class" and returns its only instance."""
    module, _, kind = place.partition(":")
    model: Model = getattr(importlib.import_module(module), kind)()
    return model
