"""The log of a run tells what happened, line by line, and never ends a run."""

import datetime
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest

from tests.helpers import sweeps
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support import event_log
from vaemusic_jax.support.event_log import event, logging_to, timed, warn
from vaemusic_jax.training.cohort import Ensemble

logger = logging.getLogger("vaemusic_jax.of_this_test")


def lines(path: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def names(path: Path) -> list[str]:
    return [line["event"] for line in lines(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def test_an_event_is_a_line_with_time_level_name_and_fields(path: Path) -> None:
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    with logging_to(path):
        event(logger, "measured", cohort="abc", step=3, value=0.25, nothing=float("nan"), words=["a\nb", "é"])
    first, last = lines(path)
    assert before <= datetime.datetime.fromisoformat(first.pop("time")) <= datetime.datetime.now(datetime.UTC)
    fields = {"cohort": "abc", "step": 3, "value": 0.25, "nothing": None, "words": ["a\nb", "é"]}
    assert first == {"level": "info", "event": "measured"} | fields
    assert (last["level"], last["event"]) == ("info", "finished")
    assert 0 <= last["seconds"] < 60


def test_what_is_timed_is_reported_once_it_has_ended_well(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_to(path):
        times = iter([10.0, 12.5, 20.0])
        with monkeypatch.context() as patch:
            patch.setattr(event_log.time, "monotonic", lambda: next(times))
            with timed(logger, "saved", step=1) as found:
                found["more"] = 2
            with pytest.raises(ZeroDivisionError), timed(logger, "saved", step=2):
                raise ZeroDivisionError
    first, last = lines(path)
    assert {name: first[name] for name in ("event", "step", "seconds", "more")} == {
        "event": "saved",
        "step": 1,
        "seconds": 2.5,
        "more": 2,
    }
    assert last["event"] == "finished"


@pytest.mark.parametrize(
    ("error", "level", "name", "message"),
    [
        (UserError("x: is no number"), "error", "error", "x: is no number"),
        (KeyboardInterrupt("saved at step 7"), "warning", "interrupted", "saved at step 7"),
        (ZeroDivisionError("oh"), "critical", "failed", "ZeroDivisionError: oh"),
    ],
)
def test_what_ended_a_run_is_logged_and_passed_on(
    path: Path, error: BaseException, level: str, name: str, message: str
) -> None:
    with pytest.raises(type(error), match=str(error)), logging_to(path):
        raise error
    (line,) = lines(path)
    assert (line["level"], line["event"], line["message"]) == (level, name, message)
    assert ("Traceback" in line.get("traceback", "")) == (name == "failed")


def test_a_run_that_goes_on_is_appended_and_a_torn_line_spoils_no_other(path: Path) -> None:
    with logging_to(path):
        event(logger, "first")
    before = path.read_text()
    path.write_text(before + '{"time": "2026-')
    with logging_to(path):
        event(logger, "second")
    assert path.read_text().startswith(before)
    torn = path.read_text().splitlines()
    assert torn.pop(2) == '{"time": "2026-'
    assert [json.loads(line)["event"] for line in torn] == ["first", "finished", "second", "finished"]


def test_without_a_file_nothing_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = logging.getLogger("vaemusic_jax")
    monkeypatch.setattr(
        ours, "handlers", [handler for handler in ours.handlers if type(handler) is logging.NullHandler]
    )
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler()])  # as libraries install one
    with logging_to(None):
        event(logger, "unheard", logging.WARNING)
    with logging_to(tmp_path / "run.jsonl"):
        pass
    event(logger, "too late", logging.WARNING)
    assert capsys.readouterr() == ("", "")
    assert names(tmp_path / "run.jsonl") == ["finished"]
    assert not logger.isEnabledFor(logging.INFO)


def test_a_warning_is_shown_and_logged(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(path):
        warn(logger, "two trials wait")
    assert capsys.readouterr().err == "two trials wait\n"
    assert [lines(path)[0][name] for name in ("level", "event", "message")] == ["warning", "warning", "two trials wait"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_full_disk_ends_the_log_but_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(Path("/dev/full")):
        event(logger, "first")
        event(logger, "second")
    assert capsys.readouterr().err == (
        "/dev/full: cannot be written: [Errno 28] No space left on device; no more is logged\n"
    )


@pytest.mark.parametrize("command", [["sweep", "absent.yaml"], ["evaluate", "absent"]])
def test_a_file_that_cannot_be_written_is_refused_before_anything_else(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for name, message in {
        "no/such/folder.jsonl": "{}: cannot be written: no such file or directory; choose another place",
        "": "{}: cannot be written: is a directory; choose another place",
        "thesis.txt": "--log-file: {} holds something that is no log; choose another file",
    }.items():
        path = tmp_path / name
        assert vaemusic([*command, "--log-file", str(path)]) == 2
        assert capsys.readouterr().err == f"error: {message.format(path)}\n"
    assert sweeps.all_bytes(tmp_path) == {"thesis.txt": b"mine"}


def test_a_mistake_of_the_users_is_logged(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vaemusic(["sweep", "absent.yaml", "--log-file", str(path)]) == 2
    assert f"error: {lines(path)[0]['message']}\n" == capsys.readouterr().err


Steps = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def trained(small_irish_folk: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """What is logged while a sweep runs; it may be interrupted at its second validation."""
    sweeps.use_data(monkeypatch, small_irish_folk)
    sweeps.share_programs(monkeypatch)

    def train(path: Path, interrupted: bool = False) -> list[dict[str, Any]]:
        with monkeypatch.context() as patch:
            if interrupted:
                scores = iter([Ensemble.score, lambda *args: (_ for _ in ()).throw(KeyboardInterrupt)])
                patch.setattr(Ensemble, "score", lambda *args: next(scores)(*args))
            with logging_to(path):
                sweeps.run(sweeps.one_cohort_of(tmp_path / "run"))
        return lines(path)

    return train


def test_a_sweep_is_logged_from_start_to_end(trained: Steps, path: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(path, interrupted=True)
    n_before = len(lines(path))
    found = trained(path)
    run = RunDirectory.read(tmp_path / "run")
    (cohort,) = run.cohorts
    begun = ["run_started", "cohort_started", "cohort_compiled"]
    window = ["validated", "checkpoint_saved"]
    assert names(path)[:n_before] == [*begun, *window, "interrupted"]
    assert names(path)[n_before:] == [*begun, *window, *window, "trial_diverged", "cohort_finished", "finished"]
    assert {line.get("cohort", cohort.id) for line in found} == {cohort.id}
    by_event = {line["event"]: line for line in found}

    start = by_event["run_started"]
    assert (start["command"], start["run"]) == ("sweep", str(tmp_path / "run"))
    assert start["versions"]["jax"] == jax.__version__
    assert start["devices"] == [jax.devices()[0].device_kind] * 4
    assert start["config"]["learning_rate"] == [0.003]
    assert start["cohorts"] == {cohort.id: [trial.id for trial in run.trials]}
    assert [line["from_step"] for line in found if line["event"] == "cohort_started"] == [0, 24]

    curves = run.curves
    validated = [line for line in found if line["event"] == "validated"]
    assert [line["step"] for line in validated] == list(sweeps.EVALUATED)
    for line in validated:
        here = curves[curves["step"] == line["step"]]
        accuracy = here[(here["split"] == "validation") & (here["metric"] == "reconstruction_accuracy")]
        assert line["best_accuracy"] == accuracy["value"].max()
        assert line["training_seconds"] == pytest.approx(here.loc[here["metric"] == "seconds", "value"].sum())
        assert line["seconds"] > 0

    diverged = by_event["trial_diverged"]
    assert (diverged["level"], diverged["trial"]) == ("warning", run.trials[2].id)
    assert diverged["why"] == run.status()[run.trials[2].id]
    assert diverged["why"].endswith(f"at step {diverged['step']}")


def test_an_evaluation_is_logged(finished_run: Path, path: Path, tmp_path: Path) -> None:
    run = RunDirectory.read(finished_run)
    assert vaemusic(["evaluate", str(finished_run), "--log-file", str(path)]) == 0
    assert names(path) == ["run_started", "finished"]  # all of it had been computed before
    assert lines(path)[0]["command"] == "evaluate"
    assert lines(path)[0]["unfinished"] == len(run.unfinished()) == 0
