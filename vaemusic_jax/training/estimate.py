"""Estimates of what training a cohort will need: parameters, device memory and time.

Shapes: B batch, T ticks, Q beats, H hidden, Z latent, V vocabulary, K attributes.
"""

import functools
import math
import time
from typing import Any

import jax
import jax.numpy as jnp

from vaemusic_jax.config.models import MODELS, PrecisionName
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.blocks import blocks, measures_of
from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.models.precision import Arithmetic
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.grid import COMMON
from vaemusic_jax.runs.checkpoint import KEPT, Owner
from vaemusic_jax.training.cohort import table_for
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.memory import DoesNotFitError, compiled_ensemble, fitting

TYPICAL_VOCABULARY = 64  # assumed if the data set is not prepared
STATE_COPIES = 3  # the same in a checkpoint: weights and Adam's two moments
COPIES = 6  # arrays of the size of the weights: weights and Adam's two moments, before and after a call
SAVED_PER_UNIT = 10  # numbers that a GRU layer stores per hidden unit and tick for its gradient
STEERED = 1.5  # a step that steers stores the decoder's layers twice, and at most half of all layers are the decoder's
SHARE_OF_MATMUL_RATE = 0.4  # the share of a large matmul's speed that a step reaches on CPU; see docs/benchmarks.md


def estimate(cohort: Cohort, members_per_device: int | None = None, keep_optimizer: bool = False) -> dict[str, Any]:
    """Estimates what training a cohort needs on this machine's devices.

    Args:
        cohort: the cohort.
        members_per_device: the most members that a device trains in parallel; None for as many as fit.
        keep_optimizer: whether the checkpoint of the last step keeps the optimisers' states.

    Returns:
        `parameters`, the number for each member without padding; `seconds`; `missing`, how to get the data set if it is
        not ready, and `too_large`, why the cohort cannot be trained if it does not fit, else empty texts; the number of
        `devices` in use, of members `at_once` on each, and of `turns` (see `MemberAxis`); `memory_bytes` of each
        device, and `compiled`, whether that is XLA's figure for the compiled program, or an estimate of ours if members
        are trained one at a time anyway, the data set is not ready or the cohort does not fit;
        `disk_bytes`, the most that checkpoints take while it trains, `kept_bytes`, what they take when it has finished,
        and `host_bytes`, the memory of the host that saving them needs.

    Raises:
        UserError: the data set is not known, or these trials cannot be trained on it.
    """
    dataset, missing = None, ""
    try:
        dataset = load_dataset(cohort.dataset)
        table_for(cohort.trials, dataset.vocabulary)
    except NotReadyError as error:
        missing = str(error)
    program = program_of(
        cohort.trials,
        len(dataset.vocabulary) if dataset else TYPICAL_VOCABULARY,
        metre=dataset.vocabulary.metre if dataset else COMMON,
    )
    own = [program.sized(trial.latent_dim, len(trial.attributes)) for trial in cohort.trials]
    n_members = len(cohort.trials)
    axis = MemberAxis(n_members, at_once=members_per_device)
    compiled, too_large = False, ""
    if dataset is not None and axis.at_once > 1:
        owner = Owner(cohort.trials, dataset.vocabulary, dataset.digest)
        validation = blocks(measures_of(dataset.validation))
        try:
            with fitting(cohort.trials):
                ensemble, memory_bytes = compiled_ensemble(owner, dataset, validation, members_per_device)
            axis, compiled = ensemble.axis, True
        except DoesNotFitError as error:
            axis, too_large = MemberAxis(n_members, at_once=1), str(error)
    if not compiled:
        ticks = program.batch_size * program.grid.n_ticks
        saved = SAVED_PER_UNIT * MODELS[program.model].gru_layers * ticks * program.hidden_size
        stored = saved * (STEERED if program.steers else 1) * program.arithmetic.state_type.itemsize
        memory_bytes = int(4 * axis.turns * axis.at_once * COPIES * n_parameters(program) + axis.at_once * stored)
    # The devices of a CPU share its cores, all of which one matmul already uses.
    n_devices = 1 if jax.default_backend() == "cpu" else len(axis.devices)
    weights = 4 * n_parameters(program)
    operations = step_operations(program) * n_members * program.steps
    return {
        "parameters": [n_parameters(member) for member in own],
        "seconds": operations / (SHARE_OF_MATMUL_RATE * matmul_rate(program.precision) * n_devices),
        "missing": missing,
        "too_large": too_large,
        "devices": len(axis.devices),
        "at_once": axis.at_once,
        "turns": axis.turns,
        "memory_bytes": memory_bytes,
        "compiled": compiled,
        "disk_bytes": (KEPT + 1) * n_members * STATE_COPIES * weights,
        "kept_bytes": n_members * weights * (STATE_COPIES if keep_optimizer else 1),
        "host_bytes": 2 * STATE_COPIES * weights,
    }


@functools.cache  # tracing takes milliseconds, and a sweep has few different sizes
def n_parameters(program: Program) -> int:
    """Returns the number of weights of one member in all its networks."""
    shapes = jax.eval_shape(lambda: program.initial_params(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def step_operations(program: Program) -> float:
    """Returns the floating point operations in the matmuls of one member's step; see `Model.multiplications`."""
    return 2.0 * program.batch_size * program.implementation.multiplications(program)


@functools.cache
def matmul_rate(precision: PrecisionName = "float32") -> float:
    """Measures the floating point operations per second of one device in a matmul of 1024 x 1024 matrices."""
    arithmetic = Arithmetic(precision, jax.default_backend())
    a = jnp.ones((1024, 1024), arithmetic.state_type)
    product = jax.jit(arithmetic.matmul)
    product(a, a).block_until_ready()
    started = time.perf_counter()
    for _ in range(10):
        b = product(a, a)
    b.block_until_ready()
    return 10 * 2 * 1024**3 / (time.perf_counter() - started)
