"""Tune books: finding files, decoding, splitting."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.reading import parse_tune
from vaemusic_jax.data.readers.abc_book import TuneText, decode, split_book, without_text_blocks

BOOK = """Free text before, with a colon: here.
M:4/4
L:1/4

X:1
T:One
K:C
CDEF|

Free text between, C:D E|F

X: 2 % comment
T:Two
M:2/2
L:1/8
K:D

this is text, not music
X:2
K:G
GABc|
X:7
no key at all
"""


def test_tunes_end_at_a_blank_line_or_the_next_one_and_repeated_numbers_stay_apart() -> None:
    tunes = split_book(BOOK, "book.abc")
    assert [tune.name for tune in tunes] == ["book.abc#1", "book.abc#2", "book.abc#2.2", "book.abc#7"]
    assert "Free" not in tunes[0].text
    assert "not music" not in tunes[1].text


def test_the_file_header_holds_for_all_tunes_and_a_bad_tune_costs_only_itself() -> None:
    parsed = [parse_tune(tune) for tune in split_book(BOOK, "book.abc")]
    assert [len(tune.measures) for tune in parsed] == [1, 0, 1, 0]
    assert parsed[0].measures[0][::6] == ("C4", "D4", "E4", "F4")  # L:1/4 of the file header
    assert [tune.failure for tune in parsed] == ["", "no music", "", "no key field (K:)"]


def test_a_blank_line_inside_the_header_does_not_end_the_tune() -> None:
    (tune,) = split_book("X:1\nT:t\n\nM:4/4\nL:1/8\nK:C\nC8|\n\nC8|", "t")
    assert len(parse_tune(tune).measures) == 1


def test_a_file_without_reference_number_is_one_tune() -> None:
    (tune,) = split_book("M:4/4\nL:1/8\nK:C\nC8|D8|\n", "t.abc")
    assert (tune.name, len(parse_tune(tune).measures)) == ("t.abc", 2)
    assert split_book(" \n", "t.abc") == []


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbfX:1\r\nT:Caf\xc3\xa9\r\nK:C\r\n", b"X:1\rT:Caf\xe9\rK:C\r", "X:1\nT:Café\nK:C\n".encode()],
)
def test_encodings_and_line_ends(data: bytes) -> None:
    assert decode(data) == "X:1\nT:Café\nK:C\n"


def block(kind: str, inside: str) -> str:
    return f"%%begin{kind} obeylines\n{inside}\n%%end{kind}\n"


@pytest.mark.parametrize("kind", ["text", "ps", "svg"])
@pytest.mark.parametrize("inside", ["A bad face", "", "X:9\nK:D", "\n\nC8|", "%%endother", "K:D\nM:3/4"])
def test_a_block_of_text_is_no_music_and_ends_no_tune_wherever_it_stands(kind: str, inside: str) -> None:
    text = block(kind, inside)
    with_blocks = f"{text}M:4/4\n{text}X:1\n{text}L:1/8\nK:C\n{text}C8|\n{text}D8|\n\n{text}\nX:2\nK:C\nE8|\n"
    without = "M:4/4\nX:1\nL:1/8\nK:C\nC8|\nD8|\n\nX:2\nK:C\nE8|\n"
    found, expected = (
        [(tune.name, parse_tune(tune)) for tune in split_book(each, "b")] for each in (with_blocks, without)
    )
    assert found == expected
    assert parse_tune(TuneText("t", f"X:1\nM:4/4\nL:1/8\nK:C\n{text}C8|")).measures == expected[0][1].measures[:1]


def test_a_block_that_is_never_ended_costs_no_tune() -> None:
    text = "X:1\nM:4/4\nL:1/8\nK:C\n%%begintext\nC8|\n\nX:2\nM:4/4\nL:1/8\nK:C\n" + block("text", "x") + "D8|"
    assert [len(parse_tune(tune).measures) for tune in split_book(text, "b")] == [1, 1]


@given(st.lists(st.sampled_from(["%%begintext", "%%endtext", "%%beginps", "%%endps", "C"])))
def test_what_stands_outside_blocks_stays(lines: list[str]) -> None:
    text = "\n".join(lines)
    outside = re.sub(r"(?ms)^%%begin([a-z]+)$(?:(?!^%%begin\1$).)*?^%%end\1$", "", text)
    assert without_text_blocks(text).split() == outside.split()


def test_a_file_header_of_many_lines_gives_each_tune_the_last_of_each_kind_alone() -> None:
    fields = [
        "M:3/4",
        "L:1/16",
        "%%propagate-accidentals octave",
        "M:4/4" + " " * 10_000,
        "L:1/8",
        "I:propagate-accidentals not",
    ]
    tunes = split_book(
        "\n".join([*(f"{field} % {n}" for field in fields[:3] for n in range(1000)), *fields[3:]])
        + "\n"
        + "X:1\nK:C\n^C4 C4|\n\n" * 3,
        "b",
    )
    assert all(len(tune.text) < 400 for tune in tunes)
    assert [parse_tune(tune).measures[0][12] for tune in tunes] == ["C4"] * 3
