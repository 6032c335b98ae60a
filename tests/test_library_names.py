"""Every private or deprecated name of JAX and Orbax that is used is named here, and has to be there.

A release that removes one is then noticed by its name, on every Python and with every release that tests run with.
"""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = {
    "jax._src.distributed": ("global_state",),  # the coordination service; support/processes.py
    "jax._src.xla_bridge": ("backends_are_initialized",),  # tests/training/test_many_hosts.py
    "jax.experimental.compilation_cache.compilation_cache": ("reset_cache",),  # tests/commands/test_programs.py
    "jax.experimental.topologies": ("get_topology_desc",),  # devices that are not here; training/targets/target.py
    "jax.extend.random": ("threefry2x32_p",),  # single random numbers of an epoch; training/epochs.py
    "orbax.checkpoint": ("CheckpointManager", "CheckpointManagerOptions", "StandardCheckpointHandler", "SaveArgs"),
    "orbax.checkpoint.args": ("StandardRestore", "PyTreeSave", "JsonSave", "JsonRestore", "Composite"),
    "orbax.checkpoint.options": ("MultiprocessingOptions",),
    "orbax.checkpoint.checkpoint_managers": ("LatestN",),
}
PRIVATE = r"\b(?:jax|orbax)(?:\.\w+)*?\.(?:_(?!_)\w+|extend|experimental)\b[.\w]*(?: import \w+)?"


@pytest.mark.parametrize("module", NAMES)
def test_it_is_there(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in NAMES[module] if not hasattr(found, name)] == []


def test_no_other_private_name_is_used() -> None:
    """Of the package, its tests and its benchmarks."""
    known = {*NAMES, *(f"{module}.{name}" for module, names in NAMES.items() for name in names)}
    for folder in ("vaemusic_jax", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            if path != Path(__file__):
                used = re.findall(PRIVATE, path.read_text(encoding="utf-8"))
                assert {name.replace(" import ", ".") for name in used} <= known, path


def test_no_deprecated_option_of_orbax_is_used() -> None:
    text = (ROOT / "vaemusic_jax" / "runs" / "checkpoint.py").read_text(encoding="utf-8")
    assert "max_to_keep" not in text
