"""The machine that a benchmark runs on, and the settings that both sides of a comparison share."""

import os
import platform
from importlib import metadata
from typing import Any

import jax

from vaemusic_jax.training.devices import prepare_devices


def prepare() -> None:
    """Sets up JAX before its first use: the devices of a sweep, and memory left for PyTorch on the same GPU."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    prepare_devices()


def versions(*packages: str) -> dict[str, str]:
    """Returns the versions of the packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def description() -> dict[str, Any]:
    """Returns the facts about the machine for a table's header."""
    return {
        "devices": f"{jax.local_device_count()} x {jax.devices()[0].device_kind}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **versions("jax", "jaxlib", "torch"),
    }


def processor() -> str:
    """Returns the name of the processor, or what the platform module knows of it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def in_words(facts: dict[str, Any]) -> str:
    """Joins facts to one line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())
