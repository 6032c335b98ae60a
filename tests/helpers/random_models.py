"""Models with random weights of any size, as trained models in NumPy."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from tests.helpers import cohorts
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play.about import LEVELS, About
from vaemusic_jax.play.model_file import rounded
from vaemusic_jax.play.numpy_networks import NUMPY_NETWORKS
from vaemusic_jax.play.restore import flat_weights
from vaemusic_jax.play.trained_model import TrainedModel

TONES = ("C4", "D4", "E4", "F#4", "G4", "A4", "B4", "C5", "D5", "E5")


def random_model(
    model: str, metre: str = "4/4", scale: float = 3.0, tones: Sequence[str] = TONES, **fields: Any
) -> TrainedModel:
    """Returns a model with random weights, rounded to float16 and large enough to decode many kinds of measures."""
    trial = cohorts.trial(model, **fields)
    vocabulary = Vocabulary.from_pitches(tones, room=False, metre=metre)
    program = program_of((trial,), len(vocabulary), metre=metre)
    weights = flat_weights(jax.tree.map(lambda leaf: np.asarray(leaf) * scale, program.initial_params(1)["vae"]))
    rng = np.random.default_rng(0)
    n_own = len(trial.attributes)
    about = About(
        dataset={"name": "made_up", "digest": "0", "reading": "nothing"},
        controls=np.sort(rng.normal(size=(len(LEVELS), n_own)), axis=0).astype(np.float32).T,
        attributes=np.sort(rng.uniform(size=(len(LEVELS), len(ATTRIBUTES))), axis=0).astype(np.float32).T,
        code_mean=rng.normal(size=trial.latent_dim).astype(np.float32),
        code_std=np.ones(trial.latent_dim, np.float32),
        scores={"reconstruction_accuracy": 0.5},
        intervals={"reconstruction_accuracy": (0.4, 0.6)},
        versions={"numpy": "2"},
    )
    standardise = np.stack([np.full(n_own, 0.3), np.full(n_own, 0.5)]).astype(np.float32)
    told = NUMPY_NETWORKS[model].told
    return TrainedModel(trial, vocabulary, rounded(weights), standardise, told, about=about)
