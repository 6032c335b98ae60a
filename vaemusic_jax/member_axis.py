"""The member axis of a cohort, spread over devices."""

import contextlib
import math
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


class MemberAxis:
    """Places arrays with a leading member axis on devices, and maps functions of one member over them.

    Where the number of devices does not divide the number of members, copies of the last member fill up.
    """

    def __init__(self, n_members: int, devices: Sequence[jax.Device] | None = None) -> None:
        self.devices = (devices or jax.local_devices())[:n_members]
        self.n_members = n_members
        self.n_rows = math.ceil(n_members / len(self.devices)) * len(self.devices)

    @cached_property
    def by_member(self) -> NamedSharding:
        """Each device holds its own members."""
        return NamedSharding(Mesh(np.array(self.devices), ("member",)), PartitionSpec("member"))

    @cached_property
    def replicated(self) -> NamedSharding:
        """Each device holds everything."""
        return NamedSharding(self.by_member.mesh, PartitionSpec())

    def fill(self, leaf: np.ndarray) -> np.ndarray:
        """Copies of the last member at the end: (n_members, ...) to (n_rows, ...)."""
        return np.concatenate([leaf, *[leaf[-1:]] * (self.n_rows - self.n_members)])

    def put(self, tree: Any) -> Any:
        """Numpy arrays of the real members, filled up and spread over the devices."""
        return jax.device_put(jax.tree.map(self.fill, tree), self.by_member)

    def take(self, tree: Any) -> Any:
        """The inverse of `put`."""
        return jax.tree.map(lambda leaf: np.asarray(leaf)[: self.n_members], tree)

    def over_members(self, function: Callable[..., Any], shared: int) -> Callable[..., Any]:
        """`function(a member's arguments..., shared arguments...)` for all members, each device its own."""

        def mapped(*args: Any) -> Any:
            own = len(args) - shared
            return jax.shard_map(
                jax.vmap(function, (0,) * own + (None,) * shared),
                mesh=self.by_member.mesh,
                in_specs=(PartitionSpec("member"),) * own + (PartitionSpec(),) * shared,
                out_specs=PartitionSpec("member"),
                check_vma=False,
            )(*args)

        return mapped


def use_every_core() -> None:
    """On CPU, one device per core: members side by side keep all of them busy, one member alone does not."""
    if jax.config.values["jax_num_cpu_devices"] < 0:
        with contextlib.suppress(RuntimeError):  # the devices are already in use
            jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
