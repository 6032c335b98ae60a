"""Writes the page of the explorer: models, measures to start from, style and scripts in one HTML file.

The page's content security policy allows its one script, its one style and the worker that it makes of its script, and
no request of any kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.data.names import check_name
from vaemusic_jax.errors import UserError
from vaemusic_jax.play import steer
from vaemusic_jax.play.explorer.spec import control_levels, file_of, spec_of
from vaemusic_jax.play.one_file_page import EXPLORER, one_file_page
from vaemusic_jax.play.trained_model import TrainedModel

MOST_STARTS = 200
_SCRIPTS = (
    *("networks", "steering", "worker", "measures", "glyphs", "notation", "roll", "writers", "sound"),
    *("elements", "state", "start", "controls", "result", "pad", "strip", "transport", "explorer"),
)


def page_of(models: Mapping[str, TrainedModel]) -> str:
    """Returns the page with these models, side by side.

    Args:
        models: at least one model, with facts about its training measures, by the name that the page shows. The
            measures to start from are of the first one's data set.

    Raises:
        UserError: the models are in different metres, one has no controls, or they have no measure in common.
    """
    first = next(iter(models.values()))
    for name, model in models.items():
        if not model.trial.attributes:
            raise UserError(f"{name}: it has no controls to turn, since it was trained with attributes: none")
        if model.vocabulary.metre != first.vocabulary.metre:
            raise UserError(
                f"{name}: its measures are in {model.vocabulary.metre} and those of {next(iter(models))} in "
                f"{first.vocabulary.metre}; models on one page need one metre"
            )
    starts, origin = starts_of(list(models.values()))
    if not len(starts):
        raise UserError(f"{', '.join(models)}: they have no measure in common to start from; explore them apart")
    data = {
        "models": [{"spec": spec_of(model, name), "file": file_of(model)} for name, model in models.items()],
        "starts": starts.tolist(),
        "origin": origin,
        "levels": [control_levels(model, translated(starts, first, model)) for model in models.values()],
    }
    scripts = [EXPLORER / f"{name}.js" for name in _SCRIPTS]
    styles = [EXPLORER / "theme.css", EXPLORER / "explorer.css"]
    return one_file_page(EXPLORER / "explorer.html", styles, scripts, data)


def starts_of(models: Sequence[TrainedModel]) -> tuple[NDArray[np.int32], str]:
    """Returns measures to start from, (N, T) in the tokens of the first model, and what they are in words.

    They are held-out measures or, where there are none, random draws.
    """
    model = models[0]
    tokens = held_out_measures(models)
    if tokens is not None:
        return tokens, f"held-out measures of {model.about.dataset['name']}"
    draws = np.unique(steer.draw(model, MOST_STARTS, seed=0), axis=0)
    for other in models[1:]:
        draws = draws[(translated(draws, model, other) >= 0).all(1)]
    return draws, "random draws, because the data set of the model is not there"


def held_out_measures(models: Sequence[TrainedModel], most: int = MOST_STARTS) -> NDArray[np.int32] | None:
    """Returns different test measures of the first model's data set that every model has the tokens of, (N, T).

    They have at least two notes, and are evenly spread over the split.

    Args:
        models: the models, in one metre.
        most: the most measures to return.

    Returns:
        The measures in the tokens of the first model; None where the data set is not there, or is another one than the
        model's.
    """
    model = models[0]
    name = model.about.dataset["name"]
    try:
        check_name(name)
        dataset = load_dataset(name)
    except UserError:
        return None
    if dataset.digest != model.about.dataset["digest"]:
        return None
    tokens = np.asarray(dataset.test.tokens, np.int32)
    tokens = tokens[np.sort(np.unique(tokens, axis=0, return_index=True)[1])]
    is_usable = (model.vocabulary.midi[tokens] >= 0).sum(1) >= 2
    for other in models[1:]:
        is_usable &= (translated(tokens, model, other) >= 0).all(1)
    tokens = tokens[is_usable]
    chosen = np.linspace(0, len(tokens) - 1, min(most, len(tokens))).round().astype(int)
    return tokens[chosen] if len(chosen) else None


def translated(tokens: NDArray[np.int32], model: TrainedModel, other: TrainedModel) -> NDArray[np.int32]:
    """Returns tokens of one model as those of another of the same name, -1 where it has none."""
    index = {name: token for token, name in enumerate(other.vocabulary.tokens)}
    return np.array([index.get(name, -1) for name in model.vocabulary.tokens], np.int32)[tokens]
