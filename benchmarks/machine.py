"""What a benchmark ran on, and the settings that must be equal on both sides of a comparison."""

import os
import platform
import sys
from importlib import metadata
from typing import Any, Literal

import jax

from vaemusic_jax.training.devices import use_every_core

Precision = Literal["float32", "tf32", "bfloat16"]

# How inputs of matmuls are rounded on a GPU or TPU; sums and all else are float32, on both sides.
JAX_PRECISION: dict[Precision, str] = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": "BF16_BF16_F32"}


def prepare(precision: Precision) -> None:
    """Settings of JAX, before its first use: devices as in a sweep, room for PyTorch on the same GPU."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    use_every_core()
    jax.config.update("jax_default_matmul_precision", JAX_PRECISION[precision])
    if precision != "float32" and jax.default_backend() == "cpu":
        sys.exit(f"error: --precision: {precision} is for GPUs; use float32 on CPU")


def versions(*packages: str) -> dict[str, str]:
    """The installed versions of those that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def description() -> dict[str, Any]:
    """The machine as it goes into a table's header."""
    return {
        "devices": f"{jax.local_device_count()} x {jax.devices()[0].device_kind}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **versions("jax", "jaxlib", "torch"),
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def in_words(facts: dict[str, Any]) -> str:
    """One line of a header."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())
