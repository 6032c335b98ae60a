"""The command `vaemusic explore`, which writes a page to turn the controls of trained models, and to hear them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.commands.export import fields_of
from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import check_writable, write_atomically
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import count

if TYPE_CHECKING:
    from vaemusic_jax.play.trained_model import TrainedModel

DEFAULT_MODELS = ("irish-measure-32", "irish-adversarial-4")
MOST_MODELS = 4


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, explore)
    add = parser.add_argument
    add(
        "models",
        metavar="MODEL",
        nargs="*",
        help="models of `vaemusic models`, files of `vaemusic export`, or folders of runs, at most "
        f"{MOST_MODELS}; default {' '.join(DEFAULT_MODELS)}.",
    )
    add(
        "--which",
        metavar="FIELD=VALUE",
        nargs="+",
        help="of the runs: fields that choose trials, such as latent_dim=32, or id=ID; each of them is a model.",
    )
    add("--out", metavar="FILE", type=Path, help="the page to write; default %(default)s.")
    add_cache_dir(parser)


def explore(
    *,
    models: Sequence[str] = (),
    which: Sequence[str] = (),
    out: Path = Path("explorer.html"),
    cache_dir: Path | None = None,
) -> None:
    """Writes a page on which to turn the controls of trained models, see and hear what comes out, and keep it.

    The page is one file. It opens from disk in a browser, loads nothing and sends nothing. Several models stand side by
    side and start from the same measure. Measures to start from are of the data set that the first model was trained
    on, which is prepared if it comes with this package.

        vaemusic explore
        vaemusic explore bach-measure-32 --out bach.html
        vaemusic explore runs/quickstart --which latent_dim=32 --out mine.html
    """
    from vaemusic_jax.data.cache import cached_in
    from vaemusic_jax.play.explorer.page import page_of

    check_writable(out)
    with cached_in(cache_dir):
        chosen = models_named(models or DEFAULT_MODELS, which)
        page = page_of(chosen).encode()
    write_atomically(out, page)
    console = open_console()
    console.print(
        f"{out}: {len(page) / 1e6:.1f} MB, {', '.join(chosen)}", soft_wrap=True, markup=False, highlight=False
    )
    console.print("Open it in a browser. It needs no network.")


def models_named(names: Sequence[str], which: Sequence[str]) -> dict[str, TrainedModel]:
    """Returns models of the package, of files and of runs, by the names that a page shows.

    Args:
        names: names of models of the package, files, or folders of runs.
        which: of the runs, FIELD=VALUE that chooses trials.

    Raises:
        UserError: there is no such model, there are more than MOST_MODELS, or `which` is given without a run.
    """
    from vaemusic_jax.play.load import load

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
