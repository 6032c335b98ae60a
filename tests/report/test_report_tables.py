"""Every configuration has a row in the study's tables; the best are bold, and what has no number says why."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.evaluated_runs import corpus_of
from tests.helpers.synthetic_results import results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.metrics.registry import METRICS, Columns, Metric, all_columns
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.html_table import to_html
from vaemusic_jax.report.latex_table import to_latex
from vaemusic_jax.report.markup import Table, Value, Word, to_csv
from vaemusic_jax.report.tables import configuration_table, overview_table, study_tables

ACCURACY = "reconstruction_accuracy"


def column(table: Table, name: str) -> list[Any]:
    """Cells of a column; words as in print."""
    at = [each.name for each in table.columns].index(name)
    return [cell.shown if isinstance(cell, Word) else cell for row in table.rows for cell in row[at : at + 1]]


def values(table: Table, name: str) -> list[Value]:
    found = column(table, name)
    assert all(isinstance(cell, Value) for cell in found)
    return found


def accuracy(results: pd.DataFrame) -> Table:
    return configuration_table(results, "law", "Accuracy", (ACCURACY,))


def full(trial: Trial) -> dict[str, Any]:
    """Every metric there is."""
    rng = np.random.default_rng(trial.seed)
    return {name: float(rng.uniform()) for name in all_columns()}


def test_rows_go_by_data_set_number_of_attributes_model_and_size() -> None:
    results = results_of(
        lambda trial: {ACCURACY: 0.5},
        dataset=["irish_folk", "bach"],
        attributes=["all", "note_density+note_range"],
        latent_dim=[32, 4],
    )
    table = accuracy(results)
    assert len(table.rows) == 16
    assert column(table, "dataset") == ["irish_folk"] * 8 + ["bach"] * 8
    assert column(table, "attributes")[:8] == ["ND+NR"] * 4 + ["all"] * 4
    assert column(table, "model")[:4] == ["MeasureVAE"] * 2 + ["AdversarialVAE"] * 2
    assert column(table, "latent_dim")[:4] == [4, 32, 4, 32]
    assert column(table, "n_seeds") == [3] * 16
    assert all(len(each.rows) == 16 for each in study_tables(results))


def test_the_best_of_a_data_set_and_choice_are_bold_ties_together() -> None:
    score = {"measure_vae": {4: 0.80001, 32: 0.7}, "adversarial_vae": {4: 0.8, 32: 0.6}}
    results = results_of(
        lambda trial: {ACCURACY: score[trial.model][trial.latent_dim], "loss": trial.latent_dim, "kl": 1.0},
        attributes=["note_density", "all"],
    )
    table = configuration_table(results, "law", "", (ACCURACY, "loss", "kl"))
    assert [value.best for value in values(table, ACCURACY)] == [True, False, True, False] * 2
    assert [value.best for value in values(table, "loss")] == [True, False, True, False] * 2
    assert not any(value.best for value in values(table, "kl"))
    by_model = configuration_table(results, "law", "", (ACCURACY,), best_within=("model", "attributes"))
    assert [value.best for value in values(by_model, ACCURACY)] == [True, False] * 4
    assert [each.better for each in table.columns[-3:]] == ["higher", "lower", ""]
    alone = accuracy(results_of(lambda trial: {ACCURACY: 0.5}, model="measure_vae", latent_dim=4))
    assert [value.best for value in values(alone, ACCURACY)] == [False]


def test_a_trial_that_is_not_done_is_a_word_and_a_count_and_never_a_number() -> None:
    def status(trial: Trial) -> str:
        if trial.latent_dim == 4:
            return "diverged: the loss was not finite at step 40" if trial.model == "measure_vae" else "running"
        return "pending" if trial.seed == 2 else "done"

    results = results_of(lambda trial: {ACCURACY: 0.5}, status)
    results[ACCURACY] = 0.75  # what was left of an earlier evaluation
    table = accuracy(results)
    assert column(table, "n_seeds") == [0, 2, 0, 2]
    assert column(table, "n_diverged") == [3, 0, 0, 0]
    assert column(table, "n_unfinished") == [0, 1, 3, 1]
    cells = values(table, ACCURACY)
    assert [cell.instead for cell in cells if cell.interval.n == 0] == ["diverged", "unfinished"]
    assert [cell.interval.n for cell in cells] == [0, 2, 0, 2]
    notes = " ".join(table.notes)
    assert notes.count("the loss was not finite at step 40") == 3
    assert "seed 1, trial" in notes
    assert "Unfinished (running): 3 of 12 trials." in notes
    assert "Unfinished (pending): 2 of 12 trials." in notes
    assert "diverged" in to_html(table)
    assert "n_diverged" not in to_csv(accuracy(results_of(lambda trial: {ACCURACY: 0.5})))


def test_footnotes_say_why_there_is_no_number() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        some = np.nan if trial.seed == 0 else 0.5
        return {"attribute_independence.mean": np.nan, "interpretability.mean": some}

    results = results_of(metrics, attributes="note_density")
    table = configuration_table(
        results, "law", "", ("attribute_independence.mean", "interpretability.mean", "linearity.mean")
    )
    (independence,), (some,), (absent,) = (values(table, each.name)[0].notes for each in table.columns[-3:])
    assert "two imposed attributes" in independence
    assert "2 of 3 seeds" in some
    assert "no such column" in absent
    tied = results_of(lambda trial: {"xmig.mean": np.nan}, model="measure_vae", latent_dim=4, attributes="all")
    (outside,) = values(configuration_table(tied, "law", "", ("xmig.mean",)), "xmig.mean")[0].notes
    assert "or no dimension that is not regularised" in outside
    alone = accuracy(results_of(lambda trial: {ACCURACY: 0.5}, seed=0))
    assert {value.notes for value in values(alone, ACCURACY)} == {()}
    assert "No intervals: each configuration has a single seed." in alone.notes  # said once, not in every cell
    partly = results_of(
        lambda trial: {ACCURACY: 0.5}, lambda trial: "done" if trial.seed < trial.latent_dim / 16 else "pending"
    )
    assert [value.notes for value in values(accuracy(partly), ACCURACY)] == [("No interval: a single seed.",), ()] * 2


def test_the_baseline_and_the_share_seen_stand_beside_every_accuracy() -> None:
    for table in study_tables(results_of(full)):
        names = {each.name for each in table.columns}
        if ACCURACY in names:
            assert {"tick_baseline", "skill", "seen_in_training"} <= names
            assert all(np.isnan(value.interval.low) for value in values(table, "tick_baseline"))
    assert {"training_loss", "validation_loss", "loss"} <= {
        each.name for table in study_tables(results_of(full)) for each in table.columns
    }


def test_whatever_varies_is_a_column() -> None:
    results = results_of(lambda trial: {ACCURACY: 0.5}, gamma=[0.2, 1], transpose=[0, 5])
    table = accuracy(results)
    assert [each.name for each in table.columns] == [
        "dataset",
        "attributes",
        "model",
        "latent_dim",
        "transpose",
        "gamma",
        "n_seeds",
        ACCURACY,
    ]
    assert set(column(table, "gamma")) == {0.2, 1.0, ""}  # no gamma for AdversarialVAE


def test_the_overview_has_every_measure_of_single_attributes() -> None:
    table = overview_table(results_of(full, attributes="note_density+note_range"))
    assert len(table.rows) == 4 * 5
    assert column(table, "attribute")[:5] == [*ATTRIBUTES, "mean"]
    assert column(table, "imposed")[:5] == ["no", "yes", "yes", "no", ""]
    shown = {each.name for each in table.columns}
    per_attribute = {name.rpartition(".")[0] for name in all_columns() if name.endswith(".note_density")}
    assert per_attribute <= shown
    assert values(overview_table(results_of(full)), "mig")[0].interval.n == 3


def nothing(inputs: Any) -> None:
    raise AssertionError("tables compute no metric")


def test_a_metric_of_the_registry_that_no_table_names_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [each.name for each in study_tables(results_of(full))]
    monkeypatch.setitem(METRICS, "swing", Metric("swing", "latent", "amount of swing", nothing, better="lower"))
    (table,) = (each for each in study_tables(results_of(full)) if each.name not in before)
    assert [(each.name, each.header, each.better) for each in table.columns[-1:]] == [
        ("swing", "amount of swing", "lower")
    ]
    assert [value.interval.n for value in values(table, "swing")] == [3] * 4
    row = Metric("lilt", "control", "lilt", nothing, Columns.PER_ATTRIBUTE_AND_MEAN)
    monkeypatch.setitem(METRICS, "lilt", row)
    results = results_of(full)
    (_, lilt, *_) = values(overview_table(results), "lilt")
    assert lilt.interval.mean == pytest.approx(results["lilt.note_range"][:3].mean())
    monkeypatch.setitem(METRICS, "hidden", Metric("hidden", "latent", "", nothing))
    assert not any(each.name == "hidden" for table in study_tables(results_of(full)) for each in table.columns)


def test_a_metric_that_a_results_table_lacks_is_said_to_be_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    results = results_of(full)  # of an earlier version
    monkeypatch.setitem(METRICS, "swing", Metric("swing", "latent", "amount of swing", nothing))
    (cell, *_) = values(study_tables(results)[-1], "swing")
    assert "The results have no such column; run `vaemusic evaluate`." in cell.notes


def test_a_run_without_any_result_makes_tables_all_the_same() -> None:
    for results in (results_of(full, lambda trial: "pending"), results_of(full).iloc[:0]):
        for table in (*study_tables(results), overview_table(results)):
            for render in (to_html, to_latex, to_csv):
                assert render(table) or not len(results)
            assert not any(isinstance(cell, Value) and cell.interval.n for row in table.rows for cell in row)


def test_made_up_decoders_stand_below_the_models_of_their_data_set() -> None:
    """The rows say what the metrics make of known behaviour: the oracle is the ceiling, and nothing is no control."""
    corpora = {"irish_folk": corpus_of("irish_folk")}
    results = results_of(full, dataset=["irish_folk", "bach"])
    (table,) = (each for each in study_tables(results, corpora) if each.name == "control")
    names = column(table, "model")
    models = ["MeasureVAE", "MeasureVAE", "AdversarialVAE", "AdversarialVAE"]
    assert names == [*models, "oracle", "natural", "random", "nothing", *models]  # there is no sample of bach
    made_up = {name: row[-8:] for name, row in zip(names, table.rows, strict=True) if name not in models}
    efficiency, wrong, moved, reach, side, natural, *of_codes = zip(*made_up.values(), strict=True)
    assert [round(cell.interval.mean, 6) for cell in (*efficiency[:2], efficiency[3])] == [1, 1, 0]
    assert abs(efficiency[2].interval.mean) < 0.2
    assert [cell.interval.mean for cell in (moved[3], reach[3], wrong[0])] == [0, 0, 0]
    assert [cell.interval.n for cell in side] == [1, 1, 0, 0]
    assert side[1].interval.mean == pytest.approx(natural[1].interval.mean)
    assert "no control, since" in side[3].notes[0]
    assert set(of_codes[0] + of_codes[1]) == {""}
    assert not any(cell.best for row in made_up.values() for cell in row if isinstance(cell, Value))
    for render in (to_html, to_latex, to_csv):
        assert "oracle" in render(table)
    (without,) = (each for each in study_tables(results) if each.name == "control")
    assert "oracle" not in column(without, "model")
