"""Two processes that train a sweep as one program end as one process alone does, and fail together."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chex
import jax
import numpy as np
import pandas as pd
import pytest

from tests.helpers import sweeps
from vaemusic_jax import cli
from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support import processes
from vaemusic_jax.training import loop
from vaemusic_jax.training.devices import MemberAxis, own_rows

SECONDS = 240  # that two processes may take on a busy machine
DEVICES = (1, 2)  # of each process: the two members are on different hosts, and a copy fills up the third device


@pytest.fixture(autouse=True)
def small_data(monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset) -> None:
    sweeps.use_data(monkeypatch, small_irish_folk)
    sweeps.share_programs(monkeypatch)


def config_of(directory: Path, **fields: object) -> SweepConfig:
    """The trials of `sweeps.config_of` that need the shortest to compile."""
    small = {"attributes": "all", "latent_dim": 4}
    grids = [small, {"attributes": "note_density+rhythmic_complexity", "latent_dim": 8}]
    return sweeps.config_of(directory, model="adversarial_vae", grids=grids, **fields)


class Ended:
    """What a process left."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.out, self.err = process.communicate(timeout=SECONDS)
        self.status = process.returncode


def by_variables(port: int, index: int) -> dict[str, str]:
    return {processes.ADDRESS: f"127.0.0.1:{port}", processes.COUNT: "2", processes.INDEX: str(index)}


def by_slurm(port: int, index: int) -> dict[str, str]:
    """What Slurm tells the tasks of a job step."""
    step = {"JOB_ID": "7", "STEP_NODELIST": "localhost", "NTASKS": "2", "PROCID": str(index), "LOCALID": str(index)}
    return {f"SLURM_{name}": value for name, value in step.items()} | {"JAX_COORDINATOR_PORT": str(port)}


def run_both(config: SweepConfig, tmp_path: Path, *accidents: str, told: Any = by_variables) -> tuple[Ended, Ended]:
    """`vaemusic sweep --distributed` twice, as two processes of one run."""
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml())
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    started = []
    for index, (accident, n_devices) in enumerate(zip(accidents, DEVICES, strict=True)):
        variables = told(port, index) | {
            "JAX_NUM_CPU_DEVICES": str(n_devices),
            "JAX_PLATFORMS": "cpu",
        }
        command = [sys.executable, "-m", "tests.helpers.one_of_several", accident, "sweep", str(path), "--distributed"]
        started.append(
            subprocess.Popen(
                command,
                cwd=Path(__file__).parents[2],
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        return Ended(started[0]), Ended(started[1])
    finally:
        for process in started:
            process.kill()


def assert_same_trials(path: Path, finished_run: Path) -> None:
    """Bit for bit: weights and all else in the checkpoints, and curves."""
    ours, theirs = RunDirectory.read(path), RunDirectory.read(finished_run)
    (cohort,) = ours.cohorts
    assert set(ours.status().values()) == {"done"}
    curves = theirs.curves[theirs.curves["trial"].isin(ours.status())]
    pd.testing.assert_frame_equal(sweeps.untimed(ours.curves), sweeps.untimed(curves), check_exact=True)
    mine, yours = (CheckpointStore(run.cohort_path(cohort)) for run in (ours, theirs))
    assert mine.latest_step() == yours.latest_step() == sweeps.EVALUATED[-1]
    chex.assert_trees_all_equal(mine.arrays(), yours.arrays())


@pytest.mark.slow
def test_what_one_began_two_go_on_with_and_one_ends(finished_run: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:
        sweeps.raise_at(1, patch, CheckpointStore, "save", after=True)
        with pytest.raises(KeyboardInterrupt):
            sweeps.run(config)
    first, second = run_both(config, tmp_path, "none", "none")
    assert (first.status, second.status) == (0, 0), first.err + second.err
    assert "from step 24" in first.err
    assert "Gloo" not in first.err + first.out  # nothing went from device to device
    assert (second.out, second.err) == ("", "")
    assert_same_trials(tmp_path / "run", finished_run)
    assert_same_results(tmp_path / "run", finished_run)

    (store,) = sweeps.checkpoints(tmp_path / "run")
    shutil.rmtree(store.path / "60")
    sweeps.run(config)  # anew, since a finished cohort keeps its last checkpoint alone
    assert_same_trials(tmp_path / "run", finished_run)


def assert_same_results(path: Path, finished_run: Path) -> None:
    ours, theirs = RunDirectory.read(path).results, RunDirectory.read(finished_run).results
    assert ours is not None
    assert theirs is not None
    timed = "training_efficiency.seconds"
    same = theirs[theirs["trial"].isin(ours["trial"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours.drop(columns=timed), same.drop(columns=timed), rtol=1e-4)


def test_when_the_first_is_killed_the_others_end_and_its_checkpoints_are_whole(tmp_path: Path) -> None:
    first, second = run_both(config_of(tmp_path / "run"), tmp_path, "killed_after_two_checkpoints", "without_training")
    assert first.status == -signal.SIGKILL
    assert second.status != 0
    assert "another task died" in second.err  # in JAX's words
    assert set(RunDirectory.read(tmp_path / "run").status().values()) == {"running"}
    (store,) = sweeps.checkpoints(tmp_path / "run")
    assert store.latest_step() == 48
    assert {len(leaf) for leaf in jax.tree.leaves(store.arrays())} == {2}


def test_a_signal_to_one_stops_all_at_the_same_step(tmp_path: Path) -> None:
    ended = run_both(config_of(tmp_path / "run"), tmp_path, "without_training", "terminated_in_the_third_call")
    for process in ended:
        assert process.status == 128 + signal.SIGTERM, process.err
        assert "is saved at step 7 of 60; the same command goes on from there" in process.err.splitlines()[-1]
    (store,) = sweeps.checkpoints(tmp_path / "run")
    assert store.latest_step() == 7
    assert {len(leaf) for leaf in jax.tree.leaves(store.arrays())} == {2}


def assert_refused(processes: tuple[Ended, Ended], *lines: str) -> None:
    for process, line in zip(processes, lines, strict=True):
        assert process.status == 2, process.err
        *before, last = process.err.splitlines()
        assert last.startswith(line)
        assert not any("error" in words for words in before)


def test_what_the_first_refuses_all_refuse(finished_run: Path, tmp_path: Path) -> None:
    before = sweeps.all_bytes(finished_run)
    ended = run_both(sweeps.config_of(finished_run, steps=61), tmp_path, "none", "none", told=by_slurm)
    line = (
        f"{finished_run}: holds a run that differs in steps: 60 -> 61; the learning rate's schedule is over all steps"
    )
    assert_refused(ended, f"error: {line}", f"error: process 0: {line}")
    assert sweeps.all_bytes(finished_run) == before


def test_what_another_fails_in_ends_all(tmp_path: Path) -> None:
    ended = run_both(config_of(tmp_path / "run"), tmp_path, "without_training", "disk_full")
    line = "here: cannot be written: no space left on device"
    assert_refused(ended, f"error: process 1: {line}", f"error: {line}")


def of_two(monkeypatch: pytest.MonkeyPatch, other: Callable[[], Any], index: int = 0) -> None:
    """Has this process take itself for one of two, the other of which says what a function says that is called now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes.PROCESSES, "is_first", lambda: index == 1)
        heard: list[bytes] = []

        def hear(said: bytes) -> list[bytes]:
            heard.append(said)
            return [said, said]

        patch.setattr(processes.PROCESSES, "_exchange", hear)
        other()
    monkeypatch.setattr(processes.PROCESSES, "is_first", lambda: index == 0)
    monkeypatch.setattr(processes.PROCESSES, "_exchange", lambda said: [said, *heard] if index == 0 else [*heard, said])


def test_rows_of_processes_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    of_two(monkeypatch, lambda: processes.PROCESSES.gather([np.arange(3, 5), np.zeros((3, 2), np.float32)]))
    first, second = processes.PROCESSES.gather([np.arange(3), np.ones((1, 2), np.float32)])
    np.testing.assert_array_equal(first, np.arange(5))
    np.testing.assert_array_equal(second, [[1, 1], [0, 0], [0, 0], [0, 0]])
    assert second.dtype == np.float32


def test_the_first_decides_and_the_slowest_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    of_two(monkeypatch, lambda: processes.PROCESSES.from_first(lambda: {"step": 48}), index=1)
    assert processes.PROCESSES.from_first(lambda: {"step": 24}) == {"step": 48}
    of_two(monkeypatch, lambda: processes.PROCESSES.largest(0.1))
    assert processes.PROCESSES.largest(1 / 3) == 1 / 3
    assert processes.PROCESSES.largest(0.01) == 0.1


def test_what_differs_between_processes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    of_two(monkeypatch, lambda: processes.PROCESSES.check_same({"jax": "1", "data set bach": "cd"}))
    processes.PROCESSES.check_same({"data set bach": "cd", "jax": "1"})
    for facts, words in (
        ({"data set bach": "ab", "jax": "1"}, "data set bach: process 0 has ab, process 1 has cd; all need the same"),
        ({"jax": "1"}, "data set bach: process 0 has none, process 1 has cd"),
    ):
        with pytest.raises(UserError, match=words):
            processes.PROCESSES.check_same(facts)


def test_configurations_and_data_are_compared_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset, tmp_path: Path
) -> None:
    compared: list[dict[str, str]] = []

    def refuse(facts: dict[str, str]) -> None:
        compared.append(facts)
        raise UserError("they differ")

    monkeypatch.setattr(processes.PROCESSES, "check_same", refuse)
    for config in (config_of(tmp_path / "a"), config_of(tmp_path / "b"), config_of(tmp_path / "a", eval_every=30)):
        with pytest.raises(UserError, match="they differ"):
            sweeps.run(config)
    assert list(tmp_path.iterdir()) == []
    first, elsewhere, other = compared
    assert first == elsewhere  # a disk may be mounted under another name
    assert first["configuration"] != other["configuration"]
    assert first["data set irish_folk"] == small_irish_folk.digest
    assert first["--members-per-device"] == "None"
    assert first["jax"] == jax.__version__


class Service:
    """JAX's coordination service; the other process has said `others`."""

    def __init__(self, others: dict[str, bytes]) -> None:
        self.kept = dict(others)

    def key_value_set_bytes(self, key: str, value: bytes) -> None:
        self.kept[key] = value

    def key_value_delete(self, key: str) -> None:
        del self.kept[key]

    def blocking_key_value_get_bytes(self, key: str, milliseconds: int) -> bytes:
        if key not in self.kept:
            raise jax.errors.JaxRuntimeError("DEADLINE_EXCEEDED: GetKeyValue() timed out")
        return self.kept[key]

    def key_value_dir_get(self, folder: str) -> list[tuple[str, str]]:
        return [(key, value.decode()) for key, value in self.kept.items() if key.startswith(folder)]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """That of two processes, the second of which has come three times to where they exchange; this is the first."""
    found = Service({f"vaemusic/{turn}/1": b"other %d" % turn for turn in range(3)})
    monkeypatch.setattr(processes.distributed.global_state, "client", found)
    monkeypatch.setattr(processes.PROCESSES, "_turns", itertools.count())
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    return found


def test_everyone_hears_everyone_and_what_all_have_heard_is_forgotten(service: Service) -> None:
    heard = [processes.PROCESSES._exchange(b"own %d" % turn) for turn in range(3)]
    assert heard == [[b"own 0", b"other 0"], [b"own 1", b"other 1"], [b"own 2", b"other 2"]]
    assert [key for key in service.kept if key.endswith("/0")] == ["vaemusic/2/0"]


def test_who_fails_or_says_nothing_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        processes.PROCESSES.wait_for_all()
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(UserError, match="process 1: has said nothing for 0 seconds"):
        processes.PROCESSES.wait_for_all()
    service.kept[processes.ENDED + "1"] = b"the disk is full"
    with pytest.raises(UserError, match="process 1: the disk is full"):
        processes.PROCESSES.wait_for_all()


def test_devices_are_in_the_order_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On TPUs their numbers are not."""
    devices = [SimpleNamespace(process_index=process, id=number) for number, process in enumerate([0, 1, 0, 1])]
    monkeypatch.setattr(jax, "devices", lambda: devices)
    assert [device.id for device in processes.PROCESSES.all_devices()] == [0, 2, 1, 3]


def test_every_process_takes_part_however_few_the_members() -> None:
    devices: Any = [SimpleNamespace(process_index=process, platform="cpu") for process in (0, 0, 1, 1)]
    axis = MemberAxis(1, devices)
    assert axis.spans_processes
    assert axis.devices == devices
    assert axis.n_rows == 4
    alone = MemberAxis(1, devices[:2])
    assert not alone.spans_processes
    assert alone.devices == devices[:1]


def test_the_rows_of_a_process_are_in_the_order_of_the_members() -> None:
    rows = np.arange(16).reshape(8, 2)
    np.testing.assert_array_equal(own_rows(MemberAxis(8).put(rows)), rows)


def test_all_make_the_calls_of_the_slowest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.PROCESSES, "largest", lambda seconds: 0.2)
    calls: list[int] = []
    state: Any = SimpleNamespace(train=SimpleNamespace(step=np.zeros(1)))

    def run(state: Any, n_steps: int) -> Any:
        calls.append(n_steps)
        return state

    ensemble: Any = SimpleNamespace(run=run)
    loop.run_window(ensemble, state, 20, lambda n=1, note="": None, lambda: None)
    assert calls == [1, 2, 4, 5, 5, 3]  # of a second


def test_what_is_wrong_with_the_environment_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(config_of(tmp_path / "run").to_yaml())
    monkeypatch.setattr("jax._src.xla_bridge.backends_are_initialized", lambda: False)
    monkeypatch.setattr(processes, "JOIN_SECONDS", 0)

    def refusal(variables: dict[str, str]) -> str:
        for name in (processes.ADDRESS, processes.COUNT, processes.INDEX, "SLURM_JOB_ID", "OMPI_MCA_orte_hnp_uri"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert cli.run(["sweep", str(tmp_path / "config.yaml"), "--distributed"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        for variables, words in (
            ({}, "--distributed: coordinator_address should be defined. Start it by srun, by mpirun"),
            ({processes.COUNT: "two"}, "JAX_NUM_PROCESSES: is 'two'; it must be a whole number"),
            ({processes.ADDRESS: "localhost"}, "JAX_COORDINATOR_ADDRESS: is 'localhost'; it must be host:port"),
            (
                {processes.ADDRESS: f"[::1]:{port}", processes.INDEX: "0"},
                f"port {port} cannot be used here: Address already",
            ),
        ):
            assert words in refusal(variables)
    unreachable = {processes.ADDRESS: f"127.0.0.1:{port}", processes.INDEX: "1"}
    assert f"the first process cannot be reached at 127.0.0.1:{port}: " in refusal(unreachable)
    assert not (tmp_path / "run").exists()
