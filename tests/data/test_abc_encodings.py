"""Encodings of ABC files, and books that were joined of files (standard 2.1, sections 2.1 and 2.2)."""

import codecs

import pytest

from tests.helpers.reading import book_measures
from vaemusic_jax.data.readers.abc_book import decode, read_book

HEAD = "M:4/4\nL:1/8\nK:C\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        *(
            ("utf-16-le", codecs.BOM_UTF16_LE),
            ("utf-16-be", codecs.BOM_UTF16_BE),
            ("utf-16-le", b""),
            ("utf-16-be", b""),
        ),
        *(("utf-32-le", codecs.BOM_UTF32_LE), ("utf-32-be", codecs.BOM_UTF32_BE), ("utf-8", codecs.BOM_UTF8)),
    ],
)
def test_a_book_in_any_unicode_encoding_is_the_same_book(encoding: str, mark: bytes) -> None:
    book = f"X:1\r\nT:Été\r\n{HEAD}C8|D8|\r\n\r\nX:2\nT:Łódź\n{HEAD}E8|\n"
    data = mark + book.encode(encoding)
    assert read_book(data, "b") == read_book(book.encode(), "b")
    assert [len(tune) for tune in book_measures(data)] == [2, 1]
    assert book_measures(data[:-1])[0] == ["C4 __ __ __", "D4 __ __ __"]  # cut off in a letter


@pytest.mark.parametrize("joint", ["\ufeff", "\x1a", "\x1a\ufeff", "\ufeff \t", "\x0c", "\xa0"])
@pytest.mark.parametrize("end", ["\n\n", "\n", "\r\n", ""])
def test_a_book_joined_of_files_keeps_every_tune(joint: str, end: str) -> None:
    if not end and joint[0] in "\x0c\xa0":
        end = "\n"
    book = f"\ufeffX:1\n{HEAD}C8|]{end}{joint}X:2\n{HEAD}D8|]{end}{joint}%abc-2.1\nX:3\n{HEAD}E8|]\n\x1a"
    assert book_measures(book) == [[f"{letter}4 __ __ __"] for letter in "CDE"]
    if joint.isascii() or joint[0] == "\ufeff":
        latin = book.replace("%abc", "T:Café\n%abc").encode("utf-8").replace("é".encode(), b"\xe9")
        assert book_measures(latin) == [[f"{letter}4 __ __ __"] for letter in "CDE"]


def test_a_mark_inside_a_line_of_words_ends_no_line() -> None:
    assert decode("T:half\ufeffway".encode()) == "T:halfway"
