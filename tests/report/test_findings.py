"""Laws of the findings: swapped models mirror a verdict, no effect supports nothing, too little data gives none."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tests.helpers.made_up_replicates import replicates_of, sized
from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.cells import chosen_on_validation
from vaemusic_jax.report.claims import PRIMARY
from vaemusic_jax.report.finding import Finding
from vaemusic_jax.report.findings import (
    Findings,
    check_findings,
    declaration_table,
    exploratory_table,
    findings_table,
    robustness,
    specification_table,
)
from vaemusic_jax.report.markup import to_csv, to_html, to_latex
from vaemusic_jax.report.tune_replicates import Replicates

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


def test_swapped_models_mirror_the_verdicts() -> None:
    claimed, reverse = checked(of_models(BETTER, WORSE)), checked(of_models(WORSE, BETTER))
    assert {verdicts(claimed)[name] for name in COMPARED} == {"supported"}
    assert {verdicts(reverse)[name] for name in COMPARED} == {"contradicted"}
    assert "+0.0" in found(claimed, "reconstruction").numbers
    assert "-0.0" in found(reverse, "reconstruction").numbers
    assert found(claimed, "reconstruction").n == 10


def test_models_that_are_alike_are_equivalent_and_no_claim_about_them_is_supported() -> None:
    alike = checked(of_models(BETTER, BETTER))
    assert {verdicts(alike)[name] for name in COMPARED} <= {"equivalent", "inconclusive"}
    assert verdicts(alike)["reconstruction"] == "equivalent"


def test_a_difference_that_turns_with_the_latent_size_depends_on_it() -> None:
    one = found(checked(of_models(BETTER | {"accuracy": 0.9}, WORSE, by_size=0.02)), "reconstruction")
    assert one.verdict == "depends on latent size"
    for words in ("4: -0.0", "(contradicted)", "256: +0.0", "(supported)"):
        assert words in one.numbers


def test_noise_leaves_a_claim_open_and_says_what_could_have_been_seen() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        return {ACCURACY: 0.9 + noise(trial, 0.05), "majority_baseline": 0.69}

    one = found(checked(metrics), "reconstruction")
    assert one.verdict == "inconclusive"
    assert "would have been seen" in one.numbers


@pytest.mark.parametrize(
    ("n_seeds", "with_verdict"),
    [(3, set()), (5, {"reconstruction", "separation", "interpretability"}), (10, {*COMPARED, "interpretability"})],
)
def test_fewer_seeds_give_a_direction_and_no_verdict(n_seeds: int, with_verdict: set[str]) -> None:
    findings = checked(of_models(BETTER, WORSE), seed=list(range(n_seeds)), latent_dim=[4, 32])
    assert {name for name, verdict in verdicts(findings).items() if verdict != "no verdict"} == with_verdict
    if n_seeds == 3:
        assert "direction only" in found(findings, "reconstruction").numbers


def test_without_the_results_of_test_measures_there_is_no_verdict_but_a_remedy() -> None:
    findings = checked(of_models(BETTER, WORSE), with_tunes=False)
    assert set(verdicts(findings).values()) == {"no verdict", "contradicted"}
    assert verdicts(findings)["headline"] == "contradicted"  # validation accuracy is not kept by tune
    for name in (*COMPARED, "interpretability"):
        assert "vaemusic evaluate" in found(findings, name).numbers

    def old(trial: Trial) -> dict[str, Any]:
        return {ACCURACY: 0.9 + noise(trial), "majority_baseline": 0.69}

    assert "vaemusic evaluate" in found(checked(old), "separation").numbers


def test_interpretability_is_about_every_configuration_and_names_those_that_fall_short() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        row = of_models(BETTER, WORSE)(trial)
        if trial.latent_dim == 4 and trial.model == "measure_vae":
            row["interpretability.average_interval_jump"] -= 0.4
        return row

    assert found(checked(of_models(BETTER | {"r2": 0.7}, WORSE)), "interpretability").numbers.endswith("and 3 more")
    one = found(checked(metrics), "interpretability")
    assert one.verdict == "depends on attribute and latent size"
    assert "average interval jump at 4 on irish_folk (0.5" in one.numbers
    assert found(checked(of_models(BETTER, WORSE)), "interpretability").verdict == "supported"
    assert found(checked(of_models(BETTER | {"r2": 0.7}, WORSE)), "interpretability").verdict == "contradicted"


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.9975, "supported"), (0.9955, "inconclusive"), (0.99, "contradicted")]
)
def test_the_headline_is_about_the_best_configuration_of_256_dimensions(accuracy: float, verdict: str) -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        there = trial.model == "measure_vae" and trial.latent_dim == 256
        return {"validation_accuracy": accuracy + noise(trial, 0.0005) if there else 1.0, ACCURACY: 0.9}

    assert found(checked(metrics), "headline").verdict == verdict
    assert found(checked(metrics, latent_dim=[4, 32]), "headline").verdict == "no verdict"


def test_two_corpora_decide_nothing_about_simple_music() -> None:
    one = found(checked(of_models(BETTER, WORSE), dataset=["irish_folk", "bach"], latent_dim=4), "simplicity")
    assert (one.verdict, one.n) == ("no verdict", 2)
    assert "2 corpora, and a verdict needs 6" in one.numbers


@pytest.mark.parametrize("turned", [False, True])
def test_six_corpora_in_order_do(turned: bool) -> None:
    names = [f"corpus_{i}" for i in range(6)]
    facts = {name: {"token_entropy": 1.0 + i, "majority_baseline": 0.5} for i, name in enumerate(names)}

    def metrics(trial: Trial) -> dict[str, Any]:
        step = int(trial.dataset[-1]) * (1 if turned else -1)
        return {ACCURACY: 0.8 + 0.02 * step, "majority_baseline": 0.5}

    results = sized(results_of(metrics, dataset=names, seed=[0], latent_dim=4))
    one = found(check_findings(results, facts), "simplicity")
    assert one.verdict == ("contradicted" if turned else "supported")


def test_a_model_that_has_learned_nothing_gets_a_banner_and_no_verdict() -> None:
    findings = checked(of_models(BETTER, WORSE | {"accuracy": 0.70}))
    assert verdicts(findings)["reconstruction"] == "no verdict"
    (sentence,) = findings.banner
    assert "AdversarialVAE has learned nothing" in sentence
    assert checked(of_models(BETTER, WORSE)).banner == ()


def test_recipes_are_chosen_on_validation() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        return {ACCURACY: 1 - trial.gamma / 10, "validation_accuracy": trial.gamma, "majority_baseline": 0.1}

    results = results_of(metrics, model="measure_vae", gamma=[0.1, 0.5, 0.2], dataset=["irish_folk", "bach"])
    kept = chosen_on_validation(results)
    assert set(kept["gamma"]) == {0.5}  # though it is the worst on the test split
    assert len(kept) == len(results) // 3


def test_a_recipe_is_chosen_once_for_all_cells_and_by_those_alone_that_every_recipe_has() -> None:
    def status(trial: Trial) -> str:
        return "pending" if trial.gamma == 0.5 and trial.dataset == "my_tunes" else "done"

    def metrics(trial: Trial) -> dict[str, Any]:
        best_here = 0.5 if trial.dataset == "irish_folk" else 0.1
        accuracy = 0.5 + 0.1 * (trial.gamma == best_here) + 0.05 * (trial.gamma == 0.5)
        accuracy += 0.3 * (trial.dataset == "my_tunes")
        return {ACCURACY: 0.9, "validation_accuracy": accuracy, "majority_baseline": 0.1}

    results = results_of(
        metrics, status, model="measure_vae", gamma=[0.1, 0.5], dataset=["irish_folk", "bach", "my_tunes"], latent_dim=4
    )
    kept = chosen_on_validation(results)
    assert set(kept["gamma"]) == {0.5}  # though .1 is better on Bach, and alone on the third
    assert set(kept["dataset"]) == {"irish_folk", "bach"}


def test_recipes_that_share_no_cell_do_not_compete() -> None:
    results = results_of(
        lambda trial: {"validation_accuracy": trial.gamma},
        lambda trial: "done" if (trial.gamma == 0.1) == (trial.dataset == "bach") else "pending",
        model="measure_vae",
        gamma=[0.1, 0.5],
        dataset=["irish_folk", "bach"],
    )
    assert set(chosen_on_validation(results)["dataset"]) == {"irish_folk", "bach"}


def steered(trial: Trial) -> dict[str, Any]:
    """Steering does much and the model nothing; which of both validates better is chance."""
    level = BETTER | ({"side": 0.2, "efficiency": 0.9} if trial.steering_weight else {})
    row = of_models(level, level)(trial)
    return row | {"validation_accuracy": 0.9 + noise(trial)}


def test_steered_models_are_not_compared_with_others() -> None:
    both = checked(steered, steering_weight=[0, 0.3], latent_dim=[4, 32, 256])
    alone = checked(steered, latent_dim=[4, 32, 256])
    for name in COMPARED:
        assert found(both, name).verdict == found(alone, name).verdict == "equivalent"
        n_cells = 3 if name == "reconstruction" else 12
        assert f"; {n_cells} cells, " in found(both, name).numbers
        assert "with steering, both models" in [words for words, *_ in both.specification[name]]
        assert "with steering, both models" not in [words for words, *_ in alone.specification[name]]


def test_the_discriminator_is_something_that_a_verdict_can_depend_on() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        side = {"measure_vae": 0.6, "classifier": 0.9, "regressor": 0.3}
        of_trial = side[trial.discriminator if trial.model == "adversarial_vae" else trial.model]
        return of_models(BETTER, BETTER | {"side": of_trial})(trial) | {
            f"side_effect.{name}": of_trial + noise(trial, 0.03) for name in ATTRIBUTES
        }

    one = found(checked(metrics, discriminator=["classifier", "regressor"]), "separation")
    assert one.verdict == "depends on discriminator"


def by_control(effects: Mapping[str, float], dead_above: int = 256) -> Metrics:
    """MeasureVAE's side effect is larger by something for each control; note range works at small sizes alone."""

    def metrics(trial: Trial) -> dict[str, Any]:
        row = of_models(BETTER, BETTER)(trial)
        for name in trial.attributes:
            works = name != "note_range" or trial.latent_dim <= dead_above
            effect = effects.get(name, 0.0) * (trial.model == "measure_vae")
            row[f"side_effect.{name}"] = 0.5 + effect + noise(trial, 0.02) if works else np.nan
        return row

    return metrics


def test_controls_that_disagree_are_no_effect_of_latent_size_or_of_the_choice_of_attributes() -> None:
    of_note_range = by_control({"note_range": 0.3}, dead_above=32)
    one = found(checked(of_note_range, latent_dim=[4, 32, 256]), "separation")
    assert one.verdict == "depends on control"
    assert "By latent size, 2 of 11 cells do not count" in one.numbers
    choices = found(checked(of_note_range, attributes=["note_density+rhythmic_complexity", "all"]), "separation")
    assert choices.verdict == "depends on control"
    assert re.search(r"note_range: \+0\.(29|3)\d* \(supported\)", choices.numbers)


def test_a_control_that_is_dead_in_some_resample_leaves_its_cell_out_and_no_more() -> None:
    results = sized(results_of(by_control({}), **RUN))
    known = replicates_of(results)
    dead = results.loc[(results["latent_dim"] == 4) & (results["seed"] == 3), "trial"].iloc[0]
    columns = {name: values for name, values in known[dead].columns.items() if name != "side_effect.note_density"}
    one = found(check_findings(results, FACTS, known | {dead: Replicates(120, columns)}), "separation")
    assert one.verdict == "equivalent"
    assert "7 cells" in one.numbers
    assert "undefined in some resample" in one.numbers
    assert "evaluate" not in one.numbers
    none = {trial: Replicates(120, {ACCURACY: mine.columns[ACCURACY]}) for trial, mine in known.items()}
    all_dead = found(check_findings(results, FACTS, none), "separation")
    assert all_dead.verdict == "no verdict"
    assert "undefined in some resample" in all_dead.numbers
    assert "evaluate" not in all_dead.numbers


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


@pytest.mark.parametrize("status", ["pending", "diverged: loss not finite at step 3"])
def test_a_run_without_numbers_has_findings_all_the_same(status: str) -> None:
    findings = check_findings(sized(results_of(lambda trial: {}, lambda trial: status)), {})
    assert set(verdicts(findings).values()) == {"no verdict"}
    for table in (
        findings_table(findings.primary),
        exploratory_table(findings.exploratory),
        specification_table(findings),
        declaration_table(),
    ):
        assert len(to_csv(table).splitlines()) > len(table.rows)
        assert to_html(table).count("<tr>") == len(table.rows) + 1
        assert "\\toprule" in to_latex(table)


def test_all_primary_claims_are_declared_with_a_unit_and_those_on_differences_with_a_margin() -> None:
    assert {name for name, claim in PRIMARY.items() if claim.margin} == set(COMPARED)
    assert all(claim.unit and claim.least for claim in PRIMARY.values())


def test_seeds_in_another_order_change_no_number() -> None:
    results = sized(results_of(of_models(BETTER, WORSE), seed=TEN, latent_dim=[4, 32]))
    known = replicates_of(results)
    turned = results.iloc[::-1].reset_index(drop=True)
    first, second = (check_findings(one, FACTS, known) for one in (results, turned))
    assert [(one.verdict, one.n) for one in first.primary] == [(one.verdict, one.n) for one in second.primary]
