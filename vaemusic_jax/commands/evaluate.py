"""The command `vaemusic evaluate RUN`, which computes the metrics of every trial from its checkpoint."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command, add_log_file
from vaemusic_jax.data.cache import cached_in
from vaemusic_jax.errors import UserError
from vaemusic_jax.metrics.registry import FAMILIES, families_of
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import command, count

if TYPE_CHECKING:
    from vaemusic_jax.runs.directory import RunDirectory


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, evaluate)
    # RUN comes first, because after --metrics it would count as one more NAME.
    parser.usage = "%(prog)s RUN [--metrics NAME ...] [--cache-dir PATH] [--log-file FILE]"
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder that a sweep wrote.")
    parser.add_argument(
        "--metrics",
        metavar="NAME",
        nargs="+",
        help="compute only these and what is computed with them: reconstruction, control, latent, training, or names "
        "of columns of the results table. All if left out.",
    )
    add_cache_dir(parser)
    add_log_file(parser)


def evaluate(
    run: Path, *, metrics: Sequence[str] = (), cache_dir: Path | None = None, log_file: Path | None = None
) -> None:
    """Measures every trial of a run on the test split, from its checkpoints alone, and prints the results table.

    Writes results.csv and results.parquet in the run directory, and below evaluation/ the raw arrays of every trial.
    What was computed before is kept: only what is missing is computed. Trials that have not finished or have diverged
    are listed as such.

        vaemusic evaluate runs/quickstart
        vaemusic evaluate runs/quickstart --metrics reconstruction interpretability
    """
    from vaemusic_jax.commands.programs import keep_programs
    from vaemusic_jax.runs.directory import RunDirectory
    from vaemusic_jax.support.event_log import logging_to

    try:
        families = {family: None for name in metrics for family in families_of(name)}
    except ValueError as error:
        raise UserError(f"--metrics: {error}") from None
    with logging_to(log_file), cached_in(cache_dir), RunDirectory.reopen(run) as opened:
        keep_programs()
        evaluate_and_print(opened, tuple(families) or FAMILIES)


def evaluate_and_print(run: "RunDirectory", families: tuple[str, ...] = FAMILIES) -> None:
    """Evaluates a run and prints its results, the places of its files and what to try next.

    Args:
        run: the run, open for writing.
        families: the families of metrics to compute, of `metrics.registry.FAMILIES`.
    """
    from vaemusic_jax.data.names import look_up
    from vaemusic_jax.evaluation.evaluate import evaluate_run
    from vaemusic_jax.runs.results import to_rich

    results = evaluate_run(run, families)
    console = open_console()
    console.print(to_rich(results[~results["status"].str.startswith("waiting")], console.width))
    for reason, n in Counter(run.status()[trial.id].partition(": ")[2] for trial in run.unfinished()).items():
        why = f"wait: {reason}; then" if reason else "have not finished:"
        console.print(f"{count(n, 'trial')} {why} run the sweep again.", soft_wrap=True)
    for name in dict.fromkeys(trial.dataset for trial in run.trials):
        if entry := look_up(name):
            how = entry.reading.in_words()
            console.print(f"Data: {name}, {entry.summary}: {how}.", soft_wrap=True)
    console.print(
        f"Table: {run.path}/results.csv; learning curves: {run.path}/curves.parquet; checkpoints: {run.path}/cohorts.\n"
        f"Next: {command('vaemusic', 'report', run.path)} makes a page of tables and figures; add a "
        "latent size with --latent-dim, or regularise other attributes with --attributes, in a "
        "new --out; `vaemusic sweep --help` lists every field.",
        soft_wrap=True,
    )
