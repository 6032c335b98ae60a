"""The corpora this package knows, and where their files are."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vaemusic_jax.data.tune_book import abc_files
from vaemusic_jax.errors import UserError


@dataclass(frozen=True)
class Corpus:
    """One corpus, as `vaemusic data list` prints it.

    Attributes:
        name: what `load_dataset` takes.
        what: the music.
        source: the official source.
        licence: its terms, in short.
        embedded: folders of music21's own corpus that stand in when the user gives no files; empty: files are needed.
        supported: whether this version can prepare it.
    """

    name: str
    what: str
    source: str
    licence: str
    embedded: tuple[str, ...] = ()
    supported: bool = False


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "irish_folk",
            "Irish dance tunes and airs: O'Neill's Music of Ireland (1850 tunes) and Ryan's Mammoth Collection",
            "inside music21's wheel (oneills1850, ryansMammoth); or --source with a folder or file of ABC",
            "music: public domain (1883, 1903); transcriptions: by volunteers, distributed with music21",
            embedded=("oneills1850", "ryansMammoth"),
            supported=True,
        ),
        Corpus(
            "bach",
            "four-part chorales of J. S. Bach",
            "inside music21's wheel (bach); or --source with a folder of MusicXML, kern or MuseData",
            "music: public domain; encodings: distributed with music21, see corpus/license.txt there",
        ),
        Corpus(
            "turkish_makam",
            "Turkish makam music: the SymbTr collection",
            "--source with a checkout of github.com/MTG/SymbTr",
            "CC BY-NC-SA 4.0",
        ),
        Corpus(
            "lakh_clean",
            "popular songs as MIDI: the clean subset of the Lakh MIDI Dataset",
            "--source with the unpacked clean_midi folder of colinraffel.com/projects/lmd",
            "CC BY 4.0 as a collection; rights in the songs stay with their owners",
        ),
    )
}


def find_corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        UserError: unknown, or not supported yet.
    """
    if name not in CORPORA:
        raise UserError(f"data set {name!r} is not known; known: {', '.join(CORPORA)}")
    corpus = CORPORA[name]
    if not corpus.supported:
        supported = ", ".join(each.name for each in CORPORA.values() if each.supported)
        raise UserError(f"data set {name!r} cannot be prepared yet: this version reads only {supported}")
    return corpus


def source_files(corpus: Corpus, source: Path | None) -> list[tuple[Path, str]]:
    """The ABC files of a corpus with their names, from `source` or from music21's wheel.

    Raises:
        UserError: no such file or folder, not readable, or nothing in it.
    """
    if source is None:
        folder = _music21_corpus()
        return [(path, f"{book}/{name}") for book in corpus.embedded for path, name in _listed(folder / book)]
    return list(_listed(source))


def _listed(path: Path) -> Iterable[tuple[Path, str]]:
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; give a folder of .abc files or one .abc file")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise UserError(f"{path}: no permission to read it; give a folder of .abc files or one .abc file")
    if path.is_file() and path.suffix.lower() != ".abc":
        raise UserError(f"{path}: not an .abc file; give a folder of .abc files or one .abc file")
    files = abc_files(path)
    if not files:
        raise UserError(f"{path}: no .abc file in this folder; give a folder of .abc files or one .abc file")
    return files


def _music21_corpus() -> Path:
    """The corpus folder of the installed music21, found without importing it (that takes seconds)."""
    spec = importlib.util.find_spec("music21")
    folder = Path(spec.origin).parent / "corpus" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise UserError(
            "irish_folk: the installed music21 has no corpus folder; reinstall it with `pip install --force-reinstall "
            "music21`, or give --source with a folder of .abc files"
        )
    return folder
