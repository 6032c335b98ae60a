"""The table of readers: what it takes to read another format."""

from fractions import Fraction
from pathlib import Path

import pytest

from vaemusic_jax.data.bars import Bar, Event
from vaemusic_jax.data.pieces import collect
from vaemusic_jax.data.read_pieces import read_piece
from vaemusic_jax.data.readers.abc_book import TuneText
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.readers.registry import READERS, read_suffixes
from vaemusic_jax.data.sources import find_files
from vaemusic_jax.data.tunes import Reading, Tune


def read_semibreves(data: bytes, reading: Reading) -> list[Tune]:
    """A pitch for each bar."""
    bars = (Bar("4/4", [Event(Fraction(0), pitch)], Fraction(4)) for pitch in data.decode().split())
    return [Tune("Semibreves", (tuple(bars),))]


def lines(data: bytes, name: str) -> list[TuneText]:
    return [TuneText(f"{name}#{i}", line) for i, line in enumerate(data.decode().splitlines())]


def test_a_new_format_is_one_object_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.semi").write_text("C4 D4\nE4\n")
    (tmp_path / "b.semi").write_text("words of a song")
    monkeypatch.setitem(
        READERS,
        "semibreves",
        Reader("semibreves", (".semi",), read_semibreves, split=lines, recognises=lambda start: start[:2] == b"C4"),
    )
    collection = collect(find_files(tmp_path), 1)
    assert [piece.name for piece in collection.pieces] == ["a.semi#0", "a.semi#1"]
    assert collection.others == {".semi": 1}
    read = [read_piece(piece.kind, piece.content(), Reading()).measures for piece in collection.pieces]
    hold = ["__"] * 23
    assert read == [[("C4", *hold), ("D4", *hold)], [("E4", *hold)]]


def test_no_two_readers_claim_a_suffix() -> None:
    suffixes = read_suffixes()
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)
