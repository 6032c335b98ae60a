"""What a cohort will take, before anything is trained: parameters, device memory, time.

Shapes: B batch, T ticks, Q beats, H hidden, Z latent, V vocabulary, K attributes.
"""

import math
import time
from typing import Any

import jax
import jax.numpy as jnp

from vaemusic_jax.config.recipes import MODELS
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.data.measures import blocks, measures_of
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.grid import N_TICKS
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.training.cohort import table_for
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.memory import compiled_ensemble

TYPICAL_VOCABULARY = 64  # where the data set is not at hand
COPIES = 6  # of the weights: themselves and Adam's two moments, before and after a call
SAVED_PER_UNIT = 10  # numbers that a GRU layer keeps per hidden unit and tick for its gradient
SHARE_OF_MATMUL_RATE = 0.4  # that a step reaches on CPU; see docs/benchmarks.md


def estimate(cohort: Cohort, members_per_device: int | None = None) -> dict[str, Any]:
    """What a cohort takes on this machine's devices.

    Returns:
        `parameters`, each member's own; `seconds`; `missing`, how to get the data set if it is not ready, else an empty
        text; `devices` used, members `at_once` on each and `turns` (see `MemberAxis`); `memory_bytes` of each device,
        and whether it is `compiled`: XLA's own word. It is an estimate where members go one at a time anyway.

    Raises:
        UserError: the data set is not known, or not one that these trials can be trained on; they do not fit.
    """
    dataset, missing = None, ""
    try:
        dataset = load_dataset(cohort.dataset)
        table_for(cohort.trials, dataset.vocabulary)
    except NotReadyError as error:
        missing = str(error)
    program = program_of(cohort.trials, len(dataset.vocabulary) if dataset else TYPICAL_VOCABULARY)
    own = [program.sized(trial.latent_dim, len(trial.attributes)) for trial in cohort.trials]
    n_members = len(cohort.trials)
    axis = MemberAxis(n_members, at_once=members_per_device)
    if compiled := dataset is not None and axis.at_once > 1:
        owner = Owner(cohort.trials, dataset.vocabulary, dataset.digest)
        validation = blocks(measures_of(dataset.validation))
        ensemble, memory_bytes = compiled_ensemble(owner, dataset, validation, members_per_device)
        axis = ensemble.axis
    else:
        saved = SAVED_PER_UNIT * MODELS[program.model].gru_layers * program.batch_size * N_TICKS * program.hidden_size
        memory_bytes = 4 * (axis.turns * axis.at_once * COPIES * n_parameters(program) + axis.at_once * saved)
    # A CPU's devices share its cores, which one matmul already fills.
    n_devices = 1 if jax.default_backend() == "cpu" else len(axis.devices)
    operations = step_operations(program) * n_members * program.steps
    return {
        "parameters": [n_parameters(member) for member in own],
        "seconds": operations / (SHARE_OF_MATMUL_RATE * matmul_rate() * n_devices),
        "missing": missing,
        "devices": len(axis.devices),
        "at_once": axis.at_once,
        "turns": axis.turns,
        "memory_bytes": memory_bytes,
        "compiled": compiled,
    }


def n_parameters(program: Program) -> int:
    """Weights of one member, its classifier's included."""
    shapes = jax.eval_shape(lambda: program.initial_params(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def step_operations(program: Program) -> float:
    """Floating point operations of the matmuls of one member's training step; see `Model.multiplications`."""
    return 2.0 * program.batch_size * program.kind.multiplications(program)


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
