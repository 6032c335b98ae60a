"""Which files are versions of one song, by their names."""

import re
from pathlib import PurePosixPath

_VERSION = re.compile(r"\.\d{1,3}$")


def song_of(name: str) -> str:
    """What a file is a version of: `Artist/Title.mid`, `Artist/Title.1.mid` and `Artist/Title.2.MID` are one song.

    Args:
        name: of the file, relative to its folder, with forward slashes.
    """
    path = PurePosixPath(name)
    return (path.parent / _VERSION.sub("", path.stem)).as_posix()
