"""Evaluated run directories with made-up numbers, for tests of code that only reads runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Trial, cohorts
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.directory import RunDirectory, State
from vaemusic_jax.runs.evaluations import DEFINITIONS, CorpusSample, EvaluationStore, TrialEvaluation
from vaemusic_jax.runs.results import assemble

VOCABULARY = Vocabulary.from_pitches(["C4", "D4", "E-4", "F#4", "G4", "A4", "C5", "D5"])
STEPS = (20, 40, 60)
# The numbers of test measures, of decoded ones, of values of a control, and of points along a side of a surface.
N, M, Q, G = 60, 12, 9, 5


def config_of(**fields: Any) -> SweepConfig:
    """Returns a configuration of both models at two latent sizes, with two seeds, and two and four attributes."""
    values = {
        "name": "made_up",
        "dataset": "irish_folk",
        "model": ["measure_vae", "adversarial_vae"],
        "size": 12,
        "latent_dim": [4, 16],
        "attributes": ["note_density+rhythmic_complexity", "all"],
        "steps": STEPS[-1],
        "eval_every": STEPS[0],
        "seed": [0, 1],
    }
    return SweepConfig.model_validate(values | fields)


def write_run(
    path: Path,
    config: SweepConfig,
    status: Mapping[int, tuple[State, str]] | None = None,
    metrics: Mapping[str, float] | None = None,
    evaluated: bool = True,
) -> Path:
    """Writes a run whose trials are done and evaluated, and returns its path.

    Args:
        path: the run directory to write.
        config: the configuration of the run.
        status: other states with their reasons, by the position of the trial.
        metrics: values that replace the made-up ones in all trials.
        evaluated: whether the run is evaluated.
    """
    every, other = trials(config), status or {}
    with RunDirectory.open(path, config, every, cohorts(every)) as run:
        run.set_status([trial.id for trial in every], "done")
        for position, state in other.items():
            run.set_status([every[position].id], *state)
        done = [trial for trial in every if run.status()[trial.id] == "done"]
        run.append_curves(pd.concat([_curves(trial) for trial in every]))
        if not evaluated:
            return path
        store = EvaluationStore(path)
        for name in dict.fromkeys(trial.dataset for trial in done):
            store.save_corpus(corpus_of(name))
        measured = {}
        for trial in done:
            evaluation = evaluation_of(trial, metrics or {})
            store.save_trial(trial.id, evaluation)
            measured[trial.id] = evaluation.metrics
        run.write_results(assemble(run.trials_table, measured))
    return path


def corpus_of(name: str, digest: str = "0123456789") -> CorpusSample:
    """Returns a made-up sample of a data set: measures of random notes, attributes and facts."""
    draw = _numbers(name)
    attributes = draw.uniform(0.1, 0.6, (N, len(ATTRIBUTES))).astype(np.float32)
    attributes[:, 1] = (attributes[:, 0] + attributes[:, 1]) / 2
    attributes[:, 3] *= 8
    facts = {
        "digest": digest,
        "vocabulary": list(VOCABULARY.tokens),
        "reading": "pitches rounded to twelve tones, the melody of each piece",
        "tunes": {"train": 80, "validation": 10, "test": 10},
        "measures": {"train": 800, "validation": 100, "test": N},
        "majority_baseline": 0.69,
        "seen_in_training": 0.12,
        "token_entropy": 2.5,
        "distinct": 0.75,
        "attribute_mean": dict(zip(ATTRIBUTES, attributes.mean(0).tolist(), strict=True)),
        "attribute_std": dict(zip(ATTRIBUTES, attributes.std(0).tolist(), strict=True)),
    }
    tokens = _measures(draw, (M,))
    every = np.arange(N, dtype=np.int32)
    return CorpusSample(name, tokens, attributes, facts, tune=every // 5, chosen=every[:: N // M], seen=every % 8 == 0)


def evaluation_of(trial: Trial, metrics: Mapping[str, float]) -> TrialEvaluation:
    """Returns the evaluation of a model whose controls move their attributes, though with noise."""
    draw, k = _numbers(trial.id), len(trial.attributes)
    own = [ATTRIBUTES.index(name) for name in trial.attributes]
    grid = np.linspace(-3, 3, Q, dtype=np.float32)
    changed = draw.normal(0.4, 0.05, (M, k, Q, len(ATTRIBUTES)))
    for control, attribute in enumerate(own):
        changed[:, control, :, attribute] += 0.05 * grid
    surface = np.linspace(-3, 3, G, dtype=np.float32)
    right = _numbers(f"right tokens of {trial.id}")
    arrays: dict[str, np.ndarray] = {
        "reconstruction": _measures(draw, (M,)),
        "tokens_right": right.integers(15, 25, N).astype(np.uint8),
        "interpretable_codes": corpus_of(trial.dataset).attributes + right.normal(0, 0.05, (N, 4)).astype(np.float32),
        "control_values": np.tile(grid / 2, (k, 1)),
        "traversal_tokens": _measures(draw, (M, k, Q)),
        "traversal_attributes": changed.astype(np.float32),
    }
    if trial.model == "measure_vae":
        arrays |= {
            "prior_values": np.tile(grid, (k, 1)),
            "prior_tokens": _measures(draw, (M, k, Q)),
            "prior_attributes": changed.astype(np.float32),
            "codes": draw.normal(0, 0.9, (N, k)).astype(np.float32),
            "code_stds": draw.uniform(0.1, 0.5, (N, k)).astype(np.float32),
        }
    if k >= 2:
        on_grid = 0.4 + draw.normal(0, 0.02, (G, G, len(ATTRIBUTES)))
        on_grid[..., own[0]] += 0.05 * surface[:, None]
        on_grid[..., own[1]] += 0.05 * surface[None, :]
        arrays |= {
            "surface_values": np.stack([surface, surface]),
            "surface_tokens": _measures(draw, (G, G)),
            "surface_attributes": on_grid.astype(np.float32),
        }
    values = {**_metrics(trial, draw), **metrics}
    if not k:  # nothing is imposed, so there are no controls
        kept = ("reconstruction", "tokens_right", "interpretable_codes")
        arrays = {name: arrays[name] for name in kept}
        values = {name: value for name, value in values.items() if not name.endswith(".mean")}
    return TrialEvaluation({"made_up": values}, arrays, {"definitions": DEFINITIONS})


def _metrics(trial: Trial, draw: np.random.Generator) -> dict[str, Any]:
    accuracy = 0.7 + 0.03 * np.log2(trial.latent_dim) + draw.normal(0, 0.01)
    values: dict[str, Any] = {
        "reconstruction_accuracy": accuracy,
        "validation_accuracy": accuracy + 0.005,
        "majority_baseline": 0.69,
        "tick_baseline": 0.71,
        "natural_side_effect.mean": 0.3,
        "measure_accuracy": accuracy / 3,
        "onset_accuracy": accuracy / 2,
        "loss": 2 - accuracy,
        "cross_entropy": 1.2 - accuracy,
        "kl": 20.0,
        "seen_in_training": 0.12,
    }
    for name in ATTRIBUTES:
        values[f"interpretability.{name}"] = draw.uniform(0.7, 0.95)
        values[f"interpretability.{name}.dimension"] = 0
        values[f"interpretability.{name}.is_regularised"] = name in trial.attributes and trial.model == "measure_vae"
    several = ("interpretability", "reconstruction_efficiency", "attribute_independence", "side_effect", "leakage_mlp")
    return values | {f"{name}.mean": draw.uniform(0.5, 0.9) for name in several}


def _curves(trial: Trial) -> pd.DataFrame:
    draw = _numbers(trial.id)
    rows = [
        (trial.id, step, split, metric, start + sign * step / 200 + draw.normal(0, 0.01))
        for step in STEPS
        for split in ("train", "validation")
        for metric, start, sign in (("reconstruction_accuracy", 0.5, 1), ("loss", 2.0, -1))
    ]
    return pd.DataFrame(rows, columns=["trial", "step", "split", "metric", "value"])


def _measures(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Returns measures (*shape, 24) of notes of three ticks; one in six is replaced by a hold."""
    tokens = np.zeros((*shape, 24), np.uint8)
    tokens[..., ::3] = draw.integers(1, len(VOCABULARY), (*shape, 8)) * (draw.random((*shape, 8)) > 1 / 6)
    return tokens


def _numbers(seed: str) -> np.random.Generator:
    return np.random.default_rng(list(seed.encode()))
