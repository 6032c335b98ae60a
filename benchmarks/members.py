"""Trials on random measures for benchmarks, and a cohort of them that trains as one program."""

import time
from typing import Any, Literal

import jax
import numpy as np

from benchmarks.study_grid import N_TICKS
from vaemusic_jax.config.models import PrecisionName, RecipeName, defaults
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.training.cohort import Ensemble

Model = Literal["measure_vae", "adversarial_vae"]  # These have a PyTorch version.

VOCAB_SIZE = 62  # This is the size of the vocabulary of irish_folk.
N_MEASURES = 10_000
STEPS = 1000  # Length of the schedule of the learning rate.


def trial(
    model: str,
    hidden_size: int,
    latent_dim: int,
    batch_size: int,
    seed: int = 0,
    recipe: RecipeName = "fast",
    precision: PrecisionName = "float32",
) -> Trial:
    """Returns a trial that imposes all attributes."""
    own: dict[str, Any] = {"batch_size": batch_size, "discriminator": "classifier"}  # the one that PyTorch's side has
    values: dict[str, Any] = defaults(model, recipe, hidden_size) | unused_by(model) | own
    return Trial(
        dataset="random",
        model=model,
        recipe=recipe,
        hidden_size=hidden_size,
        attributes=tuple(ATTRIBUTES),
        latent_dim=latent_dim,
        data_fraction=1.0,
        transpose=0,
        steps=STEPS,
        precision=precision,
        seed=seed,
        **values,
    )


def random_measures() -> Measures:
    """Returns measures of random tokens; the content of a measure does not affect the time of a step."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(VOCAB_SIZE, size=(N_MEASURES, N_TICKS)).astype(np.uint8)
    return Measures(tokens, generator.random((N_MEASURES, len(ATTRIBUTES)), np.float32))


class Cohort:
    """A cohort of trials in training, beginning with their initial weights."""

    def __init__(self, trials: tuple[Trial, ...], measures: Measures) -> None:
        self.trials, self.program = trials, program_of(trials, VOCAB_SIZE)
        attributes = np.asarray(measures.attributes)
        members = [trained_on(trial, self.program.n_attributes, attributes) for trial in trials]
        self.ensemble = Ensemble(self.program, members, measures)
        self.state = self.ensemble.start()

    def run(self, steps: int) -> None:
        """Trains every member for `steps` steps."""
        self.state = jax.block_until_ready(self.ensemble.run(self.state, steps))

    def compile_ahead(self) -> Any:
        """Compiles `run` before its first call and returns the compiled program."""
        return self.ensemble.compile_run()

    def compile(self) -> float:
        """Returns by how many seconds the first call exceeds the second, which is the time to compile or load."""
        started = time.perf_counter()
        self.run(1)
        first = time.perf_counter() - started
        started = time.perf_counter()
        self.run(1)
        return first - (time.perf_counter() - started)
