"""Finds in the bytes of a MIDI track what a library misreads: impossible time signatures, and notes that stay on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

_TIME_SIGNATURE = b"\xff\x58\x04"
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}  # of channel messages


def has_impossible_time_signature(track: bytes) -> bool:
    """Whether a track has a time signature of no beats, or of beats shorter than a 128th note.

    Args:
        track: contents of an MTrk chunk. One with bytes that look like such a time signature has it, if its events
            cannot be told apart.
    """
    at = track.find(_TIME_SIGNATURE)
    while at >= 0:
        if not _possible(track[at + 3 : at + 5]):
            # Among the bytes of a text or a system exclusive message they mean nothing
            return any(not _possible(each) for each in _time_signatures(track))
        at = track.find(_TIME_SIGNATURE, at + 1)
    return False


def _possible(numbers: bytes) -> bool:
    """Numerator, and the power of two that is the denominator: a library may raise it in eight bits."""
    return len(numbers) == 2 and numbers[0] > 0 and numbers[1] < 8


def _time_signatures(track: bytes) -> Iterator[bytes]:
    """Numerator and power of two of each, in order."""
    try:
        for _, status, data in events(track):
            if status == 0xFF and data[0] == 0x58:
                yield data[1:3]
    except (IndexError, KeyError):
        yield b""  # a library may find any there


def notes_left_on(track: bytes) -> Counter[tuple[int, int]] | None:
    """How many notes of each (channel, pitch) are still on at the end, where every note-off ends one; None if unclear.

    Args:
        track: contents of an MTrk chunk.
    """
    on = Counter[tuple[int, int]]()
    try:
        for _, status, data in events(track):
            kind, key = status & 0xF0, (status & 0x0F, data[0] if data else 0)
            if kind == 0x90 and data[1] > 0:
                on[key] += 1
            elif kind in (0x80, 0x90) and on[key] > 0:
                on[key] -= 1
    except (IndexError, KeyError):
        return None
    return +on


def events(track: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Place, status and data of each event; of a meta event the data are its type and contents.

    At the place is the status byte, or the first data byte where the status is that of the event before.

    Raises IndexError or KeyError where the bytes are no events.
    """
    at, running = 0, 0
    while at < len(track):
        _, at = _variable_length(track, at)
        place, status = at, track[at]
        if status in (0xFF, 0xF0, 0xF7):
            meta = status == 0xFF
            size, start = _variable_length(track, at + 1 + meta)
            yield place, status, track[at + 1 : at + 1 + meta] + track[start : start + size]
            at = start + size
            continue
        if status >= 0x80:
            running = status
            at += 1
        size = _DATA_BYTES[running & 0xF0]
        yield place, running, track[at : at + size]
        at += size


def _variable_length(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length quantity, and where it ends."""
    number = 0
    while True:
        byte = data[at]
        number, at = (number & 0xFFFFFFF) << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            return number, at
