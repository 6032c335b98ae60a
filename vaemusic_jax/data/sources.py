"""Finds the music files of a folder: what is read, what is not, and why.

A file counts by its suffix, in any case. Left out are hidden files and folders (their name starts with a dot), files
without a suffix, and links to folders; a file that is reached in two ways is read once. What stands side by side in
several formats, as SymbTr's MusicXML/, txt/ and midi/, is read in one of them.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from vaemusic_jax.data.readers.symbtr_text import is_symbtr_text
from vaemusic_jax.errors import UserError

#: Suffixes and what kind of file they promise; tables and texts are looked into before they count as music.
KINDS = {
    ".abc": "abc",
    ".mid": "midi",
    ".midi": "midi",
    ".kar": "midi",
    ".musicxml": "musicxml",
    ".xml": "musicxml",
    ".mxl": "mxl",
    ".krn": "kern",
    ".csv": "session",
    ".json": "session",
    ".txt": "symbtr",
}
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
    hint = f"give a folder with files of music or one such file ({' '.join(KINDS)})"
    if not source.exists():
        raise UserError(f"{source}: no such file or folder; {hint}")
    if not os.access(source, os.R_OK | (os.X_OK if source.is_dir() else 0)):
        raise UserError(f"{source}: no permission to read it; {hint}")
    if not source.is_dir():
        if source.suffix.lower() not in KINDS or not source.is_file():
            raise UserError(f"{source}: not a file of music; {hint}")
        return Found(files=[(source, _printable(source.name), KINDS[source.suffix.lower()])])
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
            suffix = path.suffix.lower()
            if name.startswith(".") or suffix not in KINDS:
                found.others["hidden" if name.startswith(".") else suffix or "no suffix"] += 1
            else:
                candidates.append((path, _printable(path.relative_to(source).as_posix()), KINDS[suffix]))
    # real files before links to them, then by name
    candidates.sort(key=lambda each: (each[0].is_symlink(), each[1]))
    formats = _formats(candidates)
    seen = set[str]()
    for path, name, kind in candidates:
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
            found.files.append((path, name, kind))
        elif real not in seen:
            found.dropped.append((name, SAME_PIECE))
    found.files.sort(key=lambda each: each[1])
    return found


def _formats(candidates: list[tuple[Path, str, str]]) -> dict[tuple[Path, str], int]:
    """Of each piece below folders of formats: the first format it is to be had in."""
    best: dict[tuple[Path, str], int] = {}
    for path, _, _ in candidates:
        rank = _rank(path)
        if rank is not None:
            piece = (path.parent.parent, path.stem)
            best[piece] = min(rank, best.get(piece, rank))
    return best


def _is_best(path: Path, formats: dict[tuple[Path, str], int]) -> bool:
    return _rank(path) in (None, formats.get((path.parent.parent, path.stem)))


def _rank(path: Path) -> int | None:
    folder = path.parent.name.lower()
    if folder not in FORMAT_FOLDERS or (path.suffix.lower() == ".txt" and not _is_symbtr(path)):
        return None
    return FORMAT_FOLDERS.index(folder)


def _is_symbtr(path: Path) -> bool:
    """Whether a text file is one of SymbTr's tables, and not a song's words."""
    try:
        with path.open("rb") as file:
            return is_symbtr_text(file.read(1000))
    except OSError:
        return False


def _printable(name: str) -> str:
    """A file name that is text, also where the name on the disk is not."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
