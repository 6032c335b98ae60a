"""A sweep ends complete, however often it is interrupted, and leaves alone what is not its own."""

import contextlib
import dataclasses
import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orbax.checkpoint as ocp
import pandas as pd
import pytest

from tests.helpers import sweeps
from tests.helpers.columns import family_columns
from vaemusic_jax import cli
from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation.evaluate import evaluate_run
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support import atomic
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training import loop, memory
from vaemusic_jax.training.cohort import Ensemble

OWN_METRICS = {"measure_vae": {"regularisation"}, "adversarial_vae": {"adversary", "classifier_loss"}}
SHARED_METRICS = {"loss", "cross_entropy", "kl", "reconstruction_accuracy"}
HELD_OUT_METRICS = {"measure_accuracy", "onset_accuracy"}
TRAINING_METRICS = {"measure_vae": {"gradient_norm"}, "adversarial_vae": {"gradient_norm", "classifier_gradient_norm"}}


@pytest.fixture(autouse=True)
def small_data(monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset) -> None:
    sweeps.use_data(monkeypatch, small_irish_folk)
    sweeps.share_programs(monkeypatch)


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path) -> Path:
    """The finished run, to be spoilt."""
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))


def test_every_trial_ends_as_done_or_diverged(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    for trial in run.trials:
        status = run.status()[trial.id]
        if trial.learning_rate == sweeps.DIVERGING_RATE:
            assert status.startswith("diverged: loss not finite at step ")
        else:
            assert status == "done"
    assert sweeps.is_done(run).sum() == 4


def test_curves_hold_every_metric_of_every_trial_at_every_validation(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    expected = set()
    for trial in run.trials:
        always = SHARED_METRICS | OWN_METRICS[trial.model]
        for split, more in (("train", TRAINING_METRICS[trial.model] | {"seconds"}), ("validation", HELD_OUT_METRICS)):
            expected |= set(itertools.product([trial.id], sweeps.EVALUATED, [split], always | more))
    curves = run.curves
    keys = list(curves[["trial", "step", "split", "metric"]].itertuples(index=False, name=None))
    assert len(keys) == len(set(keys))
    assert set(keys) == expected
    done = [trial for trial, status in run.status().items() if status == "done"]
    assert np.isfinite(curves.loc[curves["trial"].isin(done), "value"]).all()
    loss = curves[(curves["metric"] == "cross_entropy") & (curves["split"] == "validation")].pivot_table(
        "value", "step", "trial"
    )[done]
    assert (loss.loc[60] < loss.loc[24]).all()  # they did learn


OF_REGULARISED_DIMENSIONS = ("mig_regularised", "sap_regularised", "dmig", "xmig", "dlig", "prior_")
OF_TRAVERSALS = family_columns("control")
COLUMNS = tuple(all_columns())
# Undefined where nothing changes, or none is left, or no test measure occurs in training.
UNMOVED = ("monotonicity", "smoothness", "attribute_change", "wrong_way", "side_effect", "xmig", "seen_accuracy")


def without_meaning(row: Mapping[Any, Any]) -> set[str]:
    """Columns that no trial like this one has a number in."""
    of_other_models = set().union(*OWN_METRICS.values()) - OWN_METRICS[row["model"]]
    imposed = (*parse_attributes(row["attributes"]), "mean")
    of_codes = (*OF_REGULARISED_DIMENSIONS, "leakage")
    of_imposed = {name for name in COLUMNS if name.startswith(of_codes) or name in OF_TRAVERSALS}
    found = of_other_models | {name for name in of_imposed if not name.endswith(imposed)}
    if row["model"] == "measure_vae":
        found |= {"accuracy_wrong_attributes"}
    else:
        found |= {name for name in COLUMNS if name.startswith(OF_REGULARISED_DIMENSIONS) or "_prior." in name}
    return found


def test_the_results_have_every_number_of_finished_trials_and_none_of_diverged_ones(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    results = run.results
    assert results is not None
    assert results["trial"].tolist() == [trial.id for trial in run.trials]
    for row in results.to_dict("records"):
        if row["status"] == "done":
            empty = {name for name in COLUMNS if pd.isna(row[name])}
            may_be_empty = without_meaning(row) | {name for name in COLUMNS if name.startswith(UNMOVED)}
            assert without_meaning(row) <= empty <= may_be_empty
        else:
            assert all(pd.isna(row[name]) for name in COLUMNS)


# Both cohorts validate three times; each of the moments is in one or the other. `test_kill` has random ones.
MOMENTS: dict[str, tuple[int, Any, str, bool]] = {
    "after validating, before its curves are written": (2, RunDirectory, "append_curves", False),
    "between curves and checkpoint": (5, CheckpointStore, "save", False),
    "after the last checkpoint, before the trials are marked": (1, loop, "record_outcome", False),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_run_continues_to_the_same_end(moment: str, finished_run: Path, tmp_path: Path) -> None:
    nth, owner, name, after = MOMENTS[moment]
    config = sweeps.config_of(tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:
        sweeps.raise_at(nth, patch, owner, name, after)
        with pytest.raises(KeyboardInterrupt):
            sweeps.run(config)
    assert {"pending", "running"} & set(RunDirectory.read(tmp_path / "run").status().values())
    sweeps.run(config)
    sweeps.assert_same_run(tmp_path / "run", finished_run)


def test_a_finished_run_with_a_damaged_checkpoint_trains_anew(
    finished_run: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its results come out the same; until then, evaluation says what to do and changes nothing."""
    cohort = RunDirectory.read(copy).cohorts[0]
    newest = copy / "cohorts" / cohort.id / "checkpoints" / "60"
    for data in (newest / "members").glob("*.npz"):
        data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    shutil.rmtree(copy / "evaluation")
    before = sweeps.all_bytes(copy / "cohorts")
    sweeps.evaluate_and_save(copy)
    (said,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("left out: "))
    assert said.startswith(f"left out: {newest}: cannot be read: ")
    assert said.endswith("; run the sweep again to go on from the one before, if there is one")
    assert sweeps.all_bytes(copy / "cohorts") == before
    sweeps.run(sweeps.config_of(copy))
    (said,) = capsys.readouterr().err.splitlines()
    assert said.endswith(f"; moved to {copy / 'cohorts' / cohort.id / 'damaged' / '60'}; training starts anew")
    sweeps.assert_same_run(copy, finished_run)
    sweeps.evaluate_and_save(copy)
    ours, theirs = RunDirectory.read(copy).results, RunDirectory.read(finished_run).results
    assert ours is not None
    assert theirs is not None
    timed = "training_efficiency.seconds"
    pd.testing.assert_frame_equal(ours.drop(columns=timed), theirs.drop(columns=timed), check_exact=True)


def test_a_finished_cohort_keeps_one_checkpoint_without_optimisers(
    finished_run: Path, copy: Path, tmp_path: Path, small_irish_folk: Dataset
) -> None:
    for store in sweeps.checkpoints(finished_run):
        assert [path.name for path in store.path.iterdir()] == ["60"]
        assert set(store.arrays()["state"]["train"]) == {"params", "step"}
    store = sweeps.checkpoints(copy)[0]
    shutil.copytree(store.path / "60", store.path / "48")  # as left by a process that was killed just then
    sweeps.run(sweeps.config_of(copy))
    assert [path.name for path in store.path.iterdir()] == ["60"]
    sweeps.run(sweeps.one_cohort_of(tmp_path / "kept", keep_optimizer=True))
    (whole,) = sweeps.checkpoints(tmp_path / "kept")
    assert "optimiser" in whole.arrays()["state"]["train"]
    sweeps.run(sweeps.one_cohort_of(tmp_path / "kept"))  # how much is kept does not make it another run


def test_a_finished_run_trains_nothing_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sweeps.all_bytes(copy)
    for name in ("start", "run", "score"):
        monkeypatch.setattr(Ensemble, name, lambda *args: pytest.fail("there is nothing left to do"))
    sweeps.run(sweeps.config_of(copy))
    assert sweeps.all_bytes(copy) == before


def test_another_configuration_is_refused(copy: Path) -> None:
    before = sweeps.all_bytes(copy)
    with pytest.raises(UserError, match=f"steps: 60 -> 61; .* --init-from {copy}"):
        sweeps.run(sweeps.config_of(copy, steps=61))
    assert sweeps.all_bytes(copy) == before


def other_digest(dataset: Dataset) -> Dataset:
    return sweeps.first_of(dataset, train=len(dataset.train) - 1)


def other_vocabulary(dataset: Dataset) -> Dataset:
    return dataclasses.replace(dataset, vocabulary=Vocabulary(dataset.vocabulary.tokens[:-1]))


@pytest.mark.parametrize(
    ("change", "words"),
    [(other_digest, "it was trained on data"), (other_vocabulary, "its vocabulary of 62 tokens differs from")],
)
def test_checkpoints_of_other_data_are_refused(
    change: Callable[[Dataset], Dataset],
    words: str,
    copy: Path,
    small_irish_folk: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps.use_data(monkeypatch, change(small_irish_folk))
    cohort = RunDirectory.read(copy).cohorts[0]
    shutil.rmtree(copy / "evaluation")  # what has been measured needs no data
    before = sweeps.all_bytes(copy)
    for use in (lambda: sweeps.run(sweeps.config_of(copy)), lambda: sweeps.evaluate_and_save(copy)):
        with pytest.raises(UserError, match=words) as refused:
            use()
        assert str(refused.value).startswith(f"{copy / 'cohorts' / cohort.id / 'checkpoints'}: ")
        assert "\n" not in str(refused.value)
    assert sweeps.all_bytes(copy) == before


@contextlib.contextmanager
def failing(owner: Any, name: str, nth: int, error: OSError) -> Iterator[None]:
    function, calls = getattr(owner, name), itertools.count(1)

    def fails(*args: Any, **kwargs: Any) -> Any:
        if next(calls) >= nth:
            raise error
        return function(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fails)
        yield


def test_a_disk_that_fills_up_during_a_checkpoint_ends_the_run_until_there_is_room(
    finished_run: Path, tmp_path: Path
) -> None:
    config = sweeps.config_of(tmp_path / "run")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        failing(ocp.CheckpointManager, "save", 2, full),
        pytest.raises(UserError, match="checkpoints: cannot be written: no space left on device; free the disk"),
    ):
        sweeps.run(config)
    sweeps.run(config)
    sweeps.assert_same_run(tmp_path / "run", finished_run)


def test_a_read_only_run_directory_is_one_line(copy: Path) -> None:
    """Tests may run as root, whom no permission stops, so the refusal is made by hand."""
    shutil.rmtree(copy / "cohorts")
    read_only = OSError(errno.EROFS, os.strerror(errno.EROFS))
    with (
        failing(atomic.tempfile, "mkstemp", 1, read_only),
        pytest.raises(UserError, match="cannot be written: read-only file system; choose") as refused,
    ):
        sweeps.run(sweeps.config_of(copy))
    assert "\n" not in str(refused.value)


def test_a_run_whose_trials_all_diverged_has_a_table_of_them(copy: Path) -> None:
    with RunDirectory.reopen(copy) as run:
        run.set_status([trial.id for trial in run.trials], "diverged", "made up")
        results = evaluate_run(run, progress=no_progress)
    assert results["status"].tolist() == ["diverged: made up"] * 5
    assert results[list(COLUMNS)].isna().all(axis=None)


def test_a_run_without_a_finished_trial_is_not_evaluated(copy: Path) -> None:
    with RunDirectory.reopen(copy) as run:
        run.set_status([trial.id for trial in run.trials], "running")
        with pytest.raises(UserError, match="no trial has finished; run `vaemusic sweep` on it again"):
            evaluate_run(run, progress=no_progress)


def test_a_cohort_that_does_not_fit_is_left_out_and_the_others_train(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here the first of two, which is trained as ever once it fits; the exit status says that something is missing."""
    reference, (first, second) = RunDirectory.read(copy).status(), RunDirectory.read(copy).cohorts
    fitted = memory.compiled_ensemble

    def tight(owner: Owner, *args: Any) -> Any:
        if owner.trials == first.trials:
            raise memory.DoesNotFitError("the first needs 1 EiB")
        return fitted(owner, *args)

    config = sweeps.config_of(tmp_path / "run")
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "compiled_ensemble", tight)
        assert cli.run(["sweep", str(tmp_path / "config.yaml")]) == 2
        message = "error: 3 of 5 trials have been left out: the first needs 1 EiB"
        printed = capsys.readouterr()
        assert printed.err.splitlines()[-1] == message
        assert "results.csv" in printed.out
        status = RunDirectory.read(tmp_path / "run").status()
        assert {status[trial.id] for trial in first.trials} == {"waiting: the first needs 1 EiB"}
        assert {status[trial.id] for trial in second.trials} == {"done"}
        alone = sweeps.config_of(tmp_path / "alone", model="measure_vae")
        with pytest.raises(UserError, match=r"^the first needs 1 EiB$"):
            sweeps.run(alone)
    sweeps.run(config)
    assert RunDirectory.read(tmp_path / "run").status() == reference
