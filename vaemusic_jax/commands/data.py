"""The commands `vaemusic data list`, `vaemusic data prepare NAME` and `vaemusic data inspect NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table

from vaemusic_jax.commands.inspection import plain_table, print_inspection
from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command
from vaemusic_jax.data.cache import cache_directory
from vaemusic_jax.data.corpora import CORPORA, metre_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.data.names import Entry, look_up, prepared_names
from vaemusic_jax.data.reading_report import counts, write_report
from vaemusic_jax.data.source_files import files_in_words
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.workers import Limits
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.grid import GRIDS
from vaemusic_jax.support.atomic import check_writable
from vaemusic_jax.support.terminal import open_console

if TYPE_CHECKING:
    from vaemusic_jax.data.prepare import Prepared


def add_to(commands: Commands) -> None:
    """Declares the commands with their arguments."""
    of_data = add_command(commands, data).add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_cache_dir(add_command(of_data, list_corpora, "list"))

    parser = add_command(of_data, prepare)
    add = parser.add_argument
    add("name", metavar="NAME", help="a corpus of `vaemusic data list`, or a new name of your choice.")
    add(
        "--source",
        metavar="PATH",
        help="a folder with ABC, MusicXML, MXL, kern, MIDI, SymbTr or Session files, or one such file; left out: the "
        "files that come with music21.",
    )
    add(
        "--pitch",
        choices=("rounded", "microtonal"),
        help="rounded to twelve tones, or microtonal, in Holdrian commas, where the files have such pitches; "
        "default %(default)s.",
    )
    add(
        "--voices",
        choices=("melody", "all"),
        help="the melody of each score or MIDI file, or all voices (all monophonic tracks), each on its own; "
        "default %(default)s.",
    )
    add(
        "--metre",
        choices=tuple(GRIDS),
        help="the metre of the measures to use; those in other metres are dropped; default: the corpus's own, which is "
        "4/4 for your own music.",
    )
    add(
        "--split-seed",
        metavar="INT",
        type=int,
        help="seed of the split into training, validation and test tunes; default %(default)s.",
    )
    add(
        "--report",
        metavar="PATH",
        type=Path,
        help="a CSV file to write, with one line for every tune and every file that gave none.",
    )
    add_cache_dir(parser)
    add("--workers", metavar="INT", type=int, help="processes that read files; default one per core.")
    for option, kind, what in (
        ("--seconds-per-file", float, "a file that takes longer is dropped"),
        ("--memory-per-file", int, "a file that takes more is dropped, in MiB"),
        ("--size-per-file", int, "a file that is larger is dropped, in MiB"),
    ):
        add(option, metavar=kind.__name__.upper(), type=kind, help=f"{what}; default %(default)s.")

    parser = add_command(of_data, inspect)
    add = parser.add_argument
    add("name", metavar="NAME", help="a data set of `vaemusic data list`.")
    add(
        "--html",
        metavar="PATH",
        type=Path,
        help="a page to write, with the distributions and correlations as figures and the measures as notation.",
    )
    add("--measures", metavar="INT", type=int, help="how many measures to show; default %(default)s.")
    add_cache_dir(parser)


def data() -> None:
    """Lists, prepares and shows the tunes to learn from: `vaemusic data list | prepare NAME | inspect NAME`."""


def list_corpora(*, cache_dir: Path | None = None) -> None:
    """Lists the data sets: what each is, where its files come from, under which terms, and whether it is ready."""
    table = Table.grid(padding=(0, 2))
    for corpus in CORPORA.values():
        entry = look_up(corpus.name, cache_dir)
        if entry is not None and (cache_directory(cache_dir) / entry.file).exists():
            ready = _what_it_is(entry)
        elif corpus.embedded:
            ready = "yes, nothing to download; prepared when it is first used"
        else:
            ready = f"no: vaemusic data prepare {corpus.name} --source FOLDER"
        table.add_row(corpus.name, "music", corpus.what, style="bold")
        for label, text in (("files", corpus.source), ("terms", corpus.licence), ("ready", ready)):
            table.add_row("", label, text)
        table.add_row()
    for name in prepared_names(cache_dir):
        entry = look_up(name, cache_dir)
        if name not in CORPORA and entry is not None:
            table.add_row(name, "music", "your own", style="bold")
            table.add_row("", "ready", _what_it_is(entry))
            table.add_row()
    table.add_row("any name", "music", "your own: ABC, MusicXML, MXL, kern or MIDI", style="bold")
    table.add_row("", "ready", "after: vaemusic data prepare NAME --source FOLDER")
    open_console().print(table)


def _what_it_is(entry: Entry) -> str:
    how = entry.reading.in_words()
    return f"yes: {entry.summary}, from {entry.source or 'the embedded files'} ({how})"


def prepare(
    name: str,
    *,
    source: str | None = None,
    pitch: Literal["rounded", "microtonal"] = "rounded",
    voices: Literal["melody", "all"] = "melody",
    metre: str | None = None,
    split_seed: int = 0,
    report: Path | None = None,
    cache_dir: Path | None = None,
    workers: int | None = None,
    seconds_per_file: float = Limits.seconds,
    memory_per_file: int = Limits.memory,
    size_per_file: int = Limits.size,
) -> None:
    """Reads music, splits it by tune and keeps it in the cache; prints what was kept and what was dropped, and why.

    From then on the name is a data set for every configuration, also after the source is gone. Interrupting loses
    nothing: each file that was read stays read, and the next time only new or changed files are.

        vaemusic data prepare irish_folk
        vaemusic data prepare irish_folk --source TheSession-data/csv/tunes.csv
        vaemusic data prepare turkish_makam --source SymbTr/ --report turkish_makam.csv
        vaemusic data prepare lakh_clean --source clean_midi/
        vaemusic data prepare my_tunes --source my_folder/
        vaemusic data prepare my_waltzes --source my_folder/ --metre 3/4
    """
    if report is not None:
        check_writable(report)
    prepared = _prepare(
        report,
        name,
        source=source,
        reading=Reading(pitch, voices, metre or metre_of(name)),
        split_seed=split_seed,
        cache_dir=cache_dir,
        limits=Limits(seconds_per_file, memory_per_file, size_per_file),
        workers=workers,
    )
    console = open_console()
    _print_counts(console, prepared.dataset)
    if report is not None:
        write_report(report, prepared.outcomes)
        console.print(f"Every tune and file: {report}", soft_wrap=True)
    console.print(f"Kept in {prepared.dataset.path}", soft_wrap=True)
    console.print(f"Next: `vaemusic data inspect {name}`, or dataset: {name} in a configuration")


def _prepare(report: Path | None, name: str, **options: Any) -> Prepared:
    """Prepares a data set; if it is refused, the report is written all the same."""
    from vaemusic_jax.data.prepare import RefusedError, prepare_dataset

    try:
        return prepare_dataset(name, **options)
    except RefusedError as error:
        if report is None:
            raise
        write_report(report, error.outcomes)
        raise UserError(f"{error}; every tune and file: {report}") from error


def inspect(name: str, *, html: Path | None = None, measures: int = 8, cache_dir: Path | None = None) -> None:
    """Shows a data set: counts, vocabulary, attribute statistics, repeated measures, and a few measures as ABC.

    An embedded corpus is prepared first if need be.
    """
    from vaemusic_jax.data.statistics import statistics_of

    if measures < 0:
        raise UserError(f"--measures: {measures} is negative; give 0 or more")
    if html is not None:
        check_writable(html)
    dataset = load_dataset(name, cache_dir=cache_dir)
    console = open_console()
    _print_counts(console, dataset)
    statistics = statistics_of(dataset)
    print_inspection(console, dataset, statistics, measures)
    if html is not None:
        from vaemusic_jax.commands.inspection_page import write_page
        from vaemusic_jax.report.style import quiet_matplotlib

        with quiet_matplotlib():
            write_page(html, dataset, statistics, measures)
        console.print(f"Page: {html}", soft_wrap=True)


def _print_counts(console: Console, dataset: Dataset) -> None:
    table = plain_table("", "count", title=f"{dataset.name}: {dataset.report['reading']} (digest {dataset.digest})")
    for label, count in counts(dataset):
        table.add_row(label, f"{count:,}")
    console.print(table)
    console.print(files_in_words(dataset.report), soft_wrap=True, markup=False, highlight=False)
