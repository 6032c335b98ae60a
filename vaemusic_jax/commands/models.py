"""The command `vaemusic models`, which lists the trained models that come with the package."""

from __future__ import annotations

from rich.table import Table

from vaemusic_jax.commands.parser import Commands, add_command
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.terminal import open_console


def add_to(commands: Commands) -> None:
    """Declares the command."""
    add_command(commands, models)


def models() -> None:
    """Lists the trained models that come with the package: what each was trained on, and what its controls do.

    Accuracy is the share of the tokens of held-out measures that come back right. For each control there is its
    efficiency: the rank correlation of the control with its attribute in decoded measures, 1 at best.

        vaemusic models
    """
    from vaemusic_jax.config.models import MODELS
    from vaemusic_jax.play.load import load, shipped_models

    console = open_console()
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "model", "music", "metre", "size", "accuracy"):
        table.add_column(heading, justify="right" if heading in ("size", "accuracy") else "left")
    for row in ATTRIBUTES.values():
        table.add_column(row.initial, justify="right")
    for name in shipped_models():
        model = load(name)
        scores = model.about.scores
        controls = (scores.get(f"reconstruction_efficiency.{each}") for each in ATTRIBUTES)
        table.add_row(
            name,
            MODELS[model.trial.model].title,
            model.trial.dataset,
            model.vocabulary.metre,
            str(model.trial.latent_dim),
            _number(scores.get("reconstruction_accuracy"), 3),
            *(_number(value, 2) for value in controls),
        )
    if not table.rows:
        console.print("No model comes with this version; `vaemusic export` writes one from a run.")
        return
    console.print(table)
    words = ", ".join(f"{row.initial} {row.words}" for row in ATTRIBUTES.values())
    console.print(f"Efficiency of the controls of {words}.")
    console.print("Next: `vaemusic generate NAME`, or vaemusic_jax.load(NAME) in Python.")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
