"""Reads Humdrum **kern files into bars.

Spines of other kinds are passed over. The melody is the top voice: the rightmost **kern spine, because Humdrum writes
the lowest voice first. Where a spine is split (`*^`) its leftmost part continues the spine, as its first voice; the
others are separate voices, with bars for as long as the spine is split. Every barline ends a bar, repeat signs too;
repeats are not unfolded. A note tied to the one before (`_` or `]`) is no onset, grace notes (`q`) take no time, and
hidden rests are rests. Unpitched notes (`R`, `RR`) take their time and are silent, and so are all notes of a spine
while it has a percussion clef (`*clefX`) or cue notes (`*cue` up to `*Xcue`): a spine without any other note is no
voice.

Every spine keeps its own time, by the lengths of its notes, and its own barlines; a bar in which the parts of a split
spine disagree is marked as unreadable. A metre that cannot be read is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from vaemusic_jax.data.bars import Drop
from vaemusic_jax.data.readers.abc_book import decode
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.readers.voice_builder import VoiceBuilder
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError

MOST_BYTES = 4 * 2**20  # of one file
MOST_COLUMNS = 256  # side by side: spines and their parts

_TITLE = re.compile(r"!!!OTL[^:]*:(.*)")
_METRE = re.compile(r"\*M(\d{1,3}(?:\+\d{1,3})*)/(\d{1,3})")
_LENGTH = re.compile(r"(\d{1,4})(?:%(\d{1,4}))?(\.{0,4})")
_PITCH = re.compile(r"(([A-Ga-g])\2{0,9})(#{1,4}|-{1,4}|n)?")
_DOTS = [2 - Fraction(1, 2**dots) for dots in range(5)]
# Exact positions of real music stay far below; sums of absurd fractions would grow without end
_FINEST = 10**6


def read_kern(data: bytes, reading: Reading) -> list[Tune]:
    """Reads a Humdrum file: one tune, or several that follow each other.

    Args:
        data: the file.
        reading: what is taken from it; with `all` voices, the highest spine comes first.

    Raises:
        UnreadableTuneError: no **kern spine, lines that do not have one column for each spine, or too large.
    """
    if len(data) > MOST_BYTES:
        raise UnreadableTuneError(f"larger than {MOST_BYTES // 2**20} MiB")
    title = ""
    pieces: list[_Piece] = []
    piece = _Piece()
    for line in decode(data).split("\n"):
        if line.startswith("!"):
            match = _TITLE.match(line)
            title = title or (match[1].strip() if match else "")
        elif line.strip():
            if line.startswith("**") and not piece.columns:
                piece = _Piece()
                pieces.append(piece)
            piece.read_line(line.split("\t"))
    if not any(piece.spines for piece in pieces):
        raise UnreadableTuneError("no **kern spine")
    tunes = []
    for piece in pieces:
        piece.end_bar()
        voices = [tuple(layer.bars) for spine in reversed(piece.spines) for layer in spine.layers if layer.sounds]
        tunes.append(Tune(title, tuple(voices[:1] if reading.voices == "melody" else voices)))
    return tunes


@dataclass(eq=False)
class _Spine:
    """A **kern spine.

    Attributes:
        layers: its voices; more than one where it has been split.
        faults: of the bar, in all layers.
    """

    layers: list[VoiceBuilder] = field(default_factory=lambda: [VoiceBuilder()])
    metre: str = ""
    percussion: bool = False  # whether it has a percussion clef now
    cue: bool = False  # whether it has cue notes now
    faults: set[Drop] = field(default_factory=set)

    @property
    def silent(self) -> bool:
        """Whether its notes take their time and are silent."""
        return self.percussion or self.cue

    def layer(self, index: int) -> VoiceBuilder:
        while len(self.layers) <= index:
            self.layers.append(VoiceBuilder())
        return self.layers[index]

    def set_metre(self, metre: str) -> None:
        if metre != self.metre and self.layers[0].bar.events:
            self.faults.add(Drop.UNREADABLE)  # a bar in two metres
        self.metre = metre

    def end_bar(self, times: set[Fraction]) -> None:
        """Ends the bar, if there is one; `times` is where the columns of this spine are in it."""
        if not any(times) and not any(layer.bar.faults for layer in self.layers):
            return
        if len(times) > 1:
            self.faults.add(Drop.UNREADABLE)
        for layer in self.layers:
            if layer is self.layers[0] or layer.bar.events or layer.bar.faults:
                layer.end_bar(self.metre, max(times), self.faults)
        self.faults = set()


@dataclass(eq=False)
class _Column:
    """One column of the lines.

    Attributes:
        spine: None for other kinds than **kern.
        time: since the barline.
        origin: the column that the spine began as, whatever its kind.
    """

    spine: _Spine | None = None
    time: Fraction = Fraction(0)
    origin: _Column | None = None

    def split(self) -> _Column:
        """A new column of the same spine."""
        return _Column(self.spine, self.time, self.origin or self)

    def belongs_with(self, other: _Column) -> bool:
        """Whether both are columns of one spine."""
        return (self.origin or self) is (other.origin or other)


class _Piece:
    """The state of reading a piece."""

    def __init__(self) -> None:
        self.columns: list[_Column] = []
        # Column number, its voice, its place in the bar, and whether it is silent
        self._places: list[tuple[int, VoiceBuilder, _Column, bool]] = []
        self.spines: list[_Spine] = []  # from left to right, as they begin

    def read_line(self, tokens: Sequence[str]) -> None:
        if not self.columns and tokens[0].startswith("**"):
            self.columns = [_Column() for _ in tokens]
        if len(tokens) != len(self.columns):
            raise UnreadableTuneError("lines with more or fewer columns than spines")
        if tokens[0].startswith("*"):
            self._read_interpretations(tokens)
        elif tokens[0].startswith("=") or (tokens[0] == "." and "=" in "".join(tokens)):
            self.end_bar([column for column, token in zip(self.columns, tokens, strict=True) if token[:1] == "="])
        else:
            for number, layer, column, unpitched in self._places:
                token = tokens[number]
                if token not in (".", "") and not token.startswith("!"):
                    _read_token(layer, column, token, unpitched)

    def _find_places(self) -> None:
        self._places, parts = [], dict[_Spine, int]()
        for number, column in enumerate(self.columns):
            if column.spine is not None:
                part = parts[column.spine] = parts.get(column.spine, -1) + 1
                self._places.append((number, column.spine.layer(part), column, column.spine.silent))

    def _read_interpretations(self, tokens: Sequence[str]) -> None:
        for column, token in zip(self.columns, tokens, strict=True):
            if token == "**kern":
                column.spine = _Spine()
                self.spines.append(column.spine)
            elif column.spine is not None and token.startswith("*clef"):
                column.spine.percussion = token.startswith("*clefX")
            elif column.spine is not None and token.startswith("*M"):
                metre = _METRE.fullmatch(token)
                if metre:
                    column.spine.set_metre(f"{sum(map(int, metre[1].split('+')))}/{metre[2]}")
                elif token in ("*MX", "*M?") or token[2:3].isdigit():  # one that cannot be read; `*MM120` is a tempo
                    column.spine.set_metre("")
            elif column.spine is not None and token in ("*cue", "*Xcue"):
                column.spine.cue = token == "*cue"
        if any(token in ("*^", "*v", "*x", "*+", "*-") for token in tokens):
            self._change_columns(tokens)
        self._find_places()

    def _change_columns(self, tokens: Sequence[str]) -> None:
        changed: list[_Column] = []
        waiting: _Column | None = None  # the first of two that change places
        before: _Column | None = None  # the column to the left, if it joins
        alone = False  # whether it has joined none so far
        for column, token in zip(self.columns, tokens, strict=True):
            if before is not None and not (token == "*v" and column.belongs_with(before)):
                if alone:
                    raise UnreadableTuneError("a spine that joins another one, or none: only parts of one spine can")
                before = None
            if token == "*-":
                if column.spine is not None and not any(
                    other.spine is column.spine for other in self.columns if other is not column
                ):
                    column.spine.end_bar({column.time})
            elif token == "*v" and before is not None:
                if before.time != column.time and column.spine is not None:
                    column.spine.faults.add(Drop.UNREADABLE)
                alone = False
            elif token == "*x":
                if waiting is None:
                    waiting = column
                else:
                    changed += [column, waiting]
                    waiting = None
            else:
                changed.append(column)
                if token == "*v":
                    before, alone = column, True
                elif token == "*^":
                    changed.append(column.split())
                elif token == "*+":
                    changed.append(_Column())
        if before is not None and alone:
            raise UnreadableTuneError("a spine that joins another one, or none: only parts of one spine can")
        if waiting is not None:
            raise UnreadableTuneError("one spine that changes places with none")
        if len(changed) > MOST_COLUMNS:
            raise UnreadableTuneError(f"more than {MOST_COLUMNS} spines")
        self.columns = changed

    def end_bar(self, columns: Sequence[_Column] | None = None) -> None:
        """Ends the bar of some columns, or of all: spines may have barlines at different times."""
        times: dict[_Spine, set[Fraction]] = {}
        for column in self.columns if columns is None else columns:
            if column.spine is not None:
                times.setdefault(column.spine, set()).add(column.time)
                column.time = Fraction(0)
        for spine in times:
            spine.end_bar(times[spine])


def _read_token(layer: VoiceBuilder, column: _Column, token: str, unpitched: bool) -> None:
    """Reads one note, rest or chord; `unpitched` ones are silent."""
    notes = [note for note in token.split(" ") if note and note != "." and "q" not in note and "Q" not in note]
    if not notes:
        return  # grace notes
    length = _length(notes[0])
    if not length or (column.time + length).denominator > _FINEST:
        layer.bar.faults.add(Drop.NO_LENGTH)
        return
    sounding = [] if unpitched else notes
    if "R" in token:
        sounding = [note for note in sounding if "R" not in note]
    if len(sounding) > 1:
        layer.bar.faults.add(Drop.CHORD)
    name = None if not sounding or "r" in sounding[0] else _pitch_name(sounding[0])
    if isinstance(name, Drop):
        layer.bar.faults.add(name)
        name = "C4"  # holds the place in a bar that is dropped
    layer.add(column.time, length, name, tied=name is not None and ("_" in sounding[0] or "]" in sounding[0]))
    column.time += length


def _length(note: str) -> Fraction | None:
    """A length in quarters: `4` is 1, `8.` is 3/4, `12` (a triplet eighth) 1/3, `0` (a breve) 8, `3%2` 8/3."""
    match = _LENGTH.search(note)
    if match is None:
        return None
    digits, over, dots = match.groups()
    if int(digits):
        whole_notes = Fraction(int(over or 1), int(digits))
    elif over is None:
        whole_notes = Fraction(2 ** len(digits))  # a breve, or two for 00
    else:
        return None
    return 4 * whole_notes * _DOTS[len(dots)]


def _pitch_name(note: str) -> str | Drop:
    """`C#4` for `c#`. Kern repeats the letter for each octave further from middle C, and has capitals below it."""
    match = _PITCH.search(note)
    if match is None:
        return Drop.UNREADABLE
    letters, letter, sign = match.groups()
    octave = 3 + len(letters) if letter.islower() else 4 - len(letters)
    return f"{letter.upper()}{(sign or '').replace('n', '')}{octave}" if 0 <= octave <= 9 else Drop.PITCH


READER = Reader("kern", (".krn",), read_kern)
