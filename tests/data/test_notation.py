"""Measures to ABC and back: the same tokens."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.reading import parse_tune
from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.data.readers.abc_book import TuneText
from vaemusic_jax.data.writers.notation import measure_to_abc, measures_to_abc, sounds, token_names
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary

VOCABULARY = Vocabulary.from_pitches(["G3", "C4", "C#4", "D-4", "F##4", "A5", "B--5", "E6"])

token = st.one_of(st.just(HOLD), st.integers(REST, len(VOCABULARY) - 1))


def with_one_rest_at_a_time(tokens: list[int]) -> list[int]:
    """A rest that follows a rest goes on: no reader gives two."""
    resting, merged = False, []
    for each in tokens:
        merged.append(HOLD if resting and each == REST else each)
        resting = each == REST or (resting and each == HOLD)
    return merged


measures = st.lists(token, min_size=24, max_size=24).map(with_one_rest_at_a_time)


def names_read_back(abc: str) -> list[tuple[str, ...]]:
    parsed = parse_tune(TuneText("t", abc))
    assert not parsed.failure or not parsed.measures
    return parsed.measures


def one_bar(notes: str) -> str:
    return f"X:1\nM:4/4\nL:1/8\nK:C\n{notes}"


def with_a_note(tokens: Sequence[int]) -> bool:
    return any(each > REST for each in tokens)


@given(measures)
def test_sounds_fill_the_measure(tokens: list[int]) -> None:
    events = sounds(token_names(tokens, VOCABULARY), VOCABULARY.grid)
    assert sum(event.length for event in events) == 4
    at = Fraction(0)
    for event in events:
        assert event.onset == at
        at += event.length


@given(measures.filter(with_a_note))
def test_abc_gives_back_the_tokens(tokens: list[int]) -> None:
    expected = [token_names(tokens, VOCABULARY)]
    assert names_read_back(one_bar(measure_to_abc(tokens, VOCABULARY))) == expected
    assert names_read_back(measures_to_abc([tokens], VOCABULARY)) == expected


def sounds_at_all(tokens: Sequence[int]) -> bool:
    return with_a_note(tokens) or tokens[0] == HOLD


@given(st.lists(measures.filter(sounds_at_all), min_size=1, max_size=6))
@example([[HOLD] * 24])
@example([[HOLD] * 6 + [REST] + [HOLD] * 17, [HOLD] * 24])
def test_consecutive_measures_as_abc_give_back_the_tokens(tune: list[list[int]]) -> None:
    expected = [token_names(tokens, VOCABULARY) for tokens in tune]
    assert names_read_back(measures_to_abc(tune, VOCABULARY, title="t")) == expected


def test_every_measure_of_irish_folk_comes_back_from_abc(irish_folk: Dataset) -> None:
    distinct = np.unique(np.concatenate([irish_folk.split(split).tokens for split in SPLITS]), axis=0)
    assert len(distinct) > 9_000
    vocabulary = irish_folk.vocabulary
    names = [token_names(tokens, vocabulary) for tokens in distinct]
    alone = [index for index, tokens in enumerate(distinct) if with_a_note(tokens)]
    assert len(alone) >= len(distinct) - 2
    book = one_bar("\n".join(measure_to_abc(distinct[index], vocabulary) for index in alone))
    assert names_read_back(book) == [names[index] for index in alone]


def test_every_tune_of_irish_folk_comes_back_from_abc_with_its_ties(irish_folk: Dataset) -> None:
    for split in (irish_folk.validation, irish_folk.test):
        for tune in np.unique(split.tune):
            tokens = split.tokens[split.tune == tune]
            expected = [token_names(row, irish_folk.vocabulary) for row in tokens]
            assert names_read_back(measures_to_abc(tokens, irish_folk.vocabulary)) == expected


def indices(*events: tuple[int, str]) -> list[int]:
    tokens = [HOLD] * 24
    for tick, name in events:
        tokens[tick] = VOCABULARY.index(name)
    return tokens


@pytest.mark.parametrize(
    ("events", "abc"),
    [
        ([(0, "C4")], "C8|"),
        ([(0, "C4"), (6, "rest"), (12, "E5"), (18, "C6")], "C2 z2 e2 c'2|"),
        ([(0, "C#4"), (3, "C#4"), (6, "C4"), (12, "G3")], "^CC =C2 G,4|"),
        ([(0, "C4"), (2, "D4"), (4, "E4"), (6, "F4")], "(3CDE F6|"),
        ([(0, "C4"), (4, "D4"), (6, "F4")], "(3:2:2C2D F6|"),
        ([(0, "C4"), (1, "D4"), (6, "E4")], "C/2D3/2 E6|"),
        ([(6, "E4")], "x2 E6|"),
        # one octave's accidental may or may not hold in another: both are written out
        ([(0, "C#4"), (6, "C#5"), (12, "C4"), (18, "C5")], "^C2 ^c2 =C2 =c2|"),
        ([(0, "F##4"), (12, "B--5")], "^^F4 __b4|"),
    ],
)
def test_abc_by_hand(events: list[tuple[int, str]], abc: str) -> None:
    vocabulary = Vocabulary.from_pitches([*VOCABULARY.tokens[2:], "C6"])
    tokens = [HOLD] * 24
    for tick, name in events:
        tokens[tick] = vocabulary.index(name)
    assert measure_to_abc(tokens, vocabulary) == abc


def test_a_tie_over_the_barline_is_written() -> None:
    tune = [indices((0, "C4"), (12, "C#4")), indices((12, "D4"))]
    assert measures_to_abc(tune, VOCABULARY, title="t") == "X:1\nT:t\nM:4/4\nL:1/8\nK:C\nC4 ^C4-|^C4 D4|\n"


def test_pitches_in_commas_are_rounded_in_abc_which_says_so() -> None:
    vocabulary = Vocabulary.from_pitches(["B4-4c", "F4+4c", "C4"], room=False)
    tokens = [HOLD] * 24
    for tick, name in ((0, "B4-4c"), (6, "F4+4c"), (12, "C4")):
        tokens[tick] = vocabulary.index(name)
    abc = measures_to_abc([tokens], vocabulary, title="t")
    assert abc.splitlines()[2] == "N:pitches in commas, rounded to twelve tones"
    assert abc.splitlines()[-1] == "_B2 ^F2 C4|"


def test_another_number_of_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="24"):
        measure_to_abc([HOLD] * 23, VOCABULARY)
