"""The unregularised baseline goes the whole way beside a regularised trial, from training to the report."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import vaemusic_jax
from tests.helpers import sweeps
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.evaluation import evaluate
from vaemusic_jax.metrics.registry import METRICS, columns_of
from vaemusic_jax.report import write
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import EvaluationStore
from vaemusic_jax.runs.results import to_rich
from vaemusic_jax.support.progress import no_progress

OTHER = "note_density+note_range"
PROBED = ("interpretability", "interpretability_sampled", "mig", "mig_sampled", "sap", "scc")


@pytest.mark.slow
def test_a_trial_without_attributes_is_trained_evaluated_restored_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset
) -> None:
    sweeps.use_data(monkeypatch, small_irish_folk)
    fields = {"model": "measure_vae", "attributes": ["none", OTHER], "latent_dim": 4, "steps": 24, "grids": []}
    config = sweeps.config_of(tmp_path / "run", **fields)
    sweeps.run(config)
    sweeps.evaluate_and_save(tmp_path / "run")
    run = RunDirectory.read(tmp_path / "run")
    assert [trial.attributes for trial in run.trials] == [(), tuple(OTHER.split("+"))]
    results = run.results
    assert results is not None
    bare, imposed = results.to_dict("records")
    assert (bare["status"], bare["attributes"]) == ("done", "none")

    # What needs an attribute is missing; what does not is there, as of the other trial.
    for metric in METRICS.values():
        columns = columns_of(metric)
        if metric.name == "regularisation" or (len(columns) > 1 and metric.name not in PROBED):
            missing = [name for name in columns if not name.endswith((".dimension", ".is_regularised"))]
        else:
            missing = [name for name in columns if name.endswith(".mean")]
        assert all(np.isnan(bare[name]) for name in missing), metric.name
        there = [name for name in columns if name not in missing]
        assert all((bare[name] == bare[name]) == (imposed[name] == imposed[name]) for name in there), metric.name
    assert not any(bare[f"interpretability.{name}.is_regularised"] for name in OTHER.split("+"))
    assert bare["loss"] == pytest.approx(bare["cross_entropy"] + bare["beta"] * bare["kl"], abs=1e-5)
    evaluation = EvaluationStore(run.path).trial(str(bare["trial"]))
    assert evaluation is not None
    arrays = evaluation.arrays
    assert set(arrays) == {"reconstruction", "tokens_right", "interpretable_codes"}

    # A second evaluation finds nothing missing.
    monkeypatch.setattr(evaluate, "measure_members", None)
    with RunDirectory.reopen(run.path) as opened:
        evaluate.evaluate_run(opened, progress=no_progress)

    model = vaemusic_jax.restore(run.path, attributes="none")
    codes = model.encode(small_irish_folk.test.tokens[: len(arrays["reconstruction"])])
    assert codes.shape[1] == 4
    assert model.decode(codes).shape == (len(codes), 24)

    shown = io.StringIO()
    Console(file=shown, width=200).print(to_rich(results, 200))
    assert " none " in shown.getvalue()
    assert "gamma 0.2," in shown.getvalue()  # of the trial that uses it

    monkeypatch.setattr(write, "to_png", lambda figure: b"PNG")
    page = write.write_report([run.path]).page.read_text()
    assert "This run imposes 0, 2 attributes" in page
