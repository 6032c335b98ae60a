"""Reads mutated music files and reports every reader that fails, hangs, dies or gives a measure of a wrong length.

    python -m benchmarks.fuzz_readers --source FOLDER [FOLDER ...] [--inputs 20000] [--seed 0]

Every input is a real file or tune of the folders after a few random changes, read as `vaemusic data prepare` reads
it, in any of the metres: in a worker process under limits of time and memory. Exit status 1 when anything was found;
inputs that found something are kept in --keep.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from typing import Any

import tyro

from benchmarks.mutations import mutated, problems
from vaemusic_jax.data.pieces import collect
from vaemusic_jax.data.read_pieces import import_readers
from vaemusic_jax.data.sources import find_files
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.workers import Limits, available_cores, worker_pool
from vaemusic_jax.music.grid import GRIDS
from vaemusic_jax.support.progress import progress_bar

LARGEST = 300_000  # bytes: larger files are not mutated


def main(source: tuple[Path, ...], inputs: int = 20_000, seed: int = 0, keep: Path = Path("fuzz_findings")) -> None:
    """Reads mutated music files.

    Args:
        source: folders with real music.
        inputs: how many mutated files to read.
        seed: of the mutations.
        keep: folder for inputs that found something.
    """
    originals: dict[str, list[bytes]] = defaultdict(list)
    for folder in source:
        for piece in collect(find_files(folder), 64).pieces:
            content = piece.content()
            if 0 < len(content) <= LARGEST:
                originals[piece.kind].append(content)
    draw = random.Random(seed)
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    found: list[str] = []
    running: dict[Any, tuple[str, bytes]] = {}
    began = time.monotonic()
    with (
        progress_bar("reading mutated music", inputs, "inputs") as advance,
        worker_pool(available_cores(), Limits(seconds=10, memory=512), import_readers) as schedule,
    ):
        for number in range(inputs + 1):
            while running and (number == inputs or len(running) >= 4 * available_cores()):
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    kind, content = running.pop(future)
                    try:
                        end, problem = future.result()
                    except Exception as error:
                        end, problem = "stopped", f"{type(error).__name__}: {error}"
                    ends[kind][end] += 1
                    if problem:
                        keep.mkdir(exist_ok=True)
                        path = keep / f"{len(found):03}.{kind}"
                        path.write_bytes(content)
                        found.append(f"{path}: {problem}")
                    advance(1, f"{len(found)} findings")
            if number < inputs:
                kind = draw.choice(sorted(originals))
                content = mutated(draw, kind, draw.choice(originals[kind]), draw.choice(originals[kind]))
                metre = draw.choice(list(GRIDS))
                reading = Reading(draw.choice(("rounded", "microtonal")), draw.choice(("melody", "all")), metre)
                running[schedule(problems, (kind, content, reading))] = (kind, content)
    for kind, counts in sorted(ends.items()):
        print(
            f"{kind}: {sum(counts.values()):,} inputs; {', '.join(f'{end} {n:,}' for end, n in counts.most_common())}"
        )
    print(*found, f"{inputs:,} inputs in {time.monotonic() - began:.0f} s, {len(found)} findings", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    tyro.cli(main)
