"""A tune of one's own through a trained model: what is encoded, moved and refused."""

from pathlib import Path

import numpy as np
import pytest

from vaemusic_jax import read_measures, save_measures
from vaemusic_jax.errors import UserError
from vaemusic_jax.play.restore import TrainedModel, restore

HEADER = "X:1\nT:Mine\nM:4/4\nL:1/4\nK:D\n"
TUNE = f"{HEADER}A|F>GAB|[FA]GAB|d2-d{{e}}f|\n"


@pytest.fixture(scope="module")
def model(finished_run: Path) -> TrainedModel:
    return restore(finished_run, model="measure_vae", latent_dim=8)


def test_a_file_is_encoded_as_its_measures_are(model: TrainedModel, tmp_path: Path) -> None:
    path = tmp_path / "mine.abc"
    path.write_text(TUNE)
    tune = model.encode_file(path)
    names = [[model.vocabulary.tokens[token] for token in measure] for measure in tune.tokens]
    assert [[name for name in measure if name != "__"] for measure in names] == [
        ["F#4", "G4", "A4", "B4"],
        ["D5", "F#5"],
    ]
    assert [tuple(measure) for measure in names] == tune.measures.names == read_measures(path).names
    assert [reason for _, reason in tune.measures.dropped] == ["shorter than its metre, such as a pickup", "chord"]
    assert (tune.octaves, tune.respelled) == ({}, {})
    np.testing.assert_array_equal(tune.codes, model.encode(tune.tokens))
    tune.codes[:, 0] += 1  # they may be modified
    tokens = model.decode(tune.codes)
    save_measures(tokens, tmp_path / "out.musicxml", model.vocabulary)
    assert (tmp_path / "out.musicxml").stat().st_size > 500


def test_a_tune_out_of_range_is_named_or_moved_as_a_whole(model: TrainedModel) -> None:
    high = TUNE.replace("F>GAB", "f'>g'a'b'")
    with pytest.raises(
        UserError, match=r"text#1, voice 1, bar 2: F#6 is none of the model's pitches, \S+ to \S+; octa"
    ):
        model.encode_file(high)
    tune = model.encode_file(high, octaves=True)
    assert tune.octaves == {"text#1": -1}
    pitches = [model.vocabulary.tokens[token] for token in tune.tokens.ravel() if token > 1]
    assert pitches == ["F#5", "G5", "A5", "B5", "D4", "F#4"]
    assert {"F#6", "D5"} <= set(np.ravel(tune.measures.names))  # as written


def test_a_file_without_a_usable_measure_is_refused_with_its_reasons(model: TrainedModel) -> None:
    with pytest.raises(UserError) as refused:
        model.encode_file(TUNE.replace("M:4/4", "M:3/4"))
    assert str(refused.value) == "text: no measure in 4/4 that can be used (another metre: 4)"
