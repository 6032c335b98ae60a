"""`vaemusic evaluate RUN`: every metric of every trial, from checkpoints alone."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vaemusic_jax.commands import open_console

if TYPE_CHECKING:
    from vaemusic_jax.run_directory import RunDirectory


def evaluate(run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]) -> None:
    """Measures every trial of a run on the test split, from its checkpoints alone, and prints the results table.

    Writes results.csv and results.parquet in the run directory, replacing those of an earlier evaluation. Trials that
    have not finished or have diverged are listed as such.

        vaemusic evaluate runs/quickstart

    Args:
        run: the folder that a sweep wrote.
    """
    from vaemusic_jax.commands.programs import keep_programs
    from vaemusic_jax.run_directory import RunDirectory

    keep_programs()
    with RunDirectory.reopen(run) as opened:
        evaluate_and_print(opened)


def evaluate_and_print(run: "RunDirectory") -> None:
    """Evaluates an open run, saves its results and shows them, with where they are and what to try next."""
    from vaemusic_jax.data.registry import look_up
    from vaemusic_jax.data.tune import Reading
    from vaemusic_jax.metrics.evaluate import evaluate_run
    from vaemusic_jax.results_table import to_rich

    results = evaluate_run(run)
    run.write_results(results)
    console = open_console()
    console.print(to_rich(results[~results["status"].str.startswith("waiting")], console.width))
    for reason, count in Counter(run.status()[trial.id].partition(": ")[2] for trial in run.unfinished()).items():
        why = f"wait: {reason}; then" if reason else "have not finished:"
        console.print(f"{count} trials {why} run the sweep again.", soft_wrap=True, highlight=False, markup=False)
    for name in dict.fromkeys(trial.dataset for trial in run.trials):
        if entry := look_up(name):
            how = Reading(entry.pitch, entry.voices).in_words()
            console.print(f"Data: {name}, {entry.summary}: {how}.", soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"Table: {run.path}/results.csv; learning curves: {run.path}/curves.parquet; checkpoints: {run.path}/cohorts.\n"
        "Next: add a latent size with --latent-dim, or regularise other attributes with --attributes, in a new --out; "
        "`vaemusic sweep --help` lists every field.",
        soft_wrap=True,
        highlight=False,
    )
