"""Tunes to measures, in worker processes, with every drop counted."""

from __future__ import annotations

import multiprocessing
import os
import sys
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field

from vaemusic_jax.data.abc_reader import read_tune
from vaemusic_jax.data.grid import Drop, bar_to_tokens
from vaemusic_jax.data.tune import UnreadableTuneError
from vaemusic_jax.data.tune_book import TuneText
from vaemusic_jax.errors import UserError
from vaemusic_jax.progress import Progress, no_progress

Measure = tuple[str, ...]

TUNES_PER_TASK = 32
# Starting workers costs about as much as reading this many tunes
FEWEST_TUNES_FOR_WORKERS = 200


@dataclass
class ParsedTune:
    """What one tune gave.

    Attributes:
        name: of its `TuneText`.
        title: as written.
        measures: 24 token names each, voice after voice.
        written: number of written measures, kept or not.
        drops: reason -> measures.
        other_metres: metre -> measures dropped for it.
        failure: why the tune as a whole gave nothing, or empty.
    """

    name: str
    title: str = ""
    measures: list[Measure] = field(default_factory=list)
    written: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    other_metres: Counter[str] = field(default_factory=Counter)
    failure: str = ""


def parse_tune(source: TuneText) -> ParsedTune:
    """Reads one tune and puts its bars on the grid; never raises on account of the text."""
    parsed = ParsedTune(source.name)
    try:
        tune = read_tune(source.text)
    except UnreadableTuneError as error:
        parsed.failure = str(error)
        return parsed
    parsed.title = tune.title
    for bar in (bar for voice in tune.voices for bar in voice):
        parsed.written += 1
        tokens = bar_to_tokens(bar)
        if isinstance(tokens, Drop):
            parsed.drops[tokens.value] += 1
            if tokens is Drop.METRE:
                parsed.other_metres[bar.metre[:20] or "none"] += 1
        else:
            parsed.measures.append(tokens)
    if not parsed.measures:
        only_reason = next(iter(parsed.drops), "no music") if len(parsed.drops) < 2 else "no usable measure"
        parsed.failure = only_reason
    return parsed


def parse_tunes(sources: Sequence[TuneText]) -> list[ParsedTune]:
    return [parse_tune(source) for source in sources]


def parse_all(
    sources: Sequence[TuneText], workers: int | None = None, progress: Progress = no_progress
) -> list[ParsedTune]:
    """Parses tunes in worker processes; the result is in the order of `sources` and does not depend on `workers`.

    Args:
        sources: the tunes.
        workers: processes; None takes one per available core, 1 reads in this process.
        progress: shows it.

    Raises:
        UserError: fewer than one worker.
    """
    if workers is not None and workers < 1:
        raise UserError(f"workers: {workers} processes cannot read anything; give 1 or more")
    tasks = [sources[at : at + TUNES_PER_TASK] for at in range(0, len(sources), TUNES_PER_TASK)]
    if workers is None:
        workers = min(available_cores(), 16) if len(sources) >= FEWEST_TUNES_FOR_WORKERS else 1
    parsed: list[ParsedTune] = []
    with progress("reading tunes", total=len(sources), unit="tunes") as advance:
        for batch in _parsed_batches(tasks, workers):
            parsed += batch
            advance(len(batch))
    return parsed


def _parsed_batches(tasks: Sequence[Sequence[TuneText]], workers: int) -> Iterator[list[ParsedTune]]:
    done = 0
    if workers > 1:
        # spawn, because forking a process that runs JAX's threads can deadlock
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
                with _no_main_module():
                    batches = pool.map(parse_tunes, tasks)  # starts the workers
                for batch in batches:
                    yield batch
                    done += 1
        except BrokenProcessPool:
            pass  # a worker was killed: go on here, slower
    yield from map(parse_tunes, tasks[done:])


@contextmanager
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
