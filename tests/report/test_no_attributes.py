"""Trials without attributes are baselines in tables and figures, and nothing to the study's claims."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.evaluated_runs import config_of, write_run
from tests.helpers.made_up_findings import BETTER, RUN, WORSE, of_models
from tests.helpers.made_up_replicates import replicates_of, sized
from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.report import write
from vaemusic_jax.report.configurations import NOT_IMPOSED
from vaemusic_jax.report.findings import check_findings
from vaemusic_jax.report.markup import Value, Word
from vaemusic_jax.report.question_attributes import number_of_attributes
from vaemusic_jax.report.selection import main_setting, most_attributes
from vaemusic_jax.report.tables import configuration_table


def test_they_change_no_verdict_however_they_do() -> None:
    def bad(trial: Trial) -> dict[str, Any]:
        return {"reconstruction_accuracy": 0.75, "majority_baseline": 0.69, "validation_accuracy": 0.99}

    claimed = sized(results_of(of_models(BETTER, WORSE), **RUN))
    bare = sized(results_of(bad, **RUN | {"attributes": "none", "model": "measure_vae"}))
    both = pd.concat([bare, claimed], ignore_index=True)
    assert check_findings(both, FACTS, replicates_of(both)) == check_findings(claimed, FACTS, replicates_of(claimed))
    alone = check_findings(bare, FACTS, replicates_of(bare))
    assert {finding.verdict for finding in alone.primary} == {"no verdict"}


def accuracy(trial: Trial) -> dict[str, Any]:
    return {"reconstruction_accuracy": 0.9 - 0.05 * len(trial.attributes) + 0.001 * trial.seed}


MIXED: dict[str, Any] = {
    "model": "measure_vae",
    "attributes": ["none", "note_density", "all"],
    "gamma": 3,
    "seed": [0, 1, 2],
}


def test_they_are_compared_with_trials_that_differ_in_attributes_alone() -> None:
    """Whatever weight the regulariser of the others has."""
    results = results_of(accuracy, **MIXED)
    kept, said = main_setting(results)
    assert len(kept) == len(results)
    assert said == ""
    assert set(most_attributes(results)["attributes"]) == {"all"}
    section = number_of_attributes(results)
    assert section is not None
    for words in ("0, 1, 4 attributes", "all instead of ND", "accuracy -0.150", "all instead of none", "-0.200"):
        assert words in section.text, section.text


def test_tables_leave_empty_what_they_do_not_use() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        return {"interpretability.mean": 0.5} if trial.attributes else {}

    table = configuration_table(results_of(metrics, **MIXED | {"gamma": [1, 3]}), "t", "t", ["interpretability.mean"])
    at = [column.name for column in table.columns].index("gamma")
    choice = [column.name for column in table.columns].index("attributes")
    gammas: dict[str, set[Any]] = {}
    for row in table.rows:
        word = row[choice]
        assert isinstance(word, Word)
        gammas.setdefault(word.text, set()).add(row[at])
        value = row[-1]
        assert isinstance(value, Value)
        assert (NOT_IMPOSED in value.notes) == (word.text == "none")
    assert gammas == {"none": {""}, "note_density": {1, 3}, "all": {1, 3}}
    one_weight = configuration_table(results_of(accuracy, **MIXED), "t", "t", ["reconstruction_accuracy"])
    assert not {"gamma", "delta"} & {column.name for column in one_weight.columns}


def test_a_report_on_nothing_else_is_written_and_says_that_there_are_no_controls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "to_png", lambda figure: b"PNG")
    run = write_run(tmp_path / "run", config_of(model="measure_vae", attributes="none", seed=0))
    page = write.write_report([run]).page.read_text()
    for words in ("It has no controls.", NOT_IMPOSED, "There is none."):
        assert words in page, words
    assert "oracle" not in (run / "report" / "tables" / "control.csv").read_text()
