"""Limits what reading one file may take, by reading in worker processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaemusic_jax.errors import UserError

#: Least and greatest value of each limit. A reader takes about 100 MiB before it reads anything.
BOUNDS = {"seconds": (0.1, 1e6), "memory": (256, 1_000_000), "size": (1, 10_000)}


@dataclass(frozen=True)
class Limits:
    """What reading one file may take; a file that needs more is dropped, with that as the reason.

    Attributes:
        seconds: of time.
        memory: of memory, in MiB (kept on Linux; elsewhere only the size is limited).
        size: of the file itself, in MiB.
    """

    seconds: float = 30.0
    memory: int = 1024
    size: int = 64

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise UserError(f"{name} per file: {value} is no sensible limit; give {least} to {most:,}")


@contextlib.contextmanager
def worker_pool(workers: int, limits: Limits, start: Callable[[], None]) -> Iterator[Callable[..., Any]]:
    """Worker processes under these limits, each of which calls `start` first.

    Yields:
        schedule(function, argument): starts the call in a worker and returns its future, whose result is the
        function's, or an exception: TimeoutError beyond the time, pebble.ProcessExpired when the worker died. Only that
        call is lost then; a new worker takes the place.
    """
    from pebble import ProcessPool

    pool = ProcessPool(
        max_workers=workers,
        initializer=_confine,
        initargs=[limits.memory, start],
        # spawn, because forking a process that runs JAX's threads can deadlock
        context=multiprocessing.get_context("spawn"),
    )
    try:
        with _no_main_module():
            yield lambda function, argument: pool.schedule(function, args=[argument], timeout=limits.seconds)
            pool.close()
            pool.join()
    finally:
        pool.stop()
        pool.join()


def _confine(memory: int, start: Callable[[], None]) -> None:
    """Limits the memory of this worker process to `memory` MiB more than it takes after `start`."""
    start()
    if not sys.platform.startswith("linux"):
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory * 2**20
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Hides the user's script from the workers, which would otherwise run it again up to here, each of them."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
