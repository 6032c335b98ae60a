"""The command `vaemusic status RUN`, which shows the progress of a run, finished or not."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from vaemusic_jax.commands.parser import Commands, add_command
from vaemusic_jax.config.trial import Cohort, attribute_initials
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.lock import is_at_work
from vaemusic_jax.runs.results import diverged_lines
from vaemusic_jax.runs.table_file import reading
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import count, duration

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "-"
MOST_TRIALS = 24  # so many are listed
DISPENSABLE = ("saved", "hidden", "steps/s", "cohort", "trials")  # columns, the first to be left out first


@dataclass(frozen=True)
class CohortStatus:
    """The progress of a cohort.

    Attributes:
        states: the number of trials in each state.
        step: the training steps made when its curves were last written, or 0.
        accuracy: the best member's accuracy at the newest validation; None if there is no validation or no finite one.
        best: the id of that member's trial.
        rate: training steps per second between the last two entries of the curves, without validation; None if there
            are no curves.
        saved_at: the time at which its checkpoints were last written to, in seconds since the epoch; None if there are
            none.
    """

    states: Counter[str]
    step: int
    accuracy: float | None
    best: str | None
    rate: float | None
    saved_at: float | None


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, status)
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder that a sweep wrote.")


def status(run: Path) -> None:
    """Shows how far a run is, cohort by cohort: a run in progress, interrupted or finished. Reads only.

    Few trials are listed below with their ids and what they differ in; the ids of many are in trials.csv. The accuracy
    of a cohort is the best trial's at the newest validation, the rate that of training since the one before. The time
    left is that of training at this rate, without validations and without cohorts that have not begun.

        vaemusic status runs/quickstart
        watch vaemusic status runs/quickstart
    """
    console = open_console()
    busy = is_at_work(run)  # It is asked first, so that what finishes meanwhile is shown as finished.
    opened = RunDirectory.read(run)
    status = opened.status()
    table, left_out = _table(opened, busy, console.width)
    console.print(table)
    lines = [f"Left out for want of width: {', '.join(left_out)}."] if left_out else []
    lines += [_summary(opened, busy), *diverged_lines(opened.trials_table)]
    for reason, n in Counter(status[trial.id].partition(": ")[2] for trial in opened.unfinished()).items():
        if reason:
            lines.append(f"{count(n, 'trial')} wait{'s' * (n == 1)}: {reason}")
    if len(opened.trials) > MOST_TRIALS:
        lines.append(f"The ids of all trials: {run / 'trials.csv'}.")
    for line in lines:
        console.print(line, soft_wrap=True)
    if len(opened.trials) <= MOST_TRIALS:
        console.print()
        console.print(_trials(opened, busy, console.width))


def cohort_statuses(run: RunDirectory, busy: bool | None) -> list[CohortStatus]:
    """Returns the progress of every cohort; `busy` says whether a process is at work on the run, if that is known."""
    status, curves = run.status(), run.curves
    cohort_of = {trial.id: cohort.id for cohort in run.cohorts for trial in cohort.trials}
    by_cohort = dict(iter(curves.groupby(curves["trial"].map(cohort_of))))
    return [_cohort_status(run, cohort, busy, status, by_cohort.get(cohort.id, curves[:0])) for cohort in run.cohorts]


def _cohort_status(
    run: RunDirectory, cohort: Cohort, busy: bool | None, status: dict[str, str], curves: "pd.DataFrame"
) -> CohortStatus:
    """Returns the progress of a cohort with these curves."""
    words = [status[trial.id].partition(":")[0] for trial in cohort.trials]
    states = Counter("interrupted" if word == "running" and busy is False else word for word in words)
    step = int(curves["step"].max()) if len(curves) else 0
    accuracies = _values(curves, "validation", "reconstruction_accuracy")  # A window that was cut short has none.
    newest = accuracies[accuracies["step"] == accuracies["step"].max()].set_index("trial")["value"].dropna()
    seconds = _values(curves, "train", "seconds")  # Each value is a member's share of the cohort's time.
    taken = seconds["value"][seconds["step"] == step].sum()
    before = curves.loc[curves["step"] < step, "step"].max()
    return CohortStatus(
        states=states,
        step=step,
        accuracy=float(newest.max()) if len(newest) else None,
        best=str(newest.idxmax()) if len(newest) else None,
        rate=(step - (0 if before != before else before)) / taken if taken else None,
        saved_at=_newest_change(run.cohort_path(cohort) / "checkpoints"),
    )


def _values(curves: "pd.DataFrame", split: str, metric: str) -> "pd.DataFrame":
    return curves[(curves["split"] == split) & (curves["metric"] == metric)]


def _newest_change(folder: Path) -> float | None:
    with reading(folder):
        return max((path.stat().st_mtime for path in folder.iterdir()), default=None) if folder.is_dir() else None


def _table(run: RunDirectory, busy: bool | None, width: int) -> tuple[Table, list[str]]:
    """Returns the table of cohorts, and the headers of the columns that are left out since it would be too wide."""
    columns: dict[str, list[str]] = {}
    for cohort, found in zip(run.cohorts, cohort_statuses(run, busy), strict=True):
        left = (cohort.steps - found.step) / found.rate if found.rate else None
        row = {
            "cohort": cohort.id,
            "model": cohort.model,
            "data set": cohort.dataset,
            "hidden": str(cohort.hidden_size),
            "trials": str(len(cohort.trials)),
            "state": ", ".join(
                state if n == len(cohort.trials) else f"{n} {state}" for state, n in found.states.items()
            ),
            "step": f"{found.step:,}/{cohort.steps:,}",
            "accuracy": UNKNOWN if found.accuracy is None else f"{found.accuracy:.3f}",
            "of trial": found.best or UNKNOWN,
            "steps/s": UNKNOWN
            if found.rate is None
            else f"{found.rate:.2g}"
            if found.rate < 100
            else f"{found.rate:,.0f}",
            "left": UNKNOWN if left is None else duration(left),
            "saved": UNKNOWN if found.saved_at is None else f"{duration(max(0.0, time.time() - found.saved_at))} ago",
        }
        for name, cell in row.items():
            columns.setdefault(name, []).append(cell)
    return _fitted(columns, ("cohort", "model", "data set", "state", "of trial"), DISPENSABLE, width)


def _trials(run: RunDirectory, busy: bool | None, width: int) -> Table:
    """Returns the table of trials with what they differ in, as the newest validation found them."""
    values = _values(run.curves, "validation", "reconstruction_accuracy").sort_values("step", kind="stable")
    accuracy = values.drop_duplicates("trial", keep="last").set_index("trial")["value"].dropna()
    status = run.status()
    rows = [trial.row() for trial in run.trials]
    several = len({row["model"] for row in rows}) > 1
    varied = [name for name in rows[0] if (name == "model" and several) or _varies(rows, name)]
    columns: dict[str, list[str]] = {"trial": [trial.id for trial in run.trials]}
    for name in varied:
        shown = [attribute_initials(row[name]) if name == "attributes" else f"{row[name]}" for row in rows]
        columns[name.replace("_", " ")] = shown
    columns["accuracy"] = [f"{accuracy[trial.id]:.3f}" if trial.id in accuracy else UNKNOWN for trial in run.trials]
    words = [status[trial.id].partition(":")[0] for trial in run.trials]
    columns["state"] = ["interrupted" if word == "running" and busy is False else word for word in words]
    least_first = [name.replace("_", " ") for name in reversed(varied)]
    texts = ("trial", "model", "dataset", "recipe", "attributes", "state")
    return _fitted(columns, texts, least_first, width)[0]


def _varies(rows: list[dict[str, Any]], name: str) -> bool:
    """Returns whether a field differs among trials of one model; recipes of models differ in any case."""
    of_model: dict[str, set[Any]] = {}
    for row in rows:
        of_model.setdefault(row["model"], set()).add(row[name])
    return any(len(values) > 1 for values in of_model.values())


def _fitted(
    columns: dict[str, list[str]], texts: Sequence[str], dispensable: Sequence[str], width: int
) -> tuple[Table, list[str]]:
    """Returns a table that is no wider than the terminal, and the headers of the columns that it leaves out.

    Args:
        columns: the cells of each column by its header.
        texts: the columns that are aligned at the left.
        dispensable: columns that may be left out, the first to be left out first.
        width: the width of the terminal.
    """
    widths = {name: max(map(len, (name, *cells))) + 1 for name, cells in columns.items()}
    left_out = []
    for name in dispensable:
        if sum(widths.values()) > width:
            left_out.append(name)
            del widths[name]
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for name in widths:
        table.add_column(name, justify="left" if name in texts else "right", no_wrap=not left_out)
    for cells in zip(*(columns[name] for name in widths), strict=True):
        table.add_row(*cells)
    return table, left_out


def _summary(run: RunDirectory, busy: bool | None) -> str:
    finished = len(run.trials) - len(run.unfinished())
    whose = f" of shard {run.config.shard}" if run.config.shard else ""
    now = "a process is at work on it" if busy else "no process is at work on it"
    if busy is None:
        now = "whether a process is at work on it is not known, since this file system has no locks"
    elif run.unfinished() and not busy:
        now += "; the same `vaemusic sweep` command goes on"
    return f"{run.path}: {finished} of {len(run.trials)} trials{whose} have finished; {now}."
