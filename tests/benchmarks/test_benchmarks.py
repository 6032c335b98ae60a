"""Benchmarks take turns, tell apart who used the machine, and divide rightly. Nothing is timed here."""

import itertools
import json
import sys
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from benchmarks import host_overhead, members, scaling, step_time, timing
from benchmarks.timing import Sample, Spread
from vaemusic_jax.models.program import program_of
from vaemusic_jax.training.estimate import step_operations


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Seconds that pass only when they are told to; 2 cores, of which others use half a core all the time."""
    now, own = [100.0], [0.0]

    def work(seconds: float) -> None:
        now[0] += seconds
        own[0] += seconds

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(timing.time, "process_time", lambda: own[0])
    monkeypatch.setattr(timing, "busy_core_seconds", lambda: own[0] + 0.5 * now[0])
    monkeypatch.setattr(timing.os, "cpu_count", lambda: 2)
    return work


def test_programs_take_turns_in_calls_of_their_own_length(clock) -> None:
    calls = []

    def quick(steps: int) -> None:
        calls.append(("quick", steps))
        clock(0.3 * steps)

    def slow(steps: int) -> None:
        calls.append(("slow", steps))
        clock(8.0 * steps)

    taken = timing.in_turns([quick, slow], rounds=2, seconds=1.0)
    assert calls[:4] == [("quick", 1)] * 2 + [("slow", 1)] * 2  # once to compile, once to see how long it takes
    assert calls[4:] == [("quick", 4), ("slow", 1)] * 2
    for samples, seconds in zip(taken, (0.3, 8.0), strict=True):
        assert [sample.seconds for sample in samples] == pytest.approx([seconds] * 2)
        assert [sample.others for sample in samples] == pytest.approx([0.25] * 2)


@pytest.mark.parametrize(("seconds", "steps"), [(1.0, 100), (0.0, 1)])
def test_a_call_has_a_step_and_no_more_than_an_ensemble_makes(clock, seconds, steps) -> None:
    calls = []

    def run(steps: int) -> None:
        calls.append(steps)
        clock(1e-6 * steps)

    timing.in_turns([run], rounds=1, seconds=seconds)
    assert calls[-1] == steps


def test_the_system_says_how_busy_it_was() -> None:
    before = timing.busy_core_seconds()
    if np.isnan(before):
        pytest.skip("no /proc/stat")
    sum(range(2_000_000))
    assert 0 <= timing.busy_core_seconds() - before < 60


def test_operations_of_a_step_by_hand() -> None:
    """Hidden 2, latent 4, vocabulary 62: multiply-adds of a measure, layer by layer, both passes, batch 3."""
    measure_vae = program_of((members.trial("measure_vae", 2, 4, batch_size=3),), 62)
    encoder = 24 * (2 * 12 + 2 * 24 + 2 * 12) + 2 * (8 * 4 + 4 * 4)
    decoder = 4 * 4 + 4 * (12 + 12 + 12 + 2 * 4 + 2 * 2 + 12) + 24 * (12 + 12 + 12 + 2 * 62)
    assert step_operations(measure_vae) == 2 * 3 * 3 * (encoder + decoder)
    adversarial_vae = program_of((members.trial("adversarial_vae", 2, 4, batch_size=3),), 62)
    encoder = 24 * (12 + 12) + 2 * 4 * 4
    decoder = 4 * 2 + (4 + 4) * 6 + 24 * (12 + 12 + 12 + 2 * 62)
    assert step_operations(adversarial_vae) == 2 * 3 * (4 * encoder + 3 * decoder)


def test_a_cohort_goes_on_from_where_it_is_and_tells_compiling_from_running(clock, monkeypatch) -> None:
    """Its first call takes 10 s longer; a step takes 1 s."""

    def run(ensemble, state, steps):
        assert len(ensemble.members) == 2
        clock(steps + (10.0 if state == 0 else 0.0))
        return state + steps

    monkeypatch.setattr(members.Ensemble, "start", lambda ensemble: 0)
    monkeypatch.setattr(members.Ensemble, "run", run)
    trials = tuple(members.trial("adversarial_vae", 4, 4, batch_size=4, seed=seed) for seed in range(2))
    cohort = members.Cohort(trials, members.random_measures())
    assert cohort.compile() == pytest.approx(10.0)
    cohort.run(3)
    state: Any = cohort.state
    assert state == 5


class FakeCohort:
    """Takes no time, and says of which latent sizes its members are."""

    made: ClassVar[list[tuple[int, ...]]] = []

    def __init__(self, trials, measures) -> None:
        self.program = program_of(trials, members.VOCAB_SIZE)
        self.latent_dims = tuple(trial.latent_dim for trial in trials)
        self.made.append(self.latent_dims)

    def compile(self) -> float:
        return 12.0

    def run(self, steps: int) -> None: ...


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch):
    """Step times by program instead of a clock: those of cohorts by their latent sizes, PyTorch's 1, 2 and 3 s."""
    cohorts: list[tuple[int, ...]] = []
    monkeypatch.setattr(FakeCohort, "made", cohorts)
    for module in (step_time.members, scaling):
        monkeypatch.setattr(module, "Cohort", FakeCohort)
        monkeypatch.setattr(step_time.machine, "prepare", lambda precision: None)
    monkeypatch.setattr(scaling, "keep_programs", lambda: None)
    monkeypatch.setattr(step_time, "matmul_rate", lambda precision: 1e12)
    return cohorts


def test_the_table_of_step_times_divides_by_members_and_by_ours(untimed, monkeypatch, tmp_path, capsys) -> None:
    others = itertools.cycle([0.0, 0.1])

    def in_turns(programs, rounds, seconds):
        assert (len(programs), rounds) == (2, 3)
        ours = [0.5 * len(untimed[-1])] * rounds
        return [[Sample(s, next(others)) for s in side] for side in (ours, [1.0, 2.0, 3.0])]

    class FakeTorch:
        def __init__(self, trial, measures, whole, precision) -> None:
            assert (trial.hidden_size, trial.latent_dim, trial.batch_size, whole) == (8, 4, 16, False)

        def run(self, steps: int) -> None: ...

    side: Any = ModuleType("benchmarks.torch_side")
    side.TorchTraining, side.description, side.torch_matmul_rate = FakeTorch, dict, lambda precision: 2e12
    monkeypatch.setitem(sys.modules, "benchmarks.torch_side", side)
    monkeypatch.setattr(step_time.importlib.util, "find_spec", lambda name: side)
    monkeypatch.setattr(step_time, "in_turns", in_turns)
    arguments = ["--sizes", "8", "4", "--batch-size", "16", "--members", "1", "7", "--rounds", "3", "--json"]
    monkeypatch.setattr(sys, "argv", ["step_time", *arguments, str(tmp_path / "times.json")])
    step_time.main()
    written = json.loads((tmp_path / "times.json").read_text())
    assert (written["xla_matmul_gflops"], written["torch_matmul_gflops"]) == (1000, 2000)
    assert [(row["model"], row["members"]) for row in written["rows"]] == [
        (model, n) for model in ("measure_vae", "adversarial_vae") for n in (1, 7)
    ]
    for row in written["rows"]:
        assert row["ours"] == {"median": 0.5, "least": 0.5, "greatest": 0.5}
        assert row["torch"] == {"median": 2.0, "least": 1.0, "greatest": 3.0}
        assert row["ratio"] == {"median": 4.0, "least": 2.0, "greatest": 6.0}
        assert row["share_of_matmul_rate"] == pytest.approx(row["operations"] / 0.5 / 1e12)
        assert row["others"] == "5%"
    assert "4 (2-6)" in capsys.readouterr().out


def test_without_pytorch_ours_is_timed_alone(untimed, monkeypatch, capsys) -> None:
    monkeypatch.setattr(step_time.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(step_time, "in_turns", lambda programs, rounds, seconds: [[Sample(0.5, 0.0)]] * len(programs))
    monkeypatch.setattr(sys, "argv", ["step_time", "--sizes", "8", "4", "--members", "1", "--models", "measure_vae"])
    step_time.main()
    printed = capsys.readouterr().out
    assert "PyTorch is not installed" in printed
    assert printed.splitlines()[-1].split() == ["1", "12.0", "0.5", "(0.5-0.5)", "-", "-", "0%", "0%"]


def test_scaling_writes_a_table_and_a_figure(untimed, monkeypatch, tmp_path, capsys) -> None:
    """A member of latent size n takes n ms, alone twice as long, a padded one 9 ms."""

    def in_turns(programs, rounds, seconds):
        sizes = untimed[-len(programs) :]
        each = [2 * sum(s) if len(s) == 1 else sum(s) if len(set(s)) == 1 else 9 * len(s) for s in sizes]
        return [[Sample(ms / 1000, 0.0)] * rounds for ms in each]

    monkeypatch.setattr(scaling, "in_turns", in_turns)
    arguments = f"--members 1 3 --latent-dims 4 8 --latent-dim 5 --out {tmp_path}".split()
    monkeypatch.setattr(sys, "argv", ["scaling", *arguments])
    scaling.main()
    table = pd.read_csv(tmp_path / "scaling.csv")
    of_one_model = table[table["model"] == "measure_vae"]
    rows = of_one_model[["series", "members", "latent_dim", "ms_per_member_step"]].itertuples(index=False, name=None)
    assert sorted(rows) == [
        ("alone", 1, 4, 8.0),
        ("alone", 1, 8, 16.0),
        ("cohort", 1, 5, 10.0),
        ("cohort", 3, 5, 5.0),
        ("cohort of one latent size", 2, 4, 4.0),
        ("cohort of one latent size", 2, 8, 8.0),
        ("padded cohort of all", 2, 8, 9.0),
    ]
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")
    assert "adversarial_vae: a padded member takes 1.50 times" in capsys.readouterr().out


def test_parts_of_a_sweep_are_methods_that_there_are() -> None:
    for owner, name in host_overhead.PARTS.values():
        assert callable(getattr(owner, name))


def test_a_clock_counts_every_call_and_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Part:
        def work(self, n: int) -> int:
            return 2 * n

    ticks = itertools.count()
    monkeypatch.setattr(host_overhead.time, "perf_counter", lambda: float(next(ticks)))
    before, spent = Part.work, {"part": 0.0}
    with host_overhead.clock_at(Part, "work", "part", spent):
        assert [Part().work(1), Part().work(n=2)] == [2, 4]
    assert spent == {"part": 2.0}
    assert Part.work is before


def test_what_is_not_on_the_devices_is_the_host_s(capsys) -> None:
    spent = dict.fromkeys(host_overhead.PARTS, 1.0) | {"everything": 50.0}
    host_overhead.print_parts(spent | {host_overhead.WINDOWS: 40.0, host_overhead.STEPS: 39.0}, n_windows=4)
    printed = capsys.readouterr().out
    assert "inside a window: 2.50%" in printed
    assert "10.000 s a window" in printed


def test_a_spread_reads_as_a_median_between_extremes() -> None:
    assert str(Spread.of([3.0, 1.0, 2.5])) == "2.5 (1-3)"
