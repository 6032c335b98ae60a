"""The rate of large matmuls, from which a lower bound of the time of a training step follows."""

import time

import jax

from vaemusic_jax.config.models import PrecisionName
from vaemusic_jax.models.precision import Arithmetic

REPEATS = 3
QUEUED = 4  # Products per call; a GPU need not wait for the host between them.


def matmul_rate(precision: PrecisionName) -> float:
    """Measures the floating point operations per second that XLA reaches in large matmuls, as the best of several runs.

    On CPU, a device is a core that also uses idle other cores, so one device is measured as well as all devices.
    """
    size = 1536 if jax.default_backend() == "cpu" else 8192
    arithmetic = Arithmetic(precision, jax.default_backend())
    product, best = jax.jit(arithmetic.matmul), 0.0
    numbers = jax.random.normal(jax.random.key(0), (size, size)).astype(arithmetic.state_type)  # ones take less power
    matrices = [jax.device_put(numbers, device) for device in jax.local_devices()]

    def multiply(matrices: list[jax.Array], times: int) -> None:
        jax.block_until_ready([product(matrix, matrix) for _ in range(times) for matrix in matrices])

    for busy in ([matrices[0]], matrices):
        multiply(busy, 1)
        for _ in range(REPEATS):
            started = time.perf_counter()
            multiply(busy, QUEUED)
            best = max(best, QUEUED * len(busy) * 2 * size**3 / (time.perf_counter() - started))
    return best
