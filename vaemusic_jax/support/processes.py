"""Several processes, on one host or many, that train a sweep together by JAX's own multi-process runtime.

The programs that train hold no collective. What the processes tell each other (a few bytes at a time: rows of metrics,
whether one has failed) goes through the runtime's coordination service, never through the devices: hosts need nothing
but a way to the first process's port, and need not have equally many devices. Alone, a process exchanges with itself.
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
from jax._src import distributed  # JAX offers its coordination service nowhere else; Orbax takes it from here too

from vaemusic_jax.errors import UserError

JOIN_SECONDS = 300  # all processes have to be started within
DEAD_SECONDS = 100  # without a sign of life from a process JAX ends all others
PATIENCE_SECONDS = 3600.0  # longest wait for a process that lives but says nothing
LEAVE_SECONDS = 30.0  # a process that fails waits so long for the others to hear of it
POLL_SECONDS = 1.0  # between two looks whether a process has failed

ADDRESS, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
ENDED = "vaemusic/ended/"

T = TypeVar("T")


class Processes:
    """The processes that train a sweep together: this one alone, or those that it has `joined`."""

    def __init__(self) -> None:
        self._turns = itertools.count()  # exchanges so far; each process makes the same ones

    def is_first(self) -> bool:
        """Whether this is the process that writes the run directory; true if it is alone."""
        return jax.process_index() == 0

    def all_devices(self) -> list[jax.Device]:
        """Those of all processes, process by process; if this process is alone, its own."""
        return sorted(jax.devices(), key=lambda device: (device.process_index, device.id))

    def wait_for_all(self) -> None:
        """Returns when every process has come this far."""
        self._exchange(b"")

    def from_first(self, function: Callable[[], T]) -> T:
        """What a function returns in the first process, in every process; the others do not call it. JSON values."""
        said = json.dumps(function()).encode() if self.is_first() else b""
        first: T = json.loads(self._exchange(said)[0])
        return first

    def largest(self, value: float) -> float:
        """The largest of what the processes have."""
        return max(float(said) for said in self._exchange(repr(float(value)).encode()))

    def check_same(self, facts: Mapping[str, str]) -> None:
        """Raises UserError in every process where a fact, such as a data set's digest, is not the same in all."""
        everyone = [json.loads(said) for said in self._exchange(json.dumps(dict(facts)).encode())]
        for i, theirs in enumerate(everyone):
            for name in sorted({*everyone[0], *theirs}):
                ours, other = everyone[0].get(name, "none"), theirs.get(name, "none")
                if ours != other:
                    raise UserError(f"{name}: process 0 has {ours}, process {i} has {other}; all need the same")

    def gather(self, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Each process's rows of some arrays, one process after the other: [(own rows, ...)] to [(all rows, ...)]."""
        buffer = io.BytesIO()
        np.savez(buffer, *rows)
        everyone = [np.load(io.BytesIO(said), allow_pickle=False) for said in self._exchange(buffer.getvalue())]
        return [np.concatenate([theirs[f"arr_{i}"] for theirs in everyone]) for i in range(len(rows))]

    def _exchange(self, said: bytes) -> list[bytes]:
        """What every process says, by process; each has to come here as often as the others.

        Raises:
            UserError: another process has failed, or says nothing.
        """
        if jax.process_count() == 1:
            return [said]
        turn, me = next(self._turns), jax.process_index()
        with _connection() as client:
            client.key_value_set_bytes(f"vaemusic/{turn}/{me}", said)
            heard = [_hear(client, turn, i) for i in range(jax.process_count())]
            if turn:  # every process is at this turn, so all have read the one before
                client.key_value_delete(f"vaemusic/{turn - 1}/{me}")
        return heard


PROCESSES = Processes()


def own_rows(leaf: jax.Array) -> np.ndarray:
    """The rows that this process's devices hold of an array that is spread by member."""
    shards = sorted(leaf.addressable_shards, key=lambda shard: shard.index[0].start or 0)
    return np.concatenate([np.asarray(shard.data) for shard in shards])


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Within, this process is one of several; to be entered before JAX uses a device.

    Finds the others by itself under SLURM, Open MPI and on TPUs, elsewhere by the environment variables
    JAX_COORDINATOR_ADDRESS (host:port of the first process), JAX_NUM_PROCESSES and JAX_PROCESS_ID. All leave together.
    If one leaves with an exception, the others learn of it at their next exchange, and raise UserError.

    Raises:
        UserError: no others to join, or the first cannot be reached.
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
    try:
        yield distributed.global_state.client
    except jax.errors.JaxRuntimeError as error:
        raise UserError(f"process 0: cannot be reached: {error}") from error


def _tell(error: BaseException) -> None:
    """Lets the others know, and gives them time to hear of it: when the first process is gone, JAX ends them all."""
    client: Any = distributed.global_state.client
    reason = str(error) if isinstance(error, UserError) else f"ended by {type(error).__name__}: {error}"
    with contextlib.suppress(jax.errors.JaxRuntimeError):  # the first is gone already, or one that is does not come
        client.key_value_set(f"{ENDED}{distributed.global_state.process_id}", reason)
        client.wait_at_barrier("vaemusic/leave", round(1000 * LEAVE_SECONDS))
        jax.distributed.shutdown()


def _join() -> None:
    address = os.environ.get(ADDRESS)
    count, index = _number(COUNT), _number(INDEX)
    if address:
        _check_address(address, own=index == 0)
    # It would take SIGTERM away from us.
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
    text = os.environ.get(name)
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    raise UserError(f"{name}: is {text!r}; it must be a whole number")


def _check_address(address: str, own: bool) -> None:
    """Raises UserError where JAX would end the process: a port that is taken, or that nobody answers at."""
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
