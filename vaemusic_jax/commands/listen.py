"""The commands `vaemusic listen ...`: make a listening test, simulate its listeners, analyse their answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command
from vaemusic_jax.commands.several_models import add_models, models_named
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import write_atomically, writing
from vaemusic_jax.support.terminal import open_console
from vaemusic_jax.support.words import count


def add_to(commands: Commands) -> None:
    """Declares the commands with their arguments."""
    of_listen = add_command(commands, listen).add_subparsers(title="commands", metavar="COMMAND", required=True)

    parser = add_command(of_listen, make)
    add_models(parser)
    add = parser.add_argument
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

    parser = add_command(of_listen, simulate)
    add = parser.add_argument
    add("folder", metavar="DIR", type=Path, help="the folder that `vaemusic listen make` wrote.")
    add("--listeners", metavar="INT", type=int, help="the number of listeners; default %(default)s.")
    add(
        "--sensitivity",
        metavar="SLOPE",
        nargs="+",
        help="logit slope for each standard deviation, of all attributes, or of one as ATTRIBUTE=SLOPE; default 1.",
    )
    variation = "standard deviation of sensitivity over listeners, as a share of it; default %(default)s."
    add("--listener-variation", metavar="FLOAT", type=float, help=variation)
    add(
        "--item-variation",
        metavar="FLOAT",
        type=float,
        help="standard deviation over pairs, in logits; default %(default)s.",
    )
    add("--lapses", metavar="FLOAT", type=float, help="share of answers that are random; default %(default)s.")
    add("--guessers", metavar="FLOAT", type=float, help="share of listeners who only guess; default %(default)s.")
    add("--seed", metavar="INT", type=int, help="seed of everything that is drawn; default %(default)s.")
    add("--out", metavar="DIR", type=Path, help="the folder to write; default DIR/simulated.")

    parser = add_command(of_listen, analyse)
    add = parser.add_argument
    add("folder", metavar="DIR", type=Path, help="the folder that `vaemusic listen make` wrote.")
    add("answers", metavar="CSV", type=Path, nargs="+", help="files of answers, or folders of them.")
    add("--seed", metavar="INT", type=int, help="seed of the bootstraps; default %(default)s.")
    add("--out", metavar="DIR", type=Path, help="the folder to write; default DIR/analysis.")


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
        chosen = models_named(models, which)
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


def simulate(
    folder: Path,
    *,
    listeners: int = 24,
    sensitivity: Sequence[str] = ("1",),
    listener_variation: float = 0.3,
    item_variation: float = 0.3,
    lapses: float = 0.02,
    guessers: float = 0.0,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Writes the answers of simulated listeners, as the page does, to plan a test and to try its analysis.

    A listener chooses the measure with d more of the attribute, in standard deviations of the training measures, with a
    probability whose logit is the sensitivity times d. Listeners differ in their sensitivity, and pairs in how they
    sound. Sample sizes are in docs/listening.md.

        vaemusic listen simulate listening --listeners 32 --sensitivity 1 note_density=2
        vaemusic listen analyse listening listening/simulated
    """
    from vaemusic_jax.play.listening.answers import read_design, to_csv
    from vaemusic_jax.play.listening.simulate import Listeners
    from vaemusic_jax.play.listening.simulate import simulate as simulated

    design = read_design(folder)
    if not 1 <= listeners <= 10_000:
        raise UserError(f"--listeners: {listeners} is not from 1 to 10,000")
    for name, value, most in (
        ("--listener-variation", listener_variation, 10.0),
        ("--item-variation", item_variation, 10.0),
        ("--lapses", lapses, 1.0),
        ("--guessers", guessers, 1.0),
    ):
        if not 0 <= value <= most:
            raise UserError(f"{name}: {value} is not from 0 to {most:g}")
    slopes = _sensitivities(sensitivity, design.attributes)
    people = Listeners(slopes, listener_variation, item_variation, lapses, guessers)
    rows = simulated(design, people, listeners, seed)
    target = out or folder / "simulated"
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
    for listener, own in rows.groupby("listener", sort=False):
        name = f"listening-{design.study}-{own['group'].iloc[0]}-{listener}.csv"
        write_atomically(target / name, to_csv(design, own).encode())
    open_console().print(
        f"{target}: {count(listeners, 'simulated listener')} of study {design.study}", soft_wrap=True, markup=False
    )


def _sensitivities(texts: Sequence[str], attributes: Sequence[str]) -> dict[str, float]:
    """Returns slopes by attribute, of texts such as `1` for all of them and `note_density=2`. Raises UserError."""
    slopes = dict.fromkeys(attributes, 1.0)
    for text in texts:
        name, _, value = text.rpartition("=")
        if name and name not in slopes:
            raise UserError(f"--sensitivity: {text!r}: the test asks about {', '.join(slopes)}")
        try:
            slope = float(value)
        except ValueError:
            slope = float("nan")
        if not abs(slope) <= 100:
            raise UserError(f"--sensitivity: {text!r} is neither a number nor ATTRIBUTE=NUMBER")
        slopes |= {name: slope} if name else dict.fromkeys(slopes, slope)
    return slopes


def analyse(folder: Path, *, answers: Sequence[Path], out: Path | None = None, seed: int = 0) -> None:
    """Analyses the answers to a listening test: what people hear of each control, against the ceiling of real pairs.

    It applies the rules of exclusion of the preregistration, fits psychometric slopes and a mixed-effects logistic
    regression, and writes a page, a table and a figure. Files that are broken, unfinished, repeated or of another test
    are said in one line each. Needs `python -m pip install 'vaemusic-jax[listening]'`.

        vaemusic listen analyse listening answers/*.csv
        vaemusic listen analyse listening listening/simulated --out findings
    """
    from rich.table import Table

    from vaemusic_jax.music.attributes import ATTRIBUTES
    from vaemusic_jax.play.listening import analyse as analysing
    from vaemusic_jax.play.listening import findings
    from vaemusic_jax.play.listening.answers import read_answers, read_design
    from vaemusic_jax.support.csv_text import csv_cell

    design = read_design(folder)
    files = [file for path in answers for file in (sorted(path.glob("*.csv")) if path.is_dir() else [path])]
    if not files:
        raise UserError(f"{answers[0]}: holds no CSV files of answers")
    found = analysing.analyse(design, read_answers(design, files), seed=seed)
    target = out or folder / "analysis"
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
    table = found.cells.assign(source=found.cells["source"].map(csv_cell))
    write_atomically(target / "analysis.md", findings.markdown_of(design, found).encode())
    write_atomically(target / "cells.csv", table.to_csv(index=False, lineterminator="\n").encode())
    write_atomically(target / "psychometric.svg", findings.figure_of(design, found))
    console = open_console()
    for note in found.notes:
        console.print(note, soft_wrap=True, markup=False, highlight=False)
    shown = Table(box=None, pad_edge=False)
    for heading in ("source", "attribute", "right", "against computed", "against asked", "of ceiling"):
        shown.add_column(heading, justify="left" if heading in ("source", "attribute") else "right")
    for _, row in found.cells.iterrows():
        slopes = (findings.interval(row, claim) for claim in analysing.CLAIMS)
        share, ceiling = findings.number(row["right"]), findings.number(row["of_ceiling"])
        shown.add_row(row["source"], ATTRIBUTES[row["attribute"]].words, share, *slopes, ceiling)
    console.print(shown)
    console.print(
        f"{count(found.listeners, 'listener')}; slopes in logits for each standard deviation, with 95 % intervals. "
        f"Written: {target}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
