"""A sweep over several data sets trains on those that are ready, says which are not, and goes on when they are."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import sweeps
from vaemusic_jax.commands.dry_run import print_plan
from vaemusic_jax.commands.evaluate import evaluate_and_print
from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import NotReadyError
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation import evaluate
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.training import estimate, sweep
from vaemusic_jax.training.cohort import Ensemble

KNOWN = ("irish_folk", "bach")
MISSING = "data set {!r} is not prepared; run `vaemusic data prepare {} --source FOLDER`"
BACH_IS_MISSING = MISSING.format("bach", "bach")

Ready = Callable[..., None]


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset) -> Ready:
    """Says which of the known data sets are ready from now on; all of them hold the same measures."""
    sweeps.share_programs(monkeypatch)

    def be_ready(*names: str, **fields: Any) -> None:
        def load(name: str, **options: Any) -> Dataset:
            if name not in KNOWN:
                raise UserError(f"data set {name!r} is not known")
            if name not in names:
                raise NotReadyError(MISSING.format(name, name))
            return dataclasses.replace(small_irish_folk, name=name, **fields)

        for module in (sweep, evaluate, estimate):
            monkeypatch.setattr(module, "load_dataset", load)

    return be_ready


def config_of(folder: Path, **fields: Any) -> SweepConfig:
    plain = {"dataset": list(KNOWN), "model": "measure_vae", "latent_dim": [4, 5], "attributes": "all", "grids": []}
    return sweeps.config_of(folder / "run", **(plain | fields))


def statuses(folder: Path) -> dict[str, set[str]]:
    """Those of the trials on each data set."""
    run = RunDirectory.read(folder / "run")
    return {name: {run.status()[t.id] for t in run.trials if t.dataset == name} for name in KNOWN}


@pytest.fixture(scope="module")
def whole(small_irish_folk: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both data sets trained in one go."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        sweeps.share_programs(patch)
        patch.setattr(sweep, "load_dataset", lambda name, **options: dataclasses.replace(small_irish_folk, name=name))
        sweeps.run(config_of(folder))
    return folder / "run"


def test_trials_wait_for_their_data_set_and_are_trained_once_it_is_ready(
    ready: Ready, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready("irish_folk")
    for _ in range(2):
        sweeps.run(config_of(tmp_path))
        assert capsys.readouterr().err == f"2 of 4 trials are left out for now: {BACH_IS_MISSING}\n"
        assert statuses(tmp_path) == {"irish_folk": {"done"}, "bach": {f"waiting: {BACH_IS_MISSING}"}}
    run = RunDirectory.read(tmp_path / "run")
    assert set(run.curves["trial"]) == {trial.id for trial in run.trials if trial.dataset == "irish_folk"}
    assert [trial.dataset for trial in run.unfinished()] == ["bach", "bach"]

    ready(*KNOWN)
    sweeps.run(config_of(tmp_path))
    assert capsys.readouterr().err == ""
    sweeps.assert_same_run(tmp_path / "run", whole)


def test_what_was_trained_stays_trained_when_its_data_set_is_gone(
    ready: Ready, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(*KNOWN)
    sweeps.run(config_of(tmp_path))
    ready("irish_folk")
    monkeypatch.setattr(Ensemble, "run", lambda *args: pytest.fail("there is nothing left to do"))
    sweeps.run(config_of(tmp_path))
    assert statuses(tmp_path) == {"irish_folk": {"done"}, "bach": {"done"}}
    assert capsys.readouterr().err == ""
    sweeps.assert_same_run(tmp_path / "run", whole)


def test_what_need_not_wait_any_more_is_pending(ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready("irish_folk")
    sweeps.run(config_of(tmp_path))
    ready(*KNOWN)
    monkeypatch.setattr(sweep, "train_cohort", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sweeps.run(config_of(tmp_path))
    assert statuses(tmp_path) == {"irish_folk": {"done"}, "bach": {"pending"}}


def test_without_any_data_set_nothing_is_begun(ready: Ready, tmp_path: Path) -> None:
    ready()
    with pytest.raises(UserError) as refused:
        sweeps.run(config_of(tmp_path))
    assert str(refused.value) == "; ".join(MISSING.format(name, name) for name in KNOWN)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("names", [["irish_folk", "bahc"], ["bach", "bahc"], ["bahc", "irish_folk"]])
def test_an_unknown_name_is_refused_before_anything_is_trained(ready: Ready, tmp_path: Path, names: list[str]) -> None:
    ready("irish_folk")
    config = config_of(tmp_path, dataset=names)
    for use in (sweeps.run, print_plan):
        with pytest.raises(UserError, match="data set 'bahc' is not known"):
            use(config)
    assert not (tmp_path / "run").exists()


def test_data_that_cannot_be_transposed_is_refused_before_anything_is_trained(ready: Ready, tmp_path: Path) -> None:
    ready(*KNOWN, vocabulary=Vocabulary(("__", "rest", "A4", "B4-4c")))
    config = config_of(tmp_path, transpose=[0, 3])
    for use in (sweeps.run, print_plan):
        with pytest.raises(UserError, match=r"transpose: 3 moves by semitones, but .* 'irish_folk' .* B4-4c"):
            use(config)
    assert not (tmp_path / "run").exists()


def test_the_results_leave_waiting_trials_empty_and_the_table_says_who_waits(
    ready: Ready, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready("irish_folk")
    sweeps.run(config_of(tmp_path))
    with RunDirectory.reopen(tmp_path / "run") as run:
        capsys.readouterr()
        evaluate_and_print(run)
        shown = capsys.readouterr().out
        results = run.results
    assert results is not None
    assert results["status"].str.startswith("waiting").tolist() == [False, False, True, True]
    assert results["reconstruction_accuracy"].isna().tolist() == [False, False, True, True]
    assert f"2 trials wait: {BACH_IS_MISSING}; then run the sweep again." in shown
    assert "dataset irish_folk" in shown
    rows = [line.split() for line in shown.splitlines() if line.split()[:1] == ["measure"]]
    assert [row[1] for row in rows] == ["4", "5"]


def test_a_dry_run_marks_what_would_wait(
    ready: Ready, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "matmul_rate", lambda precision: 1e9)
    ready("irish_folk")
    print_plan(config_of(tmp_path))
    of_irish, of_bach = capsys.readouterr().out.split("cohort ")[1:3]
    assert "not ready" not in of_irish
    assert f"not ready: {BACH_IS_MISSING}\n" in of_bach
    assert "2 of them would be left out for now" in of_bach
    ready(*KNOWN)
    print_plan(config_of(tmp_path))
    shown = capsys.readouterr().out
    assert "not ready" not in shown
    assert "left out" not in shown
