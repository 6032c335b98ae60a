"""Picks the chorales among the files of music21's folder `bach`."""

from __future__ import annotations

import re
from pathlib import Path

# Cantatas, motets, passions and oratorios, from which the chorales come, and the chorales that survive alone (250-438).
_VOCAL_WORKS = range(1, 500)
_FILE = re.compile(r"bwv(\d{1,4})(?:[.-].*)?\.(?:mxl|xml)")


def chorale_files(folder: Path) -> list[Path]:
    """The four-part chorales among the MusicXML files of a folder named by BWV numbers, sorted by name.

    A chorale is a file `bwvN...mxl` or `.xml` where N is the number of a vocal work (below 500). In music21's corpus
    this holds for 409 files; in all of them soprano, alto, tenor and bass are separate parts. It leaves out a prelude
    (BWV 846), and three `.krn` files of chorales that the folder holds as MusicXML too.

    Args:
        folder: such as `music21/corpus/bach`.
    """
    matches = ((path, _FILE.fullmatch(path.name)) for path in sorted(folder.iterdir()))
    return [path for path, match in matches if match and int(match[1]) in _VOCAL_WORKS]
