"""Lists the pieces of music in files: the tunes of a book, the rows of a table, or a file that is one piece."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.sources import SAME_PIECE, Found, may_be_music
from vaemusic_jax.data.tunes import UnreadableTuneError

NO_ACCESS = "cannot be opened"
NO_MUSIC = "no music"


@dataclass(frozen=True)
class Piece:
    """One piece of music, not yet read.

    Attributes:
        name: unique; the file's, relative to its folder, and the number within it.
        kind: which reader it is for.
        song: what it is a setting or version of; those of one song go to one split.
        path: its file.
        text: the tune itself, where the file holds many.
    """

    name: str
    kind: str
    song: str
    path: Path
    text: str | None = None

    def content(self) -> bytes:
        """The bytes of the piece. Raises OSError."""
        return self.path.read_bytes() if self.text is None else self.text.encode("utf-8", "surrogatepass")


@dataclass
class Collection:
    """The pieces of a set of files, and the files that gave none.

    Attributes:
        pieces: in the order of the files, then of their tunes.
        n_files: how many files they are from, read or not.
        dropped: (name, reason) of each file that gave none.
        others: suffix -> files that are no music.
    """

    pieces: list[Piece] = field(default_factory=list)
    n_files: int = 0
    dropped: list[tuple[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def collect(found: Found, max_mebibytes: int) -> Collection:
    """Opens the tune books and tables among the files and lists every piece.

    Args:
        found: the files.
        max_mebibytes: larger files are dropped.
    """
    collection = Collection(dropped=list(found.dropped), others=found.others.copy())
    collection.n_files = len(found.dropped)
    settings: set[tuple[str, str]] = set()
    for path, name, kind in found.files:
        pieces: list[Piece] = []
        try:
            if path.stat().st_size > max_mebibytes * 2**20:
                fault = f"larger than {max_mebibytes} MiB"
            else:
                pieces, fault = _pieces_of(path, name, READERS[kind], settings)
        except OSError:
            fault = NO_ACCESS
        except UnreadableTuneError as error:
            fault = str(error)
        if fault == NO_MUSIC:
            collection.others[path.suffix.lower()] += 1
            continue
        collection.n_files += 1
        collection.pieces += pieces
        if fault:
            collection.dropped.append((name, fault))
    collection.pieces = _with_unique_names(collection.pieces)
    return collection


def _pieces_of(path: Path, name: str, reader: Reader, settings: set[tuple[str, str]]) -> tuple[list[Piece], str]:
    """The pieces of one file, or why it has none. `settings` are those of tables read before; it adds its own."""
    if not may_be_music(path, reader):
        return [], NO_MUSIC
    if reader.split is None:
        return [Piece(name, reader.kind, reader.song(name), path)], ""
    tunes = reader.split(path.read_bytes(), name)
    if tunes is None:
        return [], NO_MUSIC
    own = {tune: (tune.song, tune.name.rpartition("#")[2]) for tune in tunes if tune.song}
    new = [tune for tune in tunes if own.get(tune) not in settings]
    settings.update(own.values())
    fault = "" if new else SAME_PIECE if tunes else "no tune in it"
    return [Piece(tune.name, reader.kind, tune.song or tune.name, path, tune.text) for tune in new], fault


def _with_unique_names(pieces: list[Piece]) -> list[Piece]:
    """Adds `.2`, `.3`, ... to a repeated name, because the split goes by names."""
    seen = Counter[str]()
    unique = []
    for piece in pieces:
        seen[piece.name] += 1
        repeat = seen[piece.name]
        unique.append(piece if repeat == 1 else replace(piece, name=f"{piece.name}.{repeat}"))
    return unique
