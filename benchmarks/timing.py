"""Times of several programs side by side: in turns, so that what else the machine does falls on all alike."""

import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Run = Callable[[int], None]  # makes so many steps, and returns when they are done

MAX_STEPS_PER_CALL = 100


@dataclass(frozen=True)
class Sample:
    """One call of one program."""

    seconds: float  # a step
    others: float  # share of the machine's cores that other processes used meanwhile; NaN where the system does not say


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
    """`rounds` samples of each program, in calls of at least `seconds` or MAX_STEPS_PER_CALL steps.

    Two calls of each, the first of which may compile, are not counted.
    """
    steps = []
    for run in programs:
        run(1)
        steps.append(max(1, min(MAX_STEPS_PER_CALL, math.ceil(seconds / sample(run, 1).seconds))))
    taken = [[sample(run, n) for run, n in zip(programs, steps, strict=True)] for _ in range(rounds)]
    return [list(samples) for samples in zip(*taken, strict=True)]


def sample(run: Run, steps: int) -> Sample:
    """One call of `steps` steps."""
    busy, own, started = busy_core_seconds(), time.process_time(), time.perf_counter()
    run(steps)
    wall = time.perf_counter() - started
    others = busy_core_seconds() - busy - (time.process_time() - own)
    return Sample(wall / steps, max(0.0, others) / wall / (os.cpu_count() or 1))


def busy_core_seconds() -> float:
    """What all cores have worked since the machine started, in seconds; NaN where there is no /proc/stat."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, *interrupts = (int(field) for field in file.readline().split()[1:9])
    except OSError:
        return math.nan
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def others_share(samples: Sequence[Sample]) -> str:
    """In words, for the end of a row: what other processes took, on average."""
    share = statistics.mean(sample.others for sample in samples)
    return "?" if math.isnan(share) else f"{share:.0%}"
