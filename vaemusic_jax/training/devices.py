"""The distribution of a cohort's member axis over devices."""

import contextlib
import math
import os
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vaemusic_jax.support.jax_settings import check_devices, pin_settings
from vaemusic_jax.support.processes import PROCESSES, own_rows


class MemberAxis:
    """Places arrays with a leading member axis on devices, and maps functions of one member over them.

    A device computes `at_once` members in parallel with `vmap`, and if it has more members, it computes groups of that
    size in turn. Copies of the last member fill incomplete groups, and groups of nothing but copies are skipped. If the
    devices belong to several processes, all are used, so that every process takes part.

    Attributes:
        n_members: the number of members.
        devices: the devices in use.
        spans_processes: whether they belong to several processes.
        at_once: the number of members that a device computes in parallel.
        turns: the number of groups that a device computes in turn.
        n_rows: the number of members including the copies that fill groups.
    """

    def __init__(self, n_members: int, devices: Sequence[jax.Device] | None = None, at_once: int | None = None) -> None:
        """Divides the members among the devices.

        Args:
            n_members: the number of members.
            devices: the devices, ordered by process; None for those of this process.
            at_once: the most members that a device computes in parallel. None means all, but one on CPU, where one
                member keeps a core busy and its matmuls are faster than batched ones.
        """
        devices = devices or jax.local_devices()
        self.spans_processes = len({device.process_index for device in devices}) > 1
        self.devices = devices if self.spans_processes else devices[:n_members]
        self.n_members = n_members
        per_device = math.ceil(n_members / len(self.devices))
        if at_once is None:
            at_once = 1 if self.devices[0].platform == "cpu" else per_device
        self.turns = math.ceil(per_device / at_once)
        self.at_once = math.ceil(per_device / self.turns)
        self.n_rows = self.turns * self.at_once * len(self.devices)

    @cached_property
    def by_member(self) -> NamedSharding:
        """The sharding with which each device holds its own members."""
        return NamedSharding(Mesh(np.array(self.devices), ("member",)), PartitionSpec("member"))

    @cached_property
    def replicated(self) -> NamedSharding:
        """The sharding with which each device holds the whole array."""
        return NamedSharding(self.by_member.mesh, PartitionSpec())

    def fill(self, leaf: np.ndarray) -> np.ndarray:
        """Appends copies of the last member: (n_members, ...) becomes (n_rows, ...)."""
        return np.concatenate([leaf, *[leaf[-1:]] * (self.n_rows - self.n_members)])

    def put(self, tree: Any) -> Any:
        """Fills up numpy arrays (n_members, ...) and shards them over the devices; each process puts its own rows."""
        return jax.tree.map(lambda leaf: _place(self.fill(leaf), self.by_member), tree)

    def share(self, tree: Any) -> Any:
        """Places numpy arrays whole on every device."""
        return jax.tree.map(lambda leaf: _place(np.asarray(leaf), self.replicated), tree)

    def take(self, tree: Any) -> Any:
        """Returns sharded arrays as numpy arrays (n_members, ...), the inverse of `put`.

        Every process gets the rows of all processes, so every process has to call this.
        """
        leaves, structure = jax.tree.flatten(tree)
        rows = PROCESSES.gather(list(map(own_rows, leaves))) if self.spans_processes else list(map(np.asarray, leaves))
        return jax.tree.unflatten(structure, [leaf[: self.n_members] for leaf in rows])

    def over_members(self, function: Callable[..., Any], shared: int) -> Callable[..., Any]:
        """Maps a function of one member over all members, each device over its own.

        Args:
            function: takes the arguments of one member, then arguments that all members share.
            shared: the number of shared arguments.

        Returns:
            A function of the same arguments, the members' with a leading member axis, as are its results.
        """

        def mapped(*args: Any) -> Any:
            own, rest = args[: len(args) - shared], args[len(args) - shared :]
            is_real = jnp.arange(self.n_rows) < self.n_members
            by_member = PartitionSpec("member")
            return jax.shard_map(
                partial(self._on_one_device, function),
                mesh=self.by_member.mesh,
                in_specs=(by_member, (by_member,) * len(own), (PartitionSpec(),) * shared),
                out_specs=by_member,
                check_vma=False,
            )(is_real, own, rest)

        return mapped

    def _on_one_device(self, function: Callable[..., Any], is_real: jax.Array, own: Any, rest: Any) -> Any:
        """Computes the members of one device, one group after the other."""

        def side_by_side(own: Any) -> Any:
            if self.at_once > 1:
                return jax.vmap(lambda own: function(*own, *rest))(own)
            out = function(*jax.tree.map(lambda leaf: leaf[0], own), *rest)
            return jax.tree.map(lambda leaf: leaf[None], out)

        def turn(own_and_real: tuple[Any, jax.Array]) -> Any:
            own, is_real = own_and_real
            if self.n_rows == self.n_members:
                return side_by_side(own)
            nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(side_by_side, own))
            return lax.cond(is_real.any(), side_by_side, lambda own: nothing, own)

        if self.turns == 1:
            return turn((own, is_real))
        split = (self.turns, self.at_once)
        by_turn = lax.map(turn, jax.tree.map(lambda leaf: leaf.reshape(*split, *leaf.shape[1:]), (own, is_real)))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), by_turn)


def _place(leaf: np.ndarray, sharding: NamedSharding) -> jax.Array:
    # `device_put` would make the devices of all processes compare the array that each of them was given.
    return jax.make_array_from_callback(leaf.shape, sharding, leaf.__getitem__)


def prepare_devices() -> None:
    """Pins JAX's settings and connects to the devices, of which each CPU core is one.

    One member alone does not keep all cores busy. The number of CPU devices is left as it is if it is configured, or
    if JAX already uses its devices.

    Raises:
        UserError: JAX finds no devices of the kind that its environment variables ask for.
    """
    pin_settings()
    if jax.config.values["jax_num_cpu_devices"] < 0:
        with contextlib.suppress(RuntimeError):  # the devices are already in use
            jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    check_devices()
