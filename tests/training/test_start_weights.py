"""A trial starts from the weights of another run's trial, or is told in one line why it cannot."""

from pathlib import Path
from typing import Any

import chex
import jax
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.training.memory import cohort_ensemble
from vaemusic_jax.training.start_weights import start_weights

MODELS = ("measure_vae", "adversarial_vae")


def source(run: Path, model: str) -> Trial:
    """Returns the padded trial of a model in the finished run."""
    return next(t for t in RunDirectory.read(run).trials if t.model == model and t.latent_dim == 4)


def from_run(run: Path, model: str, vocabulary: Vocabulary, **fields: Any) -> tuple[Trial, Any]:
    """Returns a trial that starts from the finished run, and its weights."""
    values = source(run, model).model_dump() | {"init_from": f"{run}:{source(run, model).id}", "seed": 5} | fields
    trial = Trial(**values)
    return trial, start_weights(trial, program_of([trial], len(vocabulary)), vocabulary)


def outputs(program: Any, params: Any, tokens: np.ndarray) -> Any:
    posterior = program.encode(params, tokens)
    conditions = np.zeros((len(tokens), program.n_attributes), np.float32)
    return posterior, program.decode(params, posterior.mean, conditions, tokens)


def leaves(tree: Any) -> list[np.ndarray]:
    return jax.tree.leaves(tree)


@pytest.mark.parametrize("model", MODELS)
def test_the_same_vocabulary_gives_the_trained_weights(model, finished_run: Path, small_irish_folk: Dataset) -> None:
    """Without the padding of the cohort that they were trained in: codes and logits are the same."""
    run, vocabulary = RunDirectory.read(finished_run), small_irish_folk.vocabulary
    _, params = from_run(finished_run, model, vocabulary)
    trained = source(finished_run, model)
    cohort = next(cohort for cohort in run.cohorts if trained in cohort.trials)
    padded = CheckpointStore(run.cohort_path(cohort)).member(cohort.trials.index(trained))["state"]["train"]["params"]
    for ours, theirs in zip(*map(leaves, (params, padded)), strict=True):
        np.testing.assert_array_equal(ours, theirs[tuple(slice(n) for n in ours.shape)])


@pytest.mark.parametrize("model", MODELS)
def test_a_smaller_vocabulary_gives_each_token_its_own_weights(
    model, finished_run: Path, small_irish_folk: Dataset
) -> None:
    """The networks do to measures of common tokens what they did before, up to the tokens that are gone."""
    whole = small_irish_folk.vocabulary
    kept = [i for i in range(len(whole)) if i % 5 != 3]
    smaller = Vocabulary(tuple(whole.tokens[i] for i in kept))
    trial, narrow = from_run(finished_run, model, smaller)
    _, wide = from_run(finished_run, model, whole)
    tokens = np.random.default_rng(0).integers(0, len(kept), (7, 24)).astype(np.int32)
    ours = outputs(program_of([trial], len(smaller)), narrow, tokens)
    theirs = outputs(program_of([trial], len(whole)), wide, np.array(kept, np.int32)[tokens])
    chex.assert_trees_all_close(ours[0], theirs[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours[1], np.asarray(theirs[1])[..., kept], rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_one_line(finished_run: Path, small_irish_folk: Dataset) -> None:
    vocabulary = small_irish_folk.vocabulary
    more = Vocabulary((*vocabulary.tokens[:2], *sorted([*vocabulary.tokens[2:], "B#9"])))
    for fields, tokens, said in (
        ({"init_from": f"{finished_run}:a000000000"}, vocabulary, "the run has no trial a000000000"),
        ({"hidden_size": 13}, vocabulary, "none of its trials has .* hidden_size 13"),
        ({"init_from": str(finished_run / "nothing")}, vocabulary, "is no run directory"),
        ({}, more, "its vocabulary lacks 1 tokens of data set 'irish_folk', such as B#9"),
        ({"init_from": str(finished_run)}, vocabulary, "2 of its trials has .* name one as RUN:TRIAL"),
    ):
        with pytest.raises(UserError, match=said) as refused:
            from_run(finished_run, "measure_vae", tokens, **fields)
        assert "\n" not in str(refused.value)


def test_a_cohort_starts_members_from_either(finished_run: Path, small_irish_folk: Dataset) -> None:
    vocabulary = small_irish_folk.vocabulary
    trial, params = from_run(finished_run, "measure_vae", vocabulary)
    fresh = cohorts.trial("measure_vae", latent_dim=8, steps=trial.steps, attributes=trial.attributes)
    owner = Owner((fresh, trial), vocabulary, small_irish_folk.digest)
    state = cohort_ensemble(owner, small_irish_folk, measures_of(small_irish_folk.train)).start()
    started = state.train.params
    for ours, theirs in zip(leaves(params), leaves(started), strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs)[1][tuple(slice(n) for n in ours.shape)])
