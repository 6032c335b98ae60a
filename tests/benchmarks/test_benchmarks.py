"""The benchmarks' own logic: turns, shares of the machine, counts of operations and ratios. Nothing is timed here."""

import dataclasses
import importlib
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmarks
from benchmarks import host_overhead, leakage, members, scaling, timing
from benchmarks.timing import Spread
from vaemusic_jax.models.program import program_of
from vaemusic_jax.training.estimate import step_operations


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """A clock that advances only when the test says so, on 2 cores of which other processes use half a core."""
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
def test_a_call_has_at_least_one_step_and_at_most_the_limit(clock, seconds, steps) -> None:
    calls = []

    def run(steps: int) -> None:
        calls.append(steps)
        clock(1e-6 * steps)

    timing.in_turns([run], rounds=1, seconds=seconds)
    assert calls[-1] == steps


def test_busy_core_seconds_grow_with_time() -> None:
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
    classifier = 4 * 2 + 2 * 4 * 8  # one step of its own, and the gradient of the codes
    assert step_operations(adversarial_vae) == 2 * 3 * (4 * encoder + 3 * decoder + 5 * classifier)
    regressed = dataclasses.replace(adversarial_vae, discriminator="regressor")
    regressor = 4 * 128 + 128 * 128 + 128 * 4  # five steps of its own
    expected = 2 * 3 * (4 * encoder + 3 * decoder + (5 * 3 + 2) * regressor)
    assert step_operations(regressed) == expected


def test_the_cost_of_padding_compares_means_over_latent_sizes() -> None:
    """Cohorts of one size take 4 and 8 ms per member and step, a padded cohort 9 ms: 1.5 times the mean of 6 ms."""
    times = {(scaling.ALONE, 4): 1.0, (scaling.ONE_SIZE, 4): 4.0, (scaling.ONE_SIZE, 8): 8.0, (scaling.PADDED, 8): 9.0}
    rows = [
        {"model": "measure_vae", "series": series, "latent_dim": latent_dim, "ms_per_member_step": ms}
        for (series, latent_dim), ms in times.items()
    ]
    assert scaling.padding_costs(pd.DataFrame(rows)) == {"measure_vae": 1.5}


@pytest.mark.parametrize("path", sorted(Path(benchmarks.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_can_be_imported(path: Path) -> None:
    if path.stem.startswith("torch_"):
        pytest.importorskip("torch")
    importlib.import_module(f"benchmarks.{path.stem}")


def test_parts_of_a_sweep_are_methods_that_there_are() -> None:
    for owner, name in host_overhead.PARTS.values():
        assert callable(getattr(owner, name))


def test_a_clock_counts_every_call_and_is_removed_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_host_overhead_is_the_window_without_its_steps(capsys) -> None:
    spent = dict.fromkeys(host_overhead.PARTS, 1.0) | {"everything": 50.0}
    host_overhead.print_parts(spent | {host_overhead.WINDOWS: 40.0, host_overhead.STEPS: 39.0}, n_windows=4)
    printed = capsys.readouterr().out
    assert "inside a window: 2.50%" in printed
    assert "10.000 s a window" in printed


def test_a_spread_reads_as_a_median_between_extremes() -> None:
    assert str(Spread.of([3.0, 1.0, 2.5])) == "2.5 (1-3)"


def test_the_stored_leakage_is_of_every_weight_and_can_be_drawn() -> None:
    table = pd.read_csv(Path(__file__).parents[2] / "docs" / "figures" / "leakage.csv")
    held = {name: set(own) for name, own in table.groupby("discriminator")["adversary_weight"]}
    assert held == {name: set(weights) for name, weights in leakage.WEIGHTS.items()}
    values = table.filter(like="mlp.").to_numpy()
    assert ((values >= 0) & (values <= 1)).all()
    assert leakage.figure(table).startswith(b"\x89PNG")
