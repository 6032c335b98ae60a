"""`vaemusic merge OUT RUN [RUN...]`: the shards of a sweep become one run."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from vaemusic_jax.commands import open_console
from vaemusic_jax.errors import UserError


def merge(
    out: Annotated[Positional[Path], arg(metavar="OUT")],
    shards: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN [RUN ...]", help_behavior_hint="")],
) -> None:
    """Joins run directories of `vaemusic sweep CONFIG --shard I/N` into the run directory of the whole sweep.

    Copies checkpoints, curves, evaluations and results; the shards stay as they are. The whole is an ordinary run:
    evaluate it, report on it, or sweep into it to train what is missing, that is trials of shards that were not given
    or have not finished.

        vaemusic merge runs/paper runs/paper-shard-*
        vaemusic sweep configs/paper.yaml --out runs/paper

    Args:
        out: the run directory to make; new, or an empty folder.
        shards: run directories of parts of one configuration.
    """
    if not shards:
        raise UserError(f"merge: no run given; name the shards to join, as in `vaemusic merge {out} {out}-shard-*`")
    from vaemusic_jax.merge import merge as join

    run = join(out, shards)
    missing, console = len(run.unfinished()), open_console()
    console.print(
        f"{run.path}: {len(run.trials) - missing} of {len(run.trials)} trials, trained in {len(shards)} shards.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    if missing:
        following = f"`vaemusic sweep {run.path}/config.yaml --out {run.path}` trains the {missing} that are missing."
    else:
        following = f"`vaemusic evaluate {run.path}` completes and prints the results table."
    console.print(f"Next: {following}", soft_wrap=True, highlight=False, markup=False)
