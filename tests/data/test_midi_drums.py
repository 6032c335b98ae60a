"""Channels of percussion by the banks of XG and General MIDI 2 and by messages of GS; and MIDI files in RIFF files."""

import pytest

from tests.data.test_midi import SCALE, SCALE_TOKENS, read
from tests.helpers.midi_files import even, midi_file, track
from vaemusic_jax.data.readers.midi_drums import with_drums_on_channel_10
from vaemusic_jax.data.tunes import Reading

XG_ON = b"\xf0\x08\x43\x10\x4c\x00\x00\x7e\x00\xf7"
GM2_ON = b"\xf0\x05\x7e\x7f\x09\x03\xf7"
GS_RHYTHM = b"\xf0\x0a\x41\x10\x42\x12\x40%c\x15%c\x00\xf7"
ALL = Reading(voices="all")
BEATS = even([36, 38, 36, 38])
MELODY = track(even(SCALE), channel=1)


def bank(channel: int, number: int) -> tuple[int, bytes]:
    return 0, bytes([0xB0 | channel, 0, number])


@pytest.mark.parametrize(
    ("setup", "number"),
    [(XG_ON, 127), (XG_ON, 126), (GM2_ON, 120), (b"\xb5\x07\x40", 120)],
    ids=["XG", "SFX", "GM2", "no GM2"],
)
def test_a_bank_of_drums_makes_a_channel_percussion(setup: bytes, number: int) -> None:
    drums = track(BEATS, channel=3, extra=[bank(3, number), (0, b"\xc3\x00")])
    assert read(midi_file(track(extra=[(0, setup)]), drums, MELODY), ALL) == [SCALE_TOKENS]
    # The bank may be selected in another track than the notes are in
    assert read(midi_file(track(extra=[(0, setup), bank(3, number)]), track(BEATS, channel=3), MELODY), ALL) == [
        SCALE_TOKENS
    ]


def test_a_bank_of_drums_alone_makes_it_so() -> None:
    def voices(*extra: tuple[int, bytes]) -> int:
        return len(read(midi_file(track(BEATS, channel=3, extra=extra), MELODY), ALL))

    assert voices((0, XG_ON), bank(3, 127)) == 1
    assert voices(bank(3, 127)) == 2  # in GS a bank of melodic sounds
    assert voices((0, XG_ON), bank(3, 0)) == 2
    assert voices((0, XG_ON), bank(3, 127), (960, bank(3, 0)[1])) == 2
    assert voices((0, XG_ON), bank(4, 127)) == 2


@pytest.mark.parametrize(("part", "channel"), [(0x11, 0), (0x14, 3), (0x19, 8), (0x1A, 10), (0x1F, 15)])
def test_a_message_of_gs_makes_a_part_percussion(part: int, channel: int) -> None:
    melody = track(even(SCALE), channel=1 if channel != 1 else 2)
    for rhythm, voices in ((1, 1), (2, 1), (0, 2)):
        drums = track(BEATS, channel=channel, extra=[(0, GS_RHYTHM % (part, rhythm))])
        assert len(read(midi_file(drums, melody), ALL)) == voices


def test_notes_in_running_status_move_too() -> None:
    running = b"\x00\x93\x24\x50\x81\x70\x24\x00\x00\x26\x50\x81\x70\x26\x00"
    moved = with_drums_on_channel_10([b"\x00" + GS_RHYTHM % (0x14, 1) + running + b"\x00\x91\x3c\x50"])[0]
    assert moved.endswith(running.replace(b"\x93", b"\x99") + b"\x00\x91\x3c\x50")


def test_bytes_that_are_no_events_stay_as_they_are() -> None:
    broken = b"\x00" + GS_RHYTHM % (0x14, 1) + b"\x00\x24"[:1]
    assert with_drums_on_channel_10([broken, b"\x00\x93\x24\x50"]) == [broken, b"\x00\x93\x24\x50"]


def test_a_midi_file_in_a_riff_file() -> None:
    data = midi_file(track(even(SCALE)))
    chunk = b"data" + len(data).to_bytes(4, "little") + data
    info = b"DISP\x05\x00\x00\x00abcde\x00"  # of odd length, hence padded
    for body in (chunk, info + chunk):
        assert read(b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"RMID" + body) == [SCALE_TOKENS]
