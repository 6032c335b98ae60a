"""A signal lets what is in progress come to a good end, and a second one does not."""

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import sweeps
from vaemusic_jax import cli
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.interruption import GOES_ON, SIGNALS, interruptible, noticing
from vaemusic_jax.training.cohort import Ensemble


@pytest.fixture(autouse=True)
def terminable() -> Iterator[None]:
    """SIGTERM raises here, rather than end the tests."""

    def terminate(*args: Any) -> None:
        raise SystemExit("terminated")

    before = signal.signal(signal.SIGTERM, terminate)
    yield
    signal.signal(signal.SIGTERM, before)


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_does_as_ever(number: int) -> None:
    before = handlers()
    with noticing() as came:
        assert came() is None
        os.kill(os.getpid(), number)
        assert came() == number
        assert handlers() == before
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            os.kill(os.getpid(), number)
    assert handlers() == before


def test_afterwards_signals_do_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    before = handlers()
    with noticing():
        assert handlers() != before
    assert handlers() == before
    with pytest.raises(ZeroDivisionError), noticing():
        raise ZeroDivisionError
    assert handlers() == before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noticing() as came:
            os.kill(os.getpid(), signal.SIGINT)
            assert came() is None
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone() -> None:
    before, seen = handlers(), []

    def look() -> None:
        with noticing() as came:
            seen.extend([handlers(), came()])

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before, None]


def test_waiting_in_c_can_be_interrupted() -> None:
    assert interruptible(lambda a, b: a - b, 5, 3) == 2
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)
    ended: list[bool] = []

    def compute() -> None:
        try:
            hashlib.pbkdf2_hmac("sha256", b"", b"", 6_000_000)  # seconds in C
        finally:
            ended.append(True)

    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(compute)
    assert not ended


def signal_in(name: str, nth: int, number: int, patch: pytest.MonkeyPatch) -> None:
    """Sends this process a signal from within the nth call of a method of ensembles."""
    method, calls = getattr(Ensemble, name), itertools.count(1)

    def signalling(*args: Any) -> Any:
        if next(calls) == nth:
            os.kill(os.getpid(), number)
        return method(*args)

    patch.setattr(Ensemble, name, signalling)


def test_a_sweep_that_is_stopped_saves_says_so_and_goes_on_from_there(
    finished_run: Path,
    tmp_path: Path,
    small_irish_folk: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the middle of a window, while validating, and at the very end of a cohort."""
    sweeps.use_data(monkeypatch, small_irish_folk)
    sweeps.share_programs(monkeypatch)
    (tmp_path / "config.yaml").write_text(sweeps.config_of(tmp_path / "run").to_yaml())
    command = ["sweep", str(tmp_path / "config.yaml")]
    one, other = RunDirectory.read(finished_run).cohorts

    def stopped(cohort: Cohort, name: str, nth: int, number: int) -> int | None:
        with pytest.MonkeyPatch.context() as patch:
            signal_in(name, nth, number, patch)
            assert cli.run(command) == 128 + number
        step = CheckpointStore(tmp_path / "run" / "cohorts" / cohort.id).latest_step()
        which = (
            "measure_vae x 3 on irish_folk (1 of 2)" if cohort is one else "adversarial_vae x 2 on irish_folk (2 of 2)"
        )
        assert capsys.readouterr().err.splitlines()[-1] == (
            f"interrupted: {which} is saved at step {step} of 60; the same command goes on from there"
        )
        return step

    first = stopped(one, "run", 3, signal.SIGINT)
    assert first
    assert 2 < first < 24
    curves = RunDirectory.read(tmp_path / "run").curves
    assert set(curves["step"]) == {first}
    assert set(curves["metric"]) == {"seconds"}
    assert stopped(one, "score", 1, signal.SIGTERM) == 24
    assert stopped(one, "score", 2, signal.SIGINT) == 60
    assert "running" in RunDirectory.read(tmp_path / "run").status().values()
    second = stopped(other, "run", 2, signal.SIGINT)
    sweeps.run(sweeps.config_of(tmp_path / "run"))
    sweeps.assert_same_run(tmp_path / "run", finished_run)
    timed = RunDirectory.read(tmp_path / "run").curves.query("metric == 'seconds' and trial == @other.trials[0].id")
    assert timed["step"].tolist() == [second, 24, 48, 60]


INTERRUPTED = """
import gc, os, signal, sys, time
from vaemusic_jax import cli
{inside}
def send():
    os.kill(os.getpid(), signal.{name})
def work():
    {work}
    for _ in range(500):
        time.sleep(0.01)
cli.parse = lambda args: work
cli.main()
"""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)
@pytest.mark.parametrize(
    ("inside", "work"),
    [
        ("", "send()"),
        ("def callback(phase, info):\n    send()", "gc.callbacks.append(callback); gc.collect(); gc.callbacks.pop()"),
        ("class Last:\n    def __del__(self):\n        send()\n", "Last()"),
        ("", "import sends_a_signal"),
    ],
    ids=["work", "garbage", "deletion", "import"],
)
def test_a_signal_is_one_line_wherever_the_program_is(inside: str, work: str, number: int, tmp_path: Path) -> None:
    """Also where Python drops exceptions, and in imports, which turn them into errors of their own."""
    name = signal.Signals(number).name
    sending = f"import os, signal\ntry:\n    os.kill(os.getpid(), signal.{name})\n"
    sending += "except BaseException:\n    raise ImportError"
    (tmp_path / "sends_a_signal.py").write_text(sending)
    program = INTERRUPTED.format(inside=inside, name=name, work=work)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr.strip()) == (128 + number, GOES_ON)
