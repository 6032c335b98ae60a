"""Splits tune books in ABC into tunes, so that one bad tune never costs the book."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from vaemusic_jax.data.tunes import UnreadableTuneError

#: In one file, of any kind: The Session has some 50,000 settings.
MOST_TUNES = 200_000

_START = re.compile(r"^[^\S\n]*X:", re.MULTILINE)
# Fields of a file header that hold for all tunes of the file
_INHERITED = re.compile(r"^[ \t]*(?:(?P<field>[ML]:)|(?:I:|%%)[ \t]*(?i:propagate-accidentals)).*$", re.MULTILINE)
_MACRO = re.compile(r"^[ \t]*m:.*\n?", re.MULTILINE)
_LONGEST_FIELD = 200  # every tune of a book gets a copy
_LONGEST_MACROS = 1000  # together
# What stands where files were joined: a byte order mark, or the end mark of a file of DOS
_JOINTS = "\ufeff\x1a"
# A tune behind the last barline of the one before, where a file ended without a line end: more fields follow it
_TUNE_IN_LINE = re.compile(r"(?<=[|\]:])[ \t]*(?=X:[ \t]*\d{1,9}[ \t]*\n[ \t]*[A-Z]:)")
_JOINT_IN_LINE = re.compile(rf"(?<=[^\n{_JOINTS}])[{_JOINTS}]+(?=[ \t]*(?:X:|%))")
_KEY = re.compile(r"^[ \t]*K:", re.MULTILINE)
_TITLE = re.compile(r"^[ \t]*T:", re.MULTILINE)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FIELD_OR_COMMENT = re.compile(r"[ \t]*(?:[A-Za-z+]:|%)")
_BLOCK = re.compile(r"%%[ \t]*(begin|end)([a-z]+)")


@dataclass(frozen=True)
class TuneText:
    """One tune, not yet read.

    Attributes:
        name: `FILE#X`, FILE relative to the corpus folder with forward slashes; a repeated X gets `.2`, `.3`, ...
        text: from `X:` up to the blank line or the next `X:`.
        song: what it is a setting of, where that is known. Tunes of one song go to one split.
    """

    name: str
    text: str
    song: str = ""


def decode(data: bytes) -> str:
    """Text of an ABC file: UTF-16 or UTF-32, UTF-8, else Latin-1; line ends become `\\n`.

    Only titles carry non-ASCII letters, so a wrong guess costs a letter of a title and never a note.

    A byte order mark is no text, wherever it stands: books are joined of files that start with one. In a line, before
    a tune, it becomes a line end, because the file before it had none there. So does the end mark of a file of DOS. A
    tune that starts behind a barline, `|]X:2` and a line end, gets a line of its own.
    """
    encoding = _wide_encoding(data)
    if encoding:
        text = data.decode(encoding, "replace")
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1").replace(codecs.BOM_UTF8.decode("latin-1"), "\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(mark in text for mark in _JOINTS):
        text = _JOINT_IN_LINE.sub("\n", text).translate(dict.fromkeys(map(ord, _JOINTS)))
    return _TUNE_IN_LINE.sub("\n", text)


def _wide_encoding(data: bytes) -> str:
    """The name of an encoding of two or four bytes a letter, by its mark or its zero bytes; empty for any other."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = [byte == 0 for byte in data[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else ""


def without_text_blocks(text: str) -> str:
    """The text without what is not music: `%%begintext` up to `%%endtext`, and so for `ps`, `svg`, ...

    A block that is never ended does not count as a block. The time taken is proportional to the length of the text.
    """
    if "%%" not in text:
        return text
    lines = text.split("\n")
    marks = [(number, match) for number, line in enumerate(lines) if (match := _BLOCK.match(line))]
    ends, end_of = dict[str, int](), dict[int, int]()
    for number, mark in reversed(marks):
        if mark[1] == "end":
            ends[mark[2]] = number
        elif mark[2] in ends:
            end_of[number] = ends.pop(mark[2])  # so a block that is never ended does not take the next one's end
    kept, at = list[str](), 0
    for number in sorted(end_of):
        if number >= at:
            kept += lines[at:number]
            at = end_of[number] + 1
    return "\n".join(kept + lines[at:])


def read_book(data: bytes, name: str) -> list[TuneText]:
    """The tunes of a file in ABC, as `split_book`.

    Raises:
        UnreadableTuneError: more than `MOST_TUNES`.
    """
    text = decode(data)
    if text.count("X:") > MOST_TUNES:
        raise UnreadableTuneError(f"more than {MOST_TUNES:,} tunes in one file")
    return split_book(text, name)


def split_book(text: str, name: str) -> list[TuneText]:
    """The tunes of a tune book.

    A tune starts at `X:` and ends at the first blank line after its `K:`, or at the next `X:`. A file without `X:` is
    one tune. What stands behind a blank line with a title, a key and barlines is a tune without a number, `FILE#?`.
    Metre, unit length and macros of a file header hold for all its tunes. Blocks of text are left out.

    Args:
        text: the whole book.
        name: what to call the book in the names of its tunes.

    Raises:
        UnreadableTuneError: very long macros in the file header.
    """
    text = without_text_blocks(text)
    starts = [match.start() for match in _START.finditer(text)]
    if not starts:
        first, *others = _tunes_up_to_blank_lines(text)
        unnumbered = [TuneText(f"{name}#?{f'.{n}' if n > 1 else ''}", tune) for n, tune in enumerate(others, 1)]
        return [TuneText(name, first), *unnumbered] if text.strip() else []
    inherited = {match["field"]: match[0] for match in _INHERITED.finditer(text, 0, starts[0])}  # the last of each
    header = "".join(f"{line[:_LONGEST_FIELD]}\n" for line in inherited.values())
    macros = "".join(_MACRO.findall(text, 0, starts[0]))
    if len(macros) > _LONGEST_MACROS:
        raise UnreadableTuneError(f"macros (m:) of more than {_LONGEST_MACROS:,} characters before the first tune")
    header += macros
    tunes, seen = [], dict[str, int]()
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        for tune in _tunes_up_to_blank_lines(text[start:end].lstrip()):
            number = tune[2:].split("\n", 1)[0].split("%")[0].strip()[:20] if tune.startswith("X:") else ""
            number = number or "?"
            seen[number] = seen.get(number, 0) + 1
            repeat = f".{seen[number]}" if seen[number] > 1 else ""
            tunes.append(TuneText(f"{name}#{number}{repeat}", header + tune))
    return tunes


def _tunes_up_to_blank_lines(text: str) -> list[str]:
    """The tune that a text starts with, and those in the free text behind it that have a title and a key but no number.

    A tune ends at the first blank line that follows its key. One without a number starts with the lines right above its
    key that are fields, too.
    """
    key = _KEY.search(text)
    blank = _BLANK_LINE.search(text, key.start() if key else 0)
    if blank is None:
        return [text]
    tunes, at = [text[: blank.start()]], blank.end()
    while key := _KEY.search(text, at):
        blank = _BLANK_LINE.search(text, key.start())
        end = blank.start() if blank else len(text)
        tune = text[_start_of_fields(text, at, key.start()) : end]
        if _TITLE.search(tune) and "|" in tune:
            tunes.append(tune)
        at = blank.end() if blank else len(text)
    return tunes


def _start_of_fields(text: str, least: int, key: int) -> int:
    """Where the lines above a key begin that are fields or comments, at `least` or later."""
    start = key
    while start > least:
        line = max(text.rfind("\n", least, start - 1) + 1, least)
        if not _FIELD_OR_COMMENT.match(text, line, start):
            break
        start = line
    return start
