"""A model's file: written and read it is the same model, and a file that is none is refused in one line."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import safetensors.numpy

from tests.helpers import hostile
from tests.helpers.random_models import random_model
from vaemusic_jax.errors import UserError
from vaemusic_jax.play import model_file
from vaemusic_jax.play.load import load
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.support.arrays_file import checksum

LAYOUTS = get_args(model_file.Layout)
MODELS: dict[str, dict[str, Any]] = {
    "measure_vae": {"metre": "6/8"},
    "adversarial_vae": {"attributes": ("note_range", "note_density")},
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> TrainedModel:
    return random_model(request.param, **MODELS[request.param])


def unrounded(model: TrainedModel) -> TrainedModel:
    """A model whose weights float16 does not hold."""
    weights = {name: array + np.float32(1e-6) for name, array in model.params.items()}
    return TrainedModel(model.trial, model.vocabulary, weights, model.standardise, model.told, about=model.about)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_written_and_read_it_is_the_same_model(model: TrainedModel, layout: model_file.Layout, tmp_path: Path) -> None:
    path = tmp_path / f"mine.{layout}"
    path.write_bytes(model_file.to_bytes(model, layout))
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
    assert model_file.to_bytes(read, layout) == path.read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_that_float16_does_not_hold_are_written_as_they_are(layout: model_file.Layout) -> None:
    model = random_model("measure_vae")
    for each, dtype in ((model, np.float16), (unrounded(model), np.float32)):
        content = model_file.to_bytes(each, layout)
        read = model_file.from_bytes(content, "mine")
        for name, weight in read.params.items():
            np.testing.assert_array_equal(weight, each.params[name])
        stored = np.load(io.BytesIO(content)) if layout == "npz" else safetensors.numpy.load(content)
        assert {stored[name].dtype for name in read.params} == {np.dtype(dtype)}


def test_numpy_alone_reads_an_npz_file() -> None:
    model = random_model("measure_vae")
    with np.load(io.BytesIO(model_file.to_bytes(model, "npz")), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["decoder/out/w"], model.params["decoder/out/w"])
        facts = json.loads(str(file["metadata"]))
    assert facts == parts(model_file.to_bytes(model))[0]


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


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return json.loads(header["__metadata__"]["vaemusic"]), safetensors.numpy.load(content)


def changed(change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> bytes:
    facts, arrays = parts(model_file.to_bytes(random_model("measure_vae")))
    change(facts, arrays)
    return bytes(safetensors.numpy.save(arrays, {"vaemusic": json.dumps(facts)}))


NOTHING: Callable[[dict[str, Any], dict[str, np.ndarray]], None] = lambda facts, arrays: None  # noqa: E731


def put(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    return lambda facts, arrays: facts.__setitem__(name, value)


def widen(name: str) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    return lambda facts, arrays: arrays.__setitem__(name, arrays[name].astype(np.float64))


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
        (widen("decoder/out/b"), "weight 'decoder/out/b' is of type float64; it needs float16 or float32"),
        (lambda facts, arrays: arrays["about/code_std"].fill(np.inf), "one of its numbers is not finite"),
        (lambda facts, arrays: arrays["standardise"].fill(0), "standard deviations is not above 0"),
    ],
)
def test_a_file_with_another_content_is_refused(change: Any, words: str, tmp_path: Path) -> None:
    refused(tmp_path, changed(change), words)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (lambda whole: b"", "neither a safetensors nor an npz file"),
        (lambda whole: b"\xff" * 100, "neither a safetensors nor an npz file"),
        (lambda whole: whole[:2000], "safetensors"),
        (lambda whole: whole[:-10], ""),
        (lambda whole: (2).to_bytes(8, "little") + b"{}", "it has no metadata of vaemusic"),
        (lambda whole: (2).to_bytes(8, "little") + b"[]", ""),
        (lambda whole: (100_000).to_bytes(8, "little") + b"[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_file_is_refused(cut: Any, words: str, tmp_path: Path) -> None:
    refused(tmp_path, cut(model_file.to_bytes(random_model("measure_vae"))), words)


class Planted:
    """What a pickle would call; no file is opened by it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a stranger's file has run code",)


def npz(change: Callable[[dict[str, Any], dict[str, np.ndarray]], None], **others: np.ndarray) -> bytes:
    """A file of NumPy with other facts, weights or arrays."""
    facts, arrays = parts(model_file.to_bytes(random_model("measure_vae")))
    change(facts, arrays)
    buffer = io.BytesIO()
    known: dict[str, Any] = {"metadata": np.array(json.dumps(facts)), "checksum": np.array(checksum(arrays, facts))}
    np.savez(buffer, allow_pickle=True, **arrays | known | others)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: npz(put("format", 2)), "format 2; this version reads 1"),
        (lambda: npz(put("scores", {"accuracy": "high"})), "scores has an entry that is not as written"),
        (lambda: npz(widen("decoder/out/b")), "weight 'decoder/out/b' is of type float64"),
        (lambda: npz(NOTHING, harmless=np.array([Planted()])), "harmless.npy holds objects of Python"),
        (lambda: npz(NOTHING, checksum=np.array("0")), "checksum differs"),
        (lambda: npz(NOTHING, metadata=np.array("[")), "Expecting value"),
        (lambda: npz(NOTHING, metadata=np.zeros(3))[:-30], "zip"),
        (lambda: b"PK\x03\x04" + bytes(100), "zip"),
    ],
)
def test_an_npz_file_of_a_stranger_is_refused(content: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    refused(tmp_path, content(), words)


def test_an_npz_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    hostile.bomb(tmp_path / "a.npz", 6 * 2**40, 6)
    refused(tmp_path, (tmp_path / "a.npz").read_bytes(), "does not hold what its header says")


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
