"""What a cohort will take, before anything is trained: parameters, device memory, time. The last two are estimates."""

import dataclasses
import math
import time
from typing import Any

import jax
import jax.numpy as jnp

from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.member import Program, program_of
from vaemusic_jax.models.measure_vae import N_TICKS
from vaemusic_jax.recipes import GRU_LAYERS
from vaemusic_jax.transposition import table_for
from vaemusic_jax.trial import Cohort

TYPICAL_VOCABULARY = 64  # where the data set is not at hand
COPIES = 4  # of the weights: themselves, Adam's two moments, the gradient
SAVED_PER_UNIT = 10  # numbers that a GRU layer keeps per hidden unit and tick for its gradient
PASSES = 3  # a backward pass costs two forward ones
SHARE_OF_MATMUL_RATE = 0.4  # that a step reaches on CPU; see docs/benchmarks.md


def estimate(cohort: Cohort) -> dict[str, Any]:
    """`parameters` (each member's own), `memory_bytes` and `seconds` on this machine's devices.

    And `missing`: how to get the data set if it is not ready, else an empty text.

    Raises:
        UserError: the data set is not known, or not one that these trials can be trained on.
    """
    try:
        vocabulary, missing = load_dataset(cohort.dataset).vocabulary, ""
        table_for(cohort.trials, vocabulary)
        vocab_size = len(vocabulary)
    except NotReadyError as error:
        vocab_size, missing = TYPICAL_VOCABULARY, str(error)
    program = program_of(cohort.trials, vocab_size)
    own = [
        dataclasses.replace(program, latent_dim=trial.latent_dim, n_attributes=len(trial.attributes))
        for trial in cohort.trials
    ]
    n_members, layers = len(cohort.trials), GRU_LAYERS[program.model]
    saved = SAVED_PER_UNIT * layers * program.batch_size * N_TICKS * program.hidden_size
    # A CPU's devices share its cores, which one matmul already fills.
    n_devices = 1 if jax.default_backend() == "cpu" else min(n_members, jax.local_device_count())
    operations = 2 * PASSES * program.batch_size * multiplications(program) * n_members * program.steps
    return {
        "parameters": [n_parameters(member) for member in own],
        "memory_bytes": 4 * n_members * (COPIES * n_parameters(program) + saved),
        "missing": missing,
        "seconds": operations / (SHARE_OF_MATMUL_RATE * matmul_rate() * n_devices),
    }


def n_parameters(program: Program) -> int:
    """Weights of one member, its classifier's included."""
    shapes = jax.eval_shape(lambda: program.initial_params(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def multiplications(program: Program) -> int:
    """Multiply-adds of one measure's forward pass: each matrix once per tick, which is nearly all there is."""
    shapes = jax.eval_shape(lambda: program.initial_params(0))
    return N_TICKS * sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes["vae"]) if len(leaf.shape) == 2)


def matmul_rate() -> float:
    """Floating point operations per second of one device here, in a matmul of a batch's size."""
    a = jnp.ones((1024, 1024))
    product = jax.jit(jnp.matmul)
    product(a, a).block_until_ready()
    started = time.perf_counter()
    for _ in range(10):
        b = product(a, a)
    b.block_until_ready()
    return 10 * 2 * 1024**3 / (time.perf_counter() - started)
