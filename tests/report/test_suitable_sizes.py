"""Latent sizes suit four attributes if they do better than smaller and larger ones, and nothing else counts."""

from typing import Any

import numpy as np
import pytest

from tests.helpers.made_up_findings import ACCURACY, BETTER, Metrics, checked, found, noise, of_models
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.finding import Finding


def peaked(best: int, in_accuracy: float = 1.0) -> Metrics:
    """Accuracy and efficiency fall with the distance from a latent size, and the side effect grows."""

    def metrics(trial: Trial) -> dict[str, Any]:
        distance = abs(np.log2(trial.latent_dim) - np.log2(best)) + noise(trial, 0.1)
        row = {ACCURACY: 0.9 - 0.02 * in_accuracy * distance, "majority_baseline": 0.5}
        for name in ATTRIBUTES:
            row |= {f"reconstruction_efficiency.{name}": 0.8 - 0.05 * distance, f"side_effect.{name}": 0.1 * distance}
        return row

    return metrics


@pytest.mark.parametrize(
    ("best", "in_accuracy", "sizes", "verdict"),
    [
        (45, 1, [8, 32, 64, 256], "supported"),
        (4, 1, [8, 32, 64, 256], "contradicted"),
        (45, -1, [8, 32, 64, 256], "depends on measure"),
        (45, 1, [8, 32, 64], "no verdict"),
    ],
)
def test_suitable_sizes_are_better_than_both_sides(
    best: int, in_accuracy: float, sizes: list[int], verdict: str
) -> None:
    findings = checked(peaked(best, in_accuracy), latent_dim=sizes, seed=[0, 1, 2, 3, 4])
    for model in ("measure_vae", "adversarial_vae"):
        assert found(findings, f"sizes-{model}").verdict == verdict


def test_sizes_are_compared_with_the_same_controls_and_with_resamples_alone() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        works = trial.latent_dim <= 32  # Note range, the worst control, works at small sizes alone.
        side = {f"side_effect.{name}": 0.3 + noise(trial, 0.02) for name in ATTRIBUTES}
        row = of_models(BETTER, BETTER)(trial) | side
        return row | {"side_effect.note_range": 0.9 + noise(trial, 0.02) if works else np.nan}

    fields: dict[str, Any] = {"latent_dim": [8, 32, 256], "seed": [0, 1, 2, 3, 4]}
    one = found(checked(metrics, **fields), "sizes-measure_vae")
    assert one.verdict == "inconclusive"
    assert "side effect 2" in one.numbers
    assert found(checked(metrics, with_tunes=False, **fields), "sizes-measure_vae").verdict == "no verdict"


def test_loss_and_independence_do_not_count_for_sizes() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        return peaked(45)(trial) | {"loss": trial.latent_dim / 10, "attribute_independence.mean": trial.latent_dim}

    def exploratory(measured: Metrics) -> tuple[Finding, ...]:
        return checked(measured, latent_dim=[8, 32, 256], seed=[0, 1, 2, 3, 4]).exploratory

    assert exploratory(metrics) == exploratory(peaked(45))
