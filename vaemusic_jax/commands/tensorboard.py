"""The command `vaemusic tensorboard RUN`, which writes learning curves for TensorBoard."""

from pathlib import Path

from vaemusic_jax.commands.parser import Commands, add_command
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import command, count


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, tensorboard)
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder that a sweep wrote.")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where the folders go; default RUN/tensorboard.")


def tensorboard(run: Path, *, out: Path | None = None) -> None:
    """Writes the learning curves of a run for TensorBoard, a folder for every trial.

    Again, while the run goes on, it writes them anew. Needs `python -m pip install 'vaemusic-jax[tensorboard]'`.

        vaemusic tensorboard runs/quickstart
        tensorboard --logdir runs/quickstart/tensorboard
    """
    from vaemusic_jax.errors import UserError
    from vaemusic_jax.report.tensorboard_events import write_events
    from vaemusic_jax.runs.directory import RunDirectory
    from vaemusic_jax.support.names import inside

    opened = RunDirectory.read(run)
    folder = out or inside(run, "tensorboard")
    written = write_events(opened, folder)
    if not written:
        raise UserError(f"{run}: has no curves yet; the first are written after eval_every steps")
    open_console().print(
        f"{count(len(written), 'trial')}; show them with {command('tensorboard', '--logdir', folder)}",
        soft_wrap=True,
    )
