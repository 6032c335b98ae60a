"""A sweep is planned for a device that is not here: members are divided as memory allows, and times add up."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from tests.helpers import cohorts as made
from vaemusic_jax.cli import run
from vaemusic_jax.commands import target_plan
from vaemusic_jax.config.sweep import load_config
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.targets import described, plan
from vaemusic_jax.training.targets.described import Counted, Sizes
from vaemusic_jax.training.targets.target import TARGETS, Target, find_target, peak

CHIP: Any = SimpleNamespace(platform="tpu", process_index=0)
MEMBER = 1e9  # bytes that the programs below need for each member that a device takes at once
SIZES = Sizes(62, 13_620, 7)


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nothing is compiled: what a program is, is proportional to its members. Returns the members at once tried."""
    tried: list[int] = []

    def counted(target: Target, trials: Any, sizes: Sizes, axis: MemberAxis) -> tuple[Counted, Counted]:
        tried.append(axis.at_once)
        n, blocks, memory = axis.at_once, sizes.blocks, MEMBER * axis.at_once
        scored = blocks * n * axis.turns
        step = Counted(500, 3e10 * n, 2e9 * n, memory)
        return step, Counted(30 * blocks * axis.turns, 1e9 * scored, 1e8 * scored, memory)

    monkeypatch.setattr(described, "counted", counted)
    monkeypatch.setattr(Target, "devices", lambda self: [CHIP] * (8 if self.name == "v5e-8" else 1))
    monkeypatch.setattr(plan, "sizes_of", lambda dataset: (SIZES, ""))
    return tried


def cohort(n_members: int, **fields: Any) -> Cohort:
    return Cohort(tuple(made.trial("adversarial_vae", seed=seed, **fields) for seed in range(n_members)))


def with_memory(name: str, members: float) -> Target:
    """A target that holds so many members at once."""
    return dataclasses.replace(TARGETS[name], memory=members * MEMBER, share=1.0)


def divided(target: Target, n_members: int, asked: int | None = None) -> plan.Division:
    found = plan.divided(cohort(n_members), target, target.devices(), SIZES, asked)
    assert isinstance(found, plan.Division)
    return found


def test_half_the_memory_never_takes_more_members_at_once(compiled: list[int]) -> None:
    found = [divided(with_memory("h100", memory), 14) for memory in (16, 8, 4, 2, 1)]
    assert [each.at_once for each in found] == [14, 7, 3, 1, 1]
    for each in found:
        assert (each.turns - 1) * each.at_once < 14 <= each.turns * each.at_once
    assert compiled[:3] == [14, 14, 7]  # the rule of training: half as many each time


def test_members_are_spread_over_devices_and_no_more_at_once_than_told() -> None:
    eight = divided(with_memory("v5e-8", 16), 14)
    assert (eight.n_devices, eight.at_once, eight.turns) == (8, 2, 1)
    told = divided(with_memory("h100", 16), 14, 5)
    assert (told.at_once, told.turns) == (5, 3)


def test_a_cohort_of_which_no_member_fits_is_said_not_to_fit() -> None:
    target = with_memory("h100", 0.5)
    why = plan.divided(cohort(3), target, target.devices(), SIZES)
    assert isinstance(why, str)
    assert "with one at a time" in why
    left_out = plan.timed(cohort(3), target, why, 7, 100)
    assert (left_out.seconds, left_out.division, left_out.too_large) == (0.0, None, why)
    assert target_plan.summary([left_out], target) == "No cohort fits."


def timed(steps: int = 1000, eval_every: int = 100, blocks: int = 7, memory: float = 16) -> plan.CohortPlan:
    target = with_memory("h100", memory)
    return plan.timed(cohort(14, steps=steps), target, divided(target, 14), blocks, eval_every)


def test_times_are_proportional_to_what_is_done() -> None:
    once = timed()
    assert timed(steps=2000).seconds == pytest.approx(2 * once.seconds)
    assert timed(eval_every=10**6).seconds == pytest.approx(1000 * once.step_seconds + once.validation_seconds)
    assert timed(blocks=14).validation_seconds == pytest.approx(2 * once.validation_seconds)
    assert once.step_seconds == max(
        plan.limits_of(TARGETS["h100"], Counted(500, 14 * 3e10, 14 * 2e9, 0), "float32").values()
    )


def test_matmuls_run_at_the_peak_of_the_cohorts_own_precision() -> None:
    target, times = with_memory("h100", 16), {}
    for precision in ("float32", "bfloat16"):
        group = cohort(14, steps=1000, precision=precision)
        times[precision] = plan.timed(group, target, divided(target, 14), 7, 100).limits or {}
    assert times["float32"]["operations"] / times["bfloat16"]["operations"] == pytest.approx(989 / 67)
    assert times["float32"]["bytes"] == times["bfloat16"]["bytes"]  # of one count


def test_turns_launch_more_and_take_no_less_time() -> None:
    whole, halves = timed(), timed(memory=8)
    assert whole.limits is not None
    assert halves.limits is not None
    assert halves.limits["launches"] == pytest.approx(2 * whole.limits["launches"])
    assert halves.limits["operations"] == pytest.approx(whole.limits["operations"])
    assert halves.seconds >= whole.seconds


def test_a_sweep_is_its_cohorts_and_what_differs_in_the_data_set_only_is_compiled_once(
    config: Path, compiled: list[int]
) -> None:
    names, models = ("irish_folk", "bach"), ("measure_vae", "adversarial_vae")

    def planned(names: tuple[str, ...], models: tuple[str, ...]) -> list[plan.CohortPlan]:
        settings = load_config(config, {"dataset": names, "model": models})
        return plan.plan(settings, TARGETS["h100"], progress=no_progress)

    plans = planned(names, models)
    assert len(plans) == 4
    assert compiled == [2, 2]
    alone = [planned((name,), (model,))[0] for name in names for model in models]
    assert {each.cohort.id for each in plans} == {each.cohort.id for each in alone}
    assert sum(each.seconds for each in plans) == pytest.approx(sum(each.seconds for each in alone))
    told = target_plan.summary(plans, TARGETS["h100"])
    assert told.startswith("8 trials in 4 cohorts, one after the other: about ")


def test_counts_that_are_kept_are_of_the_flags_that_xla_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")
    monkeypatch.setenv("XLA_FLAGS", "--xla_one")
    one = TARGETS["h100"].compiler()
    monkeypatch.setenv("XLA_FLAGS", "--xla_other")
    assert TARGETS["h100"].compiler() != one


@pytest.mark.parametrize("name", TARGETS)
def test_peaks_are_those_of_the_makers_and_fewer_bits_are_never_slower(name: str) -> None:
    target = find_target(name)
    assert peak(target, "float32") < peak(target, "tf32") < peak(target, "bfloat16")
    assert target.seconds(1000, peak(target, "tf32"), target.bandwidth, "tf32") == pytest.approx(
        {"launches": 1000 * target.launch, "operations": 1.0, "bytes": 1.0}
    )


def test_the_plan_is_printed_in_80_columns(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(Target, "check_installed", lambda self: None)
    assert run(["sweep", str(config), "--dry-run", "--target", "v5e-8"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    words = (
        "fits: 2 trials on 2 devices, 1 at once on each, ",
        "2 trials in 1 cohort",
        "Validation, every 10 steps, is counted",
        "Compiling,",
    )
    for word in (*words, "no such device has been timed", "Caches are left out", "33 TFLOP/s in float32"):
        assert word in " ".join(shown.split())
    assert not config.with_name("runs").exists()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "law.yaml"
    fields = {"name": "law", "dataset": "irish_folk", "model": "measure_vae", "size": 8, "latent_dim": [4, 8]}
    file.write_text(json.dumps(fields | {"steps": 100, "eval_every": 10, "attributes": "all"}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dry-run", "--target", "h10"], "--target: 'h10' is no target (did you mean h100?); known: h100, v5e-4,"),
        (["--target", "h100"], "--target: plans a sweep for a device that is not here; add --dry-run"),
        (["--dry-run", "--target", "h100"], "--target: h100 needs the compiler for NVIDIA GPUs, which `pip install"),
        (["--dry-run", "--target", "v5e-8"], "--target: v5e-8 needs the compiler for TPUs, which `pip install"),
    ],
)
def test_a_target_that_cannot_be_planned_for_is_refused_in_one_line(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # where an extra is installed, too
    assert run(["sweep", str(config), *options]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {message}")
    assert shown.err.count("\n") == 1


def test_counts_are_kept_and_a_program_that_the_compiler_refuses_needs_more_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEMUSIC_CACHE", str(tmp_path))
    monkeypatch.setattr(Target, "compiler", lambda self: "made up")
    compiling: list[Callable[[], Any]] = []

    def refused(self: Target, lowered: Any) -> Any:
        compiling.append(lowered)
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 20 GB of 16 GB")

    monkeypatch.setattr(Target, "compile", refused)
    call: Any = SimpleNamespace(lowered=lambda: SimpleNamespace(as_text=lambda: "module"), operations=lambda: 1.0)
    for _ in range(2):
        assert described._counted(TARGETS["v5e-4"], call, 2, True).memory == float("inf")
    assert len(compiling) == 1
    (kept,) = (tmp_path / "plans").iterdir()
    kept.write_text("[1, 2", encoding="utf-8")  # a damaged file is not trusted
    assert described._counted(TARGETS["v5e-4"], call, 2, True).memory == float("inf")
    assert len(compiling) == 2
