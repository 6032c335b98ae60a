"""Seconds that evaluation takes per trial, by what it is spent on.

    python -m benchmarks.evaluation
    python -m benchmarks.evaluation --latent-dim 32 --members 4

Members are untrained, which changes no shape; Irish folk measures stand for the test split. Run it on a quiet machine.
"""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np
import tyro

from benchmarks.members import trial
from vaemusic_jax.config.models import MODELS
from vaemusic_jax.data.blocks import measures_of
from vaemusic_jax.data.dataset import Split
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.evaluation.codes import measure_members
from vaemusic_jax.evaluation.corpus_sample import chosen_measures, encoded_measures
from vaemusic_jax.metrics.inputs import Codes, ControlInputs, Inputs, LatentInputs, measure, regularises
from vaemusic_jax.metrics.registry import missing_from
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.training.devices import prepare_devices
from vaemusic_jax.training.memory import cohort_ensemble


@dataclass
class Options:
    """What to time."""

    hidden_size: int = 64
    latent_dim: int = 256
    members: int = 2
    """Trials of one cohort."""
    measures: int = 2000
    """In the test split."""


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    prepare_devices()
    dataset = load_dataset("irish_folk")
    rows, whole = slice(options.measures), dataset.train
    dataset = dataclasses.replace(dataset, test=Split(whole.tokens[rows], whole.tune[rows], whole.attributes[rows]))
    train, test = (measures_of(split) for split in (dataset.train, dataset.test))
    for model in MODELS:
        trials = tuple(
            trial(model, options.hidden_size, options.latent_dim, batch_size=256, seed=seed)
            for seed in range(options.members)
        )
        owner = Owner(trials, dataset.vocabulary, dataset.digest)
        ensemble = cohort_ensemble(owner, dataset, train)
        checkpoint = ensemble.to_host(ensemble.start())
        spent = {}
        parts = {"codes": (), "codes and scores": ("reconstruction",), "codes and traversals": ("control",)}
        for name, families in parts.items():
            started = time.perf_counter()  # compiling is part of it, as in a run
            measured = list(measure_members(owner, checkpoint, range(options.members), dataset, families))
            spent[name] = time.perf_counter() - started
        first, found, attributes = trials[0], measured[0], np.asarray(test.attributes)
        of_test = Codes(found.codes, found.stds, attributes)
        encoded = np.asarray(train.attributes)[encoded_measures(len(dataset.train))]
        of_training = Codes(found.training_codes, found.training_stds, encoded)
        inputs: dict[str, Inputs] = {
            "latent": LatentInputs(first.attributes, of_test, of_training, regularises(first)),
            "control": ControlInputs(first.attributes, found.arrays, attributes, chosen_measures(len(attributes))),
        }
        for family, given in inputs.items():
            started = time.perf_counter()
            measure(missing_from((), [family]), given)
            spent[f"{family} metrics"] = options.members * (time.perf_counter() - started)
        each = "; ".join(f"{name} {seconds / options.members:.2f} s" for name, seconds in spent.items())
        print(f"{model:16} x {options.members}, latent {options.latent_dim}, per trial: {each}")


if __name__ == "__main__":
    main()
