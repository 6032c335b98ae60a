"""Status tells how far a run is from what is in its directory, and changes nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers import sweeps
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import cohorts
from vaemusic_jax.runs.curves import CURVE_COLUMNS
from vaemusic_jax.runs.directory import RunDirectory

CONFIG: dict[str, Any] = {
    "name": "law",
    "dataset": ["irish_folk", "bach"],
    "model": "measure_vae",
    "attributes": "all",
    "latent_dim": [4, 8, 16],
    "steps": 1000,
    "eval_every": 200,
}
HOUR = 3600


def start(path: Path, **fields: Any) -> RunDirectory:
    config = SweepConfig.model_validate(CONFIG | fields)
    return RunDirectory.open(path, config, trials(config), cohorts(trials(config)))


def validation(run: RunDirectory, step: int, accuracies: list[float], seconds: float) -> None:
    """A validation of the first cohort, `seconds` after the one before."""
    ids = [trial.id for trial in run.cohorts[0].trials]
    rows = [(trial, step, "train", "seconds", seconds / len(ids)) for trial in ids]
    rows += [
        (trial, step, "validation", "reconstruction_accuracy", value)
        for trial, value in zip(ids, accuracies, strict=True)
    ]
    rows += [(trial, step, "train", "reconstruction_accuracy", 0.999) for trial in ids]
    run.append_curves(pd.DataFrame(rows, columns=list(CURVE_COLUMNS)))


@pytest.fixture
def half(tmp_path: Path) -> RunDirectory:
    """400 of 1,000 steps of the first cohort, at 10 steps per second first and at 4 in the end; a member diverged."""
    run = start(tmp_path / "run")
    a, b, c = (trial.id for trial in run.cohorts[0].trials)
    run.set_status([a, b], "running")
    run.set_status([c], "diverged", "loss or gradient not finite at step 250")
    validation(run, 200, [0.5, 0.9, 0.4], seconds=20)
    validation(run, 400, [0.61, 0.62, float("nan")], seconds=50)
    checkpoint = run.cohort_path(run.cohorts[0]) / "checkpoints" / "400"
    checkpoint.mkdir(parents=True)
    os.utime(checkpoint, (checkpoint.stat().st_mtime - 2 * HOUR,) * 2)
    return run


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[RunDirectory], str]:
    """What the command prints on a terminal that is wide enough for all columns."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(run: RunDirectory) -> str:
        before = sweeps.all_bytes(run.path)
        assert vaemusic(["status", str(run.path)]) == 0
        assert sweeps.all_bytes(run.path) == before
        return capsys.readouterr().out

    return call


def test_a_run_in_progress(half: RunDirectory, shown: Callable[[RunDirectory], str]) -> None:
    first, second = half.cohorts
    text = shown(half)
    lines = text.splitlines()
    assert lines[2].split()[:14] == [
        *(first.id, "measure_vae", "irish_folk", "128", "3", "2", "running,", "1", "diverged"),
        *("400/1,000", "0.620", first.trials[1].id, "4", "2:30"),
    ]
    assert re.search(r" 2:0\d:\d\d ago$", lines[2])
    assert lines[3].split() == [second.id, "measure_vae", "bach", "128", "3", "pending", "0/1,000", *["-"] * 5]
    assert f"{half.path}: 1 of 6 trials have finished; a process is at work on it." in text
    assert f"latent 16, trial {first.trials[2].id} diverged: loss or gradient not finite at step 250" in text


def test_an_interrupted_run(half: RunDirectory, shown: Callable[[RunDirectory], str]) -> None:
    half.close()
    text = shown(half)
    assert "2 interrupted, 1 diverged" in text
    assert "running" not in text
    assert "no process is at work on it; the same `vaemusic sweep` command goes on." in text


def test_a_window_that_was_cut_short_has_a_rate_but_no_accuracy_of_its_own(
    half: RunDirectory, shown: Callable[[RunDirectory], str]
) -> None:
    rows = [(trial.id, 500, "train", "seconds", 20 / 3) for trial in half.cohorts[0].trials]
    half.append_curves(pd.DataFrame(rows, columns=list(CURVE_COLUMNS)))
    assert shown(half).splitlines()[2].split()[9:14] == ["500/1,000", "0.620", half.trials[1].id, "5", "1:40"]


def test_trials_that_wait_say_why(half: RunDirectory, shown: Callable[[RunDirectory], str]) -> None:
    half.set_status([trial.id for trial in half.cohorts[1].trials], "waiting", "run `vaemusic data prepare bach`")
    text = shown(half)
    assert text.splitlines()[3].split()[5] == "waiting"
    assert "3 trials wait: run `vaemusic data prepare bach`\n" in text


def test_a_finished_run(half: RunDirectory, shown: Callable[[RunDirectory], str]) -> None:
    for step in (600, 800, 1000):
        validation(half, step, [0.7, 0.8, 0.75], seconds=1)
    half.set_status([trial.id for trial in half.trials], "done")
    half.close()
    text = shown(half)
    assert text.splitlines()[2].split()[5:11] == [
        *("done", "1,000/1,000", "0.800", half.trials[1].id, "200", "0:00"),
    ]
    assert text.splitlines()[4] == f"{half.path}: 6 of 6 trials have finished; no process is at work on it."


def test_a_run_that_has_only_begun(tmp_path: Path, shown: Callable[[RunDirectory], str]) -> None:
    with start(tmp_path / "run", shard="1/2") as run:
        text = shown(run)
    assert text.splitlines()[2].split()[5:] == ["pending", "0/1,000", *["-"] * 5]
    assert "0 of 3 trials of shard 1/2 have finished; a process is at work on it." in text


def test_what_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        assert vaemusic(["status", str(path)]) == 2
        assert capsys.readouterr().err.startswith(f"error: {path}: is no run directory, for it has no config.yaml")


def test_it_needs_no_jax(half: RunDirectory) -> None:
    program = (
        "import sys; from vaemusic_jax.cli import run; assert not run(sys.argv[1:]); assert 'jax' not in sys.modules"
    )
    command = [sys.executable, "-c", program, "status", str(half.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "a process is at work on it" in done.stdout


def test_it_is_as_wide_as_the_terminal_and_says_what_is_left_out(
    half: RunDirectory, shown: Callable[[RunDirectory], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("80", "100"):
        monkeypatch.setenv("COLUMNS", columns)
        lines = shown(half).splitlines()
        table = lines[: 2 + len(half.cohorts)]
        assert max(map(len, table)) <= int(columns)
        assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(table)
        assert half.trials[1].id in table[2]
        assert any(line.startswith("Left out for want of width: saved") for line in lines)


def test_few_trials_are_listed_with_their_ids_and_what_they_differ_in(
    half: RunDirectory, shown: Callable[[RunDirectory], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    header, _, *rows = shown(half).split("\n\n")[1].splitlines()
    assert header.split() == ["trial", "dataset", "latent", "dim", "accuracy", "state"]
    ids = [trial.id for trial in half.trials]
    assert [row.split()[0] for row in rows] == ids
    assert rows[1].split() == [ids[1], "irish_folk", "8", "0.620", "running"]
    assert rows[2].split() == [ids[2], "irish_folk", "16", "-", "diverged"]
    assert rows[3].split() == [ids[3], "bach", "4", "-", "pending"]
    assert max(map(len, rows)) <= 80


def test_many_trials_are_in_a_file(tmp_path: Path, shown: Callable[[RunDirectory], str]) -> None:
    with start(tmp_path / "run", seed=list(range(9))) as run:
        text = shown(run)
    assert f"The ids of all trials: {run.path / 'trials.csv'}." in text
    assert run.trials[0].id not in text
