"""The plan of a sweep for a device that is not here: what fits, how members are divided, and a model's time.

Cohorts that differ in nothing but the data set are compiled once, for the largest of their data sets. Members are
divided as training divides them on a device of that kind (`training.memory.as_many_as_fit`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from vaemusic_jax.config.models import PrecisionName
from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Cohort, cohorts
from vaemusic_jax.data.blocks import ROWS
from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.models.program import program_of
from vaemusic_jax.support.progress import Progress, progress_bar
from vaemusic_jax.training.cohort import table_for
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.estimate import TYPICAL_VOCABULARY
from vaemusic_jax.training.memory import DoesNotFitError, as_many_as_fit
from vaemusic_jax.training.targets import described
from vaemusic_jax.training.targets.described import Counted, Sizes
from vaemusic_jax.training.targets.target import Target

ASSUMED = Sizes(TYPICAL_VOCABULARY, 16_000, 8)  # of a data set that is not prepared: a little more than irish_folk has


@dataclass(frozen=True)
class Division:
    """What a cohort's program is on the devices of a target.

    Attributes:
        n_devices: the number of devices in use.
        at_once: the number of members that a device trains in parallel.
        turns: the number of such groups that it trains one after the other.
        memory: bytes of each device's memory.
        step: what a device does for a step of one group.
        validation: what it does to validate all of its members.
        blocks: the blocks of measures that this validation scores.
    """

    n_devices: int
    at_once: int
    turns: int
    memory: float
    step: Counted
    validation: Counted
    blocks: int


@dataclass(frozen=True)
class CohortPlan:
    """What a cohort will be on a target.

    Attributes:
        cohort: the cohort.
        missing: how to get its data set if that is not ready, else empty.
        too_large: why it cannot be trained if it does not fit, else empty; then there is no division and no time.
        division: its program on the devices.
        limits: the seconds that a step of all members would take by launches, operations and bytes, each by itself.
        validations: the number of validations.
        validation_seconds: the seconds that one takes.
    """

    cohort: Cohort
    missing: str
    too_large: str = ""
    division: Division | None = None
    limits: dict[str, float] | None = None
    validations: int = 0
    validation_seconds: float = 0.0

    @property
    def step_seconds(self) -> float:
        """The seconds of a step of all members: the longest of its limits."""
        return max(self.limits.values()) if self.limits else 0.0

    @property
    def seconds(self) -> float:
        """The seconds of all its steps and validations."""
        return self.cohort.steps * self.step_seconds + self.validations * self.validation_seconds


def plan(
    config: SweepConfig, target: Target, members_per_device: int | None = None, progress: Progress = progress_bar
) -> list[CohortPlan]:
    """Compiles a sweep's cohorts for a target and plans each of them.

    Args:
        config: the configuration of the sweep.
        target: the devices to plan for.
        members_per_device: the most members that a device trains in parallel; None for as many as fit.
        progress: shows the progress of compiling.

    Returns:
        The plans of the cohorts in the order of the configuration.

    Raises:
        UserError: the compiler for the target is not installed, or a data set is not known.
    """
    jax.config.update("jax_platforms", "cpu")  # devices of this machine, if it has others, have no part in it
    devices = target.devices()
    groups = cohorts(trials(config))
    found = {name: sizes_of(name) for name in dict.fromkeys(group.dataset for group in groups)}
    for group in groups:
        check_transposes(group)
    programs: dict[Any, list[Cohort]] = {}
    for group in groups:
        programs.setdefault(program_key(group, found[group.dataset][0].metre), []).append(group)
    plans = {}
    for i, same in enumerate(programs.values(), 1):
        sizes = largest([found[group.dataset][0] for group in same])
        place = f" ({i} of {len(programs)})" if len(programs) > 1 else ""
        text = f"compiling {same[0].model} x {len(same[0].trials)} for {target.title}{place}"
        with progress(text, 1, "programs") as advance:
            division = divided(same[0], target, devices, sizes, members_per_device)
            advance(1)
        for group in same:
            own, missing = found[group.dataset]
            plans[group.id] = timed(group, target, division, own.blocks, config.eval_every, missing)
    return [plans[group.id] for group in groups]


def sizes_of(dataset: str) -> tuple[Sizes, str]:
    """Returns the sizes of a data set, and an empty text; of one that is not ready `ASSUMED`, and how to get it."""
    try:
        found = load_dataset(dataset)
    except NotReadyError as error:
        return ASSUMED, str(error)
    blocks = math.ceil(len(found.validation.tokens) / ROWS)
    return Sizes(len(found.vocabulary), len(found.train.tokens), blocks, found.vocabulary.metre), ""


def check_transposes(group: Cohort) -> None:
    """Raises UserError if a cohort's data set is ready and its trials cannot transpose it."""
    if any(trial.transpose for trial in group.trials):
        try:
            table_for(group.trials, load_dataset(group.dataset).vocabulary)
        except NotReadyError:
            return


def largest(sizes: Sequence[Sizes]) -> Sizes:
    """Returns the largest of each size of data sets of one metre."""
    vocabulary, training, blocks = (max(numbers) for numbers in zip(*(each[:3] for each in sizes), strict=True))
    return Sizes(vocabulary, training, blocks, sizes[0].metre)


def program_key(group: Cohort, metre: str) -> Any:
    """Returns what the program of a cohort depends on but for the sizes of its data set."""
    fractions = [trial.data_fraction for trial in group.trials]
    widest = max(trial.transpose for trial in group.trials)
    program = program_of(group.trials, 1, metre=metre, platform="cpu")
    return program, len(group.trials), widest, min(fractions), max(fractions)


def divided(
    group: Cohort, target: Target, devices: Sequence[Any], sizes: Sizes, members_per_device: int | None = None
) -> Division | str:
    """Compiles a cohort for as many members at once as fit the devices.

    Args:
        group: the cohort.
        target: the devices' properties.
        devices: the described devices.
        sizes: those of its data set.
        members_per_device: the most members at once to begin with; None for all.

    Returns:
        Its program on the devices, or why it does not fit.
    """

    def compiled(at_once: int | None) -> tuple[Division, MemberAxis, float]:
        axis = MemberAxis(len(group.trials), devices, at_once)
        step, validation = described.counted(target, group.trials, sizes, axis)
        needed = max(step.memory, validation.memory)
        n_devices = len(axis.devices)
        return Division(n_devices, axis.at_once, axis.turns, needed, step, validation, sizes.blocks), axis, needed

    try:
        return as_many_as_fit(compiled, group.trials, members_per_device, target.usable)[0]
    except DoesNotFitError as error:
        return str(error)


def timed(
    group: Cohort, target: Target, division: Division | str, blocks: int, eval_every: int, missing: str = ""
) -> CohortPlan:
    """Returns the plan of a cohort, with the model's times.

    Args:
        group: the cohort.
        target: the devices.
        division: its program on them, or why it does not fit.
        blocks: the blocks of measures in its own validation split.
        eval_every: the number of steps between two validations.
        missing: how to get its data set if that is not ready.
    """
    if isinstance(division, str):
        return CohortPlan(group, missing, division)
    precision = group.trials[0].precision
    limits = {name: division.turns * each for name, each in limits_of(target, division.step, precision).items()}
    validation = max(limits_of(target, division.validation, precision).values()) * blocks / division.blocks
    return CohortPlan(group, missing, "", division, limits, math.ceil(group.steps / eval_every), validation)


def limits_of(target: Target, count: Counted, precision: PrecisionName) -> dict[str, float]:
    """Returns the seconds that what was counted would take by each limit by itself, with networks of a precision."""
    return target.seconds(count.launches, count.operations, count.moved, precision)
