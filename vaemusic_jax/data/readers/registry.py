"""The table of all readers. To read another format, write a module that exports a `Reader`, and add its line here."""

from __future__ import annotations

from pathlib import Path

from vaemusic_jax.data.readers import abc, kern, midi, musicxml, session_table, symbtr_text
from vaemusic_jax.data.readers.reader import Reader

READERS: dict[str, Reader] = {
    reader.kind: reader
    for reader in (
        abc.READER,
        midi.READER,
        musicxml.READER,
        musicxml.COMPRESSED_READER,
        kern.READER,
        session_table.READER,
        symbtr_text.READER,
    )
}


def reader_of(path: Path) -> Reader | None:
    """The reader of files with this suffix, in any case; None where no reader reads them."""
    suffix = path.suffix.lower()
    return next((reader for reader in READERS.values() if suffix in reader.suffixes), None)


def read_suffixes() -> list[str]:
    """Every suffix that some reader reads, reader after reader."""
    return [suffix for reader in READERS.values() for suffix in reader.suffixes]
