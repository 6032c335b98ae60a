"""The command line passes on what it was given, and every mistake ends in one line and status 2."""

import argparse
import errno
import functools
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import vaemusic_jax
from vaemusic_jax import cli
from vaemusic_jax.cli import parse, run
from vaemusic_jax.commands.sweep import sweep
from vaemusic_jax.config.sweep import AXES, SweepConfig, load_config, trials
from vaemusic_jax.data.cache import cache_directory, cached_in, check_writable
from vaemusic_jax.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"

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
    "steering_weight": ["0.5"],
    "discriminator": ["classifier", "regressor"],
    "precision": ["bfloat16", "tf32"],
    "seed": ["3", "4"],
    "name": ["2024"],
    "eval_every": ["3"],
    "out": ["some/where"],
    "shard": ["1/1"],
    "init_from": ["runs/other", "new"],
    "keep_optimizer": ["true"],
}
OPTIONS = [f"--{name.replace('_', '-')}" for name in OTHER]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "law.yaml"
    fields = {"name": "law", "dataset": "irish_folk", "model": "measure_vae", "attributes": "all", "latent_dim": 4}
    path.write_text(yaml.safe_dump(fields | {"steps": 10, "eval_every": 5}))
    return path


def overrides(args: list[str]) -> dict[str, Any]:
    """The fields of a configuration that a sweep was asked to replace."""
    command = parse(args)
    assert isinstance(command, functools.partial)
    assert command.func is sweep
    return {name: command.keywords[name] for name in OTHER if command.keywords[name] is not None}


@pytest.mark.parametrize("field", OTHER)
def test_every_field_can_be_overridden(config: Path, field: str) -> None:
    given = overrides(["sweep", str(config), f"--{field.replace('_', '-')}", *OTHER[field]])
    assert set(OTHER) == {*SweepConfig.model_fields} - {"grids"}
    text = ["name", "out", "dataset", "attributes", "init_from"]
    values = [value if field in text else yaml.safe_load(value.replace("1e-", "1.0e-")) for value in OTHER[field]]
    assert given == {field: values if field in AXES else values[0]}
    before, after = load_config(config), load_config(config, given)
    assert [name for name in SweepConfig.model_fields if getattr(before, name) != getattr(after, name)] == [field]


def test_without_options_the_file_is_what_counts(config: Path) -> None:
    assert overrides(["sweep", str(config)]) == {}


COMMANDS = [
    ["data", "list"],
    ["data", "prepare", "own"],
    ["data", "inspect", "own"],
    ["sweep", "law.yaml"],
    ["status", "run"],
    ["merge", "out", "run", "run"],
    ["evaluate", "run"],
    ["report", "run", "run"],
    ["tensorboard", "run"],
]


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_a_command_takes_what_its_options_give_and_has_their_defaults(args: list[str]) -> None:
    command = parse(args)
    assert isinstance(command, functools.partial)
    signature = inspect.signature(command.func)
    given = signature.bind(**command.keywords).arguments
    given.pop("fields", None)
    defaults = {name: each.default for name, each in signature.parameters.items() if each.default is not each.empty}
    assert {name: given[name] for name in defaults} == defaults


@pytest.mark.parametrize(
    ("args", "given"),
    [
        (["data", "list", "--cache-dir", "c"], {"cache_dir": Path("c")}),
        (["data", "prepare", "own", "--source", "s"], {"name": "own", "source": "s", "pitch": "rounded"}),
        (["data", "prepare", "own", "--pitch", "microtonal"], {"pitch": "microtonal", "voices": "melody"}),
        (["data", "prepare", "own", "--voices", "all"], {"pitch": "rounded", "voices": "all"}),
        (["data", "prepare", "own", "--split-seed", "3", "--workers", "2"], {"split_seed": 3, "workers": 2}),
        (["data", "prepare", "own", "--seconds-per-file", "0.5"], {"seconds_per_file": 0.5}),
        (["data", "prepare", "own", "--memory-per-file", "9"], {"memory_per_file": 9}),
        (["data", "prepare", "own", "--size-per-file", "8"], {"size_per_file": 8}),
        (["data", "prepare", "own", "--report", "r.csv"], {"report": Path("r.csv"), "cache_dir": None}),
        (["data", "inspect", "own", "--html", "p.html", "--measures", "5"], {"html": Path("p.html"), "measures": 5}),
        (["sweep", "--dry-run", "law.yaml"], {"config": Path("law.yaml"), "dry_run": True, "distributed": False}),
        (["sweep", "law.yaml", "--distributed"], {"config": Path("law.yaml"), "dry_run": False, "distributed": True}),
        (["sweep", "law.yaml", "--members-per-device", "3"], {"members_per_device": 3, "dry_run": False}),
        (["sweep", "law.yaml", "--log-file=l"], {"log_file": Path("l")}),
        (["merge", "out", "a", "b"], {"out": Path("out"), "shards": [Path("a"), Path("b")]}),
        (["evaluate", "run", "--metrics", "loss", "kl"], {"run": Path("run"), "metrics": ["loss", "kl"]}),
        (["sweep", "law.yaml", "--cache-dir", "c"], {"cache_dir": Path("c")}),
        (["evaluate", "run", "--cache-dir", "c"], {"cache_dir": Path("c")}),
        (["evaluate", "run", "--log-file", "l"], {"log_file": Path("l")}),
        (["report", "a", "b", "--out", "o"], {"runs": [Path("a"), Path("b")], "out": Path("o")}),
        (["tensorboard", "--out", "o", "run"], {"run": Path("run"), "out": Path("o")}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_arrive_as_what_they_are(args: list[str], given: dict[str, Any]) -> None:
    command = parse(args)
    assert isinstance(command, functools.partial)
    assert {name: command.keywords[name] for name in given} == given


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
        (["sweep"], "vaemusic sweep needs CONFIG: the YAML file; see vaemusic sweep --help"),
        (
            ["sweep", "CONFIG", "--stps", "3"],
            "unrecognized arguments: --stps 3 (did you mean --steps?); see vaemusic sweep --help",
        ),
        (
            ["sweep", "CONFIG", "--step=3"],
            "unrecognized arguments: --step=3 (did you mean --steps?); see vaemusic sweep --help",
        ),
        (["sweep", "CONFIG", "--name"], "argument --name: expected one argument; see vaemusic sweep --help"),
        (["sweep", "CONFIG", "--seed"], "argument --seed: expected at least one argument; see vaemusic sweep --help"),
        (["sweep", "CONFIG", "--members-per-device", "0"], "--members-per-device: is 0; it must be at least 1"),
        (["report"], "vaemusic report needs RUN: folders that a sweep wrote; see vaemusic report --help"),
        (
            ["merge", "whole"],
            "vaemusic merge needs RUN: run directories of parts of one configuration; see vaemusic merge --help",
        ),
        (
            ["sweep", "CONFIG", "--out", "a", "--out", "b"],
            "argument --out: given twice; give it once; see vaemusic sweep --help",
        ),
        (
            ["sweep", "CONFIG", "--latent-dim", "4,8"],
            'CONFIG: --latent-dim: "4,8" should be a valid integer; write several values as --latent-dim 4 8',
        ),
        (
            ["sweep", "CONFIG", "--dataset", "irish_flok"],
            "CONFIG: --dataset: data set 'irish_flok' is not known (did you mean irish_folk?); known: irish_folk, "
            "irish_jigs, bach, turkish_makam, lakh_clean, essen, nottingham; to "
            "add your own music: `vaemusic data prepare irish_flok --source FOLDER`",
        ),
        (
            ["data", "prepare", "own", "--workers", "all"],
            "argument --workers: invalid int value: 'all'; see vaemusic data prepare --help",
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
        (["data", "list", "--all"], "unrecognized arguments: --all; see vaemusic data list --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_ends_in_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], config: Path, args: list[str], message: str
) -> None:
    args = [str(config) if arg == "CONFIG" else arg for arg in args]
    expected = message if "needs CONFIG" in message else message.replace("CONFIG", str(config))
    assert refusal(capsys, args) == expected


def test_a_misspelt_command_or_choice_is_told_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, ["swep"])
    assert said.endswith("; see vaemusic --help")
    assert [name for name in ("swep", *{args[0] for args in COMMANDS}) if name not in said] == []
    assert "microtonal" in refusal(capsys, ["data", "prepare", "own", "--pitch", "exact"])


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_mistake_is_one_line_whatever_the_terminal(encoding: str) -> None:
    command = [sys.executable, "-m", "vaemusic_jax", "evaluate"]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "FORCE_COLOR": "1", "COLUMNS": "60"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        done.stderr
        == "error: vaemusic evaluate needs RUN: the folder that a sweep wrote; see vaemusic evaluate --help\n"
    )


@pytest.fixture
def ending_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Has every command end in an exception."""

    def end(exception: BaseException) -> None:
        def command() -> None:
            raise exception

        monkeypatch.setattr(cli, "parse", lambda args: command)

    return end


def test_a_mistake_met_while_running_ends_in_one_line(ending_in: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ending_in(UserError("runs/law: is on fire;\n  choose another"))
    assert refusal(capsys, []) == "runs/law: is on fire; choose another"


def test_our_own_mistakes_are_not_hidden(ending_in: Any) -> None:
    ending_in(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run([])


def test_an_interruption_ends_in_one_line_and_status_130(ending_in: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ending_in(KeyboardInterrupt())
    assert run([]) == 130
    assert capsys.readouterr().err.strip() == "interrupted; the same command goes on from here when started again"


def test_output_that_nobody_takes_is_one_line_and_other_faults_show(
    ending_in: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ending_in(OSError(errno.ENOSPC, "No space left on device"))
    assert run([]) == 2
    assert capsys.readouterr().err == "error: cannot print: no space left on device\n"
    for number in (errno.EACCES, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOSPC):
        ending_in(OSError(number, os.strerror(number), "run[1]/a.csv"))
        assert run([]) == 2
        assert capsys.readouterr().err.startswith(f"error: run[1]/a.csv: {os.strerror(number).lower()}; ")
    for fault in (FileNotFoundError(errno.ENOENT, "No such file", "a.csv"), OSError(errno.EIO, "I/O error")):
        ending_in(fault)
        with pytest.raises(OSError, match=str(fault.strerror)):
            run([])


COMPUTING = """
import jax, jax.numpy as jnp
import vaemusic_jax
from vaemusic_jax import cli

def interrupted_while_computing():
    endless = jax.jit(lambda x: jax.lax.fori_loop(0, 10**9, lambda i, y: jnp.tanh(y @ x), x))(jnp.ones((400, 400)))
    raise KeyboardInterrupt

cli.parse = lambda args: interrupted_while_computing
cli.main()
"""


def test_an_interruption_does_not_wait_for_the_device() -> None:
    command = [sys.executable, "-c", COMPUTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "interrupted; the same command goes on from here when started again"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], ["data", "sweep", "evaluate", "results table.", "\n    vaemusic sweep configs/quickstart.yaml "]),
        (["sweep"], ["CONFIG", "--dry-run", "resumes", *OPTIONS, "--latent-dim INT ...", "--shard TEXT"]),
        (["sweep"], ["--model measure_vae|adversarial_vae ...", "--size small|published|INT ...", "--log-file FILE"]),
        (["sweep"], ["\n    vaemusic sweep configs/paper.yaml --shard 2/8\n"]),
        (["evaluate"], ["RUN", "results.csv", "checkpoints", "--metrics NAME ..."]),
        (["merge"], ["OUT RUN [RUN ...]"]),
        (["data"], ["list", "prepare", "inspect"]),
        (["data", "prepare"], ["--source PATH", "cache", "default 64.", "microtonal"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].islower() else "",
)
def test_help_reads_like_documentation(capsys: pytest.CaptureFixture[str], args: list[str], words: list[str]) -> None:
    assert [word for word in words if word not in help_of(capsys, args)] == []


def help_of(capsys: pytest.CaptureFixture[str], args: list[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        run([*args, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_help_is_as_wide_as_the_terminal_and_leaves_examples_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = help_of(capsys, ["data", "prepare"]).partition("\n\n")[2].splitlines()  # below the usage
    examples = [line for line in lines if line.startswith("    vaemusic")]
    assert examples[1] == "    vaemusic data prepare irish_folk --source TheSession-data/csv/tunes.csv"
    assert len(examples) == 6
    assert 40 < max(len(line) for line in lines if line not in examples) <= 50


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of all its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions(command)
        else:
            yield action


def test_every_argument_is_explained() -> None:
    found = list(actions(cli.parser()))
    assert len(found) > len(OTHER) + 2 * len(COMMANDS)
    assert [action for action in found if not action.help] == []


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
    program = Path(__file__).parents[2] / "run_sweep.py"
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


def test_options_may_be_spelled_as_fields_are(tmp_path: Path) -> None:
    given = ["sweep", str(tmp_path / "a_b.yaml"), "--latent_dim", "4", "8", "--out=my_runs/one_two"]
    call = cli.parse(given)
    assert isinstance(call, functools.partial)
    assert call.keywords["latent_dim"] == [4, 8]
    assert call.keywords["out"] == "my_runs/one_two"
    assert call.keywords["config"] == tmp_path / "a_b.yaml"


@pytest.mark.parametrize("args", [[], ["data"]], ids=str)
def test_who_gives_nothing_is_shown_what_there_is(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(args)
    assert stopped.value.code == 0
    assert capsys.readouterr().out == help_of(capsys, args)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(["--version"])
    assert (stopped.value.code, capsys.readouterr().out) == (0, f"vaemusic {vaemusic_jax.__version__}\n")


def test_an_option_of_several_values_may_be_given_several_times(config: Path) -> None:
    given = overrides(["sweep", str(config), "--latent-dim", "4", "6", "--seed", "1", "--latent-dim", "8"])
    assert given == {"latent_dim": [4, 6, 8], "seed": [1]}


def test_a_similar_metric_is_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, ["evaluate", "run", "--metrics", "interpretabilty"])
    assert said.startswith("--metrics: 'interpretabilty' is no metric (did you mean interpretability?)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match=r"--cache-dir, or in the environment variable VAEMUSIC_CACHE"):
        check_writable(tmp_path / "cache")


def test_a_cache_that_is_no_folder_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--cache-dir, or in the environment variable VAEMUSIC_CACHE"):
        check_writable(tmp_path / "file" / "cache")
    with cached_in(tmp_path / "other"):
        assert cache_directory() == tmp_path / "other"
    assert cache_directory() != tmp_path / "other"


def test_help_that_nobody_reads_to_its_end_is_no_error() -> None:
    command = f"{sys.executable} -m vaemusic_jax sweep --help | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
