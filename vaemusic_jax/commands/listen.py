"""The commands `vaemusic listen ...`: make a listening test, simulate its listeners, analyse their answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vaemusic_jax.commands.explore import DEFAULT_MODELS, MOST_MODELS, models_named
from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import write_atomically, writing
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import count


def add_to(commands: Commands) -> None:
    """Declares the commands with their arguments."""
    of_listen = add_command(commands, listen).add_subparsers(title="commands", metavar="COMMAND", required=True)

    parser = add_command(of_listen, make)
    add = parser.add_argument
    add(
        "models",
        metavar="MODEL",
        nargs="*",
        help="models of `vaemusic models`, files of `vaemusic export`, or folders of runs, at most "
        f"{MOST_MODELS}; default {' '.join(DEFAULT_MODELS)}.",
    )
    add("--which", metavar="FIELD=VALUE", nargs="+", help="of the runs: fields that choose trials, or id=ID.")
    add("--out", metavar="DIR", type=Path, required=True, help="the folder to write.")
    add(
        "--groups",
        metavar="INT",
        type=int,
        help="groups of listeners, an even number, one page each; default %(default)s.",
    )
    add(
        "--trials",
        metavar="INT",
        type=int,
        help="pairs that each listener hears for each source of pairs and attribute; default %(default)s.",
    )
    add("--ratings", action="store_true", help="at the end, single measures are rated from 1 to 7.")
    add("--seed", metavar="INT", type=int, help="seed of everything that is drawn; default %(default)s.")
    add("--text", metavar="FILE", type=Path, help="a translation of all text of the page (docs/listening.md).")
    add_cache_dir(parser)


def listen() -> None:
    """Makes a listening test of what the controls of models do, simulates its listeners, and analyses their answers."""


def make(
    *,
    models: Sequence[str] = (),
    which: Sequence[str] = (),
    out: Path,
    groups: int = 8,
    trials: int = 6,
    ratings: bool = False,
    seed: int = 0,
    text: Path | None = None,
    cache_dir: Path | None = None,
) -> None:
    """Writes the pages of a listening test, one file for each group of listeners, its design and a preregistration.

    A listener hears two measures and says which has more of an attribute. The measures are what a model's control gives
    at two quantiles, from one start, or two real ones that differ by as much. A page opens from disk in a browser,
    loads and sends nothing, and gives a file of answers at the end. Held-out measures are of the data set that the
    first model was trained on, which is prepared if it comes with this package.

        vaemusic listen make --out listening
        vaemusic listen make runs/quickstart --which latent_dim=32 --groups 4 --ratings --out mine
    """
    import json

    from vaemusic_jax.data.cache import cached_in
    from vaemusic_jax.play.explorer.page import held_out_measures
    from vaemusic_jax.play.listening.answers import DESIGN, read_design
    from vaemusic_jax.play.listening.design import make_design
    from vaemusic_jax.play.listening.page import page_of, read_text
    from vaemusic_jax.play.listening.preregistration import preregistration

    words = read_text(text)
    with cached_in(cache_dir):
        chosen = models_named(models or DEFAULT_MODELS, which)
        first_name, first = next(iter(chosen.items()))
        for name, model in chosen.items():
            if model.vocabulary.metre != first.vocabulary.metre:
                raise UserError(
                    f"{name}: its measures are in {model.vocabulary.metre} and those of {first_name} in "
                    f"{first.vocabulary.metre}; models of one test need one metre"
                )
        measures = held_out_measures(list(chosen.values()))
        if measures is None:
            raise UserError(
                f"{first_name}: its data set {first.about.dataset['name']} is not there, or is another one by now; "
                "real pairs are of its test measures. Prepare it with `vaemusic data prepare`"
            )
        design = make_design(chosen, measures, groups=groups, trials=trials, ratings=ratings, seed=seed)
    if (out / DESIGN).exists() and read_design(out).study != design.study:
        raise UserError(f"{out}: holds another listening test, whose answers need its design; choose another folder")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    pages = {f"group-{group}.html": page_of(design, group, words) for group in range(1, groups + 1)}
    files = {DESIGN: json.dumps(design.to_plain()), "preregistration.md": preregistration(design), **pages}
    for name, content in files.items():
        write_atomically(out / name, content.encode())
    console = open_console()
    for warning in design.warnings:
        console.print(f"Note: {warning}.", soft_wrap=True, markup=False, highlight=False)
    mega = max(len(page.encode()) for page in pages.values()) / 1e6
    console.print(
        f"{out}: {count(groups, 'page')} of at most {mega:.1f} MB, {count(len(design.groups[0]), 'trial')} each, about "
        f"{design.minutes:.0f} minutes; study {design.study}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
    console.print("Next: open a page in a browser, or try the analysis with `vaemusic listen simulate`.")
