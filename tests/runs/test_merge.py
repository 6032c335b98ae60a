"""Shards trained apart and merged are the run in one piece; what does not belong together is refused."""

import dataclasses
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chex
import jax
import numpy as np
import pandas as pd
import pytest

from tests.helpers import sweeps
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import NotReadyError
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation.evaluate import evaluate_run
from vaemusic_jax.runs import merge as merging
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.merge import merge
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training import loop, sweep
from vaemusic_jax.training.cohort import Ensemble

ROOT = Path(__file__).parents[2]
TOLERANCE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-4}
TRAIN_A_SHARD = """
import sys
from pathlib import Path
import pytest
from tests.helpers import sweeps
from tests.runs import test_merge
from vaemusic_jax.data.load import load_dataset

dataset = sweeps.first_of(load_dataset("irish_folk"))
test_merge.train_and_evaluate(Path(sys.argv[1]), dataset, shard=sys.argv[2])
"""


def config_of(path: Path, **fields: Any) -> SweepConfig:
    """Two cohorts, the first of which waits for its data set; the division into two parts cuts the second one."""
    of_both = {"dataset": ["irish_folk", "bach"]}
    *both, diverging = sweeps.one_cohort_of(path).model_dump(exclude_none=True)["grids"]
    grids = [*(grid | of_both for grid in both), diverging | {"dataset": "bach"}]
    return sweeps.one_cohort_of(path, **{"grids": grids} | fields)


def only_bach(patch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    """Has these measures stand for `bach`; no other data set is ready."""
    sweeps.use_data(patch, dataset)
    found = sweep.load_dataset

    def load(name: str, **options: Any) -> Dataset:
        if name != "bach":
            raise NotReadyError(f"{name}: not ready")
        return found(name)

    patch.setattr(sweep, "load_dataset", load)


def train_and_evaluate(path: Path, dataset: Dataset, **fields: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        only_bach(patch, dataset)
        sweeps.run(config_of(path, **fields))
        with RunDirectory.reopen(path) as run:
            evaluate_run(run, ["reconstruction"], no_progress)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_irish_folk: Dataset) -> Path:
    """`one` and `two`, both parts of a sweep, trained by two processes side by side; `whole`, all of it by this one."""
    folder = tmp_path_factory.mktemp("shards")
    as_here = {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "4"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN_A_SHARD, str(folder / name), part],
            env=os.environ | as_here,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, part in (("one", "1/2"), ("two", "2/2"))
    ]
    train_and_evaluate(folder / "whole", small_irish_folk)
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    return folder


@pytest.fixture(scope="module")
def shards(folder: Path) -> list[Path]:
    return [folder / "one", folder / "two"]


@pytest.fixture
def copies(shards: list[Path], tmp_path: Path) -> list[Path]:
    """The shards, to be spoilt."""
    return [Path(shutil.copytree(path, tmp_path / path.name)) for path in shards]


@pytest.fixture(scope="module")
def merged(shards: list[Path], tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Both shards, the second one first."""
    return merge(tmp_path_factory.mktemp("merged") / "run", shards[::-1])


def weights(run: RunDirectory) -> dict[str, Any]:
    """Weights and optimiser of every trial."""
    found = {}
    for cohort in run.cohorts[1:]:  # the first one waits
        state = CheckpointStore(run.cohort_path(cohort)).arrays()["state"]["train"]
        for member, trial in enumerate(cohort.trials):
            found[trial.id] = jax.tree.map(lambda leaf, member=member: leaf[member], state)
    return found


def common(leaf: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What is left of an array without what fills it up to another cohort's sizes."""
    return leaf[tuple(slice(min(sizes)) for sizes in zip(leaf.shape, other.shape, strict=True))]


def test_merged_shards_are_the_run_in_one_piece(merged: RunDirectory, folder: Path) -> None:
    whole = RunDirectory.read(folder / "whole")
    assert merged.config == whole.config
    assert merged.trials == whole.trials
    assert merged.status() == whole.status()
    pd.testing.assert_frame_equal(sweeps.untimed(merged.curves), sweeps.untimed(whole.curves), **TOLERANCE)
    trees, others = weights(merged), weights(whole)
    assert len(trees) == len(others) == 3
    for trial in trees:
        here, there = trees[trial], others[trial]
        chex.assert_trees_all_close(jax.tree.map(common, here, there), jax.tree.map(common, there, here), **TOLERANCE)
    assert merged.results is not None
    assert whole.results is not None
    ours, theirs = (table.drop(columns="cohort") for table in (merged.results, whole.results))
    assert theirs["reconstruction_accuracy"].notna().sum() == 2
    pd.testing.assert_frame_equal(ours, theirs, **TOLERANCE)
    assert merged.results["cohort"].tolist() == merged.trials_table["cohort"].tolist()


def test_a_merged_run_needs_no_further_training_or_evaluation(
    merged: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset
) -> None:
    path = Path(shutil.copytree(merged.path, tmp_path / "copy"))
    monkeypatch.setattr(Ensemble, "__init__", lambda *args, **kwargs: pytest.fail("everything has been computed"))
    before = sweeps.all_bytes(path)
    train_and_evaluate(path, small_irish_folk)
    assert sweeps.all_bytes(path) == before


def test_what_is_missing_is_pending_and_the_sweep_goes_on_with_it(
    copies: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset
) -> None:
    """One shard has lost a checkpoint, the other was never given."""
    with RunDirectory.reopen(copies[0]) as interrupted:
        first, last = interrupted.cohorts
        interrupted.set_status([trial.id for trial in last.trials], "running")
        shutil.rmtree(interrupted.cohort_path(last) / "checkpoints" / str(sweeps.EVALUATED[-1]))
        shutil.rmtree(interrupted.path / "evaluation")
    merged, given = merge(tmp_path / "run", copies[:1]), interrupted.trials
    expected = ["waiting: irish_folk: not ready" if trial in first.trials else "pending" for trial in merged.trials]
    assert list(merged.status().values()) == expected
    assert set(merged.curves["trial"]) == {trial.id for trial in last.trials}

    trained: list[tuple[Cohort, int | None]] = []

    def note(task: loop.Task, *args: Any) -> None:
        trained.append((task.cohort, task.store.latest_step()))

    monkeypatch.setattr(sweep, "train_cohort", note)
    sweeps.use_data(monkeypatch, small_irish_folk)
    sweeps.run(config_of(tmp_path / "run"))
    rest = Cohort(tuple(trial for trial in merged.trials if trial not in given))
    assert trained == [(first, None), (last, None), (rest, None)]  # no longer does anything wait


def test_the_shards_stay_as_they_are(copies: list[Path], tmp_path: Path) -> None:
    """Also where a process died while it wrote, or the hidden files were not copied along."""
    cohort = RunDirectory.read(copies[0]).cohorts[-1]
    left = copies[0] / "cohorts" / cohort.id / "checkpoints" / "72.orbax-checkpoint-tmp-7"
    left.mkdir()
    (left / "half").touch()
    (copies[0] / ".trials.csv.x1.tmp").touch()
    (copies[1] / ".lock").unlink()
    before = [sweeps.all_bytes(path) for path in copies]
    merge(tmp_path / "run", copies)
    assert [sweeps.all_bytes(path) for path in copies] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "run", "two"]


def of_no_sweep(one: Path, two: Path) -> str:
    (one / "config.yaml").write_text((one / "config.yaml").read_text().replace("shard: 1/2\n", ""))
    return f"{one}: is no part of a sweep, for its config.yaml has no shard"


def of_another_sweep(one: Path, two: Path) -> str:
    (two / "config.yaml").write_text((two / "config.yaml").read_text().replace("0.003", "0.002"))
    return f"{two}: is no part of the same sweep as {one}: learning_rate: 0.003 -> 0.002"


def of_another_division(one: Path, two: Path) -> str:
    (two / "config.yaml").write_text((two / "config.yaml").read_text().replace("2/2", "2/3"))
    return f"{two}: is no part of the same sweep as {one}: parts: 2 -> 3"


def twice(one: Path, two: Path) -> str:
    shutil.rmtree(two)
    shutil.copytree(one, two)
    first = RunDirectory.read(one).trials[0].id
    return f"{two}: trial {first} stands in {one} too (shard 1/2); give each part once"


def of_other_recipes(one: Path, two: Path) -> str:
    for path in (one, two):
        (path / "config.yaml").write_text((path / "config.yaml").read_text().replace("0.003", "0.002"))
    return f"{one}: the same configuration stood for other trials when this run was started, such as "


def at_work(one: Path, two: Path) -> str:
    at_work.run = RunDirectory.reopen(two)  # type: ignore[attr-defined]
    return f"{two}: another process is working on this run; wait for it or stop it"


def of_other_data(one: Path, two: Path) -> str:
    run = RunDirectory.read(two)
    store = CheckpointStore(run.cohort_path(run.cohorts[0]))
    owner, arrays = store.owner(), store.arrays()
    shutil.rmtree(store.path)
    store.save(sweeps.EVALUATED[-1], arrays, dataclasses.replace(owner, dataset_digest="0123"))
    was = f"digest 0123, not {owner.dataset_digest}; train that part again on the same data"
    return f"{two}: was trained on another state of data set bach than {one}: {was}"


def no_run(one: Path, two: Path) -> str:
    (two / "trials.csv").unlink()
    return f"{two}: is no run directory, for it has no trials.csv"


@pytest.mark.parametrize(
    "spoil",
    [of_no_sweep, of_another_sweep, of_another_division, twice, of_other_recipes, at_work, of_other_data, no_run],
)
def test_what_does_not_belong_together_is_refused_in_one_line(
    spoil: Callable[[Path, Path], str], copies: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = spoil(*copies)
    before = [sweeps.all_bytes(path) for path in copies]
    assert vaemusic(["merge", str(tmp_path / "run"), *map(str, copies)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    assert [sweeps.all_bytes(path) for path in copies] == before


def test_a_folder_that_holds_something_is_left_alone(shards: list[Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(UserError, match=r"holds something already; merge into a new folder"):
            merge(out, shards)
    assert sweeps.all_bytes(tmp_path) == {"thesis.txt": b"mine"}
    (tmp_path / "empty").mkdir()
    assert merge(tmp_path / "empty", shards).path == tmp_path / "empty"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyboardInterrupt("stop"), "^stop$"),
        (
            OSError(errno.ENOSPC, "No space left on device", "there"),
            "run: cannot be written: no space left on device",
        ),
    ],
)
def test_a_merge_that_does_not_end_leaves_nothing_behind(
    error: BaseException, words: str, shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(merging.shutil, "copy2", fail)
    with pytest.raises((UserError, KeyboardInterrupt), match=words):
        merge(tmp_path / "run", shards)
    assert list(tmp_path.iterdir()) == []


def test_a_merge_that_was_killed_leaves_no_run_and_is_done_again(
    shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = tmp_path / ".run.merging"
    shutil.copytree(shards[0], killed)
    with RunDirectory.reopen(killed), pytest.raises(UserError, match="run: another process is merging into it"):
        merge(tmp_path / "run", shards)
    assert vaemusic(["merge", str(tmp_path / "run"), *map(str, shards)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert capsys.readouterr().out.splitlines()[0] == f"{tmp_path / 'run'}: 3 of 5 trials, trained in 2 shards."


def test_one_cohort_was_cut_in_two(folder: Path) -> None:
    """Else the laws above would not say that padding does not matter."""
    sizes = [[len(c.trials) for c in RunDirectory.read(folder / name).cohorts] for name in ("whole", "one", "two")]
    assert sizes == [[2, 3], [2, 1], [2]]
