"""A tune keeps its key and comes home wherever a candidate does, and is as near to what is asked as that allows."""

import re
from typing import Any

import numpy as np
import pytest

from tests.helpers.random_models import random_model
from vaemusic_jax.music.vocabulary import pitch_to_midi
from vaemusic_jax.play import steer
from vaemusic_jax.play.compose import compose, n_in_key, pitch_classes
from vaemusic_jax.play.trained_model import TrainedModel

OF_C = ("C4", "D4", "E4", "F4", "G4", "A4", "B4", "C5")
TWELVE = (*OF_C, "C#4", "E-4", "F#4", "G#4", "B-4", "C#5")


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """A model whose measures are of no key."""
    return random_model("measure_vae", tones=TWELVE)


def classes(model: TrainedModel, tokens: np.ndarray) -> list[int]:
    names = [model.vocabulary.tokens[token] for token in tokens.ravel() if token > 1]
    return [int(pitch_to_midi(name)) % 12 for name in names]


def white(pitches: list[int]) -> int:
    return sum(pitch in (0, 2, 4, 5, 7, 9, 11) for pitch in pitches)


@pytest.mark.parametrize("how", [{}, {"asked": {"note_density": 0.5}}, {"temperature": 1.0}])
def test_a_tune_keeps_its_key_and_comes_home(model: TrainedModel, how: dict[str, Any]) -> None:
    tune = compose(model, 6, seed=2, candidates=40, **how)
    assert tune.shape == (6, 24)
    pitches = classes(model, tune)
    alone = classes(model, compose(model, 6, seed=2, candidates=1, **how))
    best = [max(white([(p - key) % 12 for p in each]) for key in range(12)) / len(each) for each in (pitches, alone)]
    assert best[0] == 1 > best[1]
    assert pitches[0] == pitches[-1]
    assert alone[0] != alone[-1]
    np.testing.assert_array_equal(tune, compose(model, 6, seed=2, candidates=40, **how))


def test_the_key_is_that_of_the_context_and_the_starts_take_turns(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = model.sample(2, seed=3)
    seen = []
    vary = steer.vary

    def noted(model: TrainedModel, tokens: np.ndarray, *args: Any) -> np.ndarray:
        seen.append(tokens)
        return vary(model, tokens, *args)

    monkeypatch.setattr(steer, "vary", noted)
    of_f_sharp = np.array([[model.vocabulary.index(name) for name in ("C#4", "E-4", "F4", "F#4", "G#4", "B-4")]])
    near, far = (compose(model, 5, starts=starts, context=each, seed=0) for each in (of_f_sharp, None))
    np.testing.assert_array_equal(seen[:5], starts[[0, 1, 0, 1, 0]])
    in_f_sharp = [np.mean([pitch in (6, 8, 10, 11, 1, 3, 5) for pitch in classes(model, each)]) for each in (near, far)]
    assert in_f_sharp[0] > in_f_sharp[1] + 0.3


def test_of_candidates_in_the_key_the_nearest_is_kept() -> None:
    model, asked = random_model("measure_vae"), {"note_density": 0.4}  # all of its notes are of G
    found = steer.candidates_for(model, None, asked, 30, seed=0)
    [kept, _] = compose(model, 2, asked=asked, candidates=30, seed=0)
    with_notes = (found.tokens > 1).any(1)
    assert len(set(found.cost[with_notes])) > 5
    np.testing.assert_array_equal(kept, found.tokens[with_notes][found.cost[with_notes].argmin()])


@pytest.mark.parametrize(
    ("notes", "context", "n"),
    [
        ("CDEFGAB", "", 7),
        ("CDEF^GAB", "", 6),
        ("DEF^FGAB^C", "", 7),  # of D, but for the F
        ("CDEF", "DEFGABC^F", 4),  # F and F sharp are one each: the context is of C as much as of G
        ("CF", "GABCDE^F", 1),  # in G the F is strange
        ("CF", "GADE", 2),  # of the keys that have all of the context, C and F have both notes
    ],
)
def test_notes_in_the_key_of_a_context_are_counted(notes: str, context: str, n: int) -> None:
    assert n_in_key(*(numbers(each) for each in (notes, context))) == n


def numbers(notes: str) -> np.ndarray:
    """Pitch classes of notes as in ABC, such as `C^FG`."""
    natural = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    return np.array([natural[note[-1]] + (note[0] == "^") for note in re.findall(r"\^?[A-G]", notes)], np.int64)


def test_pitch_classes_are_those_of_the_notes_in_order(model: TrainedModel) -> None:
    tokens = model.sample(3)
    assert pitch_classes(model.vocabulary, tokens).tolist() == classes(model, tokens)
