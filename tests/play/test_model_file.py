"""A model's file: written and read it is the same model, and a file that is none is refused in one line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from tests.helpers.random_models import random_model
from vaemusic_jax.errors import UserError
from vaemusic_jax.play import model_file
from vaemusic_jax.play.load import load
from vaemusic_jax.play.trained_model import TrainedModel

MODELS: dict[str, dict[str, Any]] = {
    "measure_vae": {"metre": "6/8"},
    "adversarial_vae": {"attributes": ("note_range", "note_density")},
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> TrainedModel:
    return random_model(request.param, **MODELS[request.param])


def test_written_and_read_it_is_the_same_model(model: TrainedModel, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    model_file.write(path, model)
    read = load(path)
    assert (read.trial, read.vocabulary, read.told) == (model.trial, model.vocabulary, model.told)
    assert repr(read) == repr(model)
    assert read.about is not None
    assert model.about is not None
    for name in ("dataset", "scores", "intervals", "versions"):
        assert getattr(read.about, name) == getattr(model.about, name)
    for name in ("controls", "attributes", "code_mean", "code_std"):
        np.testing.assert_array_equal(getattr(read.about, name), getattr(model.about, name))
    z = np.random.default_rng(0).normal(size=(50, model.trial.latent_dim))
    told = np.full((50, len(model.trial.attributes)), 0.4)
    tokens = model.decode(z, told)
    np.testing.assert_array_equal(read.decode(z, told), tokens)
    np.testing.assert_array_equal(read.encode(tokens), model.encode(tokens))
    assert model_file.to_bytes(read) == path.read_bytes()


def test_a_file_without_intervals_is_read_and_stays_as_it_is() -> None:
    content = changed(lambda facts, arrays: facts.pop("intervals"))
    model = model_file.from_bytes(content, "earlier.safetensors")
    assert model.about.intervals == {}
    assert parts(model_file.to_bytes(model))[0] == parts(content)[0]


def test_a_model_is_loaded_and_decodes_without_jax(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    model_file.write(path, random_model("measure_vae"))
    code = (
        "import sys, vaemusic_jax; "
        f"vaemusic_jax.load({str(path)!r}).sample(2, temperature=1.0); "
        "assert not {'jax', 'flax', 'orbax', 'music21', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_weights_that_are_not_rounded_are_not_written() -> None:
    model = random_model("measure_vae")
    weights = {name: array + np.float32(1e-6) for name, array in model.params.items()}
    other = TrainedModel(model.trial, model.vocabulary, weights, model.standardise, False, about=model.about)
    with pytest.raises(ValueError, match="not rounded to float16"):
        model_file.to_bytes(other)


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return json.loads(header["__metadata__"]["vaemusic"]), safetensors.numpy.load(content)


def changed(change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> bytes:
    facts, arrays = parts(model_file.to_bytes(random_model("measure_vae")))
    change(facts, arrays)
    return bytes(safetensors.numpy.save(arrays, {"vaemusic": json.dumps(facts)}))


def put(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    return lambda facts, arrays: facts.__setitem__(name, value)


NO_INTERVALS: list[Any] = [
    {"accuracy": ends} for ends in (0.5, [0.5], [0.6, 0.5], ["0.4", 0.5], [float("nan"), 0.5], [0.5, float("inf")])
]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("format", 2), "format 2; this version reads 1"),
        (put("trial", {"model": "none"}), "validation error"),
        (put("vocabulary", ["__", "rest", "B4", "A4"]), "sorted and distinct"),
        (put("vocabulary", {"metre": "5/4", "tokens": ["__", "rest"]}), "metre '5/4' is none of"),
        (put("vocabulary", ["__", "rest", "C4"]), "has shape"),
        (put("attributes", [["note_density", 2]]), "its attributes are not those of this version"),
        (put("scores", {"accuracy": "high"}), "scores has an entry that is not as written"),
        *((put("intervals", each), "intervals has an entry that is not as written") for each in NO_INTERVALS),
        (put("dataset", {"name": "irish_folk"}), "dataset lacks an entry"),
        (lambda facts, arrays: facts.pop("versions"), "'versions' is missing"),
        (lambda facts, arrays: arrays.pop("decoder/out/w"), "weight 'decoder/out/w' is missing"),
        (lambda facts, arrays: arrays.pop("about/controls"), "'about/controls' is missing"),
        (lambda facts, arrays: arrays["decoder/out/b"].fill(np.nan), "weight 'decoder/out/b' is not finite"),
        (lambda facts, arrays: arrays["about/code_std"].fill(np.inf), "one of its numbers is not finite"),
        (lambda facts, arrays: arrays["standardise"].fill(0), "standard deviations is not above 0"),
    ],
)
def test_a_file_with_another_content_is_refused(change: Any, words: str, tmp_path: Path) -> None:
    refused(tmp_path, changed(change), words)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (lambda whole: b"", "not a safetensors file"),
        (lambda whole: b"\xff" * 100, "not a safetensors file"),
        (lambda whole: whole[:2000], "safetensors"),
        (lambda whole: whole[:-10], ""),
        (lambda whole: (2).to_bytes(8, "little") + b"{}", "it has no metadata of vaemusic"),
        (lambda whole: (2).to_bytes(8, "little") + b"[]", ""),
        (lambda whole: (100_000).to_bytes(8, "little") + b"[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_file_is_refused(cut: Any, words: str, tmp_path: Path) -> None:
    refused(tmp_path, cut(model_file.to_bytes(random_model("measure_vae"))), words)


def refused(folder: Path, content: bytes, words: str) -> None:
    path = folder / "strange.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: not a model that this version can read: ")
    assert words in message
    assert "\n" not in message


def test_weights_that_float16_cannot_hold_are_no_weights_of_a_file() -> None:
    assert model_file.rounded({"w": np.array([65504.0, 1e-9], np.float32)})["w"].tolist() == [65504.0, 0.0]
    with pytest.raises(FloatingPointError):
        model_file.rounded({"w": np.array([70000.0], np.float32)})


def test_names_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent.safetensors: cannot be read: no such file"):
        load(tmp_path / "absent.safetensors")
    with pytest.raises(UserError, match="no file, and no model that comes with the package"):
        load("irish-measure-33")
    with pytest.raises(UserError, match="it is no regular file"):
        load(tmp_path)
