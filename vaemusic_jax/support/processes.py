"""Training of one sweep by several processes, on one host or many, with JAX's own multi-process runtime.

The compiled programs contain no collective operation. The processes exchange a few bytes at a time, such as rows of
metrics or that one of them has failed, through the coordination service of the runtime and never through the devices.
Hosts therefore need nothing but a connection to the first process's port, and may have different numbers of devices. A
process that is alone receives what it sends.
"""

import contextlib
import io
import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax._src import distributed  # JAX has no public access to its coordination service; Orbax imports this too

from vaemusic_jax.errors import UserError

JOIN_SECONDS = 300  # the time within which all processes have to be started
DEAD_SECONDS = 100  # after this time without a heartbeat of a process, JAX ends all others
PATIENCE_SECONDS = 3600.0  # the longest wait for a process that is alive but sends nothing
LEAVE_SECONDS = 30.0  # how long a process that fails waits for the others to read why
POLL_SECONDS = 1.0  # the time between two checks whether a process has failed

ADDRESS, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
ENDED = "vaemusic/ended/"

T = TypeVar("T")


class Processes:
    """The processes that train a sweep together: this one alone, or all processes within `joined`."""

    def __init__(self) -> None:
        self._turns = itertools.count()  # numbers the exchanges, which are the same in every process

    def is_first(self) -> bool:
        """Returns whether this is the process that writes the run directory; a process that is alone does."""
        return jax.process_index() == 0

    def all_devices(self) -> list[jax.Device]:
        """Returns the devices of all processes, ordered by process."""
        return sorted(jax.devices(), key=lambda device: (device.process_index, device.id))

    def wait_for_all(self) -> None:
        """Returns when every process has called this method."""
        self._exchange(b"")

    def from_first(self, function: Callable[[], T]) -> T:
        """Calls a function in the first process only and returns its result, a JSON value, in every process."""
        said = json.dumps(function()).encode() if self.is_first() else b""
        first: T = json.loads(self._exchange(said)[0])
        return first

    def largest(self, value: float) -> float:
        """Returns the largest of the values that the processes pass."""
        return max(float(said) for said in self._exchange(repr(float(value)).encode()))

    def check_same(self, facts: Mapping[str, str]) -> None:
        """Raises UserError in every process if a fact, such as a data set's digest, differs between processes."""
        everyone = [json.loads(said) for said in self._exchange(json.dumps(dict(facts)).encode())]
        for i, theirs in enumerate(everyone):
            for name in sorted({*everyone[0], *theirs}):
                ours, other = everyone[0].get(name, "none"), theirs.get(name, "none")
                if ours != other:
                    raise UserError(f"{name}: process 0 has {ours}, process {i} has {other}; all need the same")

    def gather(self, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Concatenates the rows of all processes, ordered by process, for each of several arrays.

        Args:
            rows: arrays of shape (this process's rows, ...), equally many in every process.

        Returns:
            Arrays of shape (rows of all processes, ...), the same in every process.
        """
        buffer = io.BytesIO()
        np.savez(buffer, *rows)
        everyone = [np.load(io.BytesIO(said), allow_pickle=False) for said in self._exchange(buffer.getvalue())]
        return [np.concatenate([theirs[f"arr_{i}"] for theirs in everyone]) for i in range(len(rows))]

    def _exchange(self, said: bytes) -> list[bytes]:
        """Returns what every process sends, ordered by process. All processes have to call this equally often.

        Raises:
            UserError: another process has failed or sends nothing.
        """
        if jax.process_count() == 1:
            return [said]
        turn, me = next(self._turns), jax.process_index()
        with _connection() as client:
            client.key_value_set_bytes(f"vaemusic/{turn}/{me}", said)
            heard = [_hear(client, turn, i) for i in range(jax.process_count())]
            if turn:  # every process has reached this exchange, so all have read the one before
                client.key_value_delete(f"vaemusic/{turn - 1}/{me}")
        return heard


PROCESSES = Processes()


def own_rows(leaf: jax.Array) -> np.ndarray:
    """Returns the rows that this process's devices hold of an array that is sharded along its first axis."""
    shards = sorted(leaf.addressable_shards, key=lambda shard: shard.index[0].start or 0)
    return np.concatenate([np.asarray(shard.data) for shard in shards])


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Makes this process one of several for the duration of the `with` block, entered before JAX uses a device.

    Under SLURM, Open MPI and on TPUs the processes find each other by themselves. Elsewhere the environment variables
    JAX_COORDINATOR_ADDRESS (host:port of the first process), JAX_NUM_PROCESSES and JAX_PROCESS_ID say where they are.
    All processes leave the block together. If one leaves with an exception, the others are told at their next exchange
    and raise UserError.

    Raises:
        UserError: there are no other processes to join, or the first process cannot be reached.
    """
    _join()
    try:
        yield
        PROCESSES.wait_for_all()
    except BaseException as error:
        _tell(error)
        raise
    jax.distributed.shutdown()


def _hear(client: Any, turn: int, process: int) -> bytes:
    """Waits for what one process sends in one exchange. Raises UserError if a process has failed or sends nothing."""
    started = time.monotonic()
    while True:
        try:
            said: bytes = client.blocking_key_value_get_bytes(f"vaemusic/{turn}/{process}", round(1000 * POLL_SECONDS))
            return said
        except jax.errors.JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise
        for key, reason in client.key_value_dir_get(ENDED):
            raise UserError(f"process {key.rpartition('/')[2]}: {reason}")
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise UserError(f"process {process}: has said nothing for {PATIENCE_SECONDS:.0f} seconds; end it")


@contextlib.contextmanager
def _connection() -> Iterator[Any]:
    """Yields the client of the coordination service; errors of the connection become UserErrors."""
    try:
        yield distributed.global_state.client
    except jax.errors.JaxRuntimeError as error:
        raise UserError(f"process 0: cannot be reached: {error}") from error


def _tell(error: BaseException) -> None:
    """Tells the other processes why this one ends, and waits until they know: JAX ends them when the first is gone."""
    client: Any = distributed.global_state.client
    reason = str(error) if isinstance(error, UserError) else f"ended by {type(error).__name__}: {error}"
    with contextlib.suppress(jax.errors.JaxRuntimeError):  # the first process is gone, or another one never arrives
        client.key_value_set(f"{ENDED}{distributed.global_state.process_id}", reason)
        client.wait_at_barrier("vaemusic/leave", round(1000 * LEAVE_SECONDS))
        jax.distributed.shutdown()


def _join() -> None:
    """Starts JAX's multi-process runtime. Raises UserError as `joined` does."""
    address = os.environ.get(ADDRESS)
    count, index = _number(COUNT), _number(INDEX)
    if address:
        _check_address(address, own=index == 0)
    # JAX's preemption service would replace our handler of SIGTERM.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            num_processes=count,
            process_id=index,
            initialization_timeout=JOIN_SECONDS,
            heartbeat_timeout_seconds=DEAD_SECONDS,
        )
    except (ValueError, TypeError) as error:
        raise UserError(
            f"--distributed: {error} Start it by srun, by mpirun or on TPUs, or set {ADDRESS} (host:port of the first "
            f"process), {COUNT} and {INDEX}"
        ) from error


def _number(name: str) -> int | None:
    """Returns an environment variable as a whole number, or None if it is not set. Raises UserError."""
    text = os.environ.get(name)
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    raise UserError(f"{name}: is {text!r}; it must be a whole number")


def _check_address(address: str, own: bool) -> None:
    """Raises UserError where JAX would end the process: if the port is in use, or if no process listens on it."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(f"{ADDRESS}: is {address!r}; it must be host:port of the first process")
    if own:
        try:
            socket.create_server(("", int(port))).close()
        except OSError as error:
            raise UserError(f"{ADDRESS}: port {port} cannot be used here: {error.strerror}") from error
        return
    started = time.monotonic()
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=POLL_SECONDS).close()
            return
        except OSError as error:
            if time.monotonic() - started > JOIN_SECONDS:
                raise UserError(f"{ADDRESS}: the first process cannot be reached at {address}: {error}") from error
        time.sleep(POLL_SECONDS)
