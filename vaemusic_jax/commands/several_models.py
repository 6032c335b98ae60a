"""The models that `vaemusic explore` and `vaemusic listen make` take: of the package, of files and of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.commands.export import fields_of
from vaemusic_jax.commands.parser import Parser
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.words import count

if TYPE_CHECKING:
    from vaemusic_jax.play.trained_model import TrainedModel

DEFAULT_MODELS = ("irish-measure-32", "irish-adversarial-4")
MOST_MODELS = 4


def add_models(parser: Parser) -> None:
    """Adds the arguments that name models, for `models_named`."""
    parser.add_argument(
        "models",
        metavar="MODEL",
        nargs="*",
        help="models of `vaemusic models`, files of `vaemusic export`, or folders of runs, at most "
        f"{MOST_MODELS}; default {' '.join(DEFAULT_MODELS)}.",
    )
    parser.add_argument(
        "--which",
        metavar="FIELD=VALUE",
        nargs="+",
        help="of the runs: fields that choose trials, such as latent_dim=32, or id=ID; each of them is a model.",
    )


def models_named(names: Sequence[str], which: Sequence[str]) -> dict[str, TrainedModel]:
    """Returns models of the package, of files and of runs, by the names that a page shows.

    Args:
        names: names of models of the package, files, or folders of runs; none for DEFAULT_MODELS.
        which: of the runs, FIELD=VALUE that chooses trials.

    Raises:
        UserError: there is no such model, there are more than MOST_MODELS, or `which` is given without a run.
    """
    from vaemusic_jax.play.load import load

    names = names or DEFAULT_MODELS
    if which and not any(Path(name).is_dir() for name in names):
        raise UserError("--which chooses trials of runs, and there is none among the models")
    chosen: dict[str, TrainedModel] = {}
    for name in names:
        chosen |= _of_run(name, which) if Path(name).is_dir() else {name: load(name)}
    if len(chosen) > MOST_MODELS:
        raise UserError(f"{count(len(chosen), 'model')}; a page has at most {MOST_MODELS}")
    return chosen


def _of_run(run: str, which: Sequence[str]) -> dict[str, TrainedModel]:
    """Returns the chosen models of a run as files would hold them, by name. Raises UserError."""
    from vaemusic_jax.commands.programs import keep_programs
    from vaemusic_jax.config.models import MODELS
    from vaemusic_jax.play.export import export
    from vaemusic_jax.play.selection import ID, trials_with
    from vaemusic_jax.runs.directory import RunDirectory

    keep_programs()
    trials = trials_with(RunDirectory.read(run), fields_of(which), MOST_MODELS)
    return {f"{MODELS[each.model].title} {each.latent_dim} ({each.id})": export(run, {ID: each.id}) for each in trials}
