"""What AdversarialVAE's adversary removes from the codes, and what it costs.

    python -m benchmarks.leakage --out docs/figures

Trains AdversarialVAE with each discriminator at several weights, and measures reconstruction accuracy and leakage on
the validation split, by which a weight is chosen, and on the test split. Writes leakage.csv, one row per trial and
split, and leakage.png. A trial takes about a minute on one core.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import tyro

from vaemusic_jax.commands.programs import keep_programs
from vaemusic_jax.config.models import defaults
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.blocks import Measures, blocks, measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.metrics.leakage import leakage_linear, leakage_mlp
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.training.cohort import MAX_STEPS_PER_CALL, Ensemble
from vaemusic_jax.training.score import encode_split

# Training measures for the probes. Evaluation of runs takes 4,000, which lowers R^2 of the MLP by about .03.
MAX_TRAINING_MEASURES = 8000

WEIGHTS = {"classifier": (0.02,), "regressor": (0.1, 0.2, 0.4)}
STUDIED = ATTRIBUTES.of_the_study()


@dataclass
class Options:
    """What to train."""

    seeds: int = 3
    steps: int = 1200
    batch_size: int = 64
    hidden_size: int = 64
    latent_dim: int = 32
    draw: bool = False
    """Train nothing, and draw the figure of the table that is in the folder."""
    out: Path = Path("leakage")
    """Folder for leakage.csv and leakage.png."""


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    table = options.out / "leakage.csv"
    if not options.draw:
        options.out.mkdir(parents=True, exist_ok=True)
        keep_programs()
        dataset, rows = load_dataset("irish_folk"), list[dict[str, Any]]()
        choices = [(name, weight) for name, weights in WEIGHTS.items() for weight in weights]
        for seed, (discriminator, weight) in itertools.product(range(options.seeds), choices):
            rows.extend(measured(trial_of(discriminator, weight, seed, options), dataset))
            print(pd.DataFrame(rows[-2:]).to_string(index=False, header=len(rows) == 2), flush=True)
            write_atomically(table, pd.DataFrame(rows).to_csv(index=False).encode())
    write_atomically(options.out / "leakage.png", figure(pd.read_csv(table)))


def trial_of(discriminator: str, weight: float, seed: int, options: Options) -> Trial:
    """Returns a trial of AdversarialVAE on Irish folk with four attributes."""
    values: dict[str, Any] = defaults("adversarial_vae", "fast", options.hidden_size) | unused_by("adversarial_vae")
    values |= {"dataset": "irish_folk", "model": "adversarial_vae", "recipe": "fast", "attributes": STUDIED}
    values |= {"discriminator": discriminator, "adversary_weight": weight, "seed": seed}
    values |= {name: getattr(options, name) for name in ("steps", "batch_size", "hidden_size", "latent_dim")}
    return Trial(**values, data_fraction=1.0, transpose=0)


def measured(trial: Trial, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Trains a trial and yields a row for the validation and for the test split."""
    train = measures_of(dataset.train)
    program = program_of([trial], len(dataset.vocabulary))
    ensemble = Ensemble(program, [trained_on(trial, program.n_attributes, np.asarray(train.attributes))], train)
    state, seconds = ensemble.start(), list[float]()
    for made in range(0, trial.steps, MAX_STEPS_PER_CALL):
        n_steps = min(MAX_STEPS_PER_CALL, trial.steps - made)
        started = time.perf_counter()
        state = jax.block_until_ready(ensemble.run(state, n_steps))
        seconds.append((time.perf_counter() - started) / n_steps)
    params = jax.tree.map(lambda leaf: leaf[0], state.train.params)
    drawn = np.random.default_rng(0).permutation(len(train.tokens))[:MAX_TRAINING_MEASURES]
    read_from = (codes_of(program, params, train)[drawn], own_attributes(train)[drawn])
    for name, split in (("validation", dataset.validation), ("test", dataset.test)):
        measures = measures_of(split)
        scores = ensemble.score(state, blocks(measures), dataset.vocabulary.midi)
        held_out = (codes_of(program, params, measures), own_attributes(measures))
        row: dict[str, Any] = {name: getattr(trial, name) for name in ("discriminator", "adversary_weight", "seed")}
        row |= {"split": name, "accuracy": float(scores["reconstruction_accuracy"][0])}
        for probe, leakage in (("linear", leakage_linear), ("mlp", leakage_mlp)):
            row |= {f"{probe}.{k}": value for k, value in zip(STUDIED, leakage(*read_from, *held_out), strict=True)}
        yield row | {"ms_per_step": 1000 * float(np.median(seconds))}


def codes_of(program: Program, params: dict[str, dict], measures: Measures) -> np.ndarray:
    """Returns the posterior means of measures, (N, L)."""
    mean, _ = jax.jit(lambda params, blocks: encode_split(program, params, blocks))(params, blocks(measures)[0])
    return np.asarray(mean)[: len(measures.tokens)]


def own_attributes(measures: Measures) -> np.ndarray:
    """Returns the attributes of the study, (N, K)."""
    return np.asarray(measures.attributes)[:, ATTRIBUTES.columns(STUDIED)]


def figure(table: pd.DataFrame) -> bytes:
    """Draws accuracy against the mean leakage over attributes on the test split, and returns the PNG file.

    Each point is a trial; a line joins the means over seeds of each discriminator's weights, which stand beside it.
    """
    from vaemusic_jax.report import style

    rows = table[table["split"] == "test"].copy()
    rows["leakage"] = rows[[f"mlp.{name}" for name in STUDIED]].mean(axis=1)
    with style.applied():
        drawing, ((axes,),) = style.panels(1, 1, width=4.2, height=3.0)
        for i, (discriminator, own) in enumerate(rows.groupby("discriminator", sort=False)):
            look: dict[str, Any] = {"color": style.COLOURS[i], "marker": style.MARKERS[i]}
            axes.plot(own["leakage"], own["accuracy"], **look, linestyle="", alpha=0.4)
            means = own.groupby("adversary_weight")[["leakage", "accuracy"]].mean()
            axes.plot(means["leakage"], means["accuracy"], **look, label=discriminator)
            for weight, mean in means.iterrows():
                axes.annotate(f"{weight:g}", mean, xytext=(5, -10), textcoords="offset points", fontsize=8)
        axes.set_xlabel("leakage: mean R² of the MLP probe over four attributes")
        axes.set_ylabel("reconstruction accuracy")
        axes.set_xlim(left=0)
        style.legend_below(drawing, axes, columns=2)
    return style.to_png(drawing)


if __name__ == "__main__":
    main()
