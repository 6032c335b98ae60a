"""Finds the channels of a MIDI file that are of percussion though they are not channel 10, and moves them there.

- XG: channels whose banks are all 126 or 127, in a file that switches XG on.
- General MIDI 2: channels whose banks are all 120.
- GS: channels that a message makes a rhythm part.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from vaemusic_jax.data.readers.midi_events import events

DRUMS = 9  # the channel, counted from 0

_XG_ON = b"\x4c\x00\x00\x7e\x00"
_GM2_ON = b"\x09\x03"  # the end of a message that other bytes may look like, too
_GM2_BANK = re.compile(rb"[\xb0-\xbf]\x00\x78")
_GS = b"\x42\x12\x40"
_GS_RHYTHM = re.compile(rb"\x42\x12\x40([\x10-\x1f])\x15[\x01\x02]")
_XG_BANKS, _GM2_BANKS = {126, 127}, {120}
# Of the sixteen parts of GS, the first is channel 10, and the others are the other channels in order
_GS_CHANNELS = (9, *range(9), *range(10, 16))


def with_drums_on_channel_10(tracks: Sequence[bytes]) -> list[bytes]:
    """The contents of all tracks, with every event of a channel of percussion on channel 10.

    Args:
        tracks: contents of the MTrk chunks. Where their events cannot be told apart, they stay as they are.
    """
    channels, banks = set[int](), set[int]()
    for track in tracks:
        if _GS in track:
            channels |= {_GS_CHANNELS[match[1][0] & 15] for match in _GS_RHYTHM.finditer(track)}
        if _XG_ON in track:
            banks |= _XG_BANKS
        if _GM2_ON in track or (b"\x00\x78" in track and _GM2_BANK.search(track)):
            banks |= _GM2_BANKS
    try:
        if banks:
            channels |= _channels_of_banks(tracks, banks)
        channels.discard(DRUMS)
        return [_moved(track, channels) for track in tracks] if channels else list(tracks)
    except (IndexError, KeyError):
        return list(tracks)


def _channels_of_banks(tracks: Sequence[bytes], banks: set[int]) -> set[int]:
    """Channels for which banks are selected, and only these."""
    selected = defaultdict[int, set[int]](set)
    for track in tracks:
        for _, status, data in events(track):
            if status & 0xF0 == 0xB0 and data[0] == 0:
                selected[status & 15].add(data[1])
    return {channel for channel, found in selected.items() if found <= banks}


def _moved(track: bytes, channels: set[int]) -> bytes:
    moved = bytearray(track)
    for place, status, _ in events(track):
        if 0x80 <= status < 0xF0 and status & 15 in channels and track[place] >= 0x80:
            moved[place] = status & 0xF0 | DRUMS
    return bytes(moved)
