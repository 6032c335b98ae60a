"""Holdrian commas: numbers, names, rounding, and what a vocabulary of them leads to."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.data.holdrian import (
    COMMAS_OF_ACCIDENTAL,
    TURKISH_ACCIDENTALS,
    comma_name,
    comma_number,
    comma_spelled,
    written_name,
)
from vaemusic_jax.data.split import up_to_transposition
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.music.vocabulary import (
    NATURAL_COMMAS,
    Vocabulary,
    comma_spelling,
    pitch_in_53rds,
    pitch_to_midi,
    spelling,
)

letters, octaves = st.sampled_from("CDEFGAB"), st.integers(1, 8)
komas = st.integers(53, 53 * 9)  # C0 to C8
# Naturals are pitches of commas too
spelled = st.builds(written_name, letters, octaves, st.integers(-9, 9), st.just("microtonal"))


# From column KomaAE of SymbTr's own files
@pytest.mark.parametrize(
    ("letter", "octave", "commas", "koma"),
    [("C", 4, 0, 265), ("A", 4, 0, 305), ("B", 4, -1, 313), ("F", 5, 4, 344), ("E", 5, -4, 332), ("C", 5, -1, 317)],
)
def test_comma_numbers(letter: str, octave: int, commas: int, koma: int) -> None:
    assert comma_number(letter, octave, commas) == koma


@pytest.mark.parametrize(
    ("koma", "name"),
    [
        (265, "C4"),
        (269, "C4+4c"),
        (270, "D4-4c"),
        (278, "E4-5c"),
        (279, "E4-4c"),
        (288, "F4+1c"),
        (292, "F4+5c"),
        (309, "B4-5c"),
        (313, "B4-1c"),
        (317, "C5-1c"),
        (318, "C5"),
        (264, "C4-1c"),
    ],
)
def test_names_without_a_spelling(koma: int, name: str) -> None:
    assert comma_name(koma) == name


@given(komas)
def test_every_number_has_one_name_of_its_own_height(koma: int) -> None:
    letter, octave, commas = comma_spelled(koma)
    assert comma_number(letter, octave, commas) == koma
    assert abs(commas) <= 5
    assert pitch_in_53rds(comma_name(koma)) == 60 * 53 + 12 * (koma - 265)


@pytest.mark.parametrize(
    ("letter", "octave", "commas", "rounded"),
    [
        ("B", 4, 0, "B4"),
        ("B", 4, -1, "B4"),
        ("B", 4, -4, "B-4"),
        ("B", 4, -5, "B-4"),
        ("F", 4, 1, "F4"),
        ("F", 4, 4, "F#4"),
        ("F", 4, 5, "F#4"),
        ("F", 4, 8, "F##4"),
        ("E", 4, -8, "E--4"),
        ("C", 4, -9, "C--4"),
        ("B", 4, 5, "B#4"),  # the octave belongs to the letter
    ],
)
def test_rounding_keeps_the_letter(letter: str, octave: int, commas: int, rounded: str) -> None:
    assert written_name(letter, octave, commas, "rounded") == rounded


@given(letters, octaves, st.integers(-13, 13))
def test_the_rounded_name_is_the_nearest_semitone(letter: str, octave: int, commas: int) -> None:
    name = written_name(letter, octave, commas, "rounded")
    in_tune = 60 + Fraction(12 * (53 * (octave + 1) + NATURAL_COMMAS[letter] + commas - 265), 53)
    assert abs(int(pitch_to_midi(name)) - in_tune) < Fraction(1, 2)
    assert spelling(name)[:2] == (letter, octave)


def test_the_plain_sharp_and_flat_are_a_semitone_of_their_letter() -> None:
    for letter in "CDEFGAB":
        assert written_name(letter, 4, COMMAS_OF_ACCIDENTAL["sharp"], "rounded") == f"{letter}#4"
        assert written_name(letter, 4, COMMAS_OF_ACCIDENTAL["flat"], "rounded") == f"{letter}-4"
    assert set(COMMAS_OF_ACCIDENTAL) > TURKISH_ACCIDENTALS


@pytest.mark.parametrize("name", ["B4-4", "B-4c", "B4+0c", "B4+100c", "B4 -4c", "c", "B4--4c", "B10-4c", "B#4-4c"])
def test_other_names_are_no_pitches_with_commas(name: str) -> None:
    with pytest.raises(ValueError, match="pitch"):
        comma_spelling(name)
    with pytest.raises(ValueError, match="pitch"):
        pitch_to_midi(name)


def test_midi_of_a_microtonal_vocabulary_is_in_the_tuning_of_commas() -> None:
    vocabulary = Vocabulary.from_pitches(["B4", "B4-4c", "F#4"], room=False)
    assert vocabulary.tokens == ("__", "rest", "B4", "B4-4c", "F#4")
    assert vocabulary.microtonal
    assert vocabulary.midi.dtype == np.float32
    expected = [-1, -1, 60 + 49 * 12 / 53, 60 + 45 * 12 / 53, 61 + 22 * 12 / 53]
    np.testing.assert_allclose(vocabulary.midi, expected, rtol=1e-7)
    assert pitch_to_midi("B4-4c") == pytest.approx(60 + 45 * 12 / 53)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_room_in_commas_is_the_naturals_and_every_spelling_that_occurs_in_all_octaves_between() -> None:
    vocabulary = Vocabulary.from_pitches(["A3", "B4-1c", "C#4"])
    assert vocabulary.tokens[2:] == tuple(
        sorted(["A3", "B3", "C4", "D4", "E4", "F4", "G4", "A4", "B3-1c", "B4-1c", "C#4"])
    )


def test_room_that_a_byte_cannot_hold_is_left_out_and_too_many_pitches_are_refused() -> None:
    names = {comma_name(koma) for koma in range(265, 318)} | {"C1", "C8"}
    assert set(Vocabulary.from_pitches(names).tokens[2:]) == names
    with pytest.raises(ValueError, match="one byte"):
        Vocabulary.from_pitches(comma_name(koma) for koma in range(100, 400))


# Every pitch of a microtonal vocabulary; the first one makes it so
VOCABULARY = Vocabulary.from_pitches(
    ["B4-1c", "B4-4c", "C4", "E5-5c", "E5-4c", "F5+4c", "G5", "A4", "D5", "A5", "F#4"], room=False
)
measures = st.lists(st.integers(0, len(VOCABULARY) - 1), min_size=24, max_size=24)


def exact(tokens: list[int]) -> tuple[Fraction, ...]:
    """Range and average jump as exact fractions, from the definition."""
    heights = [Fraction(pitch_in_53rds(VOCABULARY.tokens[token]), 53) for token in tokens if token >= 2]
    if len(heights) < 2:
        return Fraction(0), Fraction(0)
    jumps = [abs(b - a) for a, b in pairwise(heights)]
    return (max(heights) - min(heights)) / 26, sum(jumps, Fraction(0)) / len(jumps)


@given(st.lists(measures, min_size=4, max_size=4))
def test_attributes_in_fractional_semitones_keep_exact_ties(rows: list[list[int]]) -> None:
    values = np.asarray(compute_attributes(np.array(rows), VOCABULARY.midi, VOCABULARY.grid))[:, [1, 3]]
    fractions = [exact(row) for row in rows]
    np.testing.assert_allclose(values, np.array(fractions, float), rtol=1e-6)
    for k in range(2):
        for i in range(len(rows)):
            for j in range(i):
                difference = fractions[i][k] - fractions[j][k]
                assert np.sign(values[i, k] - values[j, k]) == (difference > 0) - (difference < 0)


def test_equal_intervals_tie_wherever_they_start() -> None:
    def measure(*names: str) -> list[int]:
        return [*map(VOCABULARY.index, names), *[0] * (24 - len(names))]

    # 22 commas down and 22 up, at other heights; as floats the differences round differently
    rows = [measure("D5", "A4"), measure("A4", "D5"), measure("G5", "D5", "G5")]
    values = np.asarray(compute_attributes(np.array(rows), VOCABULARY.midi, VOCABULARY.grid))
    assert set(values[:, 3].tolist()) == {values[0, 3]}
    assert values[0, 3] == pytest.approx(22 * 12 / 53)


def test_a_comma_is_the_same_interval_at_every_height() -> None:
    vocabulary = Vocabulary.from_pitches([comma_name(koma) for koma in range(106, 350)], room=False)
    in_order = [vocabulary.index(comma_name(koma)) for koma in range(106, 350)]
    rows = np.zeros((len(in_order) - 1, 24), int)
    rows[:, 0], rows[:, 1] = in_order[:-1], in_order[1:]
    values = np.asarray(compute_attributes(rows, vocabulary.midi, vocabulary.grid))
    assert np.unique(values[:, 1]).tolist() == pytest.approx([12 / 53 / 26])
    assert np.unique(values[:, 3]).tolist() == pytest.approx([12 / 53])


@given(st.lists(spelled, min_size=2, max_size=8), st.integers(-1, 1))
def test_measures_of_commas_are_compared_exactly_up_to_transposition(names: list[str], octave: int) -> None:
    moved = [f"{name[0]}{int(name[1]) + octave}{name[2:]}" for name in names]
    assert up_to_transposition(moved) == up_to_transposition(names)
