"""`python -m tests.helpers.cards` writes the cards of the models that come with the package, from their files.

The files hold no intervals over the test tunes and never change, so each model is measured once more.
"""

import dataclasses

import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.evaluation.evaluate import evaluate_weights
from vaemusic_jax.models.member import learnt_from_data, trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.play.card import card_of
from vaemusic_jax.play.export import intervals_of
from vaemusic_jax.play.load import load, shipped_models
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.runs.evaluations import TrialEvaluation


def evaluation_of(model: TrainedModel, dataset: Dataset) -> TrialEvaluation:
    """Evaluates a model from its weights; what depends on posterior variances, which it has no weights of, is wrong."""
    trial, vocabulary = model.trial, model.vocabulary
    params = program_of([trial], len(vocabulary), metre=vocabulary.metre).initial_params(0)
    weights = flatten_dict(params["vae"], sep="/")
    own = {name: model.params.get(name, np.zeros(leaf.shape, np.float32)) for name, leaf in weights.items()}
    hp = trained_on(trial, max(1, len(trial.attributes)), np.asarray(dataset.train.attributes))
    arrays = {
        "state": {"train": {"params": params | {"vae": unflatten_dict(own, sep="/")}}},
        "member": learnt_from_data(hp),
    }
    return evaluate_weights(trial, vocabulary, arrays, dataset)


def with_intervals(model: TrainedModel, dataset: Dataset) -> TrainedModel:
    """The model with intervals of its scores over the test tunes, after a check that it scores what its file says."""
    evaluation, scores = evaluation_of(model, dataset), model.about.scores
    intervals = intervals_of(evaluation, dataset, model.trial.attributes)
    known = {name: ends for name, ends in intervals.items() if name in scores}
    for name in known:
        assert evaluation.metrics[name] == pytest.approx(scores[name], abs=1e-3), name
    about = dataclasses.replace(model.about, intervals=known)
    return TrainedModel(model.trial, model.vocabulary, model.params, model.standardise, model.told, about=about)


if __name__ == "__main__":
    for name, path in shipped_models().items():
        model = load(name)
        dataset = load_dataset(model.trial.dataset)
        assert dataset.digest == model.about.dataset["digest"], name
        path.with_suffix(".md").write_text(card_of(with_intervals(model, dataset), name), encoding="utf-8")
