"""A measure that is written and read again is the same measure, in every metre and every format."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.writers.midi import measures_to_midi
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import measures_to_abc
from vaemusic_jax.music.grid import GRIDS, Grid
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary, is_pitch, pitch_to_midi

PITCHES = ["G3", "C4", "C#4", "D-4", "F##4", "B-4", "A#4", "A5", "B--5", "E6"]
FORMATS: dict[str, Callable[[list[list[int]], Vocabulary], bytes]] = {
    "abc": lambda tune, vocabulary: measures_to_abc(tune, vocabulary).encode(),
    "musicxml": measures_to_musicxml,
    "midi": measures_to_midi,
}


def with_one_rest_at_a_time(tokens: Sequence[int]) -> list[int]:
    """A rest that follows a rest goes on: no reader gives two."""
    resting, merged = False, []
    for each in tokens:
        merged.append(HOLD if resting and each == REST else each)
        resting = each == REST or (resting and each == HOLD)
    return merged


def tunes(grid: Grid, n_tokens: int) -> st.SearchStrategy[list[list[int]]]:
    """Tunes of one to four measures in each of which something sounds: a note, or what the measure before holds."""
    token = st.one_of(st.just(HOLD), st.just(HOLD), st.integers(REST, n_tokens - 1))
    measure = st.lists(token, min_size=grid.n_ticks, max_size=grid.n_ticks).map(with_one_rest_at_a_time)
    return st.lists(measure.filter(lambda each: max(each) > REST), min_size=1, max_size=4)


def read_back(kind: str, data: bytes, metre: str) -> list[tuple[str, ...]]:
    reading = Reading(metre=metre)
    bars = [bar for tune in READERS[kind].read(data, reading) for voice in tune.voices for bar in voice]
    measures = [bar_to_tokens(bar, reading.grid) for bar in bars]
    return [measure for measure in measures if not isinstance(measure, Drop)]


def sounding(measures: Sequence[Sequence[str]]) -> list[list[str | int | float]]:
    """The measures with numbers for pitches, as MIDI has them."""
    return [[pitch_to_midi(name) if is_pitch(name) else name for name in measure] for measure in measures]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("metre", GRIDS)
def test_measures_come_back(metre: str, kind: str) -> None:
    vocabulary = Vocabulary.from_pitches(PITCHES, metre=metre, room=False)

    @settings(max_examples=12)
    @given(tunes(vocabulary.grid, len(vocabulary)))
    def come_back(tune: list[list[int]]) -> None:
        written = [tuple(vocabulary.tokens[token] for token in measure) for measure in tune]
        read = read_back(kind, FORMATS[kind](tune, vocabulary), metre)
        if kind == "midi":
            assert sounding(read) == sounding(written)
        else:
            assert read == written

    come_back()


def examples(vocabulary: Vocabulary) -> dict[str, list[list[int]]]:
    """Tunes that each stand for a difficulty, in any metre."""
    n = vocabulary.grid.n_ticks
    low, flat, sharp = (vocabulary.index(name) for name in ("G3", "B-4", "A#4"))
    at_the_end = [HOLD] * (n - 1)
    return {
        "every tick struck": [[low, flat] * (n // 2)],
        "a hold from nowhere": [[*at_the_end, low]],
        "nothing but a hold, with a B flat in the key": [[HOLD] * n, [flat, *at_the_end]],
        "ties over two barlines": [[low, *at_the_end[1:], flat], [HOLD] * n, [*at_the_end, sharp]],
        "a hold after a rest": [[low, *at_the_end[1:], REST], [*at_the_end, low]],
        "last tick only": [[REST, *at_the_end[1:], low]],
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("metre", GRIDS)
def test_difficult_measures_come_back(metre: str, kind: str) -> None:
    vocabulary = Vocabulary.from_pitches(PITCHES, metre=metre, room=False)
    for difficulty, tune in examples(vocabulary).items():
        written = [tuple(vocabulary.tokens[token] for token in measure) for measure in tune]
        read = read_back(kind, FORMATS[kind](tune, vocabulary), metre)
        same = sounding(read) == sounding(written) if kind == "midi" else read == written
        assert same, (difficulty, read)
