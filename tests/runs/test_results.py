"""The table in the files is complete, and the shortened one says the same things within its width."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Trial, cohorts
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.results import FIRST, assemble, to_rich

Metrics = dict[str, dict[str, Any]]
COLUMNS = tuple(all_columns())


def trials_table(folder: Path, diverged: int | None = None, **fields: Any) -> pd.DataFrame:
    base = {
        "name": "law",
        "dataset": "irish_folk",
        "model": ["measure_vae", "adversarial_vae"],
        "attributes": ["all", "note_density+rhythmic_complexity"],
        "latent_dim": [4, 32],
        "steps": 100,
        "eval_every": 10,
    }
    config = SweepConfig.model_validate(base | fields)
    with RunDirectory.open(folder / "run", config, trials(config), cohorts(trials(config))) as run:
        run.set_status([trial.id for trial in run.trials], "done")
        if diverged is not None:
            run.set_status([run.trials[diverged].id], "diverged", "the loss was not finite at step 40")
        return run.trials_table


def measured(table: pd.DataFrame) -> Metrics:
    """Every metric of every trial, with the terms that its model has."""
    rng = np.random.default_rng(0)
    found: Metrics = {}
    for trial, model in zip(table["trial"], table["model"], strict=True):
        values: dict[str, Any] = {name: float(rng.uniform()) for name in COLUMNS if not name.endswith(("ion", "sed"))}
        values |= {f"interpretability.{name}.dimension": k for k, name in enumerate(ATTRIBUTES)}
        values |= {f"interpretability.{name}.is_regularised": bool(k % 2) for k, name in enumerate(ATTRIBUTES)}
        values["regularisation"] = 0.125
        values.pop("adversary" if model == "measure_vae" else "regularisation")
        found[trial] = values
    return found


def shown(table: pd.DataFrame, width: int = 120) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(to_rich(table, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_full_table_has_every_field_and_metric_in_the_documented_order(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path)
    metrics = measured(of_run)
    table = assemble(of_run, metrics)
    others = [name for name in Trial.model_fields if name not in FIRST]
    assert list(table.columns) == [*FIRST, *others, "cohort", *COLUMNS]
    assert table["trial"].to_list() == of_run["trial"].to_list()
    for row in table.to_dict("records"):
        expected = metrics[row["trial"]]
        assert {name: row[name] for name in expected} == expected
        assert all(pd.isna(row[name]) for name in COLUMNS if name not in expected)


def test_types_do_not_depend_on_what_has_been_evaluated(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path)
    metrics = measured(of_run)
    some = dict(list(metrics.items())[:1])
    for table in (assemble(of_run, {}), assemble(of_run, some), assemble(of_run, metrics)):
        assert table.dtypes.to_dict() == assemble(of_run, metrics).dtypes.to_dict()
        assert len(table) == len(of_run)
    assert assemble(of_run, metrics)["interpretability.note_range.dimension"].dtype == "Int64"


def test_metrics_that_are_not_known_here_come_last(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path)
    table = assemble(of_run, {of_run["trial"][0]: {"swing": 0.5}})
    assert list(table.columns)[-1] == "swing"
    assert table["swing"][0] == 0.5


@pytest.mark.parametrize("width", [80, 100, 120, 300])
def test_nothing_is_wider_than_the_terminal_and_what_is_left_out_is_named(tmp_path: Path, width: int) -> None:
    of_run = trials_table(tmp_path, diverged=2, seed=[0, 1])
    lines = shown(assemble(of_run, measured(of_run)), width)
    assert max(len(line.rstrip()) for line in lines) <= width
    assert not any("…" in line for line in lines)
    header = lines[0].split()
    assert header[:4] == ["model", "latent", "attr", "seed"]
    assert {"acc", "RC", "NR", "ND", "IJ", "status"} <= set(header)
    everything = {"base", "whole", "onset", "loss", "CE", "KL", "term", "wrong", "nat", "leak", "seen"}
    names = " ".join(lines).partition("Left out for want of width: ")[2].partition(";")[0].split(", ")
    assert len(everything - set(header)) == len([name for name in names if name])
    assert (width < 300) == bool(names[0])


def test_a_diverged_trial_is_shown_in_words(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path, diverged=1)
    lines = shown(assemble(of_run, measured(of_run)))
    row = lines[3].split()
    assert row[:4] == ["measure", "32", "all", "diverged"]
    assert set(row[4:]) == {"-"}
    trial = of_run["trial"][1]
    assert lines[-1] == f"measure_vae, latent 32, trial {trial} diverged: the loss was not finite at step 40"


def test_cells_carry_the_value_and_the_mark_of_the_regularised_dimension(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path, model="measure_vae", latent_dim=4, attributes="all")
    metrics = measured(of_run)
    (values,) = metrics.values()
    values |= {"reconstruction_accuracy": 0.8421, "kl": 12.345, "measure_accuracy": 1.0, "seen_in_training": None}
    values |= {"interpretability.note_range": 0.5, "interpretability.note_density": 0.25}
    header, _, row, *_ = shown(assemble(of_run, metrics))
    cells = dict(zip(header.split(), row.split(), strict=True))
    assert cells["acc"] == ".842"
    assert cells["whole"] == "1.000"
    assert cells["KL"] == "12.3"
    assert cells["term"] == "0.125"
    assert cells["seen"] == "-"
    assert cells["NR"] == ".500*"
    assert cells["ND"] == ".250"


def test_only_fields_that_differ_within_a_model_are_columns(tmp_path: Path) -> None:
    named: dict[str, Any] = {"gamma": 1.0, "delta": 10.0, "adversary_weight": 0.1}
    of_run = trials_table(tmp_path, beta=[0.001, 0.5], attributes="all", **named)
    lines = shown(assemble(of_run, measured(of_run)))
    assert "beta" in lines[0].split()
    assert "gamma" not in lines[0]  # differs between the models only
    fixed = " ".join(" ".join(lines).split()).partition("All trials:")[2].partition(" acc:")[0]
    assert "gamma 1 (measure_vae), delta 10 (measure_vae), adversary_weight 0.1 (adversarial_vae)," in fixed
    assert "dataset irish_folk" in fixed
    assert "beta" not in fixed


def test_a_field_that_differs_within_one_model_only_is_a_column(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path, gamma=[1, 2], attributes="all")
    lines = shown(assemble(of_run, measured(of_run)))
    assert "gamma" in lines[0].split()
    assert "gamma" not in " ".join(lines[1:])


def test_the_term_of_either_model_is_shown(tmp_path: Path) -> None:
    of_run = trials_table(tmp_path, latent_dim=4, attributes="all")
    metrics = measured(of_run)
    metrics[of_run["trial"][1]]["adversary"] = 0.0625
    header, _, *rows = shown(assemble(of_run, metrics), width=300)
    place = header.split().index("term")
    assert [row.split()[place] for row in rows[:2]] == ["0.125", "0.0625"]
