"""How long steps take on a device: cohorts in each precision against PyTorch, and against what was counted."""

import gc
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from benchmarks import members
from benchmarks.device_case import Case, Setting, Value
from benchmarks.floor import matmul_rate
from benchmarks.timing import Run, Spread, in_turns
from vaemusic_jax.config.models import PrecisionName
from vaemusic_jax.config.sweep import load_config, trials
from vaemusic_jax.config.trial import cohorts
from vaemusic_jax.data.blocks import blocks, measures_of
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.training.cohort import MAX_STEPS_PER_CALL, run_member
from vaemusic_jax.training.estimate import step_operations
from vaemusic_jax.training.memory import compiled_ensemble
from vaemusic_jax.training.targets.hlo import Hlo
from vaemusic_jax.training.targets.operations import operations as operations_of
from vaemusic_jax.training.targets.target import TARGETS, Target, peak

MODELS: tuple[members.Model, ...] = ("measure_vae", "adversarial_vae")


def cases(setting: Setting) -> Iterator[Case]:
    """Yields the times to measure: one cohort size in every precision first, then a cohort of the study, then more."""
    for precision in setting.precisions:
        yield Case(f"matmul rate, {precision}", 10, partial(rate, precision=precision))
    first, *others = setting.members
    yield from steps_of(setting, [first])
    for model in MODELS:
        yield Case(f"chunk of the study, {model}", 150, partial(chunk, model=model))
    yield from steps_of(setting, others)
    for precision in setting.precisions:
        for model in MODELS:
            name = f"PyTorch compiled, {model}, {precision}"
            yield Case(name, 150, partial(torch_compiled, model=model, precision=precision))


def steps_of(setting: Setting, sizes: list[int]) -> Iterator[Case]:
    """Yields the cases of cohorts of these sizes."""
    for n in sizes:
        for precision in setting.precisions:
            for model in MODELS:
                name = f"steps, {model}, {n} members, {precision}"
                yield Case(name, 110, partial(steps, model=model, n=n, precision=precision))


def rate(_: Setting, precision: PrecisionName) -> Iterator[Value]:
    """Measures the rate of large matmuls, ours and PyTorch's."""
    yield Value("XLA", matmul_rate(precision), "operations a second")
    if importlib.util.find_spec("torch"):
        from benchmarks.torch_side import torch_matmul_rate

        yield Value("PyTorch", torch_matmul_rate(precision), "operations a second")


def steps(setting: Setting, model: members.Model, n: int, precision: PrecisionName) -> Iterator[Value]:
    """Times steps of a cohort in turns with PyTorch's of one member, and compares them with peak and model."""
    sizes = (setting.hidden_size, setting.latent_dim, setting.batch_size)
    own = tuple(members.trial(model, *sizes, seed, precision=precision) for seed in range(n))
    measures = members.random_measures()
    cohort = members.Cohort(own, measures)
    started = time.perf_counter()
    compiled = cohort.compile_ahead()
    yield Value("compiling", time.perf_counter() - started, "seconds")
    sides: list[Run] = [cohort.run]
    if importlib.util.find_spec("torch"):
        from benchmarks.torch_side import TorchTraining

        sides.append(TorchTraining(own[0], measures, whole=False).run)
    taken = in_turns(sides, setting.rounds, setting.call_seconds)
    ours = [sample.seconds for sample in taken[0]]
    yield from spread("a step of all members", Spread.of(ours), "seconds")
    if len(sides) > 1:
        theirs = [sample.seconds for sample in taken[1]]
        yield from spread("a step of one in PyTorch", Spread.of(theirs), "seconds")
        ratios = [n * torch / jax_ for jax_, torch in zip(ours, theirs, strict=True)]
        yield from spread(f"{n} in PyTorch one after the other over ours", Spread.of(ratios), "ratio")
    median, operations = Spread.of(ours).median, n * step_operations(cohort.program)
    yield Value("necessary operations over the time", operations / median, "operations a second")
    target = target_of(jax.devices()[0].device_kind)
    if target:
        share = operations / median / peak(target, precision)
        yield Value("necessary operations over the time and the maker's peak", share, "ratio")
    count = Hlo(compiled.as_text()).of_dynamic_loop()
    yield Value("kernels launched", count.launches, "a step")
    yield Value("read and written, caches left aside", count.bytes, "bytes a step")
    if target:
        limits = target.seconds(count.launches, n * traced_operations(cohort), count.bytes, precision)
        for name, seconds in limits.items():
            yield Value(f"the model's time by {name}", seconds, "seconds")
        yield Value("measured over the model's time", median / max(limits.values()), "ratio")
    stats = jax.devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in stats:
        yield Value("most memory in use so far", stats["peak_bytes_in_use"], "bytes")
    del cohort, compiled, sides
    gc.collect()


def spread(what: str, values: Spread, unit: str) -> Iterator[Value]:
    """Yields median, least and greatest of several measurements."""
    yield Value(f"{what}, median", values.median, unit)
    yield Value(f"{what}, least", values.least, unit)
    yield Value(f"{what}, greatest", values.greatest, unit)


def target_of(kind: str) -> Target | None:
    """Returns the maker's figures of a device by its name; None if they are not known here."""
    hopper = TARGETS["h100"]
    return {
        "NVIDIA H100 80GB HBM3": hopper,
        "NVIDIA H200": replace(hopper, title="NVIDIA H200", memory=141e9, bandwidth=4.8e12),
    }.get(kind)


def traced_operations(cohort: members.Cohort) -> float:
    """Returns the operations of one member's step as the program makes them, with those that it makes twice."""
    own = cohort.ensemble
    state, hp = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), (cohort.state, own.hp))
    return operations_of(partial(run_member, cohort.program, 2), state, hp, own.train, own.transposition, jnp.int32(1))


def torch_compiled(setting: Setting, model: members.Model, precision: PrecisionName) -> Iterator[Value]:
    """Times PyTorch with its losses compiled by `torch.compile`, in turns with PyTorch as it is."""
    if not importlib.util.find_spec("torch"):
        return
    from benchmarks.torch_side import TorchTraining

    trial = members.trial(model, setting.hidden_size, setting.latent_dim, setting.batch_size, precision=precision)
    measures = members.random_measures()
    plain, compiled = (TorchTraining(trial, measures, whole=False) for _ in range(2))
    started = time.perf_counter()
    compiled.compile()
    compiled.run(2)
    yield Value("compiling", time.perf_counter() - started, "seconds")
    taken = in_turns([plain.run, compiled.run], setting.rounds, setting.call_seconds)
    seconds = [[sample.seconds for sample in samples] for samples in taken]
    yield from spread("a step of one in PyTorch", Spread.of(seconds[0]), "seconds")
    yield from spread("a step of one in PyTorch, compiled", Spread.of(seconds[1]), "seconds")


def chunk(setting: Setting, model: str) -> Iterator[Value]:
    """Times a call of a cohort of the study, as a sweep makes it, and its scores."""
    name = setting.dataset.name
    chosen = {"dataset": [name], "model": [model]}
    cohort = cohorts(trials(load_config(setting.config, chosen)))[0]
    owner = Owner(cohort.trials, setting.dataset.vocabulary, setting.dataset.digest)
    split = blocks(measures_of(setting.dataset.validation))
    started = time.perf_counter()
    ensemble, needed = compiled_ensemble(owner, setting.dataset, split)
    yield Value("compiling of steps and scores", time.perf_counter() - started, "seconds")
    yield Value("memory needed", needed, "bytes")
    yield Value("members", len(cohort.trials), f"{ensemble.axis.at_once} at once")
    state = jax.block_until_ready(ensemble.run(ensemble.start(), 1))
    n = MAX_STEPS_PER_CALL if setting.call_seconds else 1
    started = time.perf_counter()
    state = jax.block_until_ready(ensemble.run(state, n))
    a_step = (time.perf_counter() - started) / n
    yield Value("a step of all members", a_step, "seconds")
    yield Value(f"{cohort.steps} steps", a_step * cohort.steps / 3600, "hours")
    ensemble.score(state, split, setting.dataset.vocabulary.midi)
    started = time.perf_counter()
    scores = ensemble.score(state, split, setting.dataset.vocabulary.midi)
    yield Value("scores of all validation measures", time.perf_counter() - started, "seconds")
    yield Value("least validation accuracy", float(min(scores["reconstruction_accuracy"])), "")
