"""Notes of a MIDI file that lack a note-off: none is lost, each ends where a rule says, and they are counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.test_midi import MELODY, one, read
from tests.helpers.midi_files import Note, even, midi_file, track
from vaemusic_jax.data.read_pieces import Parsed, parsed_of
from vaemusic_jax.data.readers.midi import ENDED_BY_NEXT, NEVER_ENDED, read_midi
from vaemusic_jax.data.readers.midi_events import notes_left_on

WHOLE = 1920
ALL_NOTES_OFF, ALL_SOUND_OFF, OMNI_ON = b"\xb0\x7b\x00", b"\xb0\x78\x00", b"\xb0\x7d\x00"


def test_a_pitch_struck_again_and_again_without_a_note_off_keeps_every_onset() -> None:
    struck: list[Note] = [(0, None, 62), (480, None, 62), (960, None, 62), (1440, WHOLE, 62)]
    after: list[Note] = [*even((64, 62), step=960, start=WHOLE), (2 * WHOLE, 3 * WHOLE, 62)]
    assert read(one(struck + after)) == ["D4 _5 D4 _5 D4 _5 D4 _5", "E4 _11 D4 _11", "D4 _23"]


@given(
    onsets=st.lists(st.tuples(st.sampled_from((60, 64, 67)), st.booleans()), min_size=1, max_size=24),
    n_before=st.integers(0, 4),
)
def test_whatever_note_offs_are_missing_the_onsets_are_those_written(
    onsets: list[tuple[int, bool]], n_before: int
) -> None:
    lost: list[Note] = [(480 * at, None, 60) for at in range(n_before)]
    notes: list[Note] = [
        (480 * at, 480 * (at + 1) if ended else None, pitch) for at, (pitch, ended) in enumerate(onsets, n_before)
    ]
    (tune,) = read_midi(one([*lost, *notes]), MELODY)
    written = [
        event.pitch for bar in tune.voices[0] for event in bar.events if event.pitch is not None and not event.tied
    ]
    assert written == [{60: "C4", 64: "E4", 67: "G4"}[pitch] for _, _, pitch in [*lost, *notes]]


@pytest.mark.parametrize("ending", [ALL_NOTES_OFF, ALL_SOUND_OFF, OMNI_ON])
def test_a_message_that_ends_all_notes_ends_them(ending: bytes) -> None:
    data = midi_file(track([(0, None, 60), (960, None, 62), (1440, WHOLE, 64)], extra=[(480, ending), (1440, ending)]))
    assert read(data) == ["C4 _5 rest _5 D4 _5 E4 _5"]
    assert counted(data) == {}


def counted(data: bytes) -> dict[str, int]:
    return dict(parsed_of(read_midi(data, MELODY), MELODY.grid).repaired)


def test_what_was_repaired_is_counted_and_comes_through_the_store() -> None:
    notes: list[Note] = [(0, None, 60), (480, None, 60), (960, None, 62), (1440, None, 60)]
    assert counted(one(notes)) == {ENDED_BY_NEXT: 2, NEVER_ENDED: 2}
    assert counted(one(even((60, 60, 62, 62)))) == {}
    legato: list[Note] = [(0, 500, 60), (480, 980, 60), (960, 1440, 60)]
    assert counted(one(legato)) == {}
    parsed = parsed_of(read_midi(one(notes), MELODY), MELODY.grid)
    assert Parsed.from_json(parsed.to_json(), {}) == parsed


def test_notes_of_parts_that_are_not_read_are_not_counted() -> None:
    bass: list[Note] = [(480 * at, None, 36) for at in range(8)]
    assert counted(midi_file(track(even((72, 74, 76, 77)), name="Melody"), track(bass, name="Bass"))) == {}


def test_many_notes_without_a_note_off_are_all_read() -> None:
    pitches = np.tile(np.arange(60, 64), 5000).tolist()
    notes: list[Note] = [(120 * at, None, pitch) for at, pitch in enumerate(pitches)]
    (tune,) = read_midi(one(notes), MELODY)
    assert sum(tune.repaired.values()) == len(notes)


@pytest.mark.parametrize(
    ("events", "left_on"),
    [
        (b"\x00\x90\x3c\x50\x00\x3c\x50\x00\x3c\x00", {(0, 60): 1}),  # running status; no velocity is a note-off
        (b"\x00\x80\x3c\x50\x00\x93\x3c\x50\x00\xff\x03\x02\x90\x3c", {(3, 60): 1}),  # a note-off too many; a text
        (b"\x00\xf0\x03\x90\x3c\xf7\x00\xc0\x05\x00\xb0\x07\x40", {}),
        (b"\x00\x3c\x50", None),
        (b"\x00\x90\x3c", None),
    ],
)
def test_notes_left_on(events: bytes, left_on: dict[tuple[int, int], int] | None) -> None:
    assert notes_left_on(events) == left_on
