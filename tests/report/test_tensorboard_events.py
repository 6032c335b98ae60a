"""TensorBoard shows the curves as they are, under names that tell trials apart."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers import sweeps
from tests.helpers.evaluated_runs import STEPS, config_of, write_run
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.config.sweep import trials
from vaemusic_jax.report.tensorboard_events import trial_names
from vaemusic_jax.runs.curves import CURVE_COLUMNS
from vaemusic_jax.runs.directory import RunDirectory

Read = Callable[[Path], Any]
SECONDS = (2.5, 3.0, 4.0)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Three trials; the last has no curves, the one before has a value that is not finite."""
    config = config_of(model="measure_vae", latent_dim=[4, 8, 16], attributes="all", seed=0)
    path = write_run(tmp_path / "run", config, evaluated=False)
    with RunDirectory.reopen(path) as run:
        run.truncate_curves([run.trials[2].id], 0)
        ids = [trial.id for trial in run.trials[:2]]
        rows: list[Any] = [
            (trial, step, "train", "seconds", taken)
            for trial in ids
            for step, taken in zip(STEPS, SECONDS, strict=True)
        ]
        rows.append((ids[1], STEPS[-1], "validation", "loss", float("nan")))
        run.append_curves(pd.DataFrame(rows, columns=list(CURVE_COLUMNS)))
    return run


@pytest.fixture
def read_back() -> Read:
    """TensorBoard's own reader, of everything in a folder; skips where TensorBoard is not installed."""
    module = "tensorboard.backend.event_processing.event_accumulator"
    reader = pytest.importorskip(module, reason="TensorBoard is an optional extra")
    return lambda folder: reader.EventAccumulator(str(folder)).Reload()


def test_events_are_the_curves(read_back: Read, run: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    out = run.path / "tensorboard"
    names = trial_names(run.trials)
    for _ in range(2):  # the second time replaces what the first one wrote
        assert vaemusic(["tensorboard", str(run.path)]) == 0
        assert capsys.readouterr().out == f"2 trials; show them with `tensorboard --logdir {out}`\n"
        assert sorted(path.name for path in out.iterdir()) == sorted(names[trial.id] for trial in run.trials[:2])
        for trial in run.trials[:2]:
            events, curves = read_back(out / names[trial.id]), run.curves
            found = {
                (tag, event.step): event.value for tag in events.Tags()["scalars"] for event in events.Scalars(tag)
            }
            expected = {
                (f"{row['split']}/{row['metric']}", row["step"]): np.float32(row["value"])
                for row in curves[curves["trial"] == trial.id].to_dict("records")
            }
            assert found.keys() == expected.keys()
            np.testing.assert_equal([found[key] for key in expected], list(expected.values()))


def test_times_are_those_of_training(read_back: Read, run: RunDirectory) -> None:
    assert vaemusic(["tensorboard", str(run.path)]) == 0
    events = read_back(run.path / "tensorboard" / trial_names(run.trials)[run.trials[0].id]).Scalars("validation/loss")
    begun = (run.path / "config.yaml").stat().st_mtime
    assert [event.wall_time - begun for event in events] == pytest.approx([2.5, 5.5, 9.5], abs=1e-3)


def test_hyper_parameters_are_told(read_back: Read, run: RunDirectory) -> None:
    plugin_data = pytest.importorskip("tensorboard.plugins.hparams.metadata")
    assert vaemusic(["tensorboard", str(run.path)]) == 0
    trial = run.trials[1]
    from_folder = read_back(run.path / "tensorboard" / trial_names(run.trials)[trial.id])
    content = from_folder.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hparams = plugin_data.parse_session_start_info_plugin_data(content).hparams
    assert hparams["latent_dim"].number_value == 8
    assert hparams["attributes"].string_value == "all"
    assert set(hparams) == set(trial.row())


def test_other_files_in_the_folder_stay(read_back: Read, run: RunDirectory, tmp_path: Path) -> None:
    out = tmp_path / "events"
    mine = out / trial_names(run.trials)[run.trials[0].id] / "events.out.tfevents.123.mine"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    before = sweeps.all_bytes(run.path)
    for _ in range(2):
        assert vaemusic(["tensorboard", str(run.path), "--out", str(out)]) == 0
    assert mine.read_text() == "mine"
    assert len(list(mine.parent.iterdir())) == 2
    assert sweeps.all_bytes(run.path) == before


def test_names_tell_what_differs_within_a_model() -> None:
    planned = trials(config_of(seed=0))
    names = trial_names(planned)
    assert [names[trial.id] for trial in planned if trial.latent_dim == 4] == [
        f"{trial.model},attributes={trial.row()['attributes']},latent_dim=4,{trial.id}"
        for trial in planned
        if trial.latent_dim == 4
    ]
    assert len(set(names.values())) == len(planned)
    (alone,) = trials(config_of(seed=0, model="measure_vae", latent_dim=4, attributes="all"))
    assert trial_names([alone]) == {alone.id: f"measure_vae,latent_dim=4,{alone.id}"}


def test_without_tensorboard_one_line_says_how_to_install_it(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert vaemusic(["tensorboard", str(run.path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: tensorboard: cannot be imported (")
    assert said.endswith("install it with `python -m pip install 'vaemusic-jax[tensorboard]'`\n")
    assert not (run.path / "tensorboard").exists()


def test_mistakes_are_one_line(
    read_back: Read, run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunDirectory.reopen(run.path) as opened:
        opened.truncate_curves([trial.id for trial in run.trials], 0)
    assert vaemusic(["tensorboard", str(run.path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {run.path}: has no curves yet")
    assert vaemusic(["tensorboard", str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'absent'}: is no run directory")


def test_a_folder_that_cannot_be_made_is_one_line(
    read_back: Read, run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert vaemusic(["tensorboard", str(run.path), "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'file'}: cannot be written: ")
