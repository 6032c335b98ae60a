"""Measures shown in a notebook are all there, and what is none is refused by name."""

import base64
from typing import Any

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

import vaemusic_jax
from tests.helpers.random_models import random_model
from vaemusic_jax.data.writers import engraving
from vaemusic_jax.data.writers.wav import measures_to_wav
from vaemusic_jax.play.trained_model import TrainedModel


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return random_model("measure_vae")


def heads(svg: str) -> int:
    """The number of notes that are drawn and not tied to the one before."""
    return svg.count('class="note"') - svg.count('class="tie"')


def test_a_notebook_shows_every_note(model: TrainedModel) -> None:
    tokens = model.sample(5, seed=2)
    shown = vaemusic_jax.show(tokens, model)
    formats, _ = DisplayFormatter().format(shown)
    assert formats["image/svg+xml"] == shown.svg
    assert formats["text/plain"] == "<5 measures in 4/4>"
    assert heads(shown.svg) == (tokens > 1).sum()
    assert shown.svg.index("<rect") < shown.svg.index("<path")  # the paper is under the notes
    sound = shown.sound(tempo=150, sample_rate=8000)
    assert sound.wav == measures_to_wav(tokens, model.vocabulary, tempo=150, sample_rate=8000)
    html = DisplayFormatter().format(sound)[0]["text/html"]
    assert base64.b64decode(html.partition("base64,")[2].partition('"')[0]) == sound.wav


def test_what_the_measures_are_of_is_a_model_a_vocabulary_or_their_names(model: TrainedModel) -> None:
    [tokens] = model.sample(1)
    names = [model.vocabulary.tokens[token] for token in tokens]
    by_model = vaemusic_jax.show(tokens, model)
    assert vaemusic_jax.show(tokens, model.vocabulary) == by_model
    assert vaemusic_jax.show(names, metre="4/4").svg == by_model.svg


@pytest.mark.parametrize(
    ("measures", "of", "words"),
    [
        (np.zeros((1, 23), int), "MODEL", "measure 1 has 23 tokens; one in 4/4 has 24"),
        (np.full((2, 24), 99), "MODEL", "measure 1: 99 is no token of the vocabulary, which has 12"),
        (np.full(24, np.nan), "MODEL", "measure 1: nan is no token of the vocabulary"),
        (["C#4"] * 24, "MODEL", "measure 1: 'C#4' is no token of the vocabulary"),
        (np.zeros(24, int), None, "without a vocabulary the tokens of measures are names"),
        (np.zeros(24, int), "irish-measure-32", "'irish-measure-32' is neither a model nor a vocabulary"),
        (np.zeros((0, 24), int), "MODEL", "there are no measures"),
        (7, "MODEL", "measures are an array"),
    ],
)
def test_what_cannot_be_shown_is_refused(measures: Any, of: Any, words: str, model: TrainedModel) -> None:
    with pytest.raises(ValueError, match=words):
        vaemusic_jax.show(measures, model if of == "MODEL" else of)


def test_no_measure_is_left_out_silently(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engraving, "engrave_measures", lambda measures, vocabulary, **options: ["<svg>", "<svg>"])
    with pytest.raises(ValueError, match="3 measures do not fit on a page of notation"):
        vaemusic_jax.show(model.sample(3), model)
