"""What is decoded again: alike for all trials of a cohort, and each trial's own part of it."""

from typing import Any

import numpy as np
import pytest

from tests.helpers.evaluated_runs import config_of
from vaemusic_jax.config.sweep import trials
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.evaluation.corpus_sample import chosen_measures
from vaemusic_jax.evaluation.traversal import ORIGIN
from vaemusic_jax.evaluation.traversal_plan import N_GRID, Encoded, Part, plan
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.arrays_file import Arrays

SLOTS, M = 4, 3
CHOICES = ("average_interval_jump", "note_density+note_range", "all")
RANDOM = np.random.default_rng(0)
CODES = RANDOM.normal(size=(50, 4))
TRAINING = RANDOM.uniform(0, [1, 2, 3, 12], (60, 4))
VALIDATION_CODES, VALIDATION = RANDOM.normal(size=(30, 4)), RANDOM.uniform(0, [1, 2, 3, 12], (20, 4))


def trial_of(model: Any, attributes: str) -> Trial:
    (trial,) = trials(config_of(model=model, attributes=attributes, latent_dim=4, seed=0))
    return trial


def planned(trial: Trial, n_slots: int = SLOTS) -> list[Part]:
    return plan(trial, n_slots, M, Encoded(CODES, TRAINING, VALIDATION_CODES, VALIDATION))


@pytest.mark.parametrize("others", [[], ["note_range"], ["all"]])
def test_a_trial_without_attributes_has_the_rows_of_its_cohort_and_nothing_but_its_reconstruction(
    others: list[str],
) -> None:
    bare, *beside = cohort = [trial_of("measure_vae", choice) for choice in ("none", *others)]
    n_slots = program_of(cohort, 40).n_attributes
    parts = planned(bare, n_slots)
    for other in beside:
        for ours, theirs in zip(parts, planned(other, n_slots), strict=True):
            np.testing.assert_array_equal(ours.base, theirs.base)
            assert ours.edits.shape == theirs.edits.shape
    assert all(np.isnan(part.edits).all() for part in parts)
    assert set(arrays_of(parts)) == {"reconstruction"}


def arrays_of(parts: list[Part]) -> Arrays:
    """As if every row was decoded to 24 times the number of its row, and its edits were its attributes."""
    arrays: Arrays = {}
    for part in parts:
        rows = np.repeat(np.arange(len(part.base))[:, None], 24, axis=1)
        arrays |= part.named(rows, part.edits)
    return arrays


@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_trials_of_a_cohort_are_decoded_from_the_same_measures(model: str) -> None:
    bases = [np.concatenate([part.base for part in planned(trial_of(model, choice))]) for choice in CHOICES]
    edits = [np.concatenate([part.edits for part in planned(trial_of(model, choice))]) for choice in CHOICES]
    for other in bases[1:]:
        np.testing.assert_array_equal(bases[0], other)
    assert {part.shape for part in edits} == {(len(bases[0]), SLOTS)}
    assert set(bases[0].tolist()) == {ORIGIN, *range(M)}


@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
@pytest.mark.parametrize("choice", CHOICES)
def test_each_control_is_moved_alone_through_its_own_values(model: str, choice: str) -> None:
    trial = trial_of(model, choice)
    arrays, n = arrays_of(planned(trial)), len(trial.attributes)
    moves = {"traversal": "control_values", "span": "span_values"}
    moves |= {"prior": "prior_values"} if model == "measure_vae" else {}
    for prefix, name in moves.items():
        n_values = 5 if prefix == "span" else 9
        assert arrays[name].shape == (n, n_values)
        assert (np.diff(arrays[name]) > 0).all()
        edits = arrays[f"{prefix}_attributes"]
        assert edits.shape == (M, n, n_values, SLOTS)
        for k in range(n):
            for slot in range(SLOTS):
                if slot == k:
                    np.testing.assert_array_equal(edits[:, k, :, slot], np.tile(arrays[name][k], (M, 1)))
                else:
                    assert np.isnan(edits[:, k, :, slot]).all()
    assert ("prior_values" in arrays) == (model == "measure_vae")
    if model == "measure_vae":
        np.testing.assert_array_equal(arrays["prior_values"], np.tile(np.linspace(-3, 3, 9), (n, 1)))
    assert arrays["reconstruction"].shape == (M, 24)


@pytest.mark.parametrize("choice", CHOICES)
def test_controls_of_both_models_are_set_to_the_same_quantiles_of_their_training_values(choice: str) -> None:
    """Codes for measure_vae, and for adversarial_vae attributes, in their units."""
    for model in ("measure_vae", "adversarial_vae"):
        trial = trial_of(model, choice)
        arrays = arrays_of(planned(trial))
        for k, name in enumerate(trial.attributes):
            own = CODES[:, k] if model == "measure_vae" else TRAINING[:, ATTRIBUTES.index(name)]
            below = (own[:, None] <= arrays["control_values"][k]).mean(0)
            np.testing.assert_allclose(below, (np.arange(9) + 0.5) / 9, atol=1 / 50)
            validated = VALIDATION_CODES[:, k] if model == "measure_vae" else VALIDATION[:, ATTRIBUTES.index(name)]
            ends = arrays["span_values"][k, [0, -1]]
            np.testing.assert_allclose(ends, [validated.min(), validated.max()], rtol=1e-6)
            np.testing.assert_allclose(np.diff(arrays["span_values"][k]), np.ptp(validated) / 4, rtol=1e-4)
    if len(trial.attributes) > 1:
        own = TRAINING[:, [ATTRIBUTES.index(name) for name in trial.attributes[:2]]]
        below = (own[:, :, None] <= arrays["surface_values"][None]).mean(0)
        np.testing.assert_allclose(below[:, [0, -1]], [[0.025, 0.975]] * 2, atol=1 / 60)


@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_a_surface_takes_two_controls(model: str) -> None:
    assert "surface_tokens" not in arrays_of(planned(trial_of(model, CHOICES[0])))
    assert len(planned(trial_of(model, CHOICES[0]), n_slots=1)) == len(planned(trial_of(model, CHOICES[0]))) - 1
    arrays = arrays_of(planned(trial_of(model, "all")))
    (first, second), edits = arrays["surface_values"], arrays["surface_attributes"]
    assert len(first) == N_GRID
    np.testing.assert_array_equal(edits[3, 5, :2], [first[3], second[5]])
    assert np.isnan(edits[..., 2:]).all()
    assert arrays["surface_tokens"].shape == (N_GRID, N_GRID, 24)


def test_the_same_measures_are_decoded_for_every_trial() -> None:
    few, many = chosen_measures(7), chosen_measures(5000)
    assert few.tolist() == list(range(7))
    assert len(many) == len(set(many.tolist())) == 200
    assert (np.diff(many) > 0).all()
    assert many[-1] > 4000
    np.testing.assert_array_equal(many, chosen_measures(5000))
