"""Output to terminals, in which text from files is shown and never obeyed.

A file may hold control sequences, which would move the cursor, set the clipboard or hide what is printed, and words in
brackets, which rich would take for styles. The console of this module prints both as they are written.
"""

import codecs
import os
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

PIPED_WIDTH = 120  # columns, if there is no terminal and COLUMNS is not set

# Control characters but for the end of a line, and characters that turn the direction of the text around them.
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Returns a text with each character that could control a terminal as an escape such as `\\x1b`; tabs as spaces."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text.replace("\t", "    "))


# What looks similar in ASCII, where Unicode's compatibility decomposition has nothing that does.
_LOOK_ALIKES = str.maketrans(
    dict(zip("─━│┃┼╋═·•×–—−‘’“”→≥≤╸╺█♯♭", "--||++=.*x---''\"\">><--##b", strict=True)) | {"±": "+-"}  # noqa: RUF001
)


def look_alike(text: str) -> str:
    """Returns a text in ASCII that looks similar to another: e for é, 2 for ², - for ─, ? if nothing does."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", text.translate(_LOOK_ALIKES)) if not unicodedata.combining(char)
    )
    return plain.translate(_LOOK_ALIKES).encode("ascii", "replace").decode()


def replace_unencodable(*streams: TextIO) -> None:
    """Makes streams write a look-alike for what their encoding lacks, where they would raise UnicodeEncodeError."""

    def replaced(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        return look_alike(error.object[error.start : error.end]), error.end

    codecs.register_error("look-alike", replaced)
    for stream in streams:
        if hasattr(stream, "reconfigure"):  # other programs may have put something else in the place of stdout
            stream.reconfigure(errors="look-alike")


class SafeConsole(Console):
    """A console that neither interprets markup nor passes on control characters in what it is given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Makes a text of a string; the layout then counts with the escapes."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Renders anything, also texts that were not made by `render_str`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def open_console(*, stderr: bool = False) -> SafeConsole:
    """Returns the console for tables: as wide as the terminal or COLUMNS say, else 120 columns."""
    console = SafeConsole(stderr=stderr)
    if console.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return console
    return SafeConsole(stderr=stderr, width=PIPED_WIDTH)
