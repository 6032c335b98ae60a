"""Timing of several programs in turns, so that other work of the machine affects all of them alike."""

import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Run = Callable[[int], None]  # Makes the given number of steps and returns when they are done.

MAX_STEPS_PER_CALL = 100


@dataclass(frozen=True)
class Sample:
    """The measurement of one call of one program.

    Attributes:
        seconds: the seconds per step.
        others: the share of the machine's cores that other processes used meanwhile; NaN if the system does not tell.
    """

    seconds: float
    others: float


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of several numbers."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g}-{self.greatest:.3g})"


def in_turns(programs: Sequence[Run], rounds: int, seconds: float) -> list[list[Sample]]:
    """Measures programs in turns and returns `rounds` samples of each.

    A call takes about `seconds` or more, but has at most MAX_STEPS_PER_CALL steps. Two earlier calls of each program,
    the first of which may compile, are not counted.
    """
    steps = []
    for run in programs:
        run(1)
        steps.append(max(1, min(MAX_STEPS_PER_CALL, math.ceil(seconds / sample(run, 1).seconds))))
    taken = [[sample(run, n) for run, n in zip(programs, steps, strict=True)] for _ in range(rounds)]
    return [list(samples) for samples in zip(*taken, strict=True)]


def sample(run: Run, steps: int) -> Sample:
    """Measures one call of `steps` steps."""
    busy, own, started = busy_core_seconds(), time.process_time(), time.perf_counter()
    run(steps)
    wall = time.perf_counter() - started
    others = busy_core_seconds() - busy - (time.process_time() - own)
    return Sample(wall / steps, max(0.0, others) / wall / (os.cpu_count() or 1))


def busy_core_seconds() -> float:
    """Returns the seconds that all cores have worked since the machine started; NaN if there is no /proc/stat."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, *interrupts = (int(field) for field in file.readline().split()[1:9])
    except OSError:
        return math.nan
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def others_share(samples: Sequence[Sample]) -> str:
    """Returns the mean share of the cores that other processes used, as text for the end of a row."""
    share = statistics.mean(sample.others for sample in samples)
    return "?" if math.isnan(share) else f"{share:.0%}"
