"""Measures to MusicXML and back: the same tokens, and a score that music21 understands in the same way."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.music21_measures import tokenise
from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.readers.musicxml import read_musicxml
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import token_names
from vaemusic_jax.music.vocabulary import HOLD, HOLD_NAME, REST, Vocabulary

TWELVE_TONES = Vocabulary.from_pitches(["G3", "C4", "C#4", "D-4", "F##4", "A5", "B--5", "E6", "C0", "B9"])
COMMAS = Vocabulary.from_pitches(["G3", "B4-1c", "B4-4c", "E5-5c", "F5+4c", "F5+5c", "C5+1c", "G5+8c", "A5"])


def tunes_of(vocabulary: Vocabulary) -> st.SearchStrategy[list[list[int]]]:
    token = st.one_of(st.just(HOLD), st.just(REST), st.integers(REST, len(vocabulary) - 1))
    return st.lists(st.lists(token, min_size=24, max_size=24), min_size=1, max_size=5)


def names_read_back(data: bytes) -> list[tuple[str, ...] | Drop]:
    (tune,) = read_musicxml(data, Reading("microtonal"))
    return [bar_to_tokens(bar) for voice in tune.voices for bar in voice]


def expected(tune: list[list[int]], vocabulary: Vocabulary) -> list[tuple[str, ...] | Drop]:
    """Its tokens, with rests in a row joined; a measure with nothing but rests is one the reader drops."""
    names: list[tuple[str, ...] | Drop] = []
    for bar in tune:
        joined, resting = [], False
        for token in bar:
            joined.append(HOLD if resting and token == REST else token)
            resting = token == REST or (resting and token == HOLD)
        silent = set(bar) <= {HOLD, REST} and bar[0] == REST
        names.append(Drop.SILENT if silent else token_names(joined, vocabulary))
    return names


def with_a_note(tune: list[list[int]]) -> bool:
    return any(token > REST for bar in tune for token in bar)


@given(tunes_of(TWELVE_TONES).filter(with_a_note))
def test_consecutive_measures_come_back(tune: list[list[int]]) -> None:
    assert names_read_back(measures_to_musicxml(tune, TWELVE_TONES)) == expected(tune, TWELVE_TONES)


@given(tunes_of(COMMAS).filter(with_a_note))
def test_consecutive_measures_in_commas_come_back(tune: list[list[int]]) -> None:
    assert names_read_back(measures_to_musicxml(tune, COMMAS)) == expected(tune, COMMAS)


def test_a_plain_sharp_in_commas_comes_back_although_nothing_else_says_so() -> None:
    tune = [[COMMAS.index("F5+4c"), *[HOLD] * 23]]
    assert names_read_back(measures_to_musicxml(tune, COMMAS)) == [("F5+4c", *[HOLD_NAME] * 23)]


def test_every_tune_of_irish_folk_comes_back(irish_folk: Dataset) -> None:
    split = irish_folk.test
    for tune in np.unique(split.tune):
        tokens = split.tokens[split.tune == tune]
        read = names_read_back(measures_to_musicxml(tokens, irish_folk.vocabulary))
        assert read == [token_names(row, irish_folk.vocabulary) for row in tokens]


@settings(max_examples=10)
@given(tunes_of(TWELVE_TONES).filter(lambda tune: tune[0][0] != HOLD and with_a_note(tune)))
def test_music21_reads_the_same_notes(tune: list[list[int]]) -> None:
    from music21 import converter

    score = converter.parseData(measures_to_musicxml(tune, TWELVE_TONES), format="musicxml")
    measures = list(score.recurse().getElementsByClass("Measure"))
    assert len(measures) == len(tune)
    assert [tokenise(measure) for measure in measures] == expected(tune, TWELVE_TONES)


def test_a_length_without_a_shape_becomes_notes_tied_together_and_holds_are_ties() -> None:
    tune = [[TWELVE_TONES.index("C4"), *[HOLD] * 23], [HOLD] * 24]
    tune[0][4] = tune[0][11] = TWELVE_TONES.index("A5")
    root = ET.fromstring(measures_to_musicxml(tune, TWELVE_TONES))
    written = [
        (
            *(each.findtext(tag) for tag in ("duration", "type")),
            each.find("time-modification") is not None,
            [tie.get("type") for tie in each.findall("tie")],
        )
        for each in root.iter("note")
    ]
    assert written == [
        ("8", "quarter", True, []),  # 2/3 of a quarter: one note of a triplet
        ("4", "eighth", True, ["start"]),  # 1 1/12: up to the beat the last eighth of the triplet, then a dotted eighth
        ("9", "eighth", False, ["stop"]),
        ("3", "16th", False, ["start"]),  # 2 1/4: up to the beat, then the rest
        ("24", "half", False, ["stop", "start"]),
        ("48", "whole", False, ["stop"]),
    ]


def test_title_and_order_of_the_elements() -> None:
    tune = [[COMMAS.index("B4-4c"), *[HOLD] * 23], [HOLD] * 24]
    data = measures_to_musicxml(tune, COMMAS, title='<"Hüseynî" & \x00co>')
    assert read_musicxml(data, Reading())[0].title == '<"Hüseynî" & co>'
    note = ET.fromstring(data).find(".//note")
    assert note is not None
    assert [child.tag for child in note] == ["pitch", "duration", "tie", "voice", "type", "accidental", "notations"]


@pytest.mark.parametrize(("names", "wrong"), [(["C4+2c"], "2 commas"), (["B4-4c", "F#4"], "'F#4' stands among")])
def test_pitches_that_cannot_be_written_are_named(names: list[str], wrong: str) -> None:
    vocabulary = Vocabulary.from_pitches(names, room=False)
    tune = [[vocabulary.index(names[-1]), *[HOLD] * 23]]
    with pytest.raises(ValueError, match=wrong):
        measures_to_musicxml(tune, vocabulary)
