"""Defines what a module that reads a format of music exports: a `Reader`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vaemusic_jax.data.readers.abc_book import TuneText
from vaemusic_jax.data.song_names import song_of
from vaemusic_jax.data.tunes import Reading, Tune

BYTES_TO_LOOK_AT = 1000


@dataclass(frozen=True)
class Reader:
    """How files of one format are found, cut into pieces and read.

    Attributes:
        kind: the name of the format.
        suffixes: of its files, in lower case, with the dot.
        read: reads one piece, given its bytes and what to take from it. Raises UnreadableTuneError.
        split: cuts a file into the tunes it holds, given its bytes and its name; returns None where the file is not of
            this format, and raises UnreadableTuneError. Without it the file is one piece.
        recognises: whether a file is of this format, by its first `BYTES_TO_LOOK_AT` bytes; for suffixes that other
            files have, too. Without it the suffix is taken at its word.
        song: what a file of one piece is a version of, by its name.
    """

    kind: str
    suffixes: tuple[str, ...]
    read: Callable[[bytes, Reading], list[Tune]]
    split: Callable[[bytes, str], list[TuneText] | None] | None = None
    recognises: Callable[[bytes], bool] | None = None
    song: Callable[[str], str] = song_of
