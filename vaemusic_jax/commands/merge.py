"""The command `vaemusic merge OUT RUN [RUN...]`, which joins the shards of a sweep to one run."""

from collections.abc import Sequence
from pathlib import Path

from vaemusic_jax.commands.parser import Commands, add_command
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import command, count


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, merge)
    parser.add_argument("out", metavar="OUT", type=Path, help="the run directory to make; new, or an empty folder.")
    parser.add_argument(
        "shards", metavar="RUN", nargs="+", type=Path, help="run directories of parts of one configuration."
    )


def merge(out: Path, shards: Sequence[Path]) -> None:
    """Joins run directories of `vaemusic sweep CONFIG --shard I/N` into the run directory of the whole sweep.

    Copies checkpoints, curves, evaluations and results; the shards stay as they are. The whole is an ordinary run:
    evaluate it, report on it, or sweep into it to train what is missing, that is trials of shards that were not given
    or have not finished.

        vaemusic merge runs/paper runs/paper-shard-*
        vaemusic sweep configs/paper.yaml --out runs/paper
    """
    from vaemusic_jax.runs.merge import merge as join

    run = join(out, shards)
    missing, console = len(run.unfinished()), open_console()
    console.print(
        f"{run.path}: {len(run.trials) - missing} of {count(len(run.trials), 'trial')}, "
        f"trained in {count(len(shards), 'shard')}.",
        soft_wrap=True,
    )
    if missing:
        again = command("vaemusic", "sweep", run.path / "config.yaml", "--out", run.path)
        following = f"{again} trains the {missing} that are missing."
    else:
        following = f"{command('vaemusic', 'evaluate', run.path)} completes and prints the results table."
    console.print(f"Next: {following}", soft_wrap=True)
