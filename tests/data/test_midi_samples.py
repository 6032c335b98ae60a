"""Real MIDI files, and broken ones, give what is known of them from elsewhere."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.readers.midi import read_midi
from vaemusic_jax.data.readers.symbtr_text import read_symbtr_text
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError
from vaemusic_jax.music.vocabulary import HOLD_NAME, is_pitch, pitch_to_midi

Result = tuple[str, ...] | Drop


def tokens(tunes: Iterable[Tune]) -> list[Result]:
    return [bar_to_tokens(bar) for tune in tunes for voice in tune.voices for bar in voice]


def read(path: Path, reading: Reading) -> list[Result]:
    try:
        return tokens(read_midi(path.read_bytes(), reading))
    except UnreadableTuneError:
        return []


def kept(results: Iterable[Result]) -> list[tuple[str, ...]]:
    return [result for result in results if not isinstance(result, Drop)]


# File: measures kept, or the reason it is refused for. From the table of the sample data's README
BAD = {
    "zero_byte": "no MIDI file",
    "truncated_half": "cut off",
    "no_notes": 0,
    "drums_only": 0,
    "ppq_zero": "no ticks",
    "smpte_division": "SMPTE",
    "timesig_denominator_2pow255": "impossible time signature",
    "timesig_zero_over_four": "impossible time signature",
    "tempo_zero": 4,
    "two_hundred_thousand_notes": 12500,
    "track_length_lie": "track longer than its file",
    "thirtysecond_run": 1,
    "chords_and_overlaps": 1,
    "meter_changes": 2,
    "undecodable_track_name": 4,
}


@pytest.mark.parametrize("voices", ["melody", "all"])
@pytest.mark.parametrize("name", BAD)
def test_broken_files_give_what_their_description_says(shared_data: Path, name: str, voices: str) -> None:
    data = (shared_data / "bad_input" / f"{name}.mid").read_bytes()
    reading = Reading(voices="all" if voices == "all" else "melody")
    expected = BAD[name]
    if isinstance(expected, str):
        with pytest.raises(UnreadableTuneError, match=expected):
            read_midi(data, reading)
    else:
        assert len(kept(tokens(read_midi(data, reading)))) == expected


def test_changes_of_metre_keep_the_right_contents(shared_data: Path) -> None:
    first, *_, last = read(shared_data / "bad_input" / "meter_changes.mid", Reading())
    assert isinstance(first, tuple)
    assert isinstance(last, tuple)
    assert [name for name in first if is_pitch(name)] == ["C4", "D4", "E4", "F4"]
    assert all(name != "rest" for name in last)


def test_hanging_notes_end_at_the_next_onset(shared_data: Path) -> None:
    found = read(shared_data / "bad_input" / "hanging_notes.mid", Reading())
    assert found[-1] is Drop.NO_LENGTH  # nothing ends the last one
    assert all(name != "rest" for measure in kept(found) for name in measure)


def test_silence_is_not_filled(shared_data: Path) -> None:
    assert len(read(shared_data / "bad_input" / "note_after_huge_silence.mid", Reading())) <= 11  # it has 11 notes


def test_pitches_beyond_the_names_get_nowhere(shared_data: Path) -> None:
    found = read(shared_data / "bad_input" / "pitch_extremes.mid", Reading())
    assert found.count(Drop.PITCH) == 2
    assert all(12 <= pitch_to_midi(name) <= 127 for measure in kept(found) for name in measure if is_pitch(name))


def test_songs_whose_metre_is_not_the_beat_give_next_to_nothing(shared_data: Path) -> None:
    paths = sorted((shared_data / "pop909_sample").rglob("*.mid"))
    assert sum(len(kept(read(path, Reading(voices="all")))) for path in paths) < len(paths)


def test_irish_tunes_as_midi(shared_data: Path) -> None:
    paths = sorted((shared_data / "irish_folk" / "cre_midi").glob("*.mid"))
    found = sum(len(kept(read(path, Reading(voices="all")))) for path in paths)
    assert found == pytest.approx(3323, rel=0.02)  # the README's count


def test_songs_of_many_tracks(shared_data: Path) -> None:
    paths = sorted((shared_data / "lakh_like_sample").rglob("*.mid"))
    # The README counts about 16,000, doubled tracks and single bars of polyphonic ones among them
    assert 0.8 * 16000 < sum(len(kept(read(path, Reading(voices="all")))) for path in paths) < 16000


def sounds(measure: tuple[str, ...]) -> tuple[object, ...]:
    """Pitches as numbers; SymbTr's MIDI files play a note on through the rest after it."""
    return tuple(pitch_to_midi(name) if is_pitch(name) else HOLD_NAME for name in measure)


def test_symbtr_as_midi_is_symbtr_as_text(shared_data: Path) -> None:
    folder = shared_data / "turkish_makam"
    same, only_midi, pieces_alike = 0, 0, 0
    paths = sorted((folder / "midi").glob("*.mid"))
    for path in paths:
        text = (folder / "txt" / path.name).with_suffix(".txt").read_bytes()
        midi = Counter(map(sounds, kept(read(path, Reading()))))
        written = Counter(map(sounds, kept(tokens(read_symbtr_text(text, Reading())))))
        same += (midi & written).total()
        only_midi += (midi - written).total()
        pieces_alike += midi == written
    # The rest: pieces whose MIDI file is empty, leaves out the rest at the start, or drifts off after grace notes
    assert pieces_alike >= 0.8 * len(paths)
    assert only_midi < 0.05 * same
    assert same >= 3000
