"""Laws of the findings: swapped models mirror a verdict, no effect supports nothing, too little data gives none."""

from typing import Any

import pytest

from tests.helpers.made_up_findings import (
    ACCURACY,
    BETTER,
    COMPARED,
    TEN,
    WORSE,
    checked,
    found,
    noise,
    of_models,
    verdicts,
)
from tests.helpers.made_up_replicates import replicates_of, sized
from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.cells import chosen_on_validation
from vaemusic_jax.report.claims import PRIMARY
from vaemusic_jax.report.findings import (
    check_findings,
    declaration_table,
    exploratory_table,
    findings_table,
    specification_table,
)
from vaemusic_jax.report.html_table import to_html
from vaemusic_jax.report.latex_table import to_latex
from vaemusic_jax.report.markup import to_csv


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
