"""The measurements on a lent device: they need few packages, go on where they stopped, and find what is put in."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks import device_checks, device_times, members, on_device
from benchmarks.device_case import Case, Setting, Value
from benchmarks.on_device import Table, measure
from vaemusic_jax.models.program import program_of
from vaemusic_jax.training.estimate import step_operations
from vaemusic_jax.training.targets.target import peak

ABSENT = ("music21", "symusic", "verovio", "tyro", "pebble", "sklearn", "matplotlib", "safetensors")


def test_it_needs_no_package_that_a_bare_machine_lacks() -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r})); import benchmarks.on_device"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=120)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def setting(irish_folk) -> Setting:
    return Setting.tiny(irish_folk)


def test_a_second_call_measures_what_the_first_left(setting, tmp_path, monkeypatch) -> None:
    """A case that fails is a row and costs no other; one that is there is not measured again; none begins too late."""
    made = []

    def good(_: Setting) -> Iterator[Value]:
        made.append("good")
        yield Value("first", 1.5, "seconds")
        yield Value("second", 2)

    def bad(_: Setting) -> Iterator[Value]:
        made.append("bad")
        yield Value("lost", 1)  # it is kept
        raise MemoryError("no room\nfor more")

    def late(_: Setting) -> Iterator[Value]:
        made.append("late")
        yield Value("third", 3)

    cases = [Case("a", 1, bad), Case("b", 1, good), Case("c", 1000, late)]
    monkeypatch.setattr(on_device, "all_cases", lambda setting: iter(cases))
    patient = Setting(setting.dataset)
    path = tmp_path / "table.csv"
    assert measure(Table(path), patient, seconds=100) == 1
    found = [(row["case"], row["measure"], row["value"], row["unit"]) for row in rows(path)]
    assert found == [
        ("a", "lost", "1", ""),
        ("a", "failed", "MemoryError: no room", ""),
        ("b", "first", "1.5", "seconds"),
        ("b", "second", "2", ""),
    ]
    assert {row["jax"] for row in rows(path)} == {jax.__version__}
    assert measure(Table(path), patient, seconds=2000) == 0
    assert made == ["bad", "good", "late"]
    assert len(rows(path)) == 5


def test_a_case_that_the_end_of_the_time_cuts_off_keeps_its_rows_and_is_measured_again(
    setting, tmp_path, monkeypatch
) -> None:
    tries = []

    def cut(_: Setting) -> Iterator[Value]:
        yield Value("first", 1)
        tries.append(1)
        if len(tries) == 1:
            raise KeyboardInterrupt
        yield Value("second", 2)

    monkeypatch.setattr(on_device, "all_cases", lambda setting: iter([Case("a", 1, cut)]))
    path = tmp_path / "table.csv"
    with pytest.raises(KeyboardInterrupt):
        measure(Table(path), setting, seconds=100)
    assert [row["measure"] for row in rows(path)] == ["first", on_device.CUT]
    for _ in range(2):
        assert measure(Table(path), setting, seconds=100) == 0
        assert [row["measure"] for row in rows(path)] == ["first", on_device.CUT, "first", "second"]


def test_every_case_has_a_name_of_its_own(setting) -> None:
    names = [case.name for case in on_device.all_cases(Setting(setting.dataset))]
    assert len(names) == len(set(names))
    for n in (1, 7, 14, 56, 112):
        for precision in ("float32", "tf32", "bfloat16"):
            for model in ("measure_vae", "adversarial_vae"):
                assert f"steps, {model}, {n} members, {precision}" in names


def test_a_difference_of_one_bit_is_counted() -> None:
    first = {"a": np.zeros(3, np.float32), "b": np.ones(2, np.float32)}
    second = {"a": np.array([0, -0.0, 0], np.float32), "b": np.ones(2, np.float32)}
    assert device_checks.different("", first, first).value == 0
    assert device_checks.different("", first, second).value == 1
    assert device_checks.apart("", first, second).value == 0
    assert device_checks.apart("", first, {"a": first["a"], "b": first["b"] * 3}).value == 2


@pytest.mark.slow
def test_the_checks_hold_on_this_machine(setting) -> None:
    errors = list(device_checks.parity(setting))
    assert len(errors) == 6
    assert all(0 < float(error.value) < 1e-5 for error in errors)
    bits, _, back = device_checks.resume(setting, "measure_vae")
    assert bits.value == 0
    assert back.value == 0  # the only platform here is the CPU


@pytest.mark.slow
def test_steps_are_timed_and_counted(setting, monkeypatch) -> None:
    assert device_times.target_of("NVIDIA GH200 480GB") is None
    hopper = device_times.target_of("NVIDIA H200")
    assert hopper is not None
    monkeypatch.setattr(device_times, "target_of", lambda kind: hopper)
    values = device_times.steps(setting, "measure_vae", 2, "float32")
    found = {value.measure: float(value.value) for value in values}
    median, operations = found["a step of all members, median"], found["necessary operations over the time"]
    assert found["a step of all members, least"] <= median <= found["a step of all members, greatest"]
    one = members.trial("measure_vae", setting.hidden_size, setting.latent_dim, setting.batch_size)
    of_one = step_operations(program_of((one,), members.VOCAB_SIZE))
    assert median * operations == pytest.approx(2 * of_one)
    assert found["kernels launched"] > 100
    made = found["the model's time by operations"] * peak(hopper, "float32")
    assert 2 * of_one < made < 4 * of_one  # the program makes some of them twice
    assert found["necessary operations over the time and the maker's peak"] < 1e-2
