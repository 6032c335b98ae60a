"""Exporting a model from a run to one file: it is rounded or not, then measured, described, written and checked."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation.corpus_sample import sample_of
from vaemusic_jax.evaluation.evaluate import evaluate_weights
from vaemusic_jax.play import model_file, onnx_file
from vaemusic_jax.play.about import about
from vaemusic_jax.play.numpy_networks import NUMPY_NETWORKS
from vaemusic_jax.play.restore import IN_USE, Member, find_member, flat_weights, its_dataset, jax_networks
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.runs.evaluations import TrialEvaluation
from vaemusic_jax.runs.tune_replicates import replicates_of
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.versions import versions

Format = Literal["safetensors", "npz", "onnx", "js"]
Dtype = Literal["float16", "float32"]
N_CHECKED = 500
CLOSE = 1e-4  # two tokens whose logits are closer than this may change places between implementations
MOST_DIFFERENT = 0.001  # the share of measures in which that may happen
_PACKAGES = ("vaemusic-jax", "jax", "flax", "numpy")


def export(run: str | Path, which: Mapping[str, Any], dtype: Dtype = "float16") -> TrainedModel:
    """Returns the model of one trial of a run as a file holds it: with weights of a type, measured and described.

    Args:
        run: the folder that a sweep wrote.
        which: values of fields that choose the trial, as in `play.restore.restore`.
        dtype: "float16" rounds the weights, before anything is measured; "float32" leaves them as they were trained.

    Returns:
        The model, with the scores of these very weights on the test split in `about.scores`, and intervals of them
        over the test tunes in `about.intervals`.

    Raises:
        UserError: the trial cannot be restored, its data set is not there or is another one than it was trained on, or
            the model cannot be exported.
    """
    member = find_member(run, which)
    trial = member.trial
    if trial.model not in NUMPY_NETWORKS:
        raise UserError(f"{run}: trial {trial.id} is of {trial.model}, which has no networks in NumPy to export to")
    dataset = its_dataset(member)
    try:
        params = jax.tree.map(_rounded, member.own_params) if dtype == "float16" else member.own_params
    except FloatingPointError:
        raise UserError(f"{run}: trial {trial.id} has weights too large for float16; use --dtype float32") from None
    model = TrainedModel(trial, member.vocabulary, flat_weights(params["vae"]), member.standardise, member.told)
    # The file is used in float32, so its scores are those of float32.
    as_used = Trial(**(trial.model_dump() | {"precision": IN_USE}))
    evaluation = evaluate_weights(as_used, member.vocabulary, _with_params(member, params), dataset)
    scores = {name: float(value) for name, value in evaluation.metrics.items() if value is not None}
    scores = {name: value for name, value in scores.items() if math.isfinite(value)}
    intervals = intervals_of(evaluation, dataset, trial.attributes)
    facts = about(
        model, dataset, scores, {name: intervals[name] for name in intervals if name in scores}, versions(_PACKAGES)
    )
    return TrainedModel(trial, member.vocabulary, model.params, model.standardise, model.told, about=facts)


def intervals_of(
    evaluation: TrialEvaluation, dataset: Dataset, imposed: tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    """Returns 95% intervals of metrics over the test tunes, by name.

    Args:
        evaluation: what `evaluate_weights` returned.
        dataset: the data set that it is of.
        imposed: the attributes of its trial.
    """
    replicates = replicates_of(evaluation, sample_of(dataset), imposed)
    return replicates.intervals() if replicates else {}


def write(model: TrainedModel, out: Path, format: Format) -> list[Path]:
    """Writes a model to a file, after decoding codes through its content, and returns the files.

    Args:
        model: a model that `export` returned.
        out: the file to write; `onnx` writes two, named after it.
        format: what `vaemusic export` calls so.

    Raises:
        UserError: what would be written decodes otherwise than the model, or a file cannot be written.
    """
    if format == "onnx":
        return list(onnx_file.write(out, model, check))
    content = model_file.to_bytes(model, "npz" if format == "npz" else "safetensors")
    read = model_file.from_bytes(content, str(out))
    check(model, read.numpy.decode)
    if format == "js":
        script = f"globalThis.vaemusicModel = {json.dumps(base64.b64encode(content).decode())};\n"
        write_atomically(out, script.encode())
    else:
        write_atomically(out, content)
    return [out]


def check(model: TrainedModel, decode: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> int:
    """Decodes codes in another way and by the model in JAX, and returns how many measures differ.

    Args:
        model: the model.
        decode: returns the tokens (N, T) and logits (N, T, V) of codes (N, Z) and standardised attribute values (N, K).

    Raises:
        UserError: more measures differ than rounding explains.
    """
    rng = np.random.default_rng(0)
    z = rng.standard_normal((N_CHECKED, model.trial.latent_dim), np.float32)
    conditions = rng.standard_normal((N_CHECKED, len(model.trial.attributes)), np.float32)
    ours, logits = decode(z, conditions)
    n_different, unexplained = differences(ours, jax_networks(model).decode_greedily(z, conditions), logits)
    if unexplained or n_different > MOST_DIFFERENT * N_CHECKED:
        raise UserError(f"the written model decodes {n_different} of {N_CHECKED} codes otherwise; nothing was written")
    return n_different


def differences(ours: np.ndarray, theirs: np.ndarray, logits: np.ndarray) -> tuple[int, int]:
    """Counts measures that two implementations decode differently.

    Args:
        ours, theirs: (N, T) tokens of both.
        logits: (N, T, V) those of `ours`.

    Returns:
        The number of measures that differ, and of those in which the two best logits of the first different tick are
        not closer than CLOSE.
    """
    different = np.flatnonzero((ours != theirs).any(1))
    first = (ours != theirs)[different].argmax(1)
    best = np.sort(logits[different, first], axis=-1)[:, -2:]
    return len(different), int((best[:, 1] - best[:, 0] >= CLOSE).sum())


def _rounded(leaf: Any) -> np.ndarray:
    return model_file.rounded({"": np.asarray(leaf)})[""]


def _with_params(member: Member, params: Any) -> dict[str, Any]:
    """Returns the arrays of a member with other weights."""
    state = member.arrays["state"]
    return member.arrays | {"state": state | {"train": state["train"] | {"params": params}}}
