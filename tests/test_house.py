"""One home per concept: a model, an attribute and a metric are added by one object and one registration each.

They are trained, evaluated, restored and reported together, with no other change.
"""

from pathlib import Path

import numpy as np
import pytest

import vaemusic_jax
from tests.helpers import sweeps, toys
from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, irish_folk: Dataset) -> RunDirectory:
    """A trained and evaluated run of a model, an attribute and a metric that the package does not have."""
    toys.register_attribute(monkeypatch)
    toys.register_model(monkeypatch)
    toys.register_metric(monkeypatch)
    dataset = load_dataset(irish_folk.name)  # prepared before the attribute was registered
    sweeps.use_data(monkeypatch, sweeps.first_of(dataset))
    fields = {
        "dataset": "irish_folk",
        "model": "plain_vae",
        "attributes": ["last_onset+note_density", "+".join([*ATTRIBUTES])],
        "latent_dim": 8,
        "steps": 40,
        "eval_every": 20,
    }
    sweeps.run(SweepConfig.model_validate({"name": "toys", "out": str(tmp_path / "run"), **fields}))
    sweeps.evaluate_and_save(tmp_path / "run")
    return RunDirectory.read(tmp_path / "run")


def test_what_is_registered_is_trained_evaluated_restored_and_reported(run: RunDirectory, tmp_path: Path) -> None:
    assert set(run.status().values()) == {"done"}
    assert [len(trial.attributes) for trial in run.trials] == [2, 5]
    results = run.results
    assert results is not None
    assert (results["reconstruction_accuracy"] >= results["majority_baseline"]).all()
    assert results["interpretability.last_onset"].between(0, 1).all()
    assert results["toy_spread"].gt(0).all()
    assert results.filter(like="mig_regularised").isna().all(axis=None)  # it has no regulariser
    losses = run.curves.query("split == 'train' and metric == 'loss'").groupby("trial")["value"]
    assert (losses.last() < losses.first()).all()

    model = vaemusic_jax.restore(run.path, id=run.trials[1].id)
    tokens = model.sample(3)
    assert model.attributes(tokens).shape == (3, len(ATTRIBUTES)) == (3, 5)
    assert np.isfinite(model.encode(tokens)).all()

    page = write_report([run.path], tmp_path / "report").page.read_text()
    for words in ("PlainVAE", "last onset", "spread of a toy"):
        assert words in page, words
