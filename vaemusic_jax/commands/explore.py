"""The command `vaemusic explore`, which writes a page to turn the controls of trained models, and to hear them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command
from vaemusic_jax.commands.several_models import add_models, models_named
from vaemusic_jax.support.atomic import check_writable, write_atomically
from vaemusic_jax.support.terminal import open_console


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, explore)
    add_models(parser)
    add = parser.add_argument
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
        chosen = models_named(models, which)
        page = page_of(chosen).encode()
    write_atomically(out, page)
    console = open_console()
    console.print(
        f"{out}: {len(page) / 1e6:.1f} MB, {', '.join(chosen)}", soft_wrap=True, markup=False, highlight=False
    )
    console.print("Open it in a browser. It needs no network.")
