"""A claim is checked under several definitions, and is robust where they agree."""

from collections.abc import Callable
from typing import Any

from tests.helpers.made_up_findings import ACCURACY, BETTER, WORSE, checked, noise, of_models
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.findings import (
    Findings,
    robustness,
)


def test_interpretability_of_the_best_configuration_is_that_of_all_its_attributes() -> None:
    def verdict_of_the_best(r2: Callable[[Trial, str], float]) -> str:
        def metrics(trial: Trial) -> dict[str, Any]:
            levels = {f"interpretability.{name}": r2(trial, name) + noise(trial) for name in ATTRIBUTES}
            return of_models(BETTER, WORSE)(trial) | levels

        (row,) = (row for row in checked(metrics).specification["interpretability"] if "the best" in row[0])
        return row[1]

    assert verdict_of_the_best(lambda trial, name: 0.9 if name == "note_range" else 0.5) == "contradicted"
    assert verdict_of_the_best(lambda trial, name: 0.9 if trial.latent_dim == 4 else 0.5) == "supported"


def test_models_of_like_weights_are_compared_where_the_run_has_them() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        return {ACCURACY: 0.9 + trial.hidden_size / 10_000 + noise(trial, 0.0005), "majority_baseline": 0.69}

    def row(findings: Findings) -> tuple[str, str, str]:
        (one,) = (row for row in findings.specification["reconstruction"] if row[0] == "models alike in weights")
        return one

    assert row(checked(metrics, size=64, latent_dim=4))[1] == "no verdict"
    # 276,699 weights of MeasureVAE at 64, 273,304 of AdversarialVAE at 120.
    _, verdict, numbers = row(checked(metrics, size=[64, 120, 200], latent_dim=4))
    assert verdict != "no verdict"
    assert numbers.startswith("-0.00")
    assert "; 1 cell, " in numbers


def test_a_verdict_is_robust_if_three_definitions_agree() -> None:
    assert robustness(["supported"] * 3 + ["no verdict"]) == "robust"
    assert robustness(["supported", "supported", "equivalent"]) == "not robust"
    assert robustness(["supported", "supported", "no verdict"]) == "too few definitions"


def test_the_primary_definition_has_the_primary_verdict() -> None:
    findings = checked(of_models(BETTER, WORSE))
    for finding in findings.primary:
        assert findings.specification[finding.name][0][1] == finding.verdict
