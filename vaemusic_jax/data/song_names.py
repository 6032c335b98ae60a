"""Tells from the names of files which of them are versions of one song."""

import re
from pathlib import PurePosixPath

_VERSION = re.compile(r"\.\d{1,3}$")


def song_of(name: str) -> str:
    """The song that a file is a version of.

    `Artist/Title.mid`, `Artist/Title.1.mid` and `Artist/Title.2.MID` are versions of one song, `Artist/Title`.

    Args:
        name: of the file, relative to its folder, with forward slashes.
    """
    path = PurePosixPath(name)
    return (path.parent / _VERSION.sub("", path.stem)).as_posix()
