"""A small sweep for tests, with both models, real measures, narrow networks and one trial that diverges."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import chex
import numpy as np
import pandas as pd
import pytest

from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.data.dataset import Dataset, Split
from vaemusic_jax.evaluation import corpus_sample, evaluate
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training import memory, sweep
from vaemusic_jax.training.cohort import Ensemble

EVALUATED = (24, 48, 60)  # Validation follows these steps.
DIVERGING_RATE = 1e30
N_TRAVERSED, N_ENCODED = 6, 80


def config_of(directory: Path, **fields: Any) -> SweepConfig:
    """Returns a configuration of both models at two latent sizes, and of a MeasureVAE that diverges."""
    small = {"latent_dim": 4, "attributes": "all"}
    values = {
        "name": "small",
        "out": str(directory),
        "dataset": "irish_folk",
        "model": ["measure_vae", "adversarial_vae"],
        "size": 12,
        "batch_size": 16,
        "learning_rate": 0.03,
        "discriminator": "classifier",  # so few steps against the regressor teach nothing but holds
        "adversary_weight": 0.02,
        "steps": EVALUATED[-1],
        "eval_every": EVALUATED[0],
        "grids": [
            small,
            {"latent_dim": 8, "attributes": "note_density+rhythmic_complexity"},
            small | {"model": "measure_vae", "learning_rate": DIVERGING_RATE},
        ],
    }
    return SweepConfig.model_validate(values | fields)


def one_cohort_of(directory: Path, **fields: Any) -> SweepConfig:
    """Returns a configuration of three AdversarialVAEs, the last of which diverges.

    The learning rate of the others is so low that rounding errors do not grow.
    """
    four = {"latent_dim": 4, "attributes": "all"}
    grids = [
        four,
        {"latent_dim": 8, "attributes": "note_density+rhythmic_complexity"},
        four | {"learning_rate": DIVERGING_RATE},
    ]
    return config_of(directory, **{"model": "adversarial_vae", "learning_rate": 0.003, "grids": grids} | fields)


def first_of(dataset: Dataset, train: int = 1000, held_out: int = 250) -> Dataset:
    """Returns a data set with the first measures of every split."""

    def first(split: Split, n: int) -> Split:
        return Split(split.tokens[:n], split.tune[:n], split.attributes[:n])

    return dataclasses.replace(
        dataset,
        train=first(dataset.train, train),
        validation=first(dataset.validation, held_out),
        test=first(dataset.test, held_out),
    )


def use_data(patch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    """Lets every sweep and evaluation load this data set, whatever the name, and use the codes of a few measures."""
    for module in (sweep, evaluate):
        patch.setattr(module, "load_dataset", lambda name, **options: dataclasses.replace(dataset, name=name))
    patch.setattr(corpus_sample, "N_TRAVERSED", N_TRAVERSED)
    patch.setattr(corpus_sample, "N_ENCODED", N_ENCODED)


_ensembles: dict[tuple[str, ...], Ensemble] = {}


def share_programs(patch: pytest.MonkeyPatch) -> None:
    """Lets equal cohorts share one ensemble, which holds data and compiled programs only."""
    make = memory.cohort_ensemble

    def shared(owner: Owner, dataset: Dataset, train: Measures, at_once: int | None = None) -> Ensemble:
        key = (dataset.digest, str(at_once), *(trial.id for trial in owner.trials))
        if key not in _ensembles:
            _ensembles[key] = make(owner, dataset, train, at_once)
        else:
            patch.setattr(_ensembles[key], "compile", lambda *args: 0)
        return _ensembles[key]

    patch.setattr(memory, "cohort_ensemble", shared)


def run(config: SweepConfig) -> None:
    """Runs the sweep of a configuration to its end."""
    sweep.run_sweep(config, no_progress).close()


def evaluate_and_save(path: Path) -> None:
    """Evaluates a run."""
    with RunDirectory.reopen(path) as opened:
        evaluate.evaluate_run(opened, progress=no_progress)


def finish(path: Path, dataset: Dataset) -> Path:
    """Makes a run directory of the small sweep, trained and evaluated, and returns its path."""
    with pytest.MonkeyPatch.context() as patch:
        use_data(patch, dataset)
        share_programs(patch)
        run(config_of(path))
        evaluate_and_save(path)
    return path


def raise_at(nth: int, patch: pytest.MonkeyPatch, owner: Any, name: str, after: bool = False) -> None:
    """Lets the nth call of a function raise KeyboardInterrupt, before it does anything or after it is done."""
    function, calls = getattr(owner, name), itertools.count(1)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        now = next(calls) == nth
        if now and not after:
            raise KeyboardInterrupt
        result = function(*args, **kwargs)
        if now:
            raise KeyboardInterrupt
        return result

    patch.setattr(owner, name, interrupted)


def all_bytes(folder: Path) -> dict[str, bytes]:
    """Returns the content of every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def is_done(run: RunDirectory) -> np.ndarray:
    """Returns for each trial of the run whether it is done."""
    return np.array([status == "done" for status in run.status().values()])


def checkpoints(path: Path) -> list[CheckpointStore]:
    """Returns the checkpoint store of every cohort of a run."""
    run = RunDirectory.read(path)
    return [CheckpointStore(run.cohort_path(cohort)) for cohort in run.cohorts]


def untimed(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns curves without the seconds, which differ from run to run."""
    return curves[curves["metric"] != "seconds"].reset_index(drop=True)


def assert_same_run(ours: Path, theirs: Path) -> None:
    """Asserts that two runs have bitwise equal states of training, curves but for the seconds, and statuses."""
    one, other = RunDirectory.read(ours), RunDirectory.read(theirs)
    assert one.status() == other.status()
    pd.testing.assert_frame_equal(untimed(one.curves), untimed(other.curves), check_exact=True)
    for cohort in other.cohorts:
        mine, yours = CheckpointStore(one.cohort_path(cohort)), CheckpointStore(other.cohort_path(cohort))
        assert mine.latest_step() == yours.latest_step() == cohort.steps
        chex.assert_trees_all_equal(mine.arrays(), yours.arrays())
