"""Members to time: trials on random measures, as many as a benchmark wants, and their cohort as one program."""

import time
from typing import Any, Literal

import jax
import numpy as np

from vaemusic_jax.config.recipes import RecipeName, defaults
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.measures import Measures
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.grid import N_TICKS
from vaemusic_jax.training.cohort import Ensemble

Model = Literal["measure_vae", "adversarial_vae"]  # those that PyTorch's side has too

VOCAB_SIZE = 62  # of irish_folk
N_MEASURES = 10_000
STEPS = 1000  # that the learning rate's schedule is for


def trial(
    model: str, hidden_size: int, latent_dim: int, batch_size: int, seed: int = 0, recipe: RecipeName = "fast"
) -> Trial:
    """A trial of all four attributes."""
    values: dict[str, Any] = defaults(model, recipe, hidden_size) | unused_by(model) | {"batch_size": batch_size}
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
        seed=seed,
        **values,
    )


def random_measures() -> Measures:
    """Every token as likely as any other: what is in a measure makes no difference to the time."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(VOCAB_SIZE, size=(N_MEASURES, N_TICKS)).astype(np.uint8)
    return Measures(tokens, generator.random((N_MEASURES, len(ATTRIBUTES)), np.float32))


class Cohort:
    """Trials that train as one program, from their start."""

    def __init__(self, trials: tuple[Trial, ...], measures: Measures) -> None:
        self.trials, self.program = trials, program_of(trials, VOCAB_SIZE)
        attributes = np.asarray(measures.attributes)
        members = [trained_on(trial, self.program.n_attributes, attributes) for trial in trials]
        self.ensemble = Ensemble(self.program, members, measures)
        self.state = self.ensemble.start()

    def run(self, steps: int) -> None:
        """Makes so many steps of every member."""
        self.state = jax.block_until_ready(self.ensemble.run(self.state, steps))

    def compile(self) -> float:
        """Seconds that the first call takes more than the second: to compile, or to load a program that is kept."""
        started = time.perf_counter()
        self.run(1)
        first = time.perf_counter() - started
        started = time.perf_counter()
        self.run(1)
        return first - (time.perf_counter() - started)
