"""Findings about made-up results, of which a test knows what should be found."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.helpers.made_up_replicates import replicates_of, sized
from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.finding import Finding
from vaemusic_jax.report.findings import Findings, check_findings

ACCURACY = "reconstruction_accuracy"
Metrics = Callable[[Trial], dict[str, Any]]
TEN = list(range(10))
RUN: dict[str, Any] = {"seed": TEN, "latent_dim": [4, 256], "attributes": "all"}


def noise(trial: Trial, size: float = 0.004) -> float:
    """Noise of a trial that follows from its values."""
    return size * float(np.random.default_rng(int(trial.id[1:8], 16)).normal())


def of_models(measure: Mapping[str, float], adversarial: Mapping[str, float], by_size: float = 0.0) -> Metrics:
    """Accuracy, side effect and efficiency of each model; accuracy of MeasureVAE grows with the latent size."""

    def metrics(trial: Trial) -> dict[str, Any]:
        is_measure = trial.model == "measure_vae"
        level = measure if is_measure else adversarial
        accuracy = level["accuracy"] + by_size * is_measure * (np.log2(trial.latent_dim) - 5)
        row = {ACCURACY: accuracy + noise(trial), "majority_baseline": 0.69, "validation_accuracy": accuracy}
        for i, name in enumerate(ATTRIBUTES):
            row[f"side_effect.{name}"] = level["side"] + noise(trial, 0.03) * (-1) ** i
            row[f"reconstruction_efficiency.{name}"] = level["efficiency"] + noise(trial, 0.03)
            row[f"interpretability.{name}"] = level["r2"] + noise(trial)
        return row

    return metrics


BETTER = {"accuracy": 0.93, "side": 0.8, "efficiency": 0.4, "r2": 0.9}
WORSE = {"accuracy": 0.90, "side": 0.5, "efficiency": 0.6, "r2": 0.1}


def checked(metrics: Metrics, with_tunes: bool = True, **fields: Any) -> Findings:
    results = sized(results_of(metrics, **RUN | fields))
    return check_findings(results, FACTS, replicates_of(results) if with_tunes else {})


def found(findings: Findings, name: str) -> Finding:
    (finding,) = (one for one in (*findings.primary, *findings.exploratory) if one.name == name)
    return finding


def verdicts(findings: Findings) -> dict[str, str]:
    return {finding.name: finding.verdict for finding in findings.primary}


COMPARED = ("reconstruction", "separation", "efficiency")
