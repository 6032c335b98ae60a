"""Tune books: finding files, decoding, splitting."""

import pytest

from tests.reading import parse_tune
from vaemusic_jax.data.tune_book import decode, split_book

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
