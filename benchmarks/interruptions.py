"""How often a signal at a random moment ends a sweep as it should, while it imports, traces and compiles.

    python -m benchmarks.interruptions --tries 40

Each sweep starts with an empty cache of programs. A signal is honoured if the sweep ends within PATIENCE_SECONDS, with
the signal's exit status, one line that says that it was interrupted, and no traceback.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vaemusic_jax.data.cache import cache_directory

FIRST_SECONDS, LAST_SECONDS = 0.1, 10.0  # of the moments; before, Python itself starts
PATIENCE_SECONDS = 15.0
CONFIG = """
name: interrupted
dataset: irish_folk
model: measure_vae
size: 12
latent_dim: 4
attributes: all
steps: 100000
eval_every: 1000
"""


def honoured(after: float, number: int, folder: Path) -> str:
    """Sends one signal to a new sweep; returns the empty text if it is honoured, else what happened instead."""
    cache = folder / "cache"
    cache.mkdir(parents=True)
    for prepared in cache_directory().glob("irish_folk*"):
        shutil.copy2(prepared, cache)
    (folder / "config.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "vaemusic_jax", "sweep", str(folder / "config.yaml"), "--out", str(folder / "run")]
    sweep = subprocess.Popen(
        command, env=os.environ | {"VAEMUSIC_CACHE": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    time.sleep(after)
    sweep.send_signal(number)
    started = time.monotonic()
    try:
        said = sweep.communicate(timeout=PATIENCE_SECONDS)[1].decode()
    except subprocess.TimeoutExpired:
        sweep.kill()
        return f"still at work after {PATIENCE_SECONDS:.0f} s: {sweep.communicate()[1].decode()[-200:]!r}"
    print(f"{signal.Signals(number).name} after {after:.2f} s: ended {time.monotonic() - started:.2f} s later")
    n_lines = sum(line.startswith("interrupted") for line in said.splitlines())
    well = sweep.returncode == 128 + number and n_lines == 1 and "Traceback" not in said and "Exception" not in said
    return "" if well else f"status {sweep.returncode}: {said[-400:]!r}"


def main() -> None:
    """Runs the tries and prints how many signals were honoured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signal", choices=("SIGINT", "SIGTERM"), default="SIGINT")
    options = parser.parse_args()
    draw, n_honoured = random.Random(options.seed), 0
    for _ in range(options.tries):
        after = draw.uniform(FIRST_SECONDS, LAST_SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            wrong = honoured(after, signal.Signals[options.signal], Path(folder))
        n_honoured += not wrong
        if wrong:
            print(f"{options.signal} after {after:.2f} s: {wrong}")
    print(f"{n_honoured} of {options.tries} {options.signal} honoured")


if __name__ == "__main__":
    main()
