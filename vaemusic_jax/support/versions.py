"""The versions of the packages that results depend on, as checkpoints, logs and exported models state them."""

import importlib.metadata
from collections.abc import Iterable

import vaemusic_jax

PACKAGES = ("vaemusic_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Returns the version of each package. This one need not be installed: it may be run from a checkout."""
    return {name: _version(name) for name in packages}


def _version(name: str) -> str:
    ours = name.replace("-", "_") == vaemusic_jax.__name__
    return vaemusic_jax.__version__ if ours else importlib.metadata.version(name)
