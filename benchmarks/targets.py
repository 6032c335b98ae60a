"""Devices that are not here: XLA compiles for one that is only described, and a simple model tells the time of a step.

What compiled programs launch, read and write is counted; how fast a device does that is assumed, in `TARGETS` alone,
until one has been measured.
"""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

DESCRIPTIONS = Path(__file__).parent / "targets"  # what XLA has to know of a GPU, in its own format


class NotInstalledError(ImportError):
    """The compiler for a target is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Target:
    """A device, or several, that programs are compiled for.

    Attributes:
        title: its name in print.
        platform: as JAX names it.
        topology: the arrangement of its chips as libtpu names it; for a GPU the file of its description.
        memory: bytes of one device.
        bandwidth: bytes a second between memory and cores.
        rates: floating point operations a second in matmuls, by precision, without sparsity.
        launch: seconds that a kernel takes at least.
    """

    title: str
    platform: str
    topology: str
    memory: float
    bandwidth: float
    rates: dict[str, float]
    launch: float

    def devices(self) -> list[Any]:
        """Returns the described devices.

        Raises:
            NotInstalledError: the compiler for them is not installed.
        """
        if importlib.util.find_spec(COMPILERS[self.platform]) is None:
            raise NotInstalledError(f"{self.title}: {INSTALL[self.platform]}")
        os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # libtpu would look for a machine with a TPU
        os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # and lock it
        os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")  # the versions of NVIDIA's libraries
        from jax.experimental import topologies

        wanted: dict[str, Any] = {"platform": self.platform, "topology_name": self.topology}
        if self.platform == "cuda":
            description = (DESCRIPTIONS / self.topology).read_text(encoding="utf-8")
            wanted |= {"topology_name": "", "target_config": description, "topology": "1x1x1"}
        return list(topologies.get_topology_desc(**wanted).devices)

    @property
    def kind(self) -> str:
        """The platform of a `Program` that it runs."""
        return "gpu" if self.platform == "cuda" else self.platform

    def compile(self, lowered: Any) -> Any:
        """Compiles a lowered function. Without a GPU, alternatives of its kernels cannot be timed."""
        return lowered.compile({"xla_gpu_autotune_level": "0"} if self.platform == "cuda" else None)

    def seconds(self, launches: float, operations: float, moved: float, precision: str) -> dict[str, float]:
        """Returns what each of launches, operations and bytes would take on one device if it were the only limit."""
        return {
            "launches": launches * self.launch,
            "operations": operations / self.rates[precision],
            "bytes": moved / self.bandwidth,
        }


COMPILERS = {"cuda": "jax_cuda12_plugin", "tpu": "libtpu"}  # the package that compiles for a platform
INSTALL = {
    "cuda": "pip install 'vaemusic-jax[target-gpu]' brings the compiler for NVIDIA GPUs",
    "tpu": "pip install 'vaemusic-jax[target-tpu]' brings the compiler for TPUs",
}
GPU_LAUNCH, TPU_LAUNCH = 3e-6, 1e-6


def _tpu(title: str, topology: str, memory: float, bandwidth: float, bfloat16: float) -> Target:
    """Describes TPUs, whose matmuls take three passes for float32 at JAX's `high` precision, and six at `highest`."""
    rates = {"bfloat16": bfloat16, "tf32": bfloat16 / 3, "float32": bfloat16 / 6}
    return Target(title, "tpu", topology, memory, bandwidth, rates, TPU_LAUNCH)


# The makers' figures. Assumptions until measured: that they are reached, and what a launch takes.
TARGETS = {
    "h100": Target(
        "NVIDIA H100 SXM",
        "cuda",
        "h100.txtpb",
        memory=80e9,
        bandwidth=3.35e12,
        rates={"bfloat16": 989e12, "tf32": 494e12, "float32": 67e12},
        launch=GPU_LAUNCH,
    ),
    "v5e-4": _tpu("4 x TPU v5e", "v5e:2x2", 16e9, 819e9, 197e12),
    "v5e-8": _tpu("8 x TPU v5e", "v5e:2x4", 16e9, 819e9, 197e12),
    "v6e-4": _tpu("4 x TPU v6e", "v6e:2x2", 32e9, 1640e9, 918e12),
}


def abstract(tree: Any, sharding: Any, rows: int | None = None) -> Any:
    """Returns the shapes of arrays as they will be placed on devices.

    Args:
        tree: the arrays or their shapes.
        sharding: how they are placed.
        rows: the number of members that their leading axis gets; None leaves shapes as they are.
    """

    def of(leaf: Any) -> jax.ShapeDtypeStruct:
        shape = leaf.shape if rows is None else (rows, *leaf.shape)
        return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(of, tree)
