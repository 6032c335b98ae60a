"""Measures written as MIDI and read again have the same rhythm and the same pitches."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.study_grid import N_TICKS
from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.readers.midi import read_midi
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.writers.midi import measures_to_midi
from vaemusic_jax.music.vocabulary import HOLD, HOLD_NAME, REST, REST_NAME, Vocabulary, is_pitch, pitch_to_midi

TWELVE = Vocabulary.from_pitches(["G3", "C5"])
COMMAS = Vocabulary.from_pitches(["A4", "B4-4c", "C5", "D5", "F5+1c", "G5+4c", "E5-5c"], room=False)

Sounds = tuple[object, ...]


def sounding(names: Sequence[str]) -> Sounds:
    """Names as MIDI has them: pitches as numbers, and a rest after a rest as its continuation."""
    found: list[object] = []
    resting = False
    for name in names:
        found.append(
            round(pitch_to_midi(name), 6) if is_pitch(name) else HOLD_NAME if name == REST_NAME and resting else name
        )
        resting = name == REST_NAME or (resting and name == HOLD_NAME)
    return tuple(found)


def written(measures: Sequence[Sequence[int]], vocabulary: Vocabulary) -> list[Sounds]:
    return [sounding([vocabulary.tokens[token] for token in measure]) for measure in measures]


def again(measures: Sequence[Sequence[int]], vocabulary: Vocabulary) -> list[Sounds]:
    reading = Reading(pitch="microtonal" if vocabulary.microtonal else "rounded")
    tunes = read_midi(measures_to_midi(measures, vocabulary), reading)
    tokens = [bar_to_tokens(bar) for tune in tunes for voice in tune.voices for bar in voice]
    return [sounding(each) for each in tokens if not isinstance(each, Drop)]


def measures(vocabulary: Vocabulary) -> st.SearchStrategy[list[list[int]]]:
    """Measures in each of which something sounds by itself: not only rests, and held over from no other."""
    token = st.one_of(st.just(HOLD), st.just(HOLD), st.integers(0, len(vocabulary) - 1))
    measure = st.lists(token, min_size=N_TICKS, max_size=N_TICKS)
    return st.lists(measure.filter(lambda each: max(each) > REST), min_size=1, max_size=5)


@given(some=measures(TWELVE))
@example(some=[[HOLD] * 12 + [5] * 12])
@example(some=[[5, *[HOLD] * 10, REST, *[HOLD] * 12], [*[HOLD] * 3, 7, *[HOLD] * 20]])
def test_measures_come_back(some: list[list[int]]) -> None:
    assert again(some, TWELVE) == written(some, TWELVE)


@given(some=measures(COMMAS))
def test_measures_in_commas_come_back(some: list[list[int]]) -> None:
    assert again(some, COMMAS) == written(some, COMMAS)


@pytest.mark.parametrize("token", range(2, len(TWELVE)))
def test_one_measure_of_every_pitch(token: int) -> None:
    assert again([[token] * N_TICKS], TWELVE) == written([[token] * N_TICKS], TWELVE)


def test_a_measure_of_a_hold_is_a_hold() -> None:
    assert again([[HOLD] * N_TICKS], TWELVE) == [(HOLD_NAME,) * N_TICKS]


def test_what_an_unknown_hold_holds_starts_in_one_bar_of_a_sixty_fourth() -> None:
    data = measures_to_midi([[HOLD] * N_TICKS], TWELVE)
    signatures = [data[at - 1 : at + 5] for at in range(len(data)) if data[at : at + 3] == b"\xff\x58\x04"]
    assert signatures == [b"\x00\xff\x58\x04\x01\x06", b"\x1e\xff\x58\x04\x04\x02"]  # 1/64, 30 ticks on 4/4
    assert b"\x90\x3c\x01" in data  # middle C, hardly struck


def test_a_hold_continues_the_measure_before_as_one_note() -> None:
    both = [[5] + [HOLD] * 23, [HOLD] * 12 + [6] + [HOLD] * 11]
    data = measures_to_midi(both, TWELVE)
    assert data.count(b"\x90") == 2
    assert again(both, TWELVE) == written(both, TWELVE)


def test_tempo_and_program_are_written_and_change_no_measure() -> None:
    measure = [[5] + [HOLD] * 23]
    data = measures_to_midi(measure, TWELVE, tempo=60, program=40)
    assert b"\xff\x51\x03\x0f\x42\x40" in data  # a million microseconds a quarter
    assert b"\xc0\x28" in data
    assert read_midi(data, Reading()) == read_midi(measures_to_midi(measure, TWELVE), Reading())


@pytest.mark.parametrize(
    ("change", "message"),
    [({"tempo": 0.0}, "tempo 0"), ({"tempo": float("nan")}, "tempo nan"), ({"program": 128}, "program 128")],
)
def test_what_midi_does_not_have_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measures_to_midi([[5] * N_TICKS], TWELVE, **change)  # type: ignore[arg-type]


def test_pitches_and_measures_that_midi_does_not_have_are_refused() -> None:
    high = Vocabulary.from_pitches(["B9"], room=False)
    with pytest.raises(ValueError, match="MIDI number 131"):
        measures_to_midi([[2] * N_TICKS], high)
    with pytest.raises(ValueError, match="23 tokens"):
        measures_to_midi([[2] * 23], TWELVE)


def test_the_embedded_tunes_come_back(irish_folk: object) -> None:
    train = irish_folk.train  # type: ignore[attr-defined]
    bounds = [0, *((train.tune[1:] != train.tune[:-1]).nonzero()[0] + 1).tolist()][:120]
    for start, end in pairwise(bounds):
        tune = train.tokens[start:end].tolist()
        vocabulary: Vocabulary = irish_folk.vocabulary  # type: ignore[attr-defined]
        assert again(tune, vocabulary) == written(tune, vocabulary)
