"""Vocabulary: order, MIDI pitches, room for what the corpus can contain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary, pitch_to_midi, spelling

pitches = st.builds(
    lambda letter, sign, octave: f"{letter}{sign}{octave}",
    st.sampled_from("ABCDEFG"),
    st.sampled_from(["", "#", "-", "##", "--"]),
    st.integers(0, 9),
)


@pytest.mark.parametrize(
    ("name", "midi"),
    # The octave belongs to the letter: B#3 and C4 are one key of the piano, C-4 and B3 another
    [
        ("C4", 60),
        ("C#4", 61),
        ("D-4", 61),
        ("B#3", 60),
        ("C-4", 59),
        ("F##5", 79),
        ("B--2", 45),
        ("A0", 21),
        ("G9", 127),
    ],
)
def test_midi_pitch_of_a_spelled_pitch(name: str, midi: int) -> None:
    assert pitch_to_midi(name) == midi


@pytest.mark.parametrize("name", ["H4", "C", "4", "c4", "C#", "C#-4", "rest", "__", "C10", ""])
def test_other_names_are_no_pitches(name: str) -> None:
    with pytest.raises(ValueError, match="not a spelled pitch"):
        pitch_to_midi(name)


@given(pitches)
def test_spelling_is_what_music21_reads(name: str) -> None:
    from music21 import pitch

    theirs = pitch.Pitch(name)
    alteration = int(theirs.accidental.alter) if theirs.accidental else 0
    assert spelling(name) == (theirs.step, theirs.octave, alteration)
    assert pitch_to_midi(name) == theirs.ps


def test_hold_and_rest_come_first_then_the_pitches_sorted() -> None:
    vocabulary = Vocabulary.from_pitches(["D4", "C#4", "A3"], room=False)
    assert vocabulary.tokens == ("__", "rest", "A3", "C#4", "D4")
    assert (vocabulary.index("__"), vocabulary.index("rest")) == (HOLD, REST)
    np.testing.assert_array_equal(vocabulary.midi, [-1, -1, 57, 61, 62])
    assert vocabulary.midi.dtype == np.int32


def test_room_is_every_simple_spelling_within_the_range_and_nothing_outside() -> None:
    vocabulary = Vocabulary.from_pitches(["B3", "D-4"])
    # MIDI 59 to 61, spelled with the seven letters and at most one sign; C-4 is 59 and B#3 is 60
    assert vocabulary.tokens == ("__", "rest", "B#3", "B3", "C#4", "C-4", "C4", "D-4")


def test_room_reaches_spellings_with_the_letter_of_another_octave() -> None:
    assert Vocabulary.from_pitches(["C4", "B4"]).tokens[2:4] == ("A#4", "A-4")
    assert "B#3" in Vocabulary.from_pitches(["C4", "B4"])
    assert "C-5" in Vocabulary.from_pitches(["C4", "B4"])


def test_room_keeps_rarer_spellings_that_occur() -> None:
    assert "F##4" in Vocabulary.from_pitches(["F##4"])


@given(st.lists(pitches, max_size=30), st.booleans())
def test_order_of_the_pitches_does_not_matter_and_json_keeps_all(names: list[str], room: bool) -> None:
    vocabulary = Vocabulary.from_pitches(names, room=room)
    assert Vocabulary.from_pitches(reversed(names), room=room) == vocabulary
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert all(name in vocabulary for name in names)
    assert [vocabulary.index(name) for name in vocabulary.tokens] == list(range(len(vocabulary)))


@pytest.mark.parametrize("tokens", [("rest", "__"), ("__", "rest", "D4", "C4"), ("__", "rest", "C4", "C4"), ("C4",)])
def test_other_orders_are_refused(tokens: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"vocabulary|pitches"):
        Vocabulary(tokens)


@pytest.mark.parametrize("name", ["<b>", "C", "D4<", "C10", "H4", "C4 "])
def test_a_token_that_is_no_pitch_is_refused_whoever_wrote_it(name: str) -> None:
    with pytest.raises(ValueError, match="not a spelled pitch"):
        Vocabulary.from_plain(["__", "rest", name])
