"""One file with a trained model: its weights and all that using it needs, in the layout of safetensors or of NumPy.

What is read is exactly the model that was written: weights that float16 holds without loss are stored in it, others in
float32. To have a smaller file, round the weights *before* the model is measured (`rounded`), so that the scores in the
file are those of the model in the file.

A file holds numbers and text only, nothing that is executed, and a stranger's file is checked before it is used. The
metadata are JSON: in safetensors the entry `vaemusic`, in `.npz` the array `metadata`, beside a checksum. Arrays beside
the weights, "standardise" and those whose names start with "about/", are float32.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors
import safetensors.numpy

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play.about import LEVELS, About
from vaemusic_jax.play.numpy_networks import NUMPY_NETWORKS, sizes_of
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.support.arrays_file import NOT_PACKED, Arrays, check_shapes, packed, unpacked
from vaemusic_jax.support.atomic import write_atomically

Layout = Literal["safetensors", "npz"]
SUFFIX = ".safetensors"
SUFFIXES = (SUFFIX, ".npz")
FORMAT = 1
_KEY = "vaemusic"
_MOST_BYTES = 256 * 2**20
_ABOUT = ("controls", "attributes", "code_mean", "code_std")
_ZIP = b"PK"  # what a file of NumPy's begins with
_DAMAGES = (safetensors.SafetensorError, TypeError, AttributeError, RecursionError, *NOT_PACKED)
_OTHER = "not a model that this version can read"


def rounded(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns weights rounded to float16, as float32."""
    with np.errstate(over="raise"):
        return {name: array.astype(np.float16).astype(np.float32) for name, array in weights.items()}


def is_rounded(weights: Mapping[str, np.ndarray]) -> bool:
    """Returns whether float16 holds all weights without loss."""
    with np.errstate(over="ignore"):
        return all((array.astype(np.float16) == array).all() for array in weights.values())


def to_bytes(model: TrainedModel, layout: Layout = "safetensors") -> bytes:
    """Returns the content of a model's file. Raises UserError if the model has no facts (`about`)."""
    expected = NUMPY_NETWORKS[model.trial.model].shapes(sizes_of(model.trial, model.vocabulary))
    weights = {name: model.params[name] for name in sorted(expected)}
    dtype = np.float16 if is_rounded(weights) else np.float32
    arrays: Arrays = {name: array.astype(dtype) for name, array in weights.items()}
    arrays |= {f"about/{name}": np.asarray(getattr(model.about, name), np.float32) for name in _ABOUT}
    arrays["standardise"] = np.asarray(model.standardise, np.float32)
    facts = {
        "format": FORMAT,
        "trial": model.trial.model_dump(mode="json"),
        "vocabulary": model.vocabulary.to_plain(),
        "attributes": [[name, ATTRIBUTES[name].version] for name in ATTRIBUTES],
        "dataset": dict(model.about.dataset),
        "scores": dict(model.about.scores),
        "versions": dict(model.about.versions),
    }
    if model.about.intervals:  # files of earlier versions have none
        facts["intervals"] = {name: list(ends) for name, ends in model.about.intervals.items()}
    if layout == "npz":
        return packed(arrays, facts)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}  # others are written as they lie
    return bytes(safetensors.numpy.save(arrays, {_KEY: json.dumps(facts, sort_keys=True, allow_nan=False)}))


def write(path: Path, model: TrainedModel) -> None:
    """Writes a model to a safetensors file, whole or not at all. Raises UserError if it cannot be written."""
    write_atomically(path, to_bytes(model))


def read(path: Path) -> TrainedModel:
    """Reads a model from a file; its networks are in NumPy.

    Raises:
        UserError: there is no such file, it cannot be read, or it is no model of this format.
    """
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: {_OTHER}: it is no regular file")
        if path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path}: {_OTHER}: larger than {_MOST_BYTES >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    return from_bytes(content, str(path))


def from_bytes(content: bytes, name: str) -> TrainedModel:
    """Returns the model in the content of a file, see `read`.

    Args:
        content: the bytes.
        name: the file's name, for messages.

    Raises:
        UserError: it is no model of this format.
    """
    try:
        if content.startswith(_ZIP):
            arrays, facts = unpacked(io.BytesIO(content), len(content))
            _check_format(facts)
        else:
            facts = json.loads(_metadata(content)[_KEY])
            _check_format(facts)
            arrays = safetensors.numpy.load(content)
        return _model(facts, arrays)
    except _DAMAGES as error:
        what = str(error).partition("\n")[0]
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else what
        raise UserError(f"{name}: {_OTHER}: {reason}") from error


def _check_format(facts: Mapping[str, Any]) -> None:
    """Raises ValueError or KeyError for a format that this version does not read."""
    if facts["format"] != FORMAT:
        raise ValueError(f"format {facts['format']}; this version reads {FORMAT}")


def _metadata(content: bytes) -> dict[str, str]:
    """Returns the metadata of a safetensors file, which its library gives for files on disk alone."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise ValueError("neither a safetensors nor an npz file")
    header = json.loads(content[8 : 8 + length])
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or _KEY not in metadata:
        raise ValueError("it has no metadata of vaemusic")
    return metadata


def _model(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> TrainedModel:
    """Returns the model of facts and arrays. Raises ValueError, KeyError or TypeError if they are none."""
    trial = Trial.model_validate(facts["trial"], strict=False)
    vocabulary = Vocabulary.from_plain(facts["vocabulary"])
    if facts["attributes"] != [[name, ATTRIBUTES[name].version] for name in ATTRIBUTES]:
        raise ValueError("its attributes are not those of this version")
    if trial.model not in NUMPY_NETWORKS:
        raise ValueError(f"there are no networks of {trial.model} in NumPy")
    about = {name: arrays[f"about/{name}"] for name in _ABOUT}
    n_own, n_levels = len(trial.attributes), len(LEVELS)
    check_shapes(
        {**about, "standardise": arrays["standardise"]},
        {
            "controls": ("f", f"{n_own} {n_levels}"),
            "attributes": ("f", f"{len(ATTRIBUTES)} {n_levels}"),
            "code_mean": ("f", f"{trial.latent_dim}"),
            "code_std": ("f", f"{trial.latent_dim}"),
            "standardise": ("f", f"2 {n_own}"),
        },
    )
    if not all(np.isfinite(array).all() for array in (*about.values(), arrays["standardise"])):
        raise ValueError("one of its numbers is not finite")
    if (arrays["standardise"][1] <= 0).any():
        raise ValueError("one of its standard deviations is not above 0")
    for part in ("dataset", "scores", "versions"):
        kind = float | int if part == "scores" else str
        if not all(isinstance(name, str) and isinstance(value, kind) for name, value in facts[part].items()):
            raise ValueError(f"{part} has an entry that is not as written")
    if {"name", "digest", "reading"} - facts["dataset"].keys():
        raise ValueError("dataset lacks an entry")
    intervals = {name: _interval(name, ends) for name, ends in facts.get("intervals", {}).items()}
    expected = NUMPY_NETWORKS[trial.model].shapes(sizes_of(trial, vocabulary))
    weights = {name: array for name, array in arrays.items() if name in expected}
    for name, array in weights.items():
        if array.dtype not in (np.float16, np.float32):
            raise ValueError(f"weight {name!r} is of type {array.dtype}; it needs float16 or float32")
    weights = {name: array.astype(np.float32) for name, array in weights.items()}
    return TrainedModel(
        trial,
        vocabulary,
        weights,
        arrays["standardise"],
        told=NUMPY_NETWORKS[trial.model].told,
        about=About(facts["dataset"], **about, scores=facts["scores"], intervals=intervals, versions=facts["versions"]),
    )


def _interval(name: Any, ends: Any) -> tuple[float, float]:
    """Returns the ends of an interval. Raises ValueError if they are none."""
    if not isinstance(name, str) or not isinstance(ends, list) or len(ends) != 2:
        raise ValueError("intervals has an entry that is not as written")
    low, high = ends
    if not (isinstance(low, float | int) and isinstance(high, float | int) and -np.inf < low <= high < np.inf):
        raise ValueError("intervals has an entry that is not as written")
    return float(low), float(high)
