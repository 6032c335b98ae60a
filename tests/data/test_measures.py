"""`read_measures`: every written measure of a file is there, kept or dropped, with its place."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from vaemusic_jax import read_measures, save_measures
from vaemusic_jax.data import measures
from vaemusic_jax.data.measures import Place, read_bars
from vaemusic_jax.data.read_pieces import READER_DIED, TOO_LONG, read_piece
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.workers import Limits
from vaemusic_jax.errors import UserError

BOOK = """X:1
T:Two voices
M:4/4
L:1/4
K:D
V:1
A|FGAB|[FA]GAB|c4-|c4|
V:2
D4|E3^G/G/|

X:2
T:Without a key
M:4/4

X:7
T:Jig
M:6/8
L:1/8
K:G
GAB ABc|
M:4/4
G8|
"""


def test_every_measure_has_its_place_and_every_drop_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "book.abc"
    path.write_text(BOOK)
    read = read_measures(path)
    title = "Two voices"
    assert read.places == [
        *(Place("book.abc#1", title, 1, bar) for bar in (2, 4, 5)),
        *(Place("book.abc#1", title, 2, bar) for bar in (1, 2)),
        Place("book.abc#7", "Jig", 1, 2),
    ]
    assert [names[0] for names in read.names] == ["F#4", "C#5", "__", "D4", "E4", "G4"]
    assert [each for each in read.names[4] if each != "__"] == ["E4", "G#4", "G#4"]
    assert read.dropped == [
        (Place("book.abc#1", title, 1, 1), "shorter than its metre, such as a pickup"),
        (Place("book.abc#1", title, 1, 3), "chord"),
        (Place("book.abc#7", "Jig", 1, 1), "another metre"),
    ]
    assert read.unreadable == [("book.abc#2", "no key field (K:)")]
    assert (read.source, read.metre, len(read)) == (str(path), "4/4", 6)
    assert list(read.reasons().values()) == [1, 1, 1, 1]
    assert str(read.places[0]) == "book.abc#1, voice 1, bar 2"


def test_tunes_as_text_are_read_like_a_file() -> None:
    read = read_measures(BOOK, metre="6/8")
    assert read.places == [Place("text#7", "Jig", 1, 1)]
    assert len(read.names[0]) == 24
    assert read.source == "text"


@pytest.mark.parametrize(
    ("kind", "name", "reading"),
    [
        ("abc", "ties_across_barlines.abc", Reading()),
        ("musicxml", "time_zero_over_zero.musicxml", Reading()),
        ("midi", "chords_and_overlaps.mid", Reading(voices="all")),
        ("midi", "meter_changes.mid", Reading(metre="3/4")),
    ],
)
def test_measures_and_reasons_are_those_of_a_data_set(
    kind: str, name: str, reading: Reading, shared_data: Path
) -> None:
    content = (shared_data / "bad_input" / name).read_bytes()
    parsed = read_piece(kind, content, reading)
    bars = read_bars((kind, content, reading))
    if isinstance(bars, str):
        assert (parsed.failure, parsed.unreadable) == (bars, True)
        return
    assert [names for _, _, names in bars[1] if not isinstance(names, str)] == parsed.measures
    assert Counter(reason for _, _, reason in bars[1] if isinstance(reason, str)) == parsed.drops


@pytest.mark.parametrize("suffix", [".abc", ".mid", ".musicxml"])
def test_what_is_saved_is_read(suffix: str, tmp_path: Path) -> None:
    names = [("D4", *["__"] * 11, "F#4", *["__"] * 22, "G4"), ("__",) * 12 + ("rest",) + ("__",) * 11 + ("A4",) * 12]
    path = tmp_path / f"tune{suffix}"
    save_measures(names, path, metre="9/8")
    assert read_measures(path, metre="9/8").names == names


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("absent.abc", {}, r"absent.abc: no such file or folder"),
        (".", {}, r"\.: a folder; give one file, or make a data set of the folder with `vaemusic data prepare NAME"),
        ("notes.pdf", {}, r"notes.pdf: not a file of music"),
        ("", {}, "source: '' is no folder"),
        ("a\0.abc", {}, "no file has such a name"),
        ("empty.abc", {}, "empty.abc: no measure can be read: no tune in it"),
        ("words.txt", {}, "words.txt: no measure can be read: no music in it"),
        ("large.abc", {"limits": Limits(size=1)}, "large.abc: no measure can be read: larger than 1 MiB"),
        ("empty.abc", {"metre": "5/4"}, "metre: '5/4' is none of 4/4, "),
        ("empty.abc", {"voices": "alto"}, "voices: 'alto' is none of melody, all"),
        ("empty.abc", {"pitch": "low"}, "pitch: 'low' is none of rounded, microtonal"),
        ("X:1\nK:C\n" + "C" * 2**20, {"limits": Limits(size=1)}, "text: larger than 1 MiB"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    source: str, options: dict[str, object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("notes.pdf", ""), ("empty.abc", ""), ("words.txt", "la la"), ("large.abc", "C" * 2**20 + "C")):
        Path(name).write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        read_measures(source, **options)  # type: ignore[arg-type]
    assert len(str(refused.value)) < 500


def bad_bars(task: tuple[str, bytes, Reading]) -> object:
    """As `read_bars`, but a tune with the title `hangs` never ends and one with `dies` kills its process."""
    if b"T:hangs" in task[1]:
        time.sleep(60)
    if b"T:dies" in task[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return read_bars(task)


def test_a_tune_that_hangs_or_kills_its_process_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "read_bars", bad_bars)
    titles = ("one", "hangs", "two", "dies", "three")
    book = "\n\n".join(f"X:{n}\nT:{title}\nM:4/4\nL:1/4\nK:C\nCDEF|" for n, title in enumerate(titles))
    read = read_measures(book, limits=Limits(seconds=1))
    assert [place.title for place in read.places] == ["one", "two", "three"]
    assert read.unreadable == [("text#1", TOO_LONG), ("text#3", READER_DIED)]
