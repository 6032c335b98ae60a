"""Seconds per training step of both models, alone and per member of a cohort.

    python -m benchmarks.step_time
    python -m benchmarks.step_time --hidden-size 512 --latent-dim 256 --members 1 7 14

Prints the best and the median of several calls on random measures, and the time to compile. Run it on a quiet machine.
"""

import statistics
import time
from dataclasses import dataclass

import jax
import numpy as np
import tyro

from vaemusic_jax.ensemble import Ensemble
from vaemusic_jax.measures import Measures
from vaemusic_jax.member import hyper_parameters, program_of
from vaemusic_jax.member_axis import use_every_core
from vaemusic_jax.models.measure_vae import N_TICKS
from vaemusic_jax.recipes import MODELS, Model, RecipeName, defaults
from vaemusic_jax.trial import ATTRIBUTES, Trial

VOCAB_SIZE = 62  # of irish_folk
N_MEASURES = 10_000


@dataclass
class Options:
    """What to time."""

    hidden_size: int = 128
    latent_dim: int = 32
    batch_size: int = 256
    recipe: RecipeName = "fast"
    members: tuple[int, ...] = (1, 7)
    """Cohort sizes; members differ in their seeds."""
    calls: int = 5
    steps: int = 4
    """Steps per call."""


def trial(model: Model, options: Options, seed: int) -> Trial:
    values = defaults(model, options.recipe, options.hidden_size) | {"batch_size": options.batch_size}
    return Trial(
        dataset="random",
        model=model,
        recipe=options.recipe,
        hidden_size=options.hidden_size,
        attributes=ATTRIBUTES,
        latent_dim=options.latent_dim,
        data_fraction=1.0,
        transpose=0,
        steps=1000,
        seed=seed,
        **values,
    )


def seconds_per_step(model: Model, n_members: int, options: Options) -> tuple[float, float, float]:
    """Best, median, and seconds to compile."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(VOCAB_SIZE, size=(N_MEASURES, N_TICKS)).astype(np.uint8)
    train = Measures(tokens, generator.random((N_MEASURES, len(ATTRIBUTES)), np.float32))
    trials = tuple(trial(model, options, seed) for seed in range(n_members))
    program = program_of(trials, VOCAB_SIZE)
    ensemble = Ensemble(program, [hyper_parameters(t, program, np.asarray(train.attributes)) for t in trials], train)
    state = ensemble.start()
    started = time.perf_counter()
    state = jax.block_until_ready(ensemble.run(state, 1))
    compiling, times = time.perf_counter() - started, []
    for _ in range(options.calls):
        started = time.perf_counter()
        state = jax.block_until_ready(ensemble.run(state, options.steps))
        times.append((time.perf_counter() - started) / options.steps)
    return min(times), statistics.median(times), compiling


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    use_every_core()
    print(f"jax {jax.__version__} on {jax.local_device_count()} x {jax.devices()[0].device_kind}; {options}")
    for model in MODELS:
        for n_members in options.members:
            best, median, compiling = seconds_per_step(model, n_members, options)
            per_member = f"{best / n_members:.3f} s best, {median / n_members:.3f} s median per member"
            print(f"{model:16} x {n_members:2}: {per_member}; {best:.3f} s a step; {compiling:.1f} s to compile")


if __name__ == "__main__":
    main()
