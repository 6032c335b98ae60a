"""Short forms of calls of the readers, as worker processes make them."""

from vaemusic_jax.data.read_pieces import Parsed, read_piece
from vaemusic_jax.data.readers.abc_book import TuneText, read_book
from vaemusic_jax.data.tunes import Reading


def parse_tune(source: TuneText) -> Parsed:
    """Returns what reading one tune in ABC gives."""
    return read_piece("abc", source.text.encode("utf-8", "surrogatepass"), Reading())


def parse_file(kind: str, content: bytes, **reading: str) -> Parsed:
    """Returns what reading the content of one file gives."""
    return read_piece(kind, content, Reading(**reading))  # type: ignore[arg-type]


def book_measures(book: str | bytes) -> list[list[str]]:
    """The pitches at the quarters of each kept measure, for each tune of a book."""
    tunes = read_book(book if isinstance(book, bytes) else book.encode(), "book.abc")
    return [[" ".join(measure[::6]) for measure in parse_tune(tune).measures] for tune in tunes]
