"""A run that an earlier version wrote is restored, reported and resumed; a new hyper-parameter leaves it as it is.

The fixture `old_run.zip` was written by vaemusic_jax 0.2.0.dev0 at commit 54708a3 (checkpoint format 3), on two CPU
cores: `run/`, in which four MeasureVAEs are done and evaluated and four AdversarialVAEs were interrupted at step 10 of
30; `tunes.abc`, the made-up tunes they learn from; `whole_*`, the tables of the same run without an interruption.
"""

import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pytest

import vaemusic_jax
from tests.helpers import sweeps, toys
from vaemusic_jax.config.sweep import load_config
from vaemusic_jax.config.trial import HyperParameter, Trial, unused_by
from vaemusic_jax.data.prepare import prepare_dataset
from vaemusic_jax.evaluation.evaluate import evaluate_run
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import EvaluationStore
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training.sweep import run_sweep

FIXTURE = Path(__file__).parents[1] / "fixtures" / "old_run.zip"


class TrialOfALaterVersion(Trial):
    """A trial with one more hyper-parameter, which has a default and serves one model only."""

    steering_weight: Annotated[float, HyperParameter(only=("measure_vae",))] = 0.5


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The fixture, unpacked."""
    with zipfile.ZipFile(FIXTURE) as packed:
        packed.extractall(tmp_path)
    return tmp_path


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
        assert TrialOfALaterVersion(**values, steering_weight=0.3).id != trial.id
    monkeypatch.setattr("vaemusic_jax.config.trial.Trial", TrialOfALaterVersion)
    assert unused_by("adversarial_vae")["steering_weight"] == 0.5


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


def test_it_is_resumed_and_evaluated_to_the_same_end(
    old: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEMUSIC_CACHE", str(old / "cache"))
    prepare_dataset("old_tunes", source=old / "tunes.abc", progress=no_progress)
    config = load_config(old / "old.yaml", {"out": str(old / "run")})
    with run_sweep(config, no_progress) as run:
        assert set(run.status().values()) == {"done"}
        found = sweeps.untimed(run.curves)
        before = pd.read_csv(old / "run" / "results.csv")
        evaluate_run(run, progress=no_progress)
    expected = sweeps.untimed(pd.read_parquet(old / "whole_curves.parquet"))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-3, atol=1e-4)
    results, whole = (pd.read_csv(old / name) for name in ("run/results.csv", "whole_results.csv"))
    done = before["status"] == "done"
    pd.testing.assert_frame_equal(results[done], before[done], check_dtype=False)  # kept, not measured again
    timed = [name for name in whole if str(name).endswith(".seconds")]
    pd.testing.assert_frame_equal(results.drop(columns=timed), whole.drop(columns=timed), rtol=0.02, atol=0.05)
