"""The output of `vaemusic sweep CONFIG --dry-run`: the trials, their cohorts, and the cost of training."""

import shutil
from pathlib import Path
from typing import Any

from rich.table import Table

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Cohort, Trial, cohorts
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import count, duration, host_memory, size


def print_plan(config: SweepConfig, members_per_device: int | None = None) -> None:
    """Prints every trial by cohort, each cohort's division among devices and cost, and the sum. Nothing is trained.

    If a device may train several members side by side, the cohorts are compiled to see how many fit its memory.

    Args:
        config: the configuration of the sweep.
        members_per_device: the most members that a device trains side by side; None for as many as fit.
    """
    import jax

    from vaemusic_jax.training.devices import prepare_devices
    from vaemusic_jax.training.estimate import estimate

    prepare_devices()
    planned = trials(config)
    groups = cohorts(planned)
    costs = [estimate(group, members_per_device, config.keep_optimizer) for group in groups]
    console = open_console()
    for group, cost in zip(groups, costs, strict=True):
        console.print(_trials_table(group, cost["parameters"]))
        console.print(f"{_division(group, cost)}; {duration(cost['seconds'])} here")
        if cost["missing"]:
            console.print(f"not ready: {cost['missing']}", soft_wrap=True)
        if cost["too_large"]:
            console.print(f"does not fit: {cost['too_large']}", soft_wrap=True)
        console.print()
    largest, seconds = max(costs, key=lambda cost: cost["memory_bytes"]), sum(cost["seconds"] for cost in costs)
    console.print(
        f"{count(len(planned), 'trial')} in {count(len(groups), 'cohort')}, one after the other: about "
        f"{duration(seconds)} here and {_memory(largest)} of device memory. Results would go to {config.directory}.",
        soft_wrap=True,
    )
    held = host_memory()
    if held is not None and largest["memory_bytes"] > held and jax.default_backend() == "cpu":
        console.print(f"Warning: that is more than the {size(held)} of this machine.")
    for line in _storage(config.directory, costs):
        console.print(line, soft_wrap=True)
    for why, reason in (("missing", "their data sets are not ready"), ("too_large", "they do not fit")):
        left_out = sum(len(group.trials) for group, cost in zip(groups, costs, strict=True) if cost[why])
        if left_out:
            console.print(f"{left_out} of them would be left out for now: {reason}.")


def _storage(directory: Path, costs: list[dict[str, Any]]) -> list[str]:
    """Returns what checkpoints need of the disk and saving of the host's memory, with a warning if it is not there."""
    kept = sum(cost["kept_bytes"] for cost in costs)
    disk = kept + max(cost["disk_bytes"] - cost["kept_bytes"] for cost in costs)
    host = max(cost["host_bytes"] for cost in costs)
    there = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    memory = host_memory()
    lines = [
        f"Checkpoints: at most about {size(disk)} of disk, {size(kept)} when all have finished; saving them: about "
        f"{size(host)} of the host's memory."
    ]
    if disk > free:
        lines.append(f"Warning: {there} has {size(free)} free; free the disk, choose another --out, or --shard.")
    if memory is not None and host > memory:
        lines.append(f"Warning: this machine has {size(memory)} of memory; train the sweep in parts with --shard.")
    return lines


def _division(group: Cohort, cost: dict[str, Any]) -> str:
    """Returns a phrase on how a cohort is divided among devices and turns, and on the memory that each device needs."""
    n, devices, at_once, turns = len(group.trials), cost["devices"], cost["at_once"], cost["turns"]
    place = f"on {devices} devices" if devices > 1 else "on one device"
    how = f", each {at_once} at a time, in {turns} turns" if turns > 1 else ""
    about = "" if cost["compiled"] else "about "
    return f"{count(n, 'trial')} {place}{how}: {about}{_memory(cost)} of a device's memory"


def _memory(cost: dict[str, Any]) -> str:
    return size(cost["memory_bytes"])


def _trials_table(group: Cohort, parameters: list[int]) -> Table:
    shared = f"{group.dataset}, {group.recipe} recipe, hidden size {group.hidden_size}, {group.precision}"
    title = f"cohort {group.id}: {group.model} on {shared}, {group.steps:,} steps of {group.batch_size} measures"
    table = Table(title=title, title_justify="left", title_style="bold")
    own = _distinguishing(group.trials)
    table.add_column("trial", no_wrap=True)
    for name in own:
        table.add_column(name, justify="left" if name == "attributes" else "right")
    table.add_column("parameters", justify="right", no_wrap=True)
    for trial, n in zip(group.trials, parameters, strict=True):
        row: dict[str, Any] = trial.row()
        table.add_row(trial.id, *(str(row[name]) for name in own), f"{n:,}")
    return table


def _distinguishing(members: tuple[Trial, ...]) -> list[str]:
    """Returns latent size, attributes, seed and the other fields that differ between these trials."""
    always = ("latent_dim", "attributes", "seed")
    rows = [trial.row() for trial in members]
    return [name for name in Trial.model_fields if name in always or len({row[name] for row in rows}) > 1]
