"""What a GPU or TPU would be given, counted without one: a cohort's programs, compiled for a device described to XLA.

    python -m benchmarks.accelerators
    python -m benchmarks.accelerators --target v5e-4 --model adversarial_vae --members 14 --out counted.csv

Needs `pip install -e '.[target-gpu]'` or `'.[target-tpu]'`. The counts depend neither on this machine nor on how busy
it is. One step of training, and 256 measures scored or decoded with a control moved, are a row each:

- launches: kernels, those in loops as often as the loop turns, and how many of them are matmuls;
- gflop: of matmuls on one device; gigabytes: what its kernels read and write, without regard to caches;
- intermediates and arguments: what the program holds in the memory of one device;
- collectives: exchanges between devices, of which there should be none;
- model: the longest of what launches, operations and bytes would take by themselves, by `training.targets.target`.

On a TPU nothing is launched from outside: its kernels are the instructions of a program that runs by itself.
"""

import csv
import importlib.util
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import tyro

from benchmarks import members
from vaemusic_jax.config.models import DiscriminatorName, PrecisionName, RecipeName, defaults
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.blocks import ROWS
from vaemusic_jax.evaluation.traversal import decode_edited
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.training.targets.described import Call, Described, Sizes, abstract
from vaemusic_jax.training.targets.hlo import Count, Hlo
from vaemusic_jax.training.targets.target import TARGETS, NotInstalledError

N_TRAINING = 13_620  # measures of irish_folk, about
N_BLOCKS = 7  # of 256 measures to score, which are about those of its validation split
N_MOVED = 7_200  # 200 measures, 4 controls, 9 values of each
ProgramName = Literal["train", "score", "traverse"]


@dataclass
class Options:
    """What to compile, and for what."""

    target: str = "h100"
    """A device, or several: h100, v5e-4, v5e-8 or v6e-4."""
    model: members.Model = "measure_vae"
    hidden_size: int = 128
    members: int = 14
    """Latent sizes are 4 to 256, with all attributes and with two."""
    batch_size: int = 256
    recipe: RecipeName = "fast"
    discriminator: DiscriminatorName = "regressor"
    """Of AdversarialVAE's fast recipe."""
    precision: PrecisionName = "float32"
    """Of the programs, and of the time's model."""
    programs: tuple[ProgramName, ...] = ("train", "score", "traverse")
    torch: bool = False
    """Also count the operators that a step of PyTorch dispatches."""
    out: Path | None = None
    """A CSV file for the numbers."""
    hlo: Path | None = None
    """A folder for the compiled programs as text."""


@dataclass
class Row:
    """What one program is, per step or per 256 measures; operations, bytes and memory are those of one device."""

    target: str
    model: str
    hidden_size: int
    members: int
    batch_size: int
    program: str
    launches: float
    matmuls: float
    gflop: float
    gigabytes: float
    intermediates_gb: float
    arguments_gb: float
    collectives: int
    compile_seconds: float
    launch_ms: float
    operation_ms: float
    byte_ms: float
    model_ms: float


@dataclass(frozen=True)
class Compiled:
    """A compiled program, and how much work one call of it is."""

    name: ProgramName
    program: Any
    seconds: float
    count: Count
    calls: int  # steps, or blocks of 256 measures
    operations: float  # of one member, in all


def traversing(described: Described) -> Call:
    """Returns the decoding of measures with a control moved."""
    axis, program = described.axis, described.program
    of_one = partial(decode_edited, program)
    edits = jax.ShapeDtypeStruct((N_MOVED, program.n_attributes), jnp.float32)
    own = (described.state.train.params, described.hp, abstract(edits, axis.by_member, axis.n_rows))
    shared = (*described.measures(200), described.shared((N_MOVED,), jnp.int32))
    return Call(jax.jit(axis.over_members(of_one, shared=3)), of_one, own, shared)


def compiled(described: Described, name: ProgramName) -> Compiled:
    """Compiles one of a cohort's programs."""
    programs: dict[str, Callable[[], Call]] = {
        "train": described.training,
        "score": described.scoring,
        "traverse": partial(traversing, described),
    }
    call = programs[name]()
    started = time.perf_counter()
    program = described.target.compile(call.lowered())
    seconds = time.perf_counter() - started
    text = Hlo(program.as_text())
    n = {"train": 1, "score": N_BLOCKS, "traverse": math.ceil(N_MOVED / ROWS)}[name]
    count = text.of_dynamic_loop() if name == "train" else text.whole()
    return Compiled(name, program, seconds, count, n, call.operations())


def cohort(options: Options) -> tuple[Trial, ...]:
    """Returns trials that differ in latent size, attributes and seed."""
    values: dict[str, Any] = defaults(options.model, options.recipe, options.hidden_size) | unused_by(options.model)
    values |= {"batch_size": options.batch_size, "steps": members.STEPS}
    if (options.model, options.recipe) == ("adversarial_vae", "fast"):
        values["discriminator"] = options.discriminator
    choices = (tuple(ATTRIBUTES), ("note_density", "rhythmic_complexity"))
    return tuple(
        Trial(
            dataset="irish_folk",
            model=options.model,
            recipe=options.recipe,
            hidden_size=options.hidden_size,
            attributes=choices[i // 7 % 2],
            latent_dim=4 * 2 ** (i % 7),
            data_fraction=1.0,
            transpose=0,
            precision=options.precision,
            seed=i // 14,
            **values,
        )
        for i in range(options.members)
    )


def rows(options: Options) -> Iterator[Row]:
    """Compiles the programs one after the other and yields a row for each."""
    jax.config.update("jax_platforms", "cpu")  # devices of this machine, if it has others, have no part in it
    described = Described(TARGETS[options.target], cohort(options), Sizes(members.VOCAB_SIZE, N_TRAINING, N_BLOCKS))
    for name in options.programs:
        found = compiled(described, name)
        if options.hlo:
            options.hlo.mkdir(parents=True, exist_ok=True)
            (options.hlo / f"{options.target}.{options.model}.{name}.txt").write_text(found.program.as_text())
        yield row(options, described, found)


def row(options: Options, described: Described, found: Compiled) -> Row:
    """Returns what was counted of a compiled program, and what the model makes of it."""
    memory = found.program.memory_analysis()
    own = found.operations * described.axis.at_once * described.axis.turns / found.calls
    launches, moved = found.count.launches / found.calls, found.count.bytes / found.calls
    times = described.target.seconds(launches, own, moved, options.precision)
    return Row(
        target=options.target,
        model=options.model,
        hidden_size=options.hidden_size,
        members=options.members,
        batch_size=options.batch_size,
        program=found.name,
        launches=round(launches, 1),
        matmuls=round(found.count.matmuls / found.calls, 1),
        gflop=round(own / 1e9, 1),
        gigabytes=round(moved / 1e9, 3),
        intermediates_gb=round(memory.temp_size_in_bytes / 1e9, 3),
        arguments_gb=round(memory.argument_size_in_bytes / 1e9, 3),
        collectives=found.count.collectives,
        compile_seconds=round(found.seconds, 1),
        launch_ms=round(1e3 * times["launches"], 3),
        operation_ms=round(1e3 * times["operations"], 3),
        byte_ms=round(1e3 * times["bytes"], 3),
        model_ms=round(1e3 * max(times.values()), 3),
    )


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    if options.target not in TARGETS:
        sys.exit(f"error: --target: {options.target} is none of {', '.join(TARGETS)}")
    found = []
    names = [field.name for field in fields(Row)][5:]
    print(f"{TARGETS[options.target].title}, {options.model}, hidden {options.hidden_size}, {options.members} members")
    print(*(name.replace("_", " ") for name in names), sep=" | ")
    try:
        for each in rows(options):
            print(*(getattr(each, name) for name in names), sep=" | ", flush=True)
            found.append(each)
    except NotInstalledError as error:
        sys.exit(f"error: {error}")
    if options.torch:
        if importlib.util.find_spec("torch") is None:
            sys.exit("error: --torch: pip install -e '.[benchmark]' brings PyTorch")
        from benchmarks.torch_side import operators_dispatched

        trial = members.trial(options.model, options.hidden_size, 32, options.batch_size)
        n = operators_dispatched(trial, members.random_measures())
        print(f"PyTorch dispatches {n} operators that compute something for one step of one member")
    if options.out:
        with options.out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            writer.writeheader()
            writer.writerows(map(asdict, found))


if __name__ == "__main__":
    main()
