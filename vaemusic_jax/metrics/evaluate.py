"""Every metric of every trial of a run, on the test split, from checkpoints alone."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd

from vaemusic_jax.checkpoint import CheckpointStore, Owner
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.held_out import encode_means, score
from vaemusic_jax.measures import Measures, blocks, measures_of
from vaemusic_jax.member import hyper_parameters_of
from vaemusic_jax.metrics.interpretability import interpretability
from vaemusic_jax.metrics.reconstruction import majority_token_baseline
from vaemusic_jax.progress import Advance, Progress, progress_bar
from vaemusic_jax.results_table import assemble
from vaemusic_jax.run_directory import RunDirectory
from vaemusic_jax.trial import ATTRIBUTES, Cohort, Trial


def evaluate_run(run: RunDirectory, progress: Progress = progress_bar) -> pd.DataFrame:
    """One row per trial of the run: its fields, its status and every metric; empty where it has not finished.

    Raises:
        UserError: no checkpoint, one that cannot be read, or one of other data than there are now.
    """
    finished = {trial for trial, status in run.status().items() if status == "done"}
    if len(run.unfinished()) == len(run.trials):
        raise UserError(f"{run.path}: no trial has finished; run `vaemusic sweep` on it again to go on")
    metrics: dict[str, dict[str, Any]] = {}
    with progress("evaluating", len(finished), "trials") as advance:
        for cohort in run.cohorts:
            for trial, values in evaluate_cohort(run, cohort, finished, advance):
                metrics[trial.id] = values
    return assemble(run.trials_table, metrics)


def evaluate_cohort(
    run: RunDirectory, cohort: Cohort, finished: set[str], advance: Advance
) -> Iterator[tuple[Trial, dict[str, Any]]]:
    """Yields (trial, its metrics) for the finished trials of one cohort."""
    if not any(trial.id in finished for trial in cohort.trials):
        return
    dataset = load_dataset(cohort.dataset)
    store = CheckpointStore(run.cohort_path(cohort))
    owner = Owner(cohort.trials, dataset.vocabulary, dataset.digest)
    if difference := store.owner_difference(owner):
        raise UserError(f"{store.path}: {difference}; evaluate with the data set that it was trained on")
    arrays = store.arrays()
    params, hp = arrays["state"]["train"]["params"], hyper_parameters_of(arrays["hp"])
    test = measures_of(dataset.test, dataset.vocabulary)
    split = blocks(test)
    over_members = partial(jax.vmap, in_axes=(0, 0, None, None))
    scores = jax.jit(over_members(partial(score, owner.program)))(params, hp, split, dataset.vocabulary.midi)
    codes_MxNxZ = np.asarray(jax.jit(jax.vmap(partial(encode_means, owner.program), (0, None)))(params, split[0]))
    about_data = describe_data(dataset)
    for i, trial in enumerate(cohort.trials):
        if trial.id in finished:
            values = {name: float(value[i]) for name, value in scores.items()}
            codes = codes_MxNxZ[i, : len(test.tokens), : trial.latent_dim]
            yield trial, values | about_data | explain(trial, codes, test)
            advance(1)


def describe_data(dataset: Dataset) -> dict[str, float]:
    """What an accuracy is read against."""
    return {
        "majority_baseline": majority_token_baseline(dataset.train.tokens, dataset.test.tokens),
        "seen_in_training": dataset.seen_in_training,
    }


def explain(trial: Trial, codes_NxZ: np.ndarray, measures: Measures) -> dict[str, Any]:
    """Interpretability of all four attributes, regularised or not, on the trial's own latent dimensions."""
    found = interpretability(codes_NxZ, np.asarray(measures.attributes))
    values: dict[str, Any] = {}
    for name, explained, dimension in zip(ATTRIBUTES, found.score, found.dimension, strict=True):
        values[f"interpretability.{name}"] = float(explained)
        values[f"interpretability.{name}.dimension"] = int(dimension)
        is_own = name in trial.attributes and trial.attributes.index(name) == dimension
        values[f"interpretability.{name}.is_regularised"] = bool(is_own)
    return values
