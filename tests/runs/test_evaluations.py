"""What evaluation keeps in a run: read back as written, made again where it is gone or damaged."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import sweeps
from tests.helpers.evaluated_runs import config_of, corpus_of, evaluation_of
from vaemusic_jax.cli import run
from vaemusic_jax.config.sweep import trials
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.evaluations import EvaluationStore
from vaemusic_jax.support import arrays_file
from vaemusic_jax.support.arrays_file import Arrays

DATA = "irish_folk"


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset) -> Path:
    """The finished run, to be spoilt."""
    sweeps.use_data(monkeypatch, small_irish_folk)
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    store, trial = EvaluationStore(tmp_path), trials(config_of())[0]
    assert store.trial(trial.id) is None
    assert store.corpus(DATA) is None
    evaluation, sample = evaluation_of(trial, {"onset_accuracy": float("nan"), "loss": 0.1 + 0.2}), corpus_of(DATA)
    store.save_trial(trial.id, evaluation)
    store.save_corpus(sample)
    found, known = store.trial(trial.id), store.corpus(DATA)
    assert found
    assert known
    assert found.metrics.keys() == evaluation.metrics.keys()
    assert np.isnan(found.metrics["onset_accuracy"])
    assert found.metrics["loss"] == 0.1 + 0.2
    assert found.arrays.keys() == evaluation.arrays.keys()
    for name, array in evaluation.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)
    assert (known.name, known.facts, known.vocabulary) == (DATA, sample.facts, sample.vocabulary)
    np.testing.assert_array_equal(known.tokens, sample.tokens)
    np.testing.assert_array_equal(known.attributes, sample.attributes)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_that_is_not_what_was_written_is_refused(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    arrays: Arrays = {"one": np.arange(300, dtype=np.int16), "other": np.ones((3, 2))}
    arrays_file.write(path, arrays, {"step": 3}, compressed=compressed)
    whole = path.read_bytes()
    assert arrays_file.read(path, "")[1] == {"step": 3}
    checksum = np.array(arrays_file.checksum(arrays, {"step": 3}))
    others = []
    for name in arrays:
        changed: Arrays = arrays | {name: arrays[name] + 1}
        np.savez(path, metadata=np.array('{"step": 3}'), checksum=checksum, **changed)  # type: ignore[arg-type]
        others.append(path.read_bytes())
    for damaged in (b"", b"PK", whole[: len(whole) // 2], whole[:-1], *others):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"file.npz: damaged file \(.*\); fetch another"):
            arrays_file.read(path, "fetch another")
    with pytest.raises(FileNotFoundError):
        arrays_file.read(tmp_path / "absent.npz", "")


@pytest.mark.parametrize("damage", ["gone", "cut", "of other data"])
def test_a_sample_of_the_data_is_made_again_though_all_trials_are_measured(damage: str, copy: Path) -> None:
    path, store = copy / "evaluation" / "corpora" / f"{DATA}.npz", EvaluationStore(copy)
    before = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(before[:100])
    else:
        store.save_corpus(corpus_of(DATA, digest="0123"))
    sweeps.evaluate_and_save(copy)
    assert path.read_bytes() == before


def test_a_run_without_checkpoints_is_one_line(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(copy / "evaluation")
    shutil.rmtree(copy / "cohorts")
    assert run(["evaluate", str(copy)]) == 2
    said = capsys.readouterr().err
    (line,) = (line for line in said.splitlines() if not line.startswith("evaluating"))
    assert line.startswith(f"error: {copy / 'cohorts'}")
    assert "holds no checkpoint" in line
