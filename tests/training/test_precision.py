"""Trials in each precision learn as much, and a run says which one they were trained in, everywhere."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import vaemusic_jax
from tests.helpers import cohorts, sweeps
from vaemusic_jax import cli
from vaemusic_jax.config.models import defaults
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.blocks import blocks, measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.play.export import export
from vaemusic_jax.report.chapters.captions import named
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.training import estimate
from vaemusic_jax.training.memory import cohort_ensemble

PRECISIONS = ("float32", "tf32", "bfloat16")
MODELS = ("measure_vae", "adversarial_vae")
CLOSE = 0.01  # of two mean accuracies


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_300_steps_reach_the_same_validation_accuracy_in_each_precision(model: str, small_irish_folk: Dataset) -> None:
    """Mean of three seeds; benchmarks/precision.py measures the same at hidden size 128 on the whole corpus."""
    own = defaults(model, "fast", 64) | {"batch_size": 64, "steps": 300, "hidden_size": 64, "latent_dim": 16}
    if model == "adversarial_vae":
        own["discriminator"] = "classifier"  # five steps of the regressor for each of the VAE take longer
    found = {}
    for precision in PRECISIONS:
        trials = tuple(cohorts.trial(model, precision=precision, seed=seed, **own) for seed in range(3))
        cohort = cohort_ensemble(
            Owner(trials, small_irish_folk.vocabulary, small_irish_folk.digest),
            small_irish_folk,
            measures_of(small_irish_folk.train),
        )
        state = cohort.start()
        for _ in range(3):
            state = cohort.run(state, 100)
        split = blocks(measures_of(small_irish_folk.validation))
        scores = cohort.score(state, split, small_irish_folk.vocabulary.midi)
        found[precision] = scores["reconstruction_accuracy"].mean()
    print(f"\n{model}: {found}")
    assert found["float32"] > 0.6  # they have learnt more than the commonest token
    assert np.ptp(list(found.values())) <= CLOSE


@pytest.mark.slow
def test_a_run_says_its_precisions_and_keeps_float32(
    small_irish_folk: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In trials.csv, the results, the report and the paper; weights, moments and what is restored are float32."""
    from vaemusic_jax.play import restore

    sweeps.use_data(monkeypatch, small_irish_folk)
    monkeypatch.setattr(restore, "load_dataset", lambda name: small_irish_folk)
    one = {"model": "adversarial_vae", "latent_dim": 4, "attributes": "note_density", "grids": [], "steps": 4}
    config = sweeps.config_of(tmp_path / "run", precision=["float32", "bfloat16"], eval_every=2, **one)
    sweeps.run(config)
    sweeps.run(config)  # it is resumed, and nothing is left to do
    run = RunDirectory.read(tmp_path / "run")
    assert [cohort.precision for cohort in run.cohorts] == ["float32", "bfloat16"]
    assert set(run.status().values()) == {"done"}
    assert list(pd.read_csv(tmp_path / "run" / "trials.csv")["precision"]) == ["float32", "bfloat16"]
    for store in sweeps.checkpoints(tmp_path / "run"):
        kept = [leaf for leaf in jax.tree.leaves(store.arrays()) if not np.issubdtype(leaf.dtype, np.integer)]
        assert {str(leaf.dtype) for leaf in kept} == {"float32"}
        assert store.owner().trials[0].precision in ("float32", "bfloat16")
    sweeps.evaluate_and_save(tmp_path / "run")
    results = pd.read_csv(tmp_path / "run" / "results.csv")
    assert list(results["precision"]) == ["float32", "bfloat16"]
    assert results["reconstruction_accuracy"].notna().all()
    page = write_report([tmp_path / "run"], tmp_path / "report").page.read_text()
    assert "bfloat16" in page

    model = vaemusic_jax.restore(tmp_path / "run", precision="bfloat16")
    assert model.trial.precision == "bfloat16"
    tokens = small_irish_folk.test.tokens[:20]
    np.testing.assert_allclose(model.encode(tokens), model.numpy.encode(np.asarray(tokens, np.int32)), atol=2e-5)
    asked: list[Any] = []
    real = export.__globals__["evaluate_weights"]

    def noted(trial: Any, *args: Any) -> Any:
        asked.append(trial)
        return real(trial, *args)

    monkeypatch.setitem(export.__globals__, "evaluate_weights", noted)
    written = export(tmp_path / "run", {"precision": "bfloat16"}, "float32")
    assert (written.trial.precision, asked[0].precision) == ("bfloat16", "float32")


def test_a_caption_names_a_precision_that_is_not_the_default() -> None:
    said = [named(cohorts.trial("measure_vae", precision=precision)) for precision in PRECISIONS]
    assert [[each in words for each in PRECISIONS] for words in said] == [
        [False, False, False],
        [False, True, False],
        [False, False, True],
    ]


def test_a_dry_run_names_the_precision_of_each_cohort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from vaemusic_jax.commands.dry_run import print_plan

    monkeypatch.setenv("VAEMUSIC_CACHE", str(tmp_path))
    monkeypatch.setattr(estimate, "matmul_rate", lambda precision: {"float32": 1e9, "bfloat16": 2e9}[precision])
    print_plan(
        sweeps.config_of(
            tmp_path / "run",
            precision=["float32", "bfloat16"],
            dataset="lakh_clean",
            grids=[],
            model="measure_vae",
            latent_dim=4,
            attributes="all",
        )
    )
    titles = " ".join(capsys.readouterr().out.split()).split("cohort ")[1:3]
    assert [("float32" in line, "bfloat16" in line) for line in titles] == [(True, False), (False, True)]


@pytest.mark.parametrize("model", MODELS)
def test_states_of_two_bytes_need_less_memory_and_faster_matmuls_less_time(
    model: str, irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"float32": 1e9, "tf32": 4e9, "bfloat16": 8e9}
    monkeypatch.setattr(estimate, "matmul_rate", rates.__getitem__)
    found = {
        precision: estimate.estimate(Cohort((cohorts.trial(model, precision=precision, batch_size=256),)))
        for precision in PRECISIONS
    }
    seconds = [found[precision]["seconds"] for precision in PRECISIONS]
    np.testing.assert_allclose(seconds[0] / np.array(seconds), [1, 4, 8])
    memory = [found[precision]["memory_bytes"] for precision in PRECISIONS]
    assert memory[0] == memory[1] > memory[2] > 0.5 * memory[0]
    assert found["bfloat16"]["disk_bytes"] == found["float32"]["disk_bytes"]


def test_an_unknown_precision_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "law.yaml"
    fields = (
        "{name: law, dataset: irish_folk, model: measure_vae, attributes: all, latent_dim: 4, steps: 1, eval_every: 1"
    )
    path.write_text(f"{fields}, precision: float16}}\n")
    assert cli.run(["sweep", str(path), "--dry-run"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    expected = f"error: {path}: precision: \"float16\" should be 'float32', 'tf32' or 'bfloat16'\n"
    assert captured.err == expected
