"""The command `vaemusic sweep CONFIG`, which trains all trials of a configuration and prints a results table."""

import contextlib
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command, add_log_file
from vaemusic_jax.config.models import RowOf
from vaemusic_jax.config.sweep import AXES, SweepConfig, load_config, trials
from vaemusic_jax.config.yaml_file import parse_scalar
from vaemusic_jax.data.cache import cached_in
from vaemusic_jax.data.corpora import find_corpus
from vaemusic_jax.data.names import look_up, prepared_names
from vaemusic_jax.errors import UserError

if TYPE_CHECKING:
    from vaemusic_jax.training.targets.target import Target

RUN_FIELDS = ("name", "eval_every", "out", "shard", "keep_optimizer")


def value_kind(annotation: Any) -> str:
    """Returns what help shows for one value of a field: INT, FLOAT, TEXT, or the words to choose from."""
    if annotation in (int, float, str, bool):
        return {int: "INT", float: "FLOAT", str: "TEXT", bool: "true|false"}[annotation]
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    if get_origin(annotation) is Annotated:
        kind, *marks = get_args(annotation)
        return next(("|".join(mark.table) for mark in marks if isinstance(mark, RowOf)), None) or value_kind(kind)
    return "|".join(value_kind(part) for part in get_args(annotation) if part not in (NoneType, Ellipsis))


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, sweep)
    parser.usage = "%(prog)s CONFIG [OPTIONS]"  # Argparse would list all options here as well.
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the YAML file.")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the trials, how they train together, parameters, and an estimate of memory and time; no training.",
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="with --dry-run: plan for a device that is not here, h100, v5e-4, v5e-8 or v6e-4: compile the cohorts for "
        "it, and print what fits, how members are divided, memory, and a model's time; see docs/configuration.md.",
    )
    parser.add_argument(
        "--distributed",
        action="store_true",
        help="this is one of several processes, on one host or many, that train the sweep together, members spread "
        "over the devices of all; see docs/many_hosts.md.",
    )
    parser.add_argument(
        "--members-per-device",
        metavar="INT",
        type=int,
        help="the most trials that a device trains side by side, the others in turn; left out, as many as fit its "
        "memory (on CPU one). Results do not depend on it.",
    )
    add_cache_dir(parser)
    add_log_file(parser)
    fields = parser.add_argument_group(
        "fields of the configuration",
        "Each replaces a field of the configuration, in its grids too. Several values make an axis.",
    )
    for name in (*AXES, *RUN_FIELDS):
        # The values are checked with the configuration, so that its errors and those of options are alike.
        kind = value_kind(SweepConfig.model_fields[name].annotation)
        fields.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=kind,
            nargs="+" if name in AXES else None,
            type=str if kind == "TEXT" else parse_scalar,
            help=(SweepConfig.model_fields[name].description or "").replace("%", "%%"),
        )


def sweep(
    config: Path,
    *,
    dry_run: bool = False,
    target: str | None = None,
    distributed: bool = False,
    members_per_device: int | None = None,
    log_file: Path | None = None,
    cache_dir: Path | None = None,
    **fields: Any,
) -> None:
    """Trains every trial of a configuration, evaluates it from its checkpoint and prints a results table.

    A configuration is a YAML file that names values for data set, model, latent size and so on; every combination is a
    trial. Trials that differ only in latent size, attributes, seed or a scalar hyper-parameter train together as one
    program. Everything goes to a run directory, runs/NAME. The same command again resumes what was interrupted; another
    configuration in the same directory is refused. Trials that do not fit the memory are left out, the others trained,
    and the exit status is 2.

        vaemusic sweep configs/quickstart.yaml
        vaemusic sweep configs/quickstart.yaml --dry-run
        vaemusic sweep configs/paper.yaml --dry-run --target h100
        vaemusic sweep configs/quickstart.yaml --latent-dim 4 8 --steps 200 --out runs/small
        vaemusic sweep configs/paper.yaml --shard 2/8
    """
    from vaemusic_jax.support.event_log import logging_to

    with logging_to(log_file), cached_in(cache_dir):
        given = {name: value for name, value in fields.items() if value is not None}
        settings = load_config(config, given)
        _check_datasets(f"{config}: {'--dataset' if 'dataset' in given else 'dataset'}", settings)
        if members_per_device is not None and members_per_device < 1:
            raise UserError(f"--members-per-device: is {members_per_device}; it must be at least 1")
        device = _described(target, dry_run)
        if device is not None:
            from vaemusic_jax.commands.target_plan import print_target_plan

            print_target_plan(settings, device, members_per_device)
            return
        from vaemusic_jax.commands.programs import keep_programs

        keep_programs()  # The sweep can then use the programs that a dry run compiled.
        if dry_run:
            from vaemusic_jax.commands.dry_run import print_plan

            print_plan(settings, members_per_device)
            return

        from vaemusic_jax.commands.evaluate import evaluate_and_print
        from vaemusic_jax.support.processes import PROCESSES, joined
        from vaemusic_jax.training.sweep import run_sweep

        with joined() if distributed else contextlib.nullcontext():
            run = run_sweep(settings, members_per_device=members_per_device)
        with run:
            if PROCESSES.is_first():
                evaluate_and_print(run)
            if run.left_out:
                n, reasons = len(run.left_out), "; ".join(dict.fromkeys(run.left_out.values()))
                raise UserError(f"{n} of {len(run.trials)} trials have been left out: {reasons}")


def _described(name: str | None, dry_run: bool) -> "Target | None":
    """Returns the devices to plan for; None if none are named.

    Raises:
        UserError: there are no such devices, their compiler is not installed, or this is no dry run.
    """
    if name is None:
        return None
    from vaemusic_jax.training.targets.target import find_target

    try:
        found = find_target(name)
        if not dry_run:
            raise UserError("plans a sweep for a device that is not here; add --dry-run")
        found.check_installed()
    except UserError as error:
        raise UserError(f"--target: {error}") from None
    return found


def _check_datasets(field: str, settings: SweepConfig) -> None:
    """Raises UserError, beginning with the file and the field, if a data set of a configuration is not known."""
    for name in dict.fromkeys(trial.dataset for trial in trials(settings)):
        if look_up(name) is None:
            try:
                find_corpus(name, prepared_names())
            except UserError as error:
                raise UserError(f"{field}: {error}") from None
