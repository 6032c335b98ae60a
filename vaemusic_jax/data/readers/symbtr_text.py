"""Reads the text files of the SymbTr collection of Turkish makam music into bars.

A file is a table with tabs between its columns, one row a note. `Kod` 51 sets the usul, whose metre stands in `Pay` and
`Payda`; other codes from 50 on mark makam, tempo, phrases and form; all others are notes with some ornament or none
(9). `Pay`/`Payda` is the length as a fraction of a whole note, 0 for a grace note. `NotaAE` spells the pitch with
commas, `Es` is a rest; `KomaAE` has its comma number, `Offset` the position at the end of the row, in measures.

Bars follow from the lengths, in exact fractions. A row whose `KomaAE` or `Offset` says otherwise marks its bar as
unreadable.
"""

from __future__ import annotations

import re
from fractions import Fraction

from vaemusic_jax.data.bars import Drop
from vaemusic_jax.data.holdrian import comma_number, written_name
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.readers.voice_builder import VoiceBuilder
from vaemusic_jax.data.tunes import Pitch, Reading, Tune, UnreadableTuneError

MOST_BYTES = 4 * 2**20  # of one file

_COLUMNS = ("Kod", "NotaAE", "KomaAE", "Pay", "Payda", "Offset")
_USUL = "51"
_PITCH = re.compile(r"([A-G])(\d)(?:([b#])(\d{1,2}))?")
_REST = "Es"
# Exact positions of real music stay far below; sums of absurd fractions would grow without end
_FINEST = 10**6
_OFFSET_TOLERANCE = 1e-5  # of a measure; the column is rounded to 12 digits


def is_symbtr_text(data: bytes) -> bool:
    """Whether a text file starts with the header line of SymbTr's tables."""
    return set(_COLUMNS) <= set(_header(data[:1000]))


def _header(data: bytes) -> list[str]:
    return data.decode("utf-8-sig", "replace").split("\n", 1)[0].strip().split("\t")


def read_symbtr_text(data: bytes, reading: Reading) -> list[Tune]:
    """Reads one piece; it has one voice and no title.

    Args:
        data: the file.
        reading: what is taken from it.

    Raises:
        UnreadableTuneError: not a table of SymbTr, or too large.
    """
    if not is_symbtr_text(data):
        raise UnreadableTuneError("not a SymbTr table")
    if len(data) > MOST_BYTES:
        raise UnreadableTuneError(f"larger than {MOST_BYTES // 2**20} MiB")
    columns = [_header(data).index(name) for name in _COLUMNS]
    piece = _Piece(reading.pitch)
    for line in data.decode("utf-8-sig", "replace").split("\n")[1:]:
        cells = line.rstrip("\r").split("\t")
        if len(cells) > max(columns):
            piece.add_row(*(cells[column].strip() for column in columns))
        elif line.strip():
            piece.voice.bar.faults.add(Drop.UNREADABLE)
    piece.end_bar()
    return [Tune("", (tuple(piece.voice.bars),))] if piece.voice.sounds else [Tune("", ())]


class _Piece:
    """The state of reading a piece."""

    def __init__(self, pitch: Pitch) -> None:
        self.voice = VoiceBuilder()
        self._pitch = pitch
        self._metre, self._measure = "", Fraction(0)  # its length in quarters; 0 without a metre
        self._at = Fraction(0)  # in the measure, in quarters
        self._full = 0  # measures that are over

    def add_row(self, kod: str, nota: str, koma: str, pay: str, payda: str, offset: str) -> None:
        length = _length(pay, payda)
        if kod == _USUL:
            self._start_usul(pay, payda, length)
            return
        if re.fullmatch(r"[5-9]\d", kod) or length == 0:  # a mark, or a grace note
            return
        faults = self.voice.bar.faults
        if length is None or (self._at + length).denominator > _FINEST:
            faults.add(Drop.NO_LENGTH)
            return
        self._add_note(nota, koma, length)
        self._at += length
        if self._measure:
            position = self._full + self._at / self._measure
            if not _agrees(offset, position):
                faults.add(Drop.UNREADABLE)
            if self._at >= self._measure:
                self._full = int(position)
                self.end_bar()
                self._at %= self._measure
                if self._at:  # a note lasts into this measure, without a tie that says so
                    self.voice.bar.faults.add(Drop.UNREADABLE)

    def _start_usul(self, pay: str, payda: str, length: Fraction | None) -> None:
        if self._at and self._measure:  # a measure in two metres
            self.voice.bar.faults.add(Drop.UNREADABLE)
        self.end_bar()
        self._metre, self._measure = (f"{pay}/{payda}", length) if length else ("", Fraction(0))
        self._at = Fraction(0)

    def _add_note(self, nota: str, koma: str, length: Fraction) -> None:
        name = None
        if nota != _REST:
            match = _PITCH.fullmatch(nota)
            commas = int(match[4] or 0) * (-1 if match[3] == "b" else 1) if match else 0
            if match is None or koma != str(comma_number(match[1], int(match[2]), commas)):
                self.voice.bar.faults.add(Drop.UNREADABLE)
            else:
                name = written_name(match[1], int(match[2]), commas, self._pitch)
        self.voice.add(self._at, length, name)

    def end_bar(self) -> None:
        """Ends the measure, if anything is in it."""
        if self.voice.bar.events:
            self.voice.end_bar(self._metre, self.voice.bar.length, set())


def _length(pay: str, payda: str) -> Fraction | None:
    """A fraction of a whole note in quarters; 0 for `0/0`, None for an absurd one."""
    if not re.fullmatch(r"\d{1,4}", pay) or not re.fullmatch(r"\d{1,4}", payda):
        return None
    if int(pay) == 0:
        return Fraction(0)
    return 4 * Fraction(int(pay), int(payda)) if int(payda) else None


def _agrees(offset: str, position: Fraction) -> bool:
    try:
        return abs(float(offset) - position) < _OFFSET_TOLERANCE
    except ValueError:
        return False


# The name of a file says which piece it is, to the last letter: it is a version of no other.
READER = Reader("symbtr", (".txt",), read_symbtr_text, recognises=is_symbtr_text, song=str)
