"""The least that a training step could take: its floating point operations at the rate of a large matmul.

Shapes: B batch, T ticks, Q beats, H hidden, Z latent, V vocabulary, K attributes.
"""

import time

import jax
import jax.numpy as jnp

from benchmarks.machine import Precision
from vaemusic_jax.member import Program
from vaemusic_jax.models.measure_vae import N_BEATS, N_TICKS

REPEATS = 3
QUEUED = 4  # products per call, so that a GPU does not wait for the host


def step_operations(program: Program) -> float:
    """Floating point operations of the matmuls of one member's training step.

    Only what must be done: token look-ups cost nothing, what is the same at several ticks is multiplied once, and what
    is not a matmul is left out. A backward pass costs two forward ones; AdversarialVAE encodes once more, without
    gradient, for its classifier.
    """
    H, Z, V = program.hidden_size, program.latent_dim, program.vocab_size
    gates = 3 * H
    if program.model == "measure_vae":
        layers = 2 * (gates * H) + 2 * (gates * 2 * H + gates * H)
        encoder = N_TICKS * layers + 2 * (4 * H * 2 * H + 2 * H * Z)
        of_beat = 3 * (gates * H) + 2 * H * H + H * H + gates * H
        decoder = Z * 2 * H + N_BEATS * of_beat + N_TICKS * (3 * (gates * H) + H * V)
        multiplications = 3 * (encoder + decoder)
    else:
        encoder = N_TICKS * 2 * (gates * H) + 2 * (2 * H * Z)
        decoder = Z * H + (Z + program.n_attributes) * gates + N_TICKS * (3 * (gates * H) + H * V)
        multiplications = 4 * encoder + 3 * decoder
    return 2.0 * program.batch_size * multiplications


def matmul_rate(precision: Precision) -> float:
    """Floating point operations per second that XLA reaches here in large matmuls: the best of a few.

    On CPU a device is a core that borrows others when they are idle, so one device is tried as well as all of them.
    """
    size = 1536 if jax.default_backend() == "cpu" else 8192
    dtype = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    product, best = jax.jit(jnp.matmul), 0.0
    matrices = [jax.device_put(jnp.ones((size, size), dtype), device) for device in jax.local_devices()]

    def multiply(matrices: list[jax.Array], times: int) -> None:
        jax.block_until_ready([product(matrix, matrix) for _ in range(times) for matrix in matrices])

    for busy in ([matrices[0]], matrices):
        multiply(busy, 1)
        for _ in range(REPEATS):
            started = time.perf_counter()
            multiply(busy, QUEUED)
            best = max(best, QUEUED * len(busy) * 2 * size**3 / (time.perf_counter() - started))
    return best
