"""The melody of a MIDI file is found by stated questions, each asked where those before leave it open."""

import pytest

from tests.helpers.midi_files import Note, even, midi_file, track
from vaemusic_jax.data.bars import Bar
from vaemusic_jax.data.readers.midi import read_midi
from vaemusic_jax.data.tunes import Reading

HIGH = even([72, 74, 76, 77] * 4)
LOW = even([40, 41, 43, 45] * 4)
BUSY = even([60, 62, 64, 65] * 8, step=240)
CHORDS: list[Note] = [note for note in BUSY for note in (note, (note[0], note[1], note[2] + 4))]


def voices(*tracks: bytes, which: str = "melody") -> list[str]:
    """The first pitch of every voice that is read."""
    tunes = read_midi(midi_file(*tracks), Reading(voices="all" if which == "all" else "melody"))
    return [first_pitch(voice) for tune in tunes for voice in tune.voices]


def first_pitch(voice: tuple[Bar, ...]) -> str:
    return next(event.pitch for bar in voice for event in bar.events if event.pitch)


@pytest.mark.parametrize(
    "name", ["Melody", "MELODY (soprano)", "Lead Vocals", "vocal", "Voice", "singer", "Vox 1", "lyrics"]
)
def test_a_name_goes_before_everything(name: str) -> None:
    assert voices(track(BUSY, name="Lead"), track(HIGH, name="Piano"), track(LOW, name=name)) == ["E2"]


def test_a_lead_goes_before_no_name_and_after_a_melody() -> None:
    assert voices(track(BUSY), track(LOW, name="Lead Guitar")) == ["E2"]
    assert voices(track(LOW, name="Solo"), track(HIGH, name="Melodie")) == ["C5"]


@pytest.mark.parametrize("name", ["Backing Vocals", "Bass Lead", "Voice Choir", "melody chords", "drum solo"])
def test_names_of_accompaniments_count_for_nothing(name: str) -> None:
    assert voices(track(BUSY), track(LOW, name=name)) == ["C4"]


def test_a_named_part_of_chords_is_no_melody() -> None:
    assert voices(track(LOW), track(CHORDS, name="Melody")) == ["E2"]


def test_a_named_part_that_hardly_plays_is_no_melody() -> None:
    assert voices(track(even([60, 62] * 30, step=240)), track(LOW[:2], name="Melody")) == ["C4"]


def test_single_notes_go_before_chords() -> None:
    assert voices(track(CHORDS), track(LOW)) == ["E2"]


def test_range_goes_before_activity() -> None:
    assert voices(track(even([40, 41] * 16, step=240)), track(HIGH)) == ["C5"]
    assert voices(track(HIGH), track(BUSY)) == ["C4"]


def test_the_earlier_of_equals() -> None:
    assert voices(track(HIGH), track(even([79, 77, 76, 74] * 4))) == ["C5"]


def test_drums_are_never_the_melody() -> None:
    assert voices(track(LOW), track(BUSY, channel=9, name="Melody")) == ["E2"]


def test_all_voices_are_the_lines_of_single_notes() -> None:
    parts = (track(HIGH), track(CHORDS), track(BUSY), track(BUSY, channel=9), track(LOW))
    assert voices(*parts, which="all") == ["C5", "C4", "E2"]


def test_a_doubled_part_is_read_once() -> None:
    assert voices(track(HIGH, name="a"), track(LOW), track(HIGH, name="b", channel=3), which="all") == ["C5", "E2"]


def test_channels_of_one_track_are_parts_of_their_own() -> None:
    # Even where they never sound together, as a bass and its off-beats
    offbeats = [(tick, bytes([0x91, 48, 64])) for tick in range(240, 7680, 480)]
    ends = [(tick + 240, bytes([0x81, 48, 64])) for tick, _ in offbeats]
    notes = even([72, 74, 76, 77] * 4, step=480, length=240)
    assert voices(track(notes, extra=[*offbeats, *ends]), which="all") == ["C5", "C3"]


@pytest.mark.parametrize(
    "name", ["Drums", "DRUM KIT 2", "perc.", "Kick", "Hi-Hat", "snare drum", "Bass Drum", "01 Toms"]
)
def test_parts_named_as_percussion_are_none_on_any_channel(name: str) -> None:
    drums = track(even((60, 62, 64, 65)), name=name)
    both = midi_file(drums, track(even((72, 74, 76, 77)), name="Flute", channel=1))
    (tune,) = read_midi(both, Reading(voices="all"))
    assert [voice[0].events[0].pitch for voice in tune.voices] == ["C5"]
    assert read_midi(midi_file(drums, track()), Reading())[0].voices == ()
    assert len(read_midi(midi_file(drums), Reading())[0].voices) == 1  # the name of an only track is a title


@pytest.mark.parametrize(
    "name", ["The Drummer", "Steel Drums", "Drum and Bass", "Drumshanbo", "Kickin' Mule", "Melody"]
)
def test_other_names_with_such_words_are_no_percussion(name: str) -> None:
    assert len(read_midi(midi_file(track(even((60, 62, 64, 65)), name=name), track()), Reading())[0].voices) == 1


@pytest.mark.parametrize(("program", "n_voices"), [(114, 1), (47, 1), (112, 1), (115, 0), (118, 0), (127, 0)])
def test_programs_without_a_pitch_are_no_part(program: int, n_voices: int) -> None:
    data = midi_file(track(even((60, 62, 64, 65)), extra=[(0, bytes([0xC0, program]))]))
    assert sum(len(tune.voices) for tune in read_midi(data, Reading())) == n_voices
