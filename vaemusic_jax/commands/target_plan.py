"""The output of `vaemusic sweep CONFIG --dry-run --target NAME`: a sweep planned for a device that is not here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import count, duration, listed, size
from vaemusic_jax.training.targets.target import Target, peak

if TYPE_CHECKING:
    from vaemusic_jax.training.targets.plan import CohortPlan, Division

WIDTH = 80


def print_target_plan(config: SweepConfig, target: Target, members_per_device: int | None = None) -> None:
    """Prints for each cohort whether it fits, how it is divided, its memory and its time; their sum; what is assumed.

    Args:
        config: the configuration of the sweep.
        target: the devices, whose compiler is installed.
        members_per_device: the most members that a device trains side by side; None for as many as fit.
    """
    from vaemusic_jax.training.targets.plan import plan

    plans = plan(config, target, members_per_device)
    console = open_console()
    width = min(WIDTH, console.width)
    console.print(f"Planned for {target.title}; nothing is trained, and nothing was measured on such a device.\n")
    for each in plans:
        for line in cohort_lines(each):
            console.print(line, soft_wrap=True)
        console.print()
    for line in [summary(plans, target), *assumptions(plans, target, config.eval_every)]:
        console.print(line, width=width)


def cohort_lines(plan: "CohortPlan") -> list[str]:
    """Returns what is printed of one cohort."""
    group = plan.cohort
    lines = [f"cohort {group.id}: {group.model} on {group.dataset}, {group.recipe} recipe, hidden {group.hidden_size}"]
    if plan.missing:
        lines.append(f"  not ready: {plan.missing}")
    if plan.division is None or plan.limits is None:
        return [*lines, f"  does not fit: {plan.too_large}"]
    by_time = sorted(plan.limits.items(), key=lambda item: -item[1])
    (first, longest), *others = by_time
    rest = ", ".join(f"{milliseconds(seconds)} by {name}" for name, seconds in others)
    trained = f"{group.steps:,} steps {duration(group.steps * plan.step_seconds)}"
    validated = f"{count(plan.validations, 'validation')} {duration(plan.validations * plan.validation_seconds)}"
    return [
        *lines,
        f"  fits: {divided(len(group.trials), plan.division)}",
        f"  a step takes {milliseconds(longest)} by {first} ({rest})",
        f"  {trained}, {validated}",
    ]


def divided(n_trials: int, division: "Division") -> str:
    """Returns a phrase on how trials are divided among devices and turns, and on the memory of each device."""
    turns = f", in {division.turns} turns" if division.turns > 1 else ""
    each = f"{division.at_once} at once{' on each' if division.n_devices > 1 else ''}"
    where = f"on {count(division.n_devices, 'device')}, {each}{turns}"
    return f"{count(n_trials, 'trial')} {where}, {size(division.memory)} of its memory"


def milliseconds(seconds: float) -> str:
    """Returns a time in milliseconds with two significant digits, as `36 ms` or `0.66 ms`."""
    value = float(f"{1000 * seconds:.2g}")
    return f"{value:,.0f} ms" if value >= 10 else f"{value:g} ms"


def summary(plans: Sequence["CohortPlan"], target: Target) -> str:
    """Returns a sentence on the whole sweep."""
    fitting = [plan for plan in plans if plan.division]
    n_trials = sum(len(plan.cohort.trials) for plan in plans)
    if not fitting:
        return "No cohort fits."
    left_out = n_trials - sum(len(plan.cohort.trials) for plan in fitting)
    most = max(plan.division.memory for plan in fitting if plan.division)
    told = (
        f"{count(n_trials - left_out, 'trial')} in {count(len(fitting), 'cohort')}, one after the other: about "
        f"{duration(sum(plan.seconds for plan in fitting))} on {target.title} by the model below, and at most "
        f"{size(most)} of a device's memory."
    )
    return f"{told} Left out for want of memory: {count(left_out, 'trial')}." if left_out else told


def assumptions(plans: Sequence["CohortPlan"], target: Target, eval_every: int) -> list[str]:
    """Returns what the plan assumes, as sentences."""
    from vaemusic_jax.training.targets.plan import ASSUMED

    precisions = dict.fromkeys(plan.cohort.trials[0].precision for plan in plans)
    operations = listed([f"{peak(target, each) / 1e12:,.0f} TFLOP/s in {each}" for each in precisions])
    share = f", {target.share:.0%} of {target.memory / 1e9:g} GB" if target.share < 1 else ""
    unless = " unless XLA_PYTHON_CLIENT_MEM_FRACTION says otherwise" if target.share < 1 else ""
    absent = sorted({plan.cohort.dataset for plan in plans if plan.missing})
    lines = [
        "Assumptions:",
        f"- Programs are compiled for {target.title} and their kernels counted; no such device has been timed.",
        f"- A step takes as long as the longest of these, as if the others ran beside it: its kernels at "
        f"{target.launch * 1e6:g} us each, its matmuls at the maker's {operations}, and the bytes "
        f"that kernels read and write at the maker's {target.bandwidth / 1e12:g} TB/s.",
        "- Caches are left out: each kernel reads and writes the device's memory. Where bytes are the limit, a device "
        "with large caches can be faster; where peaks are not reached, it is slower.",
        f"- A cohort fits if its programs need no more than {size(target.usable)} of each device's memory"
        f"{share}{unless}.",
        f"- Validation, every {count(eval_every, 'step')}, is counted. Compiling, reading data, checkpoints and the "
        "evaluation after training are left out.",
    ]
    if absent:
        lines.append(
            f"- {listed(absent)}, not prepared here, {'is' if len(absent) == 1 else 'are'} taken to have "
            f"{ASSUMED.vocabulary} tokens and {ASSUMED.training:,} training measures."
        )
    return lines
