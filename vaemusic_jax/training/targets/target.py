"""Devices that are not here: XLA compiles for one that is only described, and a simple model tells the time of a step.

What compiled programs launch, read and write is counted; how fast a device does that is assumed, in `TARGETS` alone,
until one has been measured. This file imports JAX only when devices are asked for.
"""

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.words import did_you_mean

DESCRIPTIONS = Path(__file__).parent  # of what XLA has to know of a GPU, in its own format


class NotInstalledError(UserError):
    """The compiler for a target is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Target:
    """A device, or several, that programs are compiled for.

    Attributes:
        name: its name on the command line.
        title: its name in print.
        platform: as JAX names it.
        topology: the arrangement of its chips as libtpu names it; for a GPU the file of its description.
        memory: bytes of one device.
        share: the share of its memory that JAX gives to programs if it is not told otherwise.
        bandwidth: bytes a second between memory and cores.
        peaks: floating point operations a second in matmuls, by precision, without sparsity.
        launch: seconds that a kernel takes at least.
    """

    name: str
    title: str
    platform: str
    topology: str
    memory: float
    share: float
    bandwidth: float
    peaks: dict[str, float]
    launch: float

    def check_installed(self) -> None:
        """Raises NotInstalledError if the compiler for these devices is not installed."""
        if importlib.util.find_spec(COMPILERS[self.platform]) is None:
            raise NotInstalledError(f"{self.name} needs {INSTALL[self.platform]}")

    def devices(self) -> list[Any]:
        """Returns the described devices.

        Raises:
            NotInstalledError: the compiler for them is not installed.
        """
        self.check_installed()
        os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # libtpu would look for a machine with a TPU
        os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # and lock it
        os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")  # and complain that it knows none
        os.environ.setdefault("TPU_ACCELERATOR_TYPE", self.name.replace("v5e", "v5litepod"))
        os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")  # the versions of NVIDIA's libraries
        from jax.experimental import topologies

        wanted: dict[str, Any]
        if self.platform == "cuda":
            description = (DESCRIPTIONS / self.topology).read_text(encoding="utf-8")
            wanted = {"topology_name": "", "target_config": description, "topology": "1x1x1"}
        else:  # one host has all chips
            chips = map(int, self.topology.partition(":")[2].split("x"))
            wanted = {"topology_name": self.topology, "chips_per_host_bounds": (*chips, 1)}
        return list(topologies.get_topology_desc(platform=self.platform, **wanted).devices)

    @property
    def kind(self) -> str:
        """The platform of a `Program` that it runs."""
        return "gpu" if self.platform == "cuda" else self.platform

    @property
    def usable(self) -> int:
        """The bytes of one device's memory that programs may use, as `training.memory.device_memory` of a real one."""
        return int(self.memory * self.share)

    def compile(self, lowered: Any) -> Any:
        """Compiles a lowered function. Without a GPU, alternatives of its kernels cannot be timed."""
        return lowered.compile({"xla_gpu_autotune_level": "0"} if self.platform == "cuda" else None)

    def compiler(self) -> str:
        """Returns a text that is another one if what is compiled for these devices may be."""
        versions = [importlib.metadata.version(name) for name in ("jax", "jaxlib", COMPILERS[self.platform])]
        return " ".join((self.platform, self.topology, *versions, os.environ.get("XLA_FLAGS", "")))

    def seconds(self, launches: float, operations: float, moved: float, precision: str) -> dict[str, float]:
        """Returns what each of launches, operations and bytes would take on one device if it were the only limit."""
        return {
            "launches": launches * self.launch,
            "operations": operations / peak(self, precision),
            "bytes": moved / self.bandwidth,
        }


def peak(target: Target, precision: str) -> float:
    """Returns the floating point operations a second of one device's matmuls, by its maker.

    Args:
        target: the device.
        precision: `float32`, `tf32` or `bfloat16`.
    """
    return target.peaks[precision]


def find_target(name: str) -> Target:
    """Returns the target of a name. Raises UserError if there is none."""
    if name not in TARGETS:
        raise UserError(f"{name!r} is no target{did_you_mean(name, TARGETS)}; known: {', '.join(TARGETS)}")
    return TARGETS[name]


COMPILERS = {"cuda": "jax_cuda12_plugin", "tpu": "libtpu"}  # the package that compiles for a platform
INSTALL = {
    "cuda": "the compiler for NVIDIA GPUs, which `pip install 'vaemusic-jax[target-gpu]'` installs",
    "tpu": "the compiler for TPUs, which `pip install 'vaemusic-jax[target-tpu]'` installs",
}
GPU_LAUNCH, TPU_LAUNCH = 3e-6, 1e-6
GPU_SHARE = 0.75  # JAX's default, which the environment variable XLA_PYTHON_CLIENT_MEM_FRACTION replaces


def _tpu(name: str, title: str, topology: str, memory: float, bandwidth: float, bfloat16: float) -> Target:
    """Describes TPUs, whose matmuls take three passes for float32 at JAX's `high` precision, and six at `highest`."""
    peaks = {"bfloat16": bfloat16, "tf32": bfloat16 / 3, "float32": bfloat16 / 6}
    return Target(name, title, "tpu", topology, memory, 1.0, bandwidth, peaks, TPU_LAUNCH)


# The makers' figures. Assumptions until measured: that they are reached, and what a launch takes.
_ALL = (
    Target(
        "h100",
        "NVIDIA H100 SXM",
        "cuda",
        "h100.txtpb",
        memory=80e9,
        share=GPU_SHARE,
        bandwidth=3.35e12,
        peaks={"bfloat16": 989e12, "tf32": 494e12, "float32": 67e12},
        launch=GPU_LAUNCH,
    ),
    _tpu("v5e-4", "4 x TPU v5e", "v5e:2x2", 16e9, 819e9, 197e12),
    _tpu("v5e-8", "8 x TPU v5e", "v5e:2x4", 16e9, 819e9, 197e12),
    _tpu("v6e-4", "4 x TPU v6e", "v6e:2x2", 32e9, 1640e9, 918e12),
)
TARGETS = {target.name: target for target in _ALL}
