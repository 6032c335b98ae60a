"""Times the readers of this checkout against those of another one, format by format, on the same music.

    taskset -c 0 python -m benchmarks.reading_rates --before CHECKOUT --source FOLDER [FOLDER ...]

Each checkout reads in a process of its own. They take turns, in alternating order, so that what else the machine does
meets both alike; the ratio is the median over rounds of the other's time over ours: above 1 ours is faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import tyro

_WORKER = """
import sys, time
from pathlib import Path
from vaemusic_jax.data.pieces import collect
from vaemusic_jax.data.read_pieces import read_piece
from vaemusic_jax.data.sources import find_files
from vaemusic_jax.data.tunes import Reading
contents = {}
for folder in sys.argv[1:]:
    for piece in collect(find_files(Path(folder)), 64).pieces:
        contents.setdefault(piece.kind, []).append(piece.content())
print(*sorted(contents), flush=True)
for line in sys.stdin:
    kind, most = line.split()
    start, read = time.process_time(), 0
    for content in contents[kind]:
        read_piece(kind, content, Reading())
        read += 1
        if time.process_time() - start > float(most):
            break
    print(read, time.process_time() - start, flush=True)
"""


class _Checkout:
    """A process that reads music with the code of one checkout."""

    def __init__(self, folder: Path, source: tuple[Path, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, *(str(each.resolve()) for each in source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self.kinds = self._out.readline().split()
        if not self.kinds:
            raise SystemExit(f"{folder}: it reads none of the music")

    def seconds_per_piece(self, kind: str, most: float) -> float:
        """Reads pieces of one format for that many seconds, or all of them."""
        print(kind, most, file=self._in, flush=True)
        pieces, seconds = self._out.readline().split()
        return float(seconds) / int(pieces)

    def close(self) -> None:
        """Ends the process."""
        self._in.close()
        self._process.wait()


def main(before: Path, source: tuple[Path, ...], rounds: int = 7, seconds: float = 4.0) -> None:
    """Times readers against those of another checkout.

    Args:
        before: the other checkout.
        source: folders with real music.
        rounds: how often each checkout reads each format.
        seconds: processor time of one turn, at most.
    """
    began = time.monotonic()
    theirs, ours = (_Checkout(folder, source) for folder in (before, Path.cwd()))
    ratios, rates = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for kind in sorted(set(ours.kinds) & set(theirs.kinds)):
        for number in range(rounds + 1):
            turns = [theirs, ours] if number % 2 else [ours, theirs]
            took = {id(each): each.seconds_per_piece(kind, seconds) for each in turns}
            if number:  # the first turn warms up
                ratios[kind].append(took[id(theirs)] / took[id(ours)])
                rates[kind].append(1 / took[id(ours)])
        ratio, rate = ratios[kind], median(rates[kind])
        print(f"{kind}: {median(ratio):.3f} ({min(ratio):.3f} to {max(ratio):.3f}), {rate:.0f} pieces a second")
    theirs.close()
    ours.close()
    print(f"{rounds} rounds in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    tyro.cli(main)
