"""Lists the corpora that this package knows, and finds the files of those that come with music21."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.data.chorales import chorale_files
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.grid import COMMON
from vaemusic_jax.support.words import command, did_you_mean

if TYPE_CHECKING:
    from vaemusic_jax.data.sources import Found


@dataclass(frozen=True)
class Corpus:
    """One corpus, as `vaemusic data list` prints it.

    Attributes:
        name: what `load_dataset` takes.
        what: the music.
        source: the official source.
        licence: its terms, in short.
        embedded: folders of music21's own corpus that stand in when the user gives no files; empty: files are needed.
        folder: the only folder of the official source that is read, where a source has one of that name: others hold
            the same pieces again.
        metre: of the measures that are used, unless the user asks for another.
    """

    name: str
    what: str
    source: str
    licence: str
    embedded: tuple[str, ...] = ()
    folder: str = ""
    metre: str = COMMON


_IRISH_BOOKS = ("oneills1850", "ryansMammoth")
_IRISH_TERMS = "music: public domain (1883, 1903); transcriptions: by volunteers, distributed with music21"

CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "irish_folk",
            "Irish dance tunes and airs: O'Neill's Music of Ireland (1850 tunes) and Ryan's Mammoth Collection",
            "in music21's wheel (oneills1850, ryansMammoth); or --source with The Session's tunes.csv or tunes.json "
            "(github.com/adactio/TheSession-data, under its own licence), a folder of ABC or any other music",
            _IRISH_TERMS,
            embedded=_IRISH_BOOKS,
        ),
        Corpus(
            "irish_jigs",
            "the jigs of the same two books: their measures in 6/8",
            "in music21's wheel (oneills1850, ryansMammoth); or --source with any music in 6/8",
            _IRISH_TERMS,
            embedded=_IRISH_BOOKS,
            metre="6/8",
        ),
        Corpus(
            "bach",
            "four-part chorales of J. S. Bach",
            "inside music21's wheel (bach); or --source with a folder of MusicXML or kern",
            "music: public domain; encodings: distributed with music21, see corpus/license.txt there",
            embedded=("bach",),
        ),
        Corpus(
            "turkish_makam",
            "Turkish makam music: the SymbTr collection",
            "--source with a checkout of github.com/MTG/SymbTr: MusicXML/ is read, else txt/, else midi/",
            "CC BY-NC-SA 4.0",
        ),
        Corpus(
            "lakh_clean",
            "popular songs as MIDI: the clean subset of the Lakh MIDI Dataset",
            "--source with the unpacked clean_midi folder of colinraffel.com/projects/lmd",
            "CC BY 4.0 as a collection; rights in the songs stay with their owners",
        ),
        Corpus(
            "essen",
            "folk songs, most of them German: the Essen Folksong Collection",
            "in music21's wheel (essenFolksong), in ABC; or --source with a checkout of "
            "github.com/ccarh/essen-folksong-collection: kern, in folders by continent and country",
            "in music21: non-commercial use (corpus/essenFolksong/license.txt there); in kern: CCARH's licence, for "
            "personal use and academic research (license.txt there)",
            embedded=("essenFolksong",),
        ),
        Corpus(
            "nottingham",
            "British and American folk tunes: the Nottingham Music Database",
            "--source with a checkout of github.com/jukedeck/nottingham-dataset: of it ABC_cleaned/ is read, since "
            "MIDI/ holds the same tunes",
            "GPL 3",
            folder="ABC_cleaned",
        ),
    )
}


def find_corpus(name: str, prepared: Iterable[str] = ()) -> Corpus:
    """The corpus of that name.

    Args:
        name: of a corpus.
        prepared: names of the user's own data sets, for the error message.

    Raises:
        UserError: unknown.
    """
    if name not in CORPORA:
        prepared = tuple(prepared)
        known = ", ".join(dict.fromkeys([*CORPORA, *prepared]))
        raise UserError(
            f"data set {name!r} is not known{did_you_mean(name, [*CORPORA, *prepared])}; known: {known}; "
            f"to add your own music: {prepare_command(name)}"
        )
    return CORPORA[name]


def metre_of(name: str) -> str:
    """Returns the metre of the corpus of that name, 4/4 for any other data set."""
    return CORPORA[name].metre if name in CORPORA else COMMON


def folder_of(name: str, source: Path) -> Path:
    """Returns the folder of a source that is read for the data set of that name: of some corpora, one inside it."""
    inside = CORPORA[name].folder if name in CORPORA else ""
    try:
        return source / inside if inside and (source / inside).is_dir() else source
    except OSError:  # what is wrong with the source, those say who read it
        return source


def prepare_command(name: str) -> str:
    """Returns the command line that prepares a data set of a name from a folder, in backticks."""
    return command("vaemusic", "data", "prepare", name, "--source", "FOLDER")


def embedded_files(corpus: Corpus) -> Found:
    """The files of a corpus that come with music21, found without importing it (that takes seconds).

    Raises:
        UserError: none come with it, or this music21 has none.
    """
    from vaemusic_jax.data.sources import Found, find_files  # here, because it imports every reader

    if not corpus.embedded:
        raise UserError(
            f"{corpus.name}: its music does not come with this package; give --source FOLDER ({corpus.source})"
        )
    spec = importlib.util.find_spec("music21")
    folder = Path(spec.origin).parent / "corpus" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise UserError(
            f"{corpus.name}: the installed music21 has no corpus folder; reinstall it with `pip install "
            "--force-reinstall music21`, or give --source FOLDER with your own files"
        )
    found = Found()
    for book in corpus.embedded:
        in_book = find_files(folder / book)
        files = [(path, f"{book}/{name}", kind) for path, name, kind in in_book.files]
        if corpus.name == "bach":
            chorales = set(chorale_files(folder / book))
            files = [each for each in files if each[0] in chorales]
        found.files += files
    return found
