"""The answer that a report starts with says what the trials show, and how surely."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.synthetic_results import results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.answer import NOTHING, sentences
from vaemusic_jax.report.cells import with_sizes
from vaemusic_jax.report.evidence import Evidence
from vaemusic_jax.report.findings import check_findings

CONTROLS = [f"reconstruction_efficiency.{name}" for name in (*ATTRIBUTES, "mean")]


def said(metrics: Callable[[Trial], tuple[float, float]], **fields: Any) -> tuple[str, ...]:
    """Returns the sentences on trials with an accuracy and an efficiency each, which vary a little by seed."""

    def row(trial: Trial) -> dict[str, float]:
        accuracy, efficiency = metrics(trial)
        noise = (trial.seed % 3 - 1) * 0.001
        values = {"reconstruction_accuracy": accuracy + noise, "tick_baseline": 0.5, "validation_accuracy": accuracy}
        return values | dict.fromkeys(CONTROLS, efficiency + noise)

    results = with_sizes(results_of(row, **fields), {}, {})
    return sentences(Evidence(results, {}, {}, check_findings(results, {})))


def is_measure(trial: Trial) -> bool:
    return trial.model == "measure_vae"


@pytest.mark.parametrize("better", ["MeasureVAE", "AdversarialVAE"])
def test_the_better_model_comes_first_with_its_numbers(better: str) -> None:
    def metrics(trial: Trial) -> tuple[float, float]:
        return (0.9, 0.3) if is_measure(trial) == (better == "MeasureVAE") else (0.8, 0.7)

    worse = {"MeasureVAE": "AdversarialVAE", "AdversarialVAE": "MeasureVAE"}[better]
    back, turn, sizes = said(metrics)
    assert back.startswith(f"{better} gives measures back better than {worse}: 90.0% of the tokens")
    assert "against 80.0%, a difference of +10.0 points (95% interval +" in back
    assert f"3 seeds; a verdict needs 5); {better} leads at each latent size, 4 and 32" in back
    assert turn.startswith(f"{worse}'s controls turn better than {better}'s: ")
    assert "0.70 against 0.30, a difference of +0.40" in turn
    assert sizes.startswith("Of the latent sizes")


def test_what_is_not_shown_is_not_said() -> None:
    back, turn, _ = said(lambda trial: (0.9 + (is_measure(trial) == (trial.seed == 1)) * 0.01, 0.5), seed=[0, 1, 2])
    assert back.startswith("Neither model is shown to give measures back better")
    assert turn.startswith("Neither model's controls are shown to turn better")


def test_a_single_seed_is_no_verdict() -> None:
    back, turn, _ = said(lambda trial: (0.8 + 0.1 * is_measure(trial), 0.5 + 0.1 * is_measure(trial)), seed=0)
    for sentence in (back, turn):
        assert "one seed, so a direction and no verdict" in sentence
        assert "interval" not in sentence


def test_sizes_and_corpora_at_which_another_model_leads_are_named() -> None:
    def metrics(trial: Trial) -> tuple[float, float]:
        ahead = trial.latent_dim != 4 if is_measure(trial) else trial.latent_dim == 4
        return 0.7 + 0.1 * ahead + 0.01 * (trial.latent_dim == 64), 0.3 + 0.01 * trial.latent_dim / 64

    back, _, sizes = said(metrics, latent_dim=[4, 16, 64], dataset=["irish_folk", "bach"])
    assert "MeasureVAE leads at latent sizes 16 and 64, AdversarialVAE at 4; MeasureVAE leads on each corpus" in back
    assert "MeasureVAE gives back most at 64 (81.0%) and turns best at 64 (0.31)" in sizes
    assert "AdversarialVAE gives back most at 4 (80.0%)" in sizes


def test_a_run_that_has_learned_nothing_has_no_verdict() -> None:
    assert said(lambda trial: (0.51, 0.0)) == (NOTHING,)
    back, turn, _ = said(lambda trial: (0.9, 0.5) if is_measure(trial) else (0.51, 0.9))
    assert "better" not in back + turn
    assert "AdversarialVAE" not in back + turn


def test_what_steering_changes_is_from_trials_that_differ_in_nothing_else() -> None:
    def metrics(trial: Trial) -> tuple[float, float]:
        steered = trial.steering_weight > 0
        return 0.9 - 0.02 * steered + 0.05 * (trial.latent_dim == 32), 0.4 + 0.5 * steered

    fields = {"model": "measure_vae", "latent_dim": 4, "steering_weight": [0.0, 0.3]}
    *_, steering = said(metrics, **fields)
    assert steering.startswith("Steering (weight 0.3) brings MeasureVAE's controls from 0.40 to 0.90 (+0.50, 95%")
    assert "and its right tokens from 90.0% to 88.0% (-2.0 points" in steering
    assert "3 seeds" in steering


def test_one_model_alone_is_compared_with_nothing() -> None:
    back, turn, _ = said(lambda trial: (0.8 + 0.001 * trial.latent_dim, 0.5), model="measure_vae")
    assert "MeasureVAE 83.2% at 32 dimensions, its best size (95% interval" in back
    assert "better" not in back + turn


def test_without_attributes_there_are_no_controls() -> None:
    back, turn = said(lambda trial: (0.9, float("nan")), model="measure_vae", attributes="none")
    assert "MeasureVAE 90.0% at" in back
    assert "no controls to turn" in turn


def test_a_metric_that_has_not_been_measured_makes_no_sentence() -> None:
    results = with_sizes(results_of(lambda trial: {"reconstruction_accuracy": 0.9, "tick_baseline": 0.5}), {}, {})
    back, sizes = sentences(Evidence(results, {}, {}, check_findings(results, {})))
    assert back.startswith("Neither model")
    assert sizes.startswith("Of the latent sizes")
