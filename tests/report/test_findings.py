"""Each claim of the study: supported where the numbers were made so, not where they were made otherwise, and never
without seeds enough."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.finding import STUDY_MEASURES, Finding
from vaemusic_jax.report.findings import (
    better_independence,
    better_reconstruction,
    check_findings,
    findings_table,
    headline_accuracy,
    high_interpretability,
    simpler_is_easier,
)
from vaemusic_jax.report.markup import to_csv, to_html, to_latex
from vaemusic_jax.report.suitable_sizes import mean_ranks, suitable_sizes

ACCURACY = "reconstruction_accuracy"
INDEPENDENCE = "attribute_independence.mean"
NOISE = (-0.002, 0.001, 0.0015)  # by seed


def found(results: pd.DataFrame, name: str, facts: Any = FACTS) -> Finding:
    """One finding, without the others."""
    several = {"interpretability": high_interpretability, "sizes": suitable_sizes}
    alone = {
        "reconstruction": better_reconstruction,
        "headline": headline_accuracy,
        "independence": better_independence,
        "simplicity": lambda results: simpler_is_easier(results, facts),
    }
    if name in alone:
        return alone[name](results)
    (finding,) = (finding for finding in several[name.partition("-")[0]](results) if finding.name == name)
    return finding


def by_model(metric: str, measure: float, adversarial: float, noise: Sequence[float] = NOISE) -> Any:
    """A metric that depends on the model; seeds differ by noise in MeasureVAE alone."""

    def metrics(trial: Trial) -> dict[str, Any]:
        return {metric: measure + noise[trial.seed] if trial.model == "measure_vae" else adversarial}

    return metrics


@pytest.mark.parametrize(
    ("name", "metric", "direction"), [("reconstruction", ACCURACY, 1), ("independence", INDEPENDENCE, -1)]
)
def test_a_difference_between_models_counts_in_the_direction_of_the_claim(
    name: str, metric: str, direction: int
) -> None:
    claimed = found(results_of(by_model(metric, 0.5 + 0.1 * direction, 0.5)), name)
    assert (claimed.verdict, claimed.n) == ("supported", 3)
    assert "+0.100, 95% t interval" in claimed.numbers
    assert "opposite" not in claimed.numbers
    reverse = found(results_of(by_model(metric, 0.5 - 0.1 * direction, 0.5)), name)
    assert reverse.verdict == "not supported"
    assert "opposite of the claim" in reverse.numbers
    noisy = found(results_of(by_model(metric, 0.5 + 0.1 * direction, 0.5, (-0.2, 0.05, 0.15))), name)
    assert noisy.verdict == "not supported"
    assert "not significant" in noisy.numbers


def test_both_data_sets_are_told_apart() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        sign = (trial.model == "adversarial_vae") * (1 if trial.dataset == "bach" else -0.5)
        return {INDEPENDENCE: 0.5 + sign * (0.2 + NOISE[trial.seed])}

    finding = found(results_of(metrics, dataset=["irish_folk", "bach"]), "independence")
    assert finding.verdict == "supported"
    assert "bach +0.200" in finding.numbers
    assert "irish_folk -0.100" in finding.numbers


@pytest.mark.parametrize("seeds", [0, [0, 1]])
def test_there_is_no_verdict_on_fewer_than_three_seeds(seeds: Any) -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        good = trial.model == "measure_vae"
        return {ACCURACY: 0.9 + good / 20, "validation_accuracy": 0.999, "interpretability.note_range": 0.9} | {
            measure: float(trial.latent_dim == 32) for measure in STUDY_MEASURES[1:]
        }

    results = results_of(metrics, seed=seeds, latent_dim=[4, 32, 256], dataset=["irish_folk", "bach"])
    findings = check_findings(results, FACTS)
    assert {finding.verdict for finding in findings} == {"not enough data"}
    assert found(results, "reconstruction").n == np.size(seeds)


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.9956, "supported"), (0.9954, "not supported"), (1.0, "supported")]
)
def test_the_headline_accuracy_is_that_of_256_dimensions_rounded(accuracy: float, verdict: str) -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        there = trial.model == "measure_vae" and trial.latent_dim == 256
        return {"validation_accuracy": accuracy if there else 1.0}

    assert found(results_of(metrics, latent_dim=[4, 256]), "headline").verdict == verdict
    assert found(results_of(metrics, latent_dim=[4, 32]), "headline").verdict == "not enough data"
    assert found(results_of(metrics, latent_dim=256, model="adversarial_vae"), "headline").n == 0


def interpretable(level: Callable[[Trial, str], float]) -> Any:
    return lambda trial: {f"interpretability.{name}": level(trial, name) + NOISE[trial.seed] for name in ATTRIBUTES}


def test_interpretability_is_judged_by_attribute_and_only_where_imposed() -> None:
    low = {"average_interval_jump": 0.7, "note_range": 0.1}
    results = results_of(
        interpretable(lambda trial, name: low.get(name, 0.9) - 0.2 * (trial.latent_dim == 4)),
        attributes=["note_density+rhythmic_complexity", "note_density+average_interval_jump"],
        latent_dim=[4, 8, 16, 32, 64],
    )
    verdict = {name: found(results, f"interpretability-{name}").verdict for name in ATTRIBUTES}
    assert verdict == {
        "rhythmic_complexity": "supported",
        "note_range": "not enough data",
        "note_density": "supported",
        "average_interval_jump": "not supported",
    }
    assert (
        "latent sizes that fall short: 4 on irish_folk (0.700)"
        in found(results, "interpretability-note_density").numbers
    )
    assert found(results, "interpretability").verdict == "not supported"
    assert found(results[results["attributes"].str.contains("rhythmic")], "interpretability").verdict == "supported"


def ranked(best: int, noise: float = 0.0) -> Any:
    """All five measures fall with the distance from the best latent size."""

    def metrics(trial: Trial) -> dict[str, Any]:
        distance = abs(np.log2(trial.latent_dim) - np.log2(best)) + noise * trial.seed
        return {name: distance if name == "loss" else -distance for name in STUDY_MEASURES}

    return metrics


@pytest.mark.parametrize(
    ("best", "sizes", "verdict"),
    [
        (40, [8, 32, 64, 256], "supported"),
        (8, [8, 32, 64, 256], "not supported"),
        (256, [8, 32, 64, 256], "not supported"),
        (32, [8, 32, 64], "not enough data"),
        (32, [32, 64, 128], "not enough data"),
        (32, [8, 128], "not enough data"),
    ],
)
def test_suitable_sizes_need_worse_ones_on_both_sides(best: int, sizes: list[int], verdict: str) -> None:
    results = results_of(ranked(best, 0.001), latent_dim=sizes, dataset=["irish_folk", "bach"])
    for model in ("measure_vae", "adversarial_vae"):
        assert found(results, f"sizes-{model}").verdict == verdict
    assert found(results, "sizes-measure_vae").n == 3
    fewer = results_of(ranked(best), latent_dim=sizes, attributes="note_density")
    assert found(fewer, "sizes-measure_vae").verdict == "not enough data"


def test_ranks_are_averaged_over_measures_and_a_measure_without_values_is_passed_over() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        order = {8: 1, 32: 2, 128: 3}[trial.latent_dim]
        return {ACCURACY: order, "loss": order, INDEPENDENCE: np.nan, "reconstruction_efficiency.mean": order}

    ranks = mean_ranks(results_of(metrics, model="measure_vae", latent_dim=[8, 32, 128]))
    # Accuracy and efficiency rank 3, 2, 1, the loss 1, 2, 3.
    assert ranks.to_numpy() == pytest.approx(np.tile([7 / 3, 2, 5 / 3], (3, 1)))


def test_a_size_that_diverged_is_not_ranked() -> None:
    def status(trial: Trial) -> str:
        return "diverged: early" if (trial.latent_dim, trial.seed) == (32, 1) else "done"

    ranks = mean_ranks(results_of(ranked(8), status, model="measure_vae", latent_dim=[8, 32, 64]))
    assert ranks.columns.to_numpy().tolist() == [8, 64]
    assert len(ranks) == 3


def test_simple_music_is_that_with_fewer_bits_per_token() -> None:
    level = {"irish_folk": 0.9, "bach": 0.8, "my_tunes": 0.7}

    def metrics(trial: Trial) -> dict[str, Any]:
        return {ACCURACY: level[trial.dataset] + NOISE[trial.seed] * (trial.dataset == "bach"), "loss": 1.0}

    results = results_of(metrics, dataset=list(level))
    finding = found(results, "simplicity")
    assert (finding.verdict, finding.n) == ("supported", 3)
    assert "irish_folk less my_tunes +0.200" in finding.numbers
    assert "test loss +0.000" in finding.numbers
    harder = {name: facts | {"token_entropy": 10 - facts["token_entropy"]} for name, facts in FACTS.items()}
    reverse = found(results, "simplicity", harder)
    assert reverse.verdict == "not supported"
    assert "opposite" in reverse.numbers
    for known in ({}, {"bach": FACTS["bach"]}):
        assert found(results, "simplicity", known).verdict == "not enough data"


@pytest.mark.parametrize("status", ["done", "pending", "diverged: early"])
def test_a_run_without_numbers_has_findings_all_the_same(status: str) -> None:
    results = results_of(lambda trial: {}, lambda trial: status, dataset=["irish_folk", "bach"])
    empty = results_of(lambda trial: dict.fromkeys((*STUDY_MEASURES, "validation_accuracy"), np.nan))
    for each in (results, results.iloc[:0], results[results["model"] == "measure_vae"], empty):
        findings = check_findings(each, FACTS)
        assert {finding.verdict for finding in findings} == {"not enough data"}
        assert {finding.n for finding in findings} == {0}
        assert all(finding.numbers and finding.test for finding in findings)
        for render in (to_html, to_latex, to_csv):
            assert all(name in render(findings_table(findings)) for name in ("MeasureVAE", "not enough data"))
