"""Small cohorts for tests, with real measures and narrow networks."""

from typing import Any

import numpy as np

from vaemusic_jax.config.models import MODELS, RecipeName
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.blocks import Measures, measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.training.cohort import Ensemble, table_for

N_MEASURES = 200


def trial(model: str, **fields: Any) -> Trial:
    """Returns a trial of 20 steps of 16 measures at hidden size 12; `fields` replace any of its fields."""
    recipe: RecipeName = fields.get("recipe", "fast")
    values: dict[str, Any] = {
        "dataset": "irish_folk",
        "model": model,
        "recipe": recipe,
        "hidden_size": 12,
        "attributes": tuple(ATTRIBUTES),
        "latent_dim": 8,
        "data_fraction": 1.0,
        "transpose": 0,
        "steps": 20,
        "seed": 0,
    }
    small = {"batch_size": 16, "steering_weight": 0.0}
    own: dict[str, Any] = {**MODELS[model].recipes[recipe].defaults, **unused_by(model), **small}
    return Trial(**(values | own | fields))


def first_measures(dataset: Dataset, n: int = N_MEASURES) -> Measures:
    """Returns the first `n` training measures of a data set."""
    whole = measures_of(dataset.train)
    return Measures(whole.tokens[:n], whole.attributes[:n])


def ensemble(trials, dataset: Dataset, devices=None, n: int = N_MEASURES) -> Ensemble:
    """Returns the ensemble of these trials, which trains on the first `n` measures of the training split."""
    train = first_measures(dataset, n)
    program = program_of(tuple(trials), len(dataset.vocabulary), dataset.vocabulary.midi, dataset.vocabulary.metre)
    attributes = np.asarray(train.attributes)
    members = [trained_on(t, program.n_attributes, attributes[: round(t.data_fraction * n)]) for t in trials]
    table = table_for(trials, dataset.vocabulary)
    return Ensemble(program, members, train, devices, table)


def losses(cohort: Ensemble, n_steps: int) -> dict[str, np.ndarray]:
    """Trains a cohort and returns every training metric after each of `n_steps` steps: (n_steps, M)."""
    state, history = cohort.start(), []
    for _ in range(n_steps):
        state, metrics = cohort.read_sums(cohort.run(state, 1))
        history.append(metrics)
    return {name: np.stack([metrics[name] for metrics in history]) for name in history[0]}
