"""Standard MIDI files made byte by byte, so that tests do not depend on the library that the reader uses."""

import struct
from collections.abc import Sequence

Note = tuple[int, int | None, int]  # Onset and end in ticks, and pitch; a note without an end is never ended.


def variable_length(number: int) -> bytes:
    """Returns a number as a variable-length quantity of the MIDI file format."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.insert(0, number & 0x7F | 0x80)
    return bytes(groups)


def track(
    notes: Sequence[Note] = (),
    *,
    signatures: Sequence[tuple[int, int, int]] = (),
    name: str = "",
    channel: int = 0,
    extra: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """Returns one MTrk chunk.

    Args:
        notes: the notes, which are all of one channel.
        signatures: time signatures as (tick, numerator, denominator).
        name: the name of the track.
        channel: the channel, 0 to 15; 9 is that of drums.
        extra: further messages as (tick, message), which come before other events of their tick.
    """
    messages = [(tick, 0, message) for tick, message in extra]
    for tick, above, below in signatures:
        messages.append((tick, 0, bytes([0xFF, 0x58, 4, above, below.bit_length() - 1, 24, 8])))
    for onset, end, pitch in notes:
        messages.append((onset, 2, bytes([0x90 | channel, pitch, 80])))
        if end is not None:
            messages.append((end, 1 if end > onset else 3, bytes([0x80 | channel, pitch, 64])))
    body, at = b"", 0
    if name:
        body += b"\x00\xff\x03" + bytes([len(name.encode())]) + name.encode()
    for tick, _, message in sorted(messages, key=lambda each: each[:2]):
        body += variable_length(tick - at) + message
        at = tick
    body += b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi_file(*tracks: bytes, ppq: int = 480, count: int | None = None) -> bytes:
    """Returns a file of these chunks, whose header claims `count` of them, by default the true number."""
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks) if count is None else count, ppq) + b"".join(tracks)


def even(pitches: Sequence[int], *, step: int = 480, length: int | None = None, start: int = 0) -> list[Note]:
    """Returns notes whose onsets are `step` ticks apart; each lasts `length` ticks, by default one step."""
    length = step if length is None else length
    return [(start + n * step, start + n * step + length, pitch) for n, pitch in enumerate(pitches)]
