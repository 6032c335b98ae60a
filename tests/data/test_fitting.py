"""Measures of one's own in the vocabulary of a model: moved, respelled, or the pitch named that does not fit."""

import pytest

from vaemusic_jax.data.fitting import Fitted, fit
from vaemusic_jax.data.measures import Place, ReadMeasures
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary

KNOWN = Vocabulary.from_pitches(["G3", "E6"])
COMMAS = Vocabulary.from_pitches(["A4", "B4-4c", "D5"], room=False)


def read(*tunes: str) -> ReadMeasures:
    """One tune for each text of pitches, each pitch a measure."""
    found = ReadMeasures("book.abc", "4/4")
    for number, tune in enumerate(tunes, start=1):
        for bar, name in enumerate(tune.split(), start=1):
            found.names.append((name, *["__"] * 22, "rest"))
            found.places.append(Place(f"book.abc#{number}", "", 1, bar))
    return found


def first_notes(fitted: Fitted, vocabulary: Vocabulary = KNOWN) -> str:
    return " ".join(vocabulary.tokens[token] for token in fitted.tokens[:, 0])


def test_what_fits_stays_as_it_is() -> None:
    for octaves in (False, True):
        fitted = fit(read("G3 C#5 E6"), KNOWN, octaves=octaves)
        assert (first_notes(fitted), fitted.octaves, fitted.respelled) == ("G3 C#5 E6", {}, {})
        assert {KNOWN.tokens[token] for token in fitted.tokens[:, -1]} == {"rest"}
        assert fitted.tokens.shape == (3, 24)


def test_a_pitch_outside_is_named_with_its_measure_and_the_range() -> None:
    with pytest.raises(UserError) as refused:
        fit(read("G3", "A4 B4 F6"), KNOWN)
    assert str(refused.value) == (
        "book.abc#2, voice 1, bar 3: F6 is none of the model's pitches, G3 to E6; octaves=True moves such a tune by "
        "octaves"
    )


@pytest.mark.parametrize(
    ("tune", "moved", "octaves"),
    [
        ("A4 F6", "A3 F5", -1),
        ("C2 C3", "C4 C5", 2),
        ("G2 G3", "G3 G4", 1),
        ("C8 C7", "C6 C5", -2),
        ("E3 D4 E-3", "E4 D5 E-4", 1),
        ("E#6 F##6", "E#5 G5", -1),  # a spelling that is missing where it arrives is another there
    ],
)
def test_a_whole_tune_is_moved_by_the_fewest_octaves(tune: str, moved: str, octaves: int) -> None:
    fitted = fit(read("C5", tune), KNOWN, octaves=True)
    assert first_notes(fitted) == f"C5 {moved}"
    assert fitted.octaves == {"book.abc#2": octaves}


def test_of_two_ways_that_are_equally_far_a_tune_goes_up() -> None:
    assert fit(read("C5"), Vocabulary.from_pitches(["C4", "C6"], room=False), octaves=True).octaves == {"book.abc#1": 1}


def test_a_tune_wider_than_the_vocabulary_fits_in_no_octave() -> None:
    with pytest.raises(UserError, match=r"book.abc#1: in no octave are all its pitches, C3 to D7, .* G3 to E6"):
        fit(read("C3 D7"), KNOWN, octaves=True)


def test_a_missing_spelling_becomes_the_simplest_of_that_pitch() -> None:
    fitted = fit(read("F##4 B--4 E#4 G#4"), Vocabulary.from_pitches(["G4", "G#4", "A-4", "A4", "F4"], room=False))
    assert fitted.respelled == {"F##4": "G4", "B--4": "A4", "E#4": "F4"}
    several = Vocabulary.from_pitches(["A--4", "C#4", "D-4", "G4"], room=False)
    assert fit(read("F##4 B##3"), several).respelled == {"F##4": "G4", "B##3": "C#4"}
    only_sharp = fit(read("A-4"), Vocabulary.from_pitches(["G#4"], room=False))
    assert only_sharp.respelled == {"A-4": "G#4"}


def test_twelve_tones_are_no_commas() -> None:
    assert first_notes(fit(read("A4 B4-4c"), COMMAS), COMMAS) == "A4 B4-4c"
    with pytest.raises(UserError, match="B-4 is none of the model's pitches, A4 to D5"):
        fit(read("A4 B-4"), COMMAS)
    assert first_notes(fit(read("A3 D4"), COMMAS, octaves=True), COMMAS) == "A4 D5"
