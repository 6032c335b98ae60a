"""The rate of a large matmul: with a step's floating point operations, the least that the step could take."""

import time

import jax
import jax.numpy as jnp

from benchmarks.machine import Precision

REPEATS = 3
QUEUED = 4  # products per call, so that a GPU does not wait for the host


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
