"""Random mutations of music files, and checks of what the readers make of the mutated files."""

from __future__ import annotations

import io
import itertools
import random
import re
import zipfile
from fractions import Fraction

from vaemusic_jax.data.bars import Bar, Drop, bar_to_tokens
from vaemusic_jax.data.read_pieces import read_piece
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.tunes import Reading, UnreadableTuneError
from vaemusic_jax.music.grid import COMMON, GRIDS, Grid, metre_quarters
from vaemusic_jax.music.vocabulary import HOLD_NAME, REST_NAME, pitch_to_midi

NUMBERS = (b"0", b"-1", b"1", b"3", b"7", b"96", b"255", b"65536", b"2147483648", b"9" * 20, b"1e308", b"")
SIGNS = [bytes([sign]) for sign in b"AbGg^_=[](){}|:/-<>!\"&zxZ0123\t,'~"]
_ELEMENT = re.compile(rb"<(note|measure|attributes|time|duration|forward|backup|pitch|type|voice)\b.*?</\1>", re.DOTALL)


def mutated(draw: random.Random, kind: str, content: bytes, other: bytes) -> bytes:
    """Returns a file after a few random changes.

    Half of the results are changed at any place. The others keep their outer form, so that the reader gets to the
    music: in MIDI the lengths of chunks are corrected, in MusicXML whole elements and numbers change, and in a ZIP file
    the score changes.

    Args:
        draw: the source of random choices.
        kind: the name of the format.
        content: the content of the file.
        other: the content of another file of the same format, from which parts may be taken.
    """
    if draw.random() < 0.5:
        return _anywhere(draw, content, other)
    if kind == "midi":
        return _in_chunks(draw, content, other)
    if kind == "mxl":
        return _zipped(_elements(draw, _score(content), _score(other)))
    if kind == "musicxml":
        return _elements(draw, content, other)
    return _lines(draw, content, other)


def _anywhere(draw: random.Random, content: bytes, other: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice((1, 2, 4, 16, 256, 4096)))
        match draw.randrange(8):
            case 0:
                for i in range(at, min(len(data), at + 4)):
                    data[i] ^= 1 << draw.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * draw.randint(1, 20)
            case 3:
                data[at:at] = draw.randbytes(draw.choice((1, 2, 4, 40)))
            case 4:
                del data[at:]
            case 5:
                _replace_a_number(draw, data)
            case 6:
                to = draw.randrange(len(data) + 1)
                data[to:to] = data[at:end]
            case 7:
                data[at:] = other[draw.randrange(len(other) + 1) :]
    return bytes(data)


def _replace_a_number(draw: random.Random, data: bytearray) -> None:
    numbers = list(re.finditer(rb"\d+", data))
    if numbers:
        number = draw.choice(numbers)
        data[number.start() : number.end()] = draw.choice(NUMBERS)


def _in_chunks(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """Changes bytes of one MIDI chunk and corrects its length."""
    chunks = [(match.start(), match.group()) for match in re.finditer(rb"MThd|MTrk", content)]
    if not chunks:
        return _anywhere(draw, content, other)
    number = draw.randrange(len(chunks))
    start, name = chunks[number]
    end = chunks[number + 1][0] if number + 1 < len(chunks) else len(content)
    body = bytearray(content[start + 8 : end])
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(body) + 1)
        match draw.randrange(4):
            case 0:
                body[at : at + 1] = bytes([draw.randrange(256)])
            case 1:  # A data byte stays a data byte, and a status byte a status byte.
                body[at : at + 1] = bytes([body[at] & 0x80 | draw.randrange(128)]) if at < len(body) else b""
            case 2:
                del body[at : at + draw.randint(1, 3)]
            case 3:
                body[at:at] = body[at : at + draw.choice((4, 40, 400))]
    return content[:start] + name + len(body).to_bytes(4, "big") + bytes(body) + content[end:]


def _elements(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """Removes or repeats elements of a score, takes some from the other score, or replaces numbers."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        found = list(_ELEMENT.finditer(data))
        if not found or draw.random() < 0.4:
            _replace_a_number(draw, data)
            continue
        element = draw.choice(found)
        theirs = list(_ELEMENT.finditer(other)) or found
        replacement = draw.choice((b"", element.group() * 2, draw.choice(theirs).group(), draw.choice(found).group()))
        data[element.start() : element.end()] = replacement
    return bytes(data)


def _lines(draw: random.Random, content: bytes, other: bytes) -> bytes:
    """Removes, repeats or moves lines, takes some from the other text, or changes signs and numbers."""
    lines = content.split(b"\n")
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(lines))
        match draw.randrange(5):
            case 0:
                lines.insert(at, draw.choice(other.split(b"\n")))
            case 1:
                lines.insert(at, lines[draw.randrange(len(lines))])
            case 2:
                line = bytearray(lines[at])
                _replace_a_number(draw, line)
                lines[at] = bytes(line)
            case 3:
                line = bytearray(lines[at])
                place = draw.randrange(len(line) + 1)
                line[place : place + draw.randrange(2)] = draw.choice(SIGNS)
                lines[at] = bytes(line)
            case 4:
                lines[at : at + 1] = []
                lines = lines or [b""]
    return b"\n".join(lines)


def _score(packed: bytes) -> bytes:
    """Returns the largest file in a ZIP file, or nothing if there is none of a usual size."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as file:
            largest = max(file.infolist(), key=lambda member: member.file_size)
            return file.read(largest) if largest.file_size < 10**6 else b""
    except (zipfile.BadZipFile, ValueError):
        return b""


def _zipped(score: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("score.xml", score)
    return packed.getvalue()


def problems(task: tuple[str, bytes, Reading]) -> tuple[str, str]:
    """Reads a mutated file in a worker process.

    Returns:
        A word for how reading ended, and a text on what is wrong with that, which is empty if nothing is.
    """
    kind, content, reading = task
    parsed = read_piece(kind, content, reading)
    if parsed.failure.startswith("the reader"):
        return "failed", parsed.failure
    if parsed.unreadable:
        return "refused", ""
    for measure in parsed.measures:
        if len(measure) != reading.grid.n_ticks:
            return "read", f"a measure of {len(measure)} tokens"
        for token in set(measure) - {HOLD_NAME, REST_NAME}:
            pitch_to_midi(token)
    try:
        tunes = READERS[kind].read(content, reading)
    except UnreadableTuneError:
        return "read", "read once and refused the second time"
    bars = [bar for tune in tunes for voice in tune.voices for bar in voice]
    wrong = next((found for bar in bars if (found := wrong_bar(bar, reading.grid))), "")
    if not wrong and sum(not isinstance(bar_to_tokens(bar, reading.grid), Drop) for bar in bars) != len(
        parsed.measures
    ):
        wrong = "other measures the second time"
    return ("read" if parsed.measures else "no measure"), wrong


def wrong_bar(bar: Bar, grid: Grid = GRIDS[COMMON]) -> str:
    """Returns what is wrong with a bar that is kept: a gap at its start, events out of order or beyond its end, tokens
    at other ticks than its onsets, or another length than its metre has."""
    tokens = bar_to_tokens(bar, grid)
    if isinstance(tokens, Drop):
        return ""
    onsets = [event.onset for event in bar.events]
    if not onsets or onsets[0] != 0:
        return "a kept bar that does not start at its start"
    if any(b < a for a, b in itertools.pairwise(onsets)) or onsets[-1] >= bar.length:
        return "a kept bar with events out of order or beyond its end"
    if bar.length != metre_quarters(bar.metre):
        return "a kept bar of another length than its metre has"
    sounding = {event.onset for event in bar.events if event.pitch is not None and not event.tied}
    at = {grid.onset_of_tick[tick] for tick, token in enumerate(tokens) if token not in (HOLD_NAME, REST_NAME)}
    if sounding != at:
        return "tokens at other ticks than the onsets"
    return "" if isinstance(bar.length, Fraction | int) else "a length that is no exact number"
