"""`vaemusic sweep CONFIG`: trains all trials of a configuration and ends in a results table."""

import contextlib
import dataclasses
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import tyro

from vaemusic_jax.config import AXES, Grid, SweepConfig, load_config
from vaemusic_jax.errors import UserError
from vaemusic_jax.yaml_file import parse_scalar

RUN_FIELDS = ("name", "eval_every", "out", "shard")


def _kind(annotation: Any) -> str:
    """What one value of a field looks like: INT, FLOAT, TEXT, or the words to choose from."""
    if annotation in (int, float, str):
        return {int: "INT", float: "FLOAT", str: "TEXT"}[annotation]
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    return "|".join(_kind(part) for part in get_args(annotation) if part not in (NoneType, Ellipsis))


KINDS = {name: _kind(SweepConfig.model_fields[name].annotation) for name in (*AXES, *RUN_FIELDS)}


def _option(name: str) -> tuple[str, Any, Any]:
    """A field for the command line. Its text is checked with the configuration, so that errors read alike."""
    field = Grid.model_fields.get(name) or SweepConfig.model_fields[name]
    if name in AXES:
        shown = tyro.conf.arg(help=field.description, metavar=f"{KINDS[name]} ...", help_behavior_hint="")
        return name, Annotated[tuple[str, ...], shown], ()
    shown = tyro.conf.arg(help=field.description, metavar=KINDS[name], help_behavior_hint="")
    return name, Annotated[str | None, shown], None


# One option per field of a configuration, absent unless given.
Overrides = dataclasses.make_dataclass(
    "Overrides",
    [_option(name) for name in (*AXES, *RUN_FIELDS)],
    frozen=True,
    namespace={"__doc__": "Each replaces a field of the configuration, in its grids too. Several values make an axis."},
)


def sweep(
    config: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CONFIG")],
    override: tyro.conf.OmitArgPrefixes[Overrides],  # type: ignore[valid-type]
    *,
    dry_run: bool = False,
    distributed: bool = False,
    members_per_device: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None,
    log_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
) -> None:
    """Trains every trial of a configuration, evaluates it from its checkpoint and prints a results table.

    A configuration is a YAML file that names values for data set, model, latent size and so on; every combination is a
    trial. Trials that differ only in latent size, attributes, seed or a scalar hyper-parameter train together as one
    program. Everything goes to a run directory, runs/NAME. The same command again resumes what was interrupted; another
    configuration in the same directory is refused.

        vaemusic sweep configs/quickstart.yaml
        vaemusic sweep configs/quickstart.yaml --dry-run
        vaemusic sweep configs/quickstart.yaml --latent-dim 4 8 --steps 200 --out runs/small
        vaemusic sweep configs/paper.yaml --shard 2/8

    Args:
        config: the YAML file.
        dry_run: print the trials, how they train together, parameters, and an estimate of memory and time; no training.
        distributed: this is one of several processes, on one host or many, that train the sweep together, members
            spread over the devices of all; see docs/many_hosts.md.
        members_per_device: the most trials that a device trains side by side, the others in turn; left out, as many as
            fit its memory (on CPU one). Results do not depend on it.
        log_file: append what happens to this file, one JSON object a line (docs/logging.md).
    """
    from vaemusic_jax.event_log import logging_to

    with logging_to(log_file):
        settings = load_config(config, _given(override))
        if members_per_device is not None and members_per_device < 1:
            raise UserError(f"--members-per-device: is {members_per_device}; it must be at least 1")
        from vaemusic_jax.commands.programs import keep_programs

        keep_programs()  # those that a dry run compiles too: the sweep finds them
        if dry_run:
            from vaemusic_jax.commands.dry_run import print_plan

            print_plan(settings, members_per_device)
            return

        from vaemusic_jax.commands.evaluate import evaluate_and_print
        from vaemusic_jax.hosts import PROCESSES, joined
        from vaemusic_jax.sweep import run_sweep

        with joined() if distributed else contextlib.nullcontext():
            run = run_sweep(settings, members_per_device=members_per_device)
        with run:
            if PROCESSES.is_first():
                evaluate_and_print(run)


def _given(overrides: Any) -> dict[str, Any]:
    """The options that were given, by field name, numbers read as in YAML."""
    given: dict[str, Any] = {}
    for name, text in dataclasses.asdict(overrides).items():
        if text not in (None, ()):
            read = str if KINDS[name] == "TEXT" else parse_scalar
            given[name] = tuple(map(read, text)) if name in AXES else read(text)
    return given
