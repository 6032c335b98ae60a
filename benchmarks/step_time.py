"""Our training step against an idiomatic PyTorch version of the same network, in one process, in turns.

    python -m benchmarks.step_time
    python -m benchmarks.step_time --sizes 128 32 --members 1 7 --rounds 3
    python -m benchmarks.step_time --models adversarial_vae --sizes 1024 128 --batch-size 64 --recipe reference

Prints seconds per step of one member (median, least and greatest of the rounds), PyTorch's time over ours, and how much
of the rate of a large matmul our step reaches. A cohort's members are compared with as many PyTorch runs one after the
other. Without PyTorch (`pip install -e '.[benchmark]'`) only ours is timed.

Some 30 minutes on two cores; --sizes 128 32 takes 4. Run it on a quiet machine: `others` is the share of the cores that
other processes used meanwhile, and PyTorch's threads in particular wait for one another.
"""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from benchmarks import machine, members
from benchmarks.floor import matmul_rate
from benchmarks.members import Model
from benchmarks.timing import Run, Spread, in_turns, others_share
from vaemusic_jax.config.models import PrecisionName, RecipeName
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.training.estimate import step_operations

HEAD = ("members", "compile s", "ours, s a member", "PyTorch, s", "PyTorch / ours", "of matmul rate", "others")


@dataclass
class Options:
    """What to time."""

    models: tuple[Model, ...] = ("measure_vae", "adversarial_vae")
    sizes: tuple[tuple[int, int], ...] = ((128, 32), (512, 256))
    """Hidden size and latent size, in pairs."""
    members: tuple[int, ...] = (1, 7, 14)
    """Cohort sizes; members differ in their seeds. 14 at hidden size 512 take some 12 GB."""
    batch_size: int = 256
    recipe: RecipeName = "fast"
    """On both sides. `fast` is teacher-forced throughout, `reference` flips coins."""
    precision: PrecisionName = "float32"
    """Of the trials, on both sides; PyTorch takes bfloat16 by autocast."""
    torch_decoder: Literal["loop", "whole"] = "loop"
    """`loop` feeds PyTorch's decoder tick by tick, `whole` gives teacher-forced ticks to nn.GRU at once."""
    rounds: int = 5
    seconds: float = 1.0
    """That a call should take at least."""
    torch: bool = True
    json: Path | None = None
    """A file for the numbers."""


@dataclass
class Row:
    """The times of a cohort and of PyTorch; all seconds are those of one member's step."""

    model: Model
    hidden_size: int
    latent_dim: int
    members: int
    operations: float  # Floating point operations of one member's step.
    compile_seconds: float
    ours: Spread
    torch: Spread | None
    ratio: Spread | None  # PyTorch's time over ours.
    share_of_matmul_rate: float
    others: str

    def cells(self) -> tuple[str, ...]:
        """Returns the cells of the columns in HEAD."""
        torch, ratio = self.torch or "-", self.ratio or "-"
        share = f"{self.share_of_matmul_rate:.0%}"
        return (
            str(self.members),
            f"{self.compile_seconds:.1f}",
            str(self.ours),
            str(torch),
            str(ratio),
            share,
            self.others,
        )


def rows(model: Model, size: tuple[int, int], options: Options, rate: float, measures: Measures) -> Iterator[Row]:
    """Times a model at each cohort size and yields a row for each."""

    def trial(seed: int) -> Any:
        return members.trial(model, *size, options.batch_size, seed, options.recipe, options.precision)

    theirs: list[Run] = []
    if options.torch:
        from benchmarks.torch_side import TorchTraining

        theirs = [TorchTraining(trial(0), measures, options.torch_decoder == "whole").run]
    for n in options.members:
        cohort = members.Cohort(tuple(trial(seed) for seed in range(n)), measures)
        compile_seconds = cohort.compile()
        taken = in_turns([cohort.run, *theirs], options.rounds, options.seconds)
        ours = [sample.seconds / n for sample in taken[0]]
        torch = [sample.seconds for sample in taken[-1]] if theirs else []
        operations = step_operations(cohort.program)
        yield Row(
            model,
            *size,
            n,
            operations,
            compile_seconds,
            Spread.of(ours),
            Spread.of(torch) if torch else None,
            Spread.of([t / o for o, t in zip(ours, torch, strict=True)]) if torch else None,
            operations / rate / Spread.of(ours).median,
            others_share([sample for samples in taken for sample in samples]),
        )


def header(options: Options, rates: dict[str, float]) -> dict[str, Any]:
    """Returns the facts on which the numbers depend, such as machine, recipe and precision."""
    facts = machine.description() | {"recipe": options.recipe, "precision": options.precision}
    if options.torch:
        from benchmarks.torch_side import description

        facts |= description() | {"torch_decoder": options.torch_decoder}
    return facts | {f"{name}_matmul_gflops": round(rate / 1e9) for name, rate in rates.items()}


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    machine.prepare()
    if options.torch and importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed (pip install -e '.[benchmark]'): only ours is timed")
        options.torch = False
    rates = {"xla": matmul_rate(options.precision)}
    if options.torch:
        from benchmarks.torch_side import torch_matmul_rate

        rates["torch"] = torch_matmul_rate(options.precision)
    facts, measures = header(options, rates), members.random_measures()
    print(machine.in_words(facts))
    found: list[Row] = []
    for size in options.sizes:
        for model in options.models:
            for i, row in enumerate(rows(model, size, options, rates["xla"], measures)):
                if i == 0:
                    floor = row.operations / rates["xla"]
                    print(f"\n{model}, hidden {size[0]}, latent {size[1]}, batch {options.batch_size}:", end=" ")
                    print(f"{row.operations / 1e9:.3g} GFLOP a step, {floor:.3g} s of matmul")
                    print_cells(HEAD)
                print_cells(row.cells())
                found.append(row)
    if options.json:
        options.json.write_text(json.dumps(facts | {"rows": [asdict(row) for row in found]}, indent=1) + "\n")


def print_cells(cells: tuple[str, ...]) -> None:
    """Prints one line of the table."""
    widths = (7, 9, 22, 22, 18, 14, 6)
    print(*(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
