"""The command line passes on what it was given, and every mistake ends in one line and status 2."""

import errno
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaemusic_jax import cli
from vaemusic_jax.cli import run
from vaemusic_jax.config import AXES, SweepConfig, load_config, trials
from vaemusic_jax.errors import UserError

CONFIGS = Path(__file__).parents[1] / "configs"
COMMANDS = "data, sweep, status, merge, evaluate, report, tensorboard"

# A value for each field that is not the configuration's own.
OTHER: dict[str, list[str]] = {
    "dataset": ["bach", "my_tunes"],
    "model": ["adversarial_vae"],
    "recipe": ["reference", "fast"],
    "size": ["published", "96"],
    "attributes": ["note_range+note_density", "all"],
    "latent_dim": ["5", "6"],
    "data_fraction": ["0.5", "1"],
    "transpose": ["6", "0"],
    "steps": ["7"],
    "batch_size": ["12"],
    "learning_rate": ["1e-3", "0.25"],
    "beta": ["0", "1e-5"],
    "gamma": ["3"],
    "delta": ["2.5"],
    "adversary_weight": ["0.75"],
    "seed": ["3", "4"],
    "name": ["2024"],
    "eval_every": ["3"],
    "out": ["some/where"],
    "shard": ["1/1"],
}
OPTIONS = [f"--{name.replace('_', '-')}" for name in OTHER]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "law.yaml"
    fields = {"name": "law", "dataset": "irish_folk", "model": "measure_vae", "attributes": "all", "latent_dim": 4}
    path.write_text(yaml.safe_dump(fields | {"steps": 10, "eval_every": 5}))
    return path


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[SweepConfig], Any]], None]:
    """Puts something else in the place of training."""

    def put(function: Callable[[SweepConfig], Any]) -> None:
        module: Any = types.ModuleType("vaemusic_jax.sweep")
        module.run_sweep = function
        monkeypatch.setitem(sys.modules, "vaemusic_jax.sweep", module)

    return put


class StoppedError(Exception):
    """Training has been reached."""


def config_that_reaches_training(training: Any, args: list[str]) -> SweepConfig:
    reached: list[SweepConfig] = []

    def stop(config: SweepConfig, **options: object) -> None:
        reached.append(config)
        raise StoppedError

    training(stop)
    with pytest.raises(StoppedError):
        run(args)
    return reached[0]


@pytest.mark.parametrize("field", OTHER)
def test_every_field_can_be_overridden(training: Any, config: Path, field: str) -> None:
    reached = config_that_reaches_training(
        training, ["sweep", str(config), f"--{field.replace('_', '-')}", *OTHER[field]]
    )
    assert set(OTHER) == {*SweepConfig.model_fields} - {"grids"}
    text = ["name", "out", "dataset", "attributes"]
    values = tuple(OTHER[field] if field in text else (yaml.safe_load(v.replace("1e-", "1.0e-")) for v in OTHER[field]))
    assert reached == load_config(config, {field: values if field in AXES else values[0]})
    assert reached != load_config(config)
    changed = [n for n in SweepConfig.model_fields if getattr(reached, n) != getattr(load_config(config), n)]
    assert changed == [field]


def test_without_options_the_file_is_what_counts(training: Any, config: Path) -> None:
    assert config_that_reaches_training(training, ["sweep", str(config)]) == load_config(config)


def refusal(capsys: pytest.CaptureFixture[str], args: list[str]) -> str:
    """The one line that a mistake ends in."""
    assert run(args) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], f"Expected one of {{{COMMANDS}}}.; see vaemusic --help"),
        (["swep"], f"Unrecognized options: swep; Available subcommands: {COMMANDS}; see vaemusic --help"),
        (["sweep"], "Missing from vaemusic sweep: CONFIG the YAML file. (required); see vaemusic sweep --help"),
        (
            ["sweep", "CONFIG", "--stps", "3"],
            "Unrecognized options: --stps, 3; did you mean --steps?; see vaemusic --help",
        ),
        (
            ["sweep", "CONFIG", "--name"],
            "Missing value for argument '--name'. Expected 1 values.; see vaemusic sweep --help",
        ),
        (["sweep", "CONFIG", "--steps", "many"], 'CONFIG: --steps: "many" should be a valid integer'),
        (["sweep", "CONFIG", "--beta", "-1"], "CONFIG: --beta: -1 should be greater than or equal to 0"),
        (["sweep", "CONFIG", "--beta", "[1"], 'CONFIG: --beta: "[1" should be a valid number'),
        (
            ["sweep", "CONFIG", "--latent-dim", "4", "3"],
            "CONFIG: latent_dim: 3 is smaller than the 4 regularised attributes of 'all'; use at least 4",
        ),
        (["sweep", "absent.yaml"], "absent.yaml: No such file or directory; give the path of a YAML configuration"),
        (
            ["evaluate", "absent"],
            "absent: is no run directory, for it has no config.yaml; give the folder that a sweep wrote",
        ),
        (["data"], "Expected one of {list, prepare, inspect}.; see vaemusic data --help"),
        (["data", "list", "--all"], "Unrecognized options: --all; see vaemusic data --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_ends_in_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], config: Path, args: list[str], message: str
) -> None:
    args = [str(config) if arg == "CONFIG" else arg for arg in args]
    expected = message if message.startswith("Missing from") else message.replace("CONFIG", str(config))
    assert refusal(capsys, args) == expected


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_mistake_is_one_line_whatever_the_terminal(encoding: str) -> None:
    command = [sys.executable, "-m", "vaemusic_jax", "evaluate"]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "FORCE_COLOR": "1", "COLUMNS": "60"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: Missing from vaemusic evaluate: RUN the folder that a sweep wrote.")
    assert done.stderr.endswith("; see vaemusic evaluate --help\n")
    assert done.stderr.count("\n") == 1


def test_a_mistake_met_while_running_ends_in_one_line(
    capsys: pytest.CaptureFixture[str], training: Any, config: Path
) -> None:
    def fail(config: SweepConfig, **options: object) -> None:
        raise UserError("runs/law: is on fire;\n  choose another")

    training(fail)
    assert refusal(capsys, ["sweep", str(config)]) == "runs/law: is on fire; choose another"


def test_how_many_members_a_device_may_take_is_passed_on(
    capsys: pytest.CaptureFixture[str], training: Any, config: Path
) -> None:
    asked: list[object] = []

    def stop(config: SweepConfig, **options: object) -> None:
        asked.append(options)
        raise StoppedError

    training(stop)
    with pytest.raises(StoppedError):
        run(["sweep", str(config), "--members-per-device", "3"])
    assert asked == [{"members_per_device": 3}]
    assert refusal(capsys, ["sweep", str(config), "--members-per-device", "0"]).startswith("--members-per-device: is 0")


def test_our_own_mistakes_are_not_hidden(training: Any, config: Path) -> None:
    def fail(config: SweepConfig, **options: object) -> None:
        raise ZeroDivisionError

    training(fail)
    with pytest.raises(ZeroDivisionError):
        run(["sweep", str(config)])


def test_an_interruption_ends_in_one_line_and_status_130(
    capsys: pytest.CaptureFixture[str], training: Any, config: Path
) -> None:
    def interrupt(config: SweepConfig, **options: object) -> None:
        raise KeyboardInterrupt

    training(interrupt)
    assert run(["sweep", str(config)]) == 130
    assert capsys.readouterr().err.strip() == "interrupted; the same command goes on from here when started again"


COMPUTING = """
import sys, types
import jax, jax.numpy as jnp

def interrupted_while_computing(config, **options):
    endless = jax.jit(lambda x: jax.lax.fori_loop(0, 10**9, lambda i, y: jnp.tanh(y @ x), x))(jnp.ones((400, 400)))
    raise KeyboardInterrupt

sys.modules["vaemusic_jax.sweep"] = module = types.ModuleType("vaemusic_jax.sweep")
module.run_sweep = interrupted_while_computing
from vaemusic_jax.cli import main
main()
"""


def test_an_interruption_does_not_wait_for_the_device(config: Path) -> None:
    command = [sys.executable, "-c", COMPUTING, "sweep", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "interrupted; the same command goes on from here when started again"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--help"], ["data", "sweep", "evaluate", "vaemusic sweep configs/quickstart.yaml"]),
        (
            ["sweep", "--help"],
            ["CONFIG", "--dry-run", "resumes", *(f"--{name.replace('_', '-')}" for name in AXES), "--out"],
        ),
        (["evaluate", "--help"], ["RUN", "results.csv", "checkpoints"]),
        (["data", "--help"], ["list", "prepare", "inspect"]),
        (["data", "prepare", "--help"], ["--source", "cache"]),
    ],
    ids=lambda value: " ".join(value) if value[0][0] == "-" or value[-1] == "--help" else "",
)
def test_help_reads_like_documentation(capsys: pytest.CaptureFixture[str], args: list[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(args)
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert [word for word in words if word not in text] == []


def test_a_dry_run_lists_every_trial_and_its_parameters_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.chdir(config.parent)
    monkeypatch.setenv("VAEMUSIC_CACHE", str(config.parent / "cache"))
    options = ["--dataset", "lakh_clean", "--model", "measure_vae", "adversarial_vae", "--size", "8"]
    assert not run(["sweep", str(config), "--dry-run", "--latent-dim", "4", "6", "--beta", "0.5", "0.25", *options])
    shown = capsys.readouterr().out
    planned = trials(
        load_config(
            config,
            {
                "dataset": ("lakh_clean",),
                "model": ("measure_vae", "adversarial_vae"),
                "size": (8,),
                "latent_dim": (4, 6),
                "beta": (0.5, 0.25),
            },
        )
    )
    rows = [line.replace("│", " ").split() for line in shown.splitlines() if line.startswith("│")]
    assert [(row[0], row[2], row[3]) for row in rows] == [(t.id, str(t.latent_dim), str(t.beta)) for t in planned]
    parameters = {row[2]: int(row[-1].replace(",", "")) for row in rows[:4]}
    assert 0 < parameters["4"] < parameters["6"]
    assert "8 trials in 2 cohorts" in shown
    assert "runs/law" in shown
    assert shown.count("not ready: data set 'lakh_clean' is not prepared; run `vaemusic data prepare lakh_clean") == 2
    assert [path.name for path in config.parent.iterdir()] == [config.name]


def test_run_sweep_is_vaemusic_sweep() -> None:
    program = Path(__file__).parents[1] / "run_sweep.py"
    done = subprocess.run([sys.executable, program, "absent.yaml"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: absent.yaml: No such file or directory; give the path of a YAML configuration\n"


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("quickstart", 8),
        ("paper", 112),
        ("first_experiments", 8),
        ("question_regularised_dims", 36),
        ("question_dataset_size", 30),
        ("question_corpus_features", 24),
        ("delta_gamma", 48),
    ],
)
def test_shipped_configurations_load_and_say_how_to_run_them(name: str, count: int) -> None:
    path = CONFIGS / f"{name}.yaml"
    config = load_config(path)
    assert len(trials(config)) == count
    assert config.name == name
    header = path.read_text().split("\n\nname:")[0]
    assert f"command    python run_sweep.py configs/{name}.yaml" in header
    assert "runtime " in header
    assert "expected " in header


def test_the_papers_grid_is_2_models_7_sizes_2_choices_4_data_sets() -> None:
    found = trials(load_config(CONFIGS / "paper.yaml"))
    values = [{getattr(trial, name) for trial in found} for name in ("model", "latent_dim", "attributes", "dataset")]
    assert [len(each) for each in values] == [2, 7, 2, 4]
    assert {len(attributes) for attributes in values[2]} == {2, 4}


def test_output_that_nobody_takes_is_one_line_and_other_faults_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command_that_fails(error: OSError) -> None:
        def command() -> None:
            raise error

        monkeypatch.setattr(cli, "_parse", lambda args: command)

    command_that_fails(OSError(errno.ENOSPC, "No space left on device"))
    assert run([]) == 2
    assert capsys.readouterr().err == "error: cannot print: no space left on device\n"
    for fault in (OSError(errno.ENOSPC, "No space left on device", "results.csv"), OSError(errno.EIO, "I/O error")):
        command_that_fails(fault)
        with pytest.raises(OSError, match=str(fault.strerror)):
            run([])
