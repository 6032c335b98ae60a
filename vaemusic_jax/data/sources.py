"""Finds the music files of a folder, and says which files are not read and why.

A file counts by its suffix, in any case. Left out are hidden files and folders (their name starts with a dot), files
without a suffix, and links to folders; a file that is reached in two ways is read once. A piece that is there
in several formats, as in SymbTr's folders MusicXML/, txt/ and midi/, is read in one of them.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from vaemusic_jax.data.readers.reader import BYTES_TO_LOOK_AT, Reader
from vaemusic_jax.data.readers.registry import read_suffixes, reader_of
from vaemusic_jax.errors import UserError

#: Folders that hold the same pieces in several formats, the one to be read first.
FORMAT_FOLDERS = ("musicxml", "txt", "midi")

SAME_PIECE = "same piece in another format"
NO_FILE = "link that leads nowhere"
NOT_REGULAR = "neither file nor folder"
NO_FOLDER_ACCESS = "folder without read permission"


@dataclass
class Found:
    """The files under a folder.

    Attributes:
        files: (path, name, kind) of each file to be read; names are relative to the folder, with forward slashes.
        dropped: (name, reason) of each that should be music but is not read.
        others: suffix -> files of other kinds, which are no music.
    """

    files: list[tuple[Path, str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def checked_source(source: str | Path) -> Path:
    """Returns the path of a source as the user names it. Raises UserError if no file can have that name."""
    if not str(source):
        raise UserError("source: '' is no folder; give one with files of music, or one such file")
    try:
        encoded = str(source).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{source!r}: the name of this source is no text; rename it") from error
    if b"\0" in encoded:
        raise UserError(f"{source!r}: no file has such a name")
    return Path(source)


def find_files(source: Path) -> Found:
    """The music files of a folder, at any depth, sorted by name; or the one file that `source` is.

    Raises:
        UserError: there is no such file or folder, no permission to read it, or nothing in it that could be music.
    """
    try:
        return _find(source)
    except OSError as error:
        raise UserError(f"{source}: cannot be read: {(error.strerror or str(error)).lower()}") from error


def _find(source: Path) -> Found:
    hint = f"give a folder with files of music or one such file ({' '.join(read_suffixes())})"
    try:
        source.stat()  # From Python 3.14 on, `exists` hides errors such as a name that is too long.
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{source}: no such file or folder; {hint}") from None
    if not os.access(source, os.R_OK | (os.X_OK if source.is_dir() else 0)):
        raise UserError(f"{source}: no permission to read it; {hint}")
    if not source.is_dir():
        reader = reader_of(source)
        if reader is None or not source.is_file():
            raise UserError(f"{source}: not a file of music; {hint}")
        return Found(files=[(source, _printable(source.name), reader.kind)])
    found = _walk(source)
    if not found.files:
        raise UserError(f"{source}: no file of music in this folder; {hint}")
    return found


def _walk(source: Path) -> Found:
    found = Found()
    candidates = []

    def unreadable(error: OSError) -> None:
        found.dropped.append((_printable(Path(error.filename).relative_to(source).as_posix()), NO_FOLDER_ACCESS))

    for folder, subfolders, names in os.walk(source, onerror=unreadable):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            path = Path(folder, name)
            reader = reader_of(path)
            if name.startswith(".") or reader is None:
                found.others["hidden" if name.startswith(".") else path.suffix.lower() or "no suffix"] += 1
            else:
                candidates.append((path, _printable(path.relative_to(source).as_posix()), reader))
    # real files before links to them, then by name
    candidates.sort(key=lambda each: (each[0].is_symlink(), each[1]))
    formats = _formats([path for path, _, _ in candidates])
    seen = set[str]()
    for path, name, reader in candidates:
        real = os.path.realpath(path)
        try:
            is_file, exists = path.is_file(), path.exists()
        except OSError:
            found.dropped.append((name, NO_FOLDER_ACCESS))
            continue
        if not is_file:
            found.dropped.append((name, NOT_REGULAR if exists else NO_FILE))
        elif real not in seen and _is_best(path, formats):
            seen.add(real)
            found.files.append((path, name, reader.kind))
        elif real not in seen:
            found.dropped.append((name, SAME_PIECE))
    found.files.sort(key=lambda each: each[1])
    return found


def _formats(candidates: list[Path]) -> dict[tuple[Path, str], int]:
    """Of each piece in folders of formats: the place in `FORMAT_FOLDERS` of the first format that has it."""
    best: dict[tuple[Path, str], int] = {}
    for path in candidates:
        rank = _rank(path)
        if rank is not None:
            piece = (path.parent.parent, path.stem)
            best[piece] = min(rank, best.get(piece, rank))
    return best


def _is_best(path: Path, formats: dict[tuple[Path, str], int]) -> bool:
    return _rank(path) in (None, formats.get((path.parent.parent, path.stem)))


def _rank(path: Path) -> int | None:
    folder = path.parent.name.lower()
    if folder not in FORMAT_FOLDERS or not _may_be_music(path):
        return None
    return FORMAT_FOLDERS.index(folder)


def _may_be_music(path: Path) -> bool:
    reader = reader_of(path)
    try:
        return reader is not None and may_be_music(path, reader)
    except OSError:
        return False


def may_be_music(path: Path, reader: Reader) -> bool:
    """Whether a file of this reader's suffix is of its format, as far as the start of the file shows. Raises OSError.

    A table in SymbTr's layout is, and the words of a song are not, though both end in `.txt`.
    """
    if reader.recognises is None:
        return True
    with path.open("rb") as file:
        return reader.recognises(file.read(BYTES_TO_LOOK_AT))


def _printable(name: str) -> str:
    """The name of a file as text that can be written; bytes of it that are none become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
