"""A run that an earlier version wrote is restored, reported, resumed and evaluated by the definitions of this one.

The fixture `old_run.zip` was written by vaemusic_jax 0.2.0.dev0 at commit 54708a3 (checkpoint format 3), on two CPU
cores: `run/`, in which four MeasureVAEs are done and evaluated and four AdversarialVAEs were interrupted at step 10 of
30; `tunes.abc`, the made-up tunes they learn from; `whole_*`, the tables of the same run without an interruption.
"""

import dataclasses
import zipfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pytest

import vaemusic_jax
from tests.helpers import sweeps, toys
from tests.helpers.columns import family_columns
from vaemusic_jax.config.sweep import load_config
from vaemusic_jax.config.trial import HyperParameter, Trial, unused_by
from vaemusic_jax.data.prepare import prepare_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation.evaluate import evaluate_run
from vaemusic_jax.report.joined_runs import JoinedRuns
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import DEFINITIONS, EvaluationStore
from vaemusic_jax.support import arrays_file
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training.sweep import run_sweep

FIXTURE = Path(__file__).parents[1] / "fixtures" / "old_run.zip"


class TrialOfALaterVersion(Trial):
    """A trial with one more hyper-parameter, which has a default and serves one model only."""

    sharpness: Annotated[float, HyperParameter(only=("measure_vae",))] = 0.5


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The fixture, unpacked."""
    with zipfile.ZipFile(FIXTURE) as packed:
        packed.extractall(tmp_path)
    return tmp_path


def test_arrays_that_are_too_large_for_what_is_on_disk_are_never_made(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the formats in which Orbax stores them, compressed."""
    trial = next(trial for trial in RunDirectory.read(old / "run").trials if trial.model == "measure_vae")
    assert vaemusic_jax.restore(old / "run", id=trial.id)
    monkeypatch.setattr(arrays_file, "MOST_BYTES", 2**10)
    monkeypatch.setattr(arrays_file, "MOST_TIMES", 0)
    with pytest.raises(UserError, match=r"checkpoints/30: .* its arrays would take .* KiB, of which"):
        vaemusic_jax.restore(old / "run", id=trial.id)


def test_its_trials_are_the_same_trials_with_a_field_and_an_attribute_more(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.register_attribute(monkeypatch)
    run = RunDirectory.read(old / "run")
    listed = pd.read_csv(old / "run" / "trials.csv")
    assert [trial.id for trial in run.trials] == list(listed["trial"])
    assert [cohort.id for cohort in run.cohorts] == list(dict.fromkeys(listed["cohort"]))
    for trial in run.trials:
        values = trial.model_dump()
        assert TrialOfALaterVersion(**values).id == trial.id
        assert TrialOfALaterVersion(**values, sharpness=0.3).id != trial.id
    monkeypatch.setattr("vaemusic_jax.config.trial.Trial", TrialOfALaterVersion)
    assert unused_by("adversarial_vae")["sharpness"] == 0.5


def test_its_models_are_restored(old: Path) -> None:
    """The stored reconstructions are those of the version that trained it."""
    run = RunDirectory.read(old / "run")
    sample = EvaluationStore(run.path).corpus("old_tunes")
    assert sample is not None
    for trial in run.trials[:4]:
        evaluation = EvaluationStore(run.path).trial(trial.id)
        assert evaluation is not None
        model = vaemusic_jax.restore(run.path, id=trial.id)
        np.testing.assert_array_equal(model.decode(model.encode(sample.tokens)), evaluation.arrays["reconstruction"])


def test_it_is_reported(old: Path) -> None:
    written = write_report([old / "run"], old / "report")
    assert "MeasureVAE" in written.page.read_text()
    assert not any(name in written.page.read_text() for name in ("could not be read", "Left out"))
    assert "run was evaluated by an earlier version, with other definitions" in written.page.read_text()


def test_definitions_are_not_mixed_where_an_evaluation_was_interrupted(old: Path) -> None:
    """The first trial was evaluated anew before the interruption, and results.csv not written."""
    store, whole = EvaluationStore(old / "run"), JoinedRuns([old / "run"])
    done = whole.results.loc[whole.results["reconstruction_accuracy"].notna(), "trial"].tolist()
    assert all(whole.evaluation(trial) for trial in done)
    first = store.trial(done[0])
    assert first is not None
    families = first.families | {"control": first.families["control"] | {"reconstruction_efficiency.mean": 0.5}}
    fresh = first.made_of | {"definitions": DEFINITIONS}
    store.save_trial(done[0], dataclasses.replace(first, families=families, made_of=fresh))
    part = JoinedRuns([old / "run"])
    efficiency = part.results.set_index("trial")["reconstruction_efficiency.mean"]
    assert efficiency[done[0]] == 0.5
    assert efficiency[done[1:]].isna().all()
    assert part.results["reconstruction_accuracy"].notna().sum() == len(done)
    assert [trial for trial in done if part.evaluation(trial)] == done[:1]
    assert "left out" in part.faults[0]


def test_it_is_resumed_and_evaluated_anew_to_the_same_end(
    old: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEMUSIC_CACHE", str(old / "cache"))
    prepare_dataset("old_tunes", source=old / "tunes.abc", progress=no_progress)
    config = load_config(old / "old.yaml", {"out": str(old / "run")})
    with run_sweep(config, no_progress) as run:
        assert set(run.status().values()) == {"done"}
        found = sweeps.untimed(run.curves)
        earlier = done_by_definitions(run)
        evaluate_run(run, progress=no_progress)
        assert (earlier, done_by_definitions(run)) == ({True: 4}, {False: 8})
    expected = sweeps.untimed(pd.read_parquet(old / "whole_curves.parquet"))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-3, atol=1e-4)
    results, whole = (pd.read_csv(old / name) for name in ("run/results.csv", "whole_results.csv"))
    assert (results["steering_weight"] == 0).all()  # a field that did not exist then
    assert (results["discriminator"] == "classifier").all()  # another one
    assert (results["precision"] == "float32").all()  # a third
    of_controls = family_columns("control")  # their definitions have changed
    kept = [
        name for name in whole if name in results and name not in of_controls and not str(name).endswith(".seconds")
    ]
    assert {"reconstruction_accuracy", "interpretability.mean", "validation_accuracy"} < set(kept)
    pd.testing.assert_frame_equal(results[kept], whole[kept], rtol=0.02, atol=0.05)
    assert results["reconstruction_efficiency.mean"].notna().all()


def done_by_definitions(run: RunDirectory) -> Counter[bool]:
    """Counts the trials that have been evaluated by earlier definitions, and by those of this version."""
    kept = map(EvaluationStore(run.path).trial, (trial.id for trial in run.trials))
    return Counter(evaluation.is_of_earlier_definitions for evaluation in kept if evaluation)
