"""What the precision of networks does to accuracy and to the time of a step, on real measures.

    python -m benchmarks.precision
    python -m benchmarks.precision --models measure_vae --hidden-size 512 --steps 1000 --out precision.csv

The trials of each precision differ in their seeds alone. Precisions are trained in turns, a few steps at a time, so
that other work of the machine affects their times alike. Prints validation accuracy, mean and each seed's, and seconds
a step of one member, median of the turns, with its ratio to float32's of the same turn.
"""

import csv
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

import jax
import numpy as np
import tyro

from benchmarks import machine, members
from vaemusic_jax.config.models import PrecisionName, RecipeName, defaults
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.blocks import blocks, measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.training.memory import cohort_ensemble

PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)
TURN = 25  # steps


@dataclass
class Options:
    """What to train."""

    models: tuple[members.Model, ...] = ("measure_vae", "adversarial_vae")
    dataset: str = "irish_folk"
    recipe: RecipeName = "fast"
    hidden_size: int = 128
    latent_dim: int = 32
    steps: int = 300
    seeds: int = 3
    out: Path | None = None
    """A CSV file for the numbers."""


@dataclass
class Row:
    """The result of one precision; seconds are those of one member's step."""

    model: str
    precision: PrecisionName
    accuracy: float
    by_seed: str
    seconds: float
    ratio: float


def trials(options: Options, model: str, precision: PrecisionName) -> tuple[Trial, ...]:
    """Returns trials that differ in their seeds."""
    values: dict[str, Any] = defaults(model, options.recipe, options.hidden_size) | unused_by(model)
    values |= {"latent_dim": options.latent_dim, "steps": options.steps, "precision": precision}
    return tuple(
        Trial(
            dataset=options.dataset,
            model=model,
            recipe=options.recipe,
            hidden_size=options.hidden_size,
            attributes=tuple(ATTRIBUTES),
            data_fraction=1.0,
            transpose=0,
            seed=seed,
            **values,
        )
        for seed in range(options.seeds)
    )


def rows(options: Options, model: str, dataset: Dataset) -> Iterator[Row]:
    """Trains a model in each precision, in turns, and yields a row for each."""
    train, validation = measures_of(dataset.train), blocks(measures_of(dataset.validation))
    cohorts = []
    for precision in PRECISIONS:
        owner = Owner(trials(options, model, precision), dataset.vocabulary, dataset.digest)
        cohort = cohort_ensemble(owner, dataset, train)
        cohort.compile(validation, dataset.vocabulary.midi)
        cohorts.append(cohort)
    states = [cohort.start() for cohort in cohorts]
    taken: list[list[float]] = [[] for _ in cohorts]
    for done in range(0, options.steps, TURN):
        n_steps = min(TURN, options.steps - done)
        for i, cohort in enumerate(cohorts):
            started = time.perf_counter()
            states[i] = jax.block_until_ready(cohort.run(states[i], n_steps))
            taken[i].append((time.perf_counter() - started) / n_steps / options.seeds)
    for precision, cohort, state, seconds in zip(PRECISIONS, cohorts, states, taken, strict=True):
        found = cohort.score(state, validation, dataset.vocabulary.midi)["reconstruction_accuracy"]
        yield Row(
            model,
            precision,
            accuracy=round(float(np.mean(found)), 4),
            by_seed=" ".join(f"{value:.4f}" for value in found),
            seconds=round(statistics.median(seconds), 4),
            ratio=round(statistics.median(one / other for one, other in zip(seconds, taken[0], strict=True)), 3),
        )


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    machine.prepare()
    print(machine.in_words(machine.description()))
    dataset, found = load_dataset(options.dataset), []
    names = [field.name for field in fields(Row)]
    print(*(name.replace("_", " ") for name in names), sep=" | ")
    for model in options.models:
        for row in rows(options, model, dataset):
            print(*asdict(row).values(), sep=" | ", flush=True)
            found.append(row)
    if options.out:
        with options.out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(map(asdict, found))


if __name__ == "__main__":
    main()
