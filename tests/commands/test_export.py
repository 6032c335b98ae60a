"""`vaemusic export` writes the model of a run: the rounded weights, their own scores, and a card."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.helpers import sweeps
from vaemusic_jax import cli
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.play import export, model_file, restore
from vaemusic_jax.play.load import load
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import TrialEvaluation


@pytest.fixture(autouse=True)
def small_data(monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset) -> None:
    sweeps.use_data(monkeypatch, small_irish_folk)
    monkeypatch.setattr(restore, "load_dataset", lambda name: small_irish_folk)


def test_what_is_exported_is_the_rounded_model_with_its_own_scores(
    finished_run: Path, tmp_path: Path, small_irish_folk: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    which = ["model=measure_vae", "latent_dim=4", "learning_rate=0.03"]
    assert cli.run(["export", str(finished_run), *which, "--out", str(out), "--card"]) == 0
    model = load(out)
    plain = restore.restore(finished_run, model="measure_vae", latent_dim=4, learning_rate=0.03)
    for name, weight in model.params.items():
        np.testing.assert_array_equal(weight, plain.params[name].astype(np.float16).astype(np.float32))
    test = small_irish_folk.test
    back = model.decode(model.encode(test.tokens), model.own_attributes(test.tokens))
    assert model.about.scores["reconstruction_accuracy"] == pytest.approx((back == test.tokens).mean(), abs=1e-3)
    codes = model.encode(small_irish_folk.train.tokens)
    for k in range(4):
        assert model.about.control_at(k, 0.5) == pytest.approx(np.median(codes[:, k]), abs=1e-5)
    head = yaml.safe_load(out.with_suffix(".md").read_text().split("---")[1])
    metrics = head["model-index"][0]["results"][0]["metrics"]
    assert metrics[0]["value"] == pytest.approx(model.about.scores["reconstruction_accuracy"], abs=1e-4)
    for name, (low, high) in model.about.intervals.items():
        assert low <= model.about.scores[name] <= high, name
    card = out.with_suffix(".md").read_text()
    assert "Provenance" in card
    low, high = model.about.intervals["reconstruction_accuracy"]
    assert low < high
    assert f"| {low:.4f} to {high:.4f} |" in card
    efficiency = "reconstruction_efficiency.note_range"
    value, (low, high) = model.about.scores[efficiency], model.about.intervals[efficiency]
    assert f"| {value:.2f} ({low:.2f} to {high:.2f}) |" in card
    printed = capsys.readouterr().out
    assert "Accuracy on the test split" in printed


def test_a_file_in_float32_holds_the_weights_as_trained_with_their_own_scores(
    finished_run: Path, tmp_path: Path, small_irish_folk: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.npz"
    which = ["model=measure_vae", "latent_dim=4", "learning_rate=0.03"]
    options = ["--format", "npz", "--dtype", "float32", "--out", str(out), "--card"]
    assert cli.run(["export", str(finished_run), *which, *options]) == 0
    assert "of these weights, float32" in capsys.readouterr().out
    assert "The weights are in float32, as they were trained." in out.with_suffix(".md").read_text()
    model = load(out)
    plain = restore.restore(finished_run, model="measure_vae", latent_dim=4, learning_rate=0.03)
    for name, weight in model.params.items():
        np.testing.assert_array_equal(weight, plain.params[name])
    evaluated = RunDirectory.read(finished_run).results
    assert evaluated is not None
    own = evaluated.set_index("trial").loc[plain.trial.id]
    for name in ("reconstruction_accuracy", "loss", "reconstruction_efficiency.note_range"):
        assert model.about.scores[name] == pytest.approx(own[name], abs=1e-6), name


def test_a_model_is_not_described_by_other_data(
    finished_run: Path, irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "load_dataset", lambda name: irish_folk)
    with pytest.raises(UserError, match=f"data set 'irish_folk' is now {irish_folk.digest}; prepare the data set"):
        export.export(finished_run, {"model": "adversarial_vae", "latent_dim": "4"})


def test_a_written_model_that_decodes_otherwise_is_not_kept(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = export.export(finished_run, {"model": "adversarial_vae", "latent_dim": "4"})
    read = model_file.from_bytes

    def spoiled(content: bytes, name: str) -> object:
        other = read(content, name)
        other.numpy.layers.weights["decoder/out/b"][5] += 100
        return other

    monkeypatch.setattr(model_file, "from_bytes", spoiled)
    out = tmp_path / "mine.safetensors"
    with pytest.raises(UserError, match="codes otherwise; nothing was written"):
        export.write(model, out, "safetensors")
    assert not out.exists()


def test_scores_that_are_no_numbers_are_left_out_and_large_weights_refused(
    finished_run: Path, small_irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = {"model": "adversarial_vae", "latent_dim": "4"}
    scores = {"loss": {"good": 0.5, "nothing": None, "none": float("nan"), "endless": float("inf")}}
    monkeypatch.setattr(export, "evaluate_weights", lambda *args: TrialEvaluation(scores, {}, {}))
    model = export.export(finished_run, which)
    assert model.about.scores == {"good": 0.5}
    median = np.median(small_irish_folk.train.attributes, axis=0)
    np.testing.assert_allclose(model.about.controls[:, 50], median, atol=1e-6)  # a told model's controls
    assert model_file.to_bytes(model)

    member = restore.find_member(finished_run, which)
    member.arrays["state"]["train"]["params"]["vae"]["decoder"]["out"]["b"][:] = 1e6
    monkeypatch.setattr(export, "find_member", lambda run, which: member)
    with pytest.raises(UserError, match="has weights too large for float16"):
        export.export(finished_run, which)


def test_what_cannot_be_exported_is_refused(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, words in (
        (["latent_dim"], "'latent_dim' is no FIELD=VALUE, such as model=measure_vae"),
        (["=4"], "'=4' is no FIELD=VALUE"),
        (["latent_dim=4", "latent_dim=8"], "latent_dim is given twice, as '4' and '8'"),
        (["model=adversarial_vae"], "2 of 5 trials have model='adversarial_vae'; they differ in attributes"),
        (["modell=adversarial_vae"], "modell is no field of a trial (did you mean model?)"),
        (["--format", "npz"], "never.safetensors is the name of another format than npz; add --format safetensors"),
    ):
        assert cli.run(["export", str(finished_run), *options, "--out", "never.safetensors"]) == 2
        assert words in capsys.readouterr().err
    assert not Path("never.safetensors").exists()
