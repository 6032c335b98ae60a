"""Cuts a MIDI file into its chunks, and refuses one that is not whole or has no beat in quarter notes."""

from __future__ import annotations

import struct

from vaemusic_jax.data.readers.midi_events import has_impossible_time_signature
from vaemusic_jax.data.tunes import UnreadableTuneError

MOST_TRACKS = 256


def tracks_of(data: bytes) -> tuple[int, list[bytes]]:
    """Ticks in a quarter note, and the contents of every track.

    Args:
        data: a standard MIDI file, alone or in a RIFF file of the kind RMID.

    Raises:
        UnreadableTuneError: no such file, not whole, or without a beat in quarter notes.
    """
    data = _unwrapped(data)
    if len(data) < 14 or data[:4] != b"MThd":
        raise UnreadableTuneError("no MIDI file")
    length, form, count, division = struct.unpack(">IHHH", data[4:14])
    if length < 6 or form > 1:
        raise UnreadableTuneError("MIDI file of an unknown format")
    if division >= 0x8000:
        raise UnreadableTuneError("time in SMPTE frames, not in quarter notes")
    if division == 0:
        raise UnreadableTuneError("no ticks in a quarter note")
    tracks: list[bytes] = []
    at = 8 + length
    while len(tracks) < count and at < len(data):
        tag, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8])
        if at + 8 + size > len(data):
            raise UnreadableTuneError("cut off, or a track longer than its file")
        if tag == b"MTrk":
            tracks.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    if len(tracks) < count:
        raise UnreadableTuneError("fewer tracks than the file says")
    if count > MOST_TRACKS:
        raise UnreadableTuneError(f"more than {MOST_TRACKS} tracks")
    if any(map(has_impossible_time_signature, tracks)):
        raise UnreadableTuneError("impossible time signature")
    return division, tracks


def _unwrapped(data: bytes) -> bytes:
    """The MIDI file in a RIFF file of the kind RMID, or the file itself."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            return data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return b""
