"""What the page is told about a model beside its file: its sizes, its measures, and what its controls do in words."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.data.writers.midi import PPQ
from vaemusic_jax.data.writers.tuning import concert_pitches
from vaemusic_jax.music.attributes import ATTRIBUTES, MICROTONAL_UNIT, onset_weights
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play import model_file
from vaemusic_jax.play.trained_model import TrainedModel

_PLACES = 3  # of levels, which the page has as numbers from 0 to 1


def spec_of(model: TrainedModel, name: str) -> dict[str, Any]:
    """Returns what the page needs of a model beside the content of its file, as what JSON can hold.

    Args:
        model: the model, with facts about its training measures.
        name: how the page calls it.
    """
    trial, grid = model.trial, model.vocabulary.grid
    recipe = MODELS[trial.model].recipes[trial.recipe]
    return {
        "name": name,
        "title": MODELS[trial.model].title,
        "words": _words(model),
        "model": trial.model,
        "told": model.told,
        "controls": list(trial.attributes),
        "effects": {control: effect(model, control) for control in trial.attributes},
        "sizes": {
            "hidden": trial.hidden_size,
            "nTicks": grid.n_ticks,
            "nBeats": grid.n_beats,
            "nTokens": len(model.vocabulary),
            "reluLogits": recipe.relu_logits,
            "ownStart": recipe.own_start_symbol,
        },
        **music_of(model.vocabulary),
        "attributes": [_attribute(name, grid.n_ticks) for name in ATTRIBUTES],
    }


def music_of(vocabulary: Vocabulary) -> dict[str, Any]:
    """Returns what the page needs of the measures of a vocabulary; pitches of hold and rest are -1."""
    grid, unit = vocabulary.grid, MICROTONAL_UNIT if vocabulary.microtonal else 1
    pitches = np.where(vocabulary.midi >= 0, concert_pitches(vocabulary), -1.0)
    return {
        "grid": {
            "metre": grid.metre,
            "ppq": PPQ,
            "onsets": [int(onset * PPQ) for onset in grid.onset_of_tick],
            "length": int(grid.quarters * PPQ),
            "beat": int(grid.beat * PPQ),
            "divisions": grid.divisions,
        },
        "tokens": list(vocabulary.tokens),
        "microtonal": vocabulary.microtonal,
        "sounding": pitches.tolist(),
        "units": [int(pitch) for pitch in np.round(vocabulary.midi * unit)],
        "unit": unit,
        "weights": list(onset_weights(grid)),
    }


def file_of(model: TrainedModel) -> str:
    """Returns the content of a model's file, in base64. Raises as `model_file.to_bytes` does."""
    return base64.b64encode(model_file.to_bytes(model)).decode()


def control_levels(model: TrainedModel, tokens_NxT: NDArray[np.int32]) -> list[list[float]]:
    """Returns where the controls of measures lie among those of training measures, from 0 to 1, (N, K)."""
    n_own = len(model.trial.attributes)
    own = model.own_attributes(tokens_NxT) if model.told else model.encode(tokens_NxT)[:, :n_own]
    return [[round(model.about.control_level_of(k, float(x)), _PLACES) for k, x in enumerate(row)] for row in own]


def effect(model: TrainedModel, control: str) -> str:
    """Returns what a control was measured to do on held-out measures, in one phrase; empty if it was not measured."""
    scores, words = model.about.scores, ATTRIBUTES[control].words
    moved, efficiency = scores.get(f"moved.{control}"), scores.get(f"reconstruction_efficiency.{control}")
    if moved is None:
        return ""
    text = f"moves {words} in {_of_ten(moved)} measures"
    return text if efficiency is None else f"{text} (efficiency {efficiency:.2f})"


def _attribute(name: str, n_ticks: int) -> dict[str, Any]:
    """Returns an attribute as the page shows it: note density is the number of notes there."""
    row = ATTRIBUTES[name]
    shown = {"unit": row.shown_unit or row.unit, "factor": row.shown_factor, "places": 2}
    if name == "note_density":
        shown = {"unit": "notes", "factor": n_ticks, "places": 0}
    elif name == "note_range":
        shown["places"] = 0
    return {"name": name, "words": row.words, **shown}


def _of_ten(share: float) -> str:
    tenths = round(10 * share)
    return "fewer than 1 of 10" if tenths == 0 else f"{tenths} of 10"


def _words(model: TrainedModel) -> str:
    trial, accuracy = model.trial, model.about.scores.get("reconstruction_accuracy")
    text = f"{trial.dataset}, {trial.latent_dim} dimensions, {len(trial.attributes)} controls"
    return text if accuracy is None else f"{text}; {100 * accuracy:.1f} % of the tokens of held-out measures right"
