"""Cohorts that do not fit a device are trained in turns, with the same results."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts, sweeps
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.data.blocks import blocks, measures_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.training import estimate, memory
from vaemusic_jax.training.cohort import Ensemble
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.memory import DoesNotFitError

N_MEMBERS = 5
TOLERANCE = 1e-4
NO_SPLIT: Any = None  # where nothing is compiled


def trials() -> tuple:
    return tuple(cohorts.trial("adversarial_vae", seed=seed, latent_dim=4 + 2 * seed) for seed in range(N_MEMBERS))


def ensemble(dataset: Dataset, n_devices: int, at_once: int) -> Ensemble:
    whole = cohorts.ensemble(trials(), dataset)
    return Ensemble(
        whole.program, whole.members, cohorts.first_measures(dataset), jax.devices()[:n_devices], None, at_once
    )


@pytest.mark.parametrize(
    ("n_devices", "at_once"),
    [pytest.param(1, 2, marks=pytest.mark.slow), (2, 2), pytest.param(1, 5, marks=pytest.mark.slow)],
)
def test_results_do_not_depend_on_how_many_members_a_device_takes_together(irish_folk, n_devices, at_once):
    divided, one_by_one = ensemble(irish_folk, n_devices, at_once), ensemble(irish_folk, 1, 1)
    assert divided.axis.at_once == at_once
    ours, theirs = cohorts.losses(divided, 10), cohorts.losses(one_by_one, 10)
    for name in theirs:
        assert ours[name].shape == (10, N_MEMBERS)
        np.testing.assert_allclose(ours[name], theirs[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize(
    ("n_members", "n_devices", "at_once", "expected"),
    [  # members together on a device, turns, rows with those that fill up
        (1, 4, 1, (1, 1, 1)),
        (5, 2, 1, (1, 3, 6)),
        (7, 1, 4, (4, 2, 8)),
        (9, 1, 4, (3, 3, 9)),  # three turns of three, not of four, four and one
        (14, 2, 100, (7, 1, 14)),
    ],
)
def test_members_are_divided_evenly_over_turns(n_members, n_devices, at_once, expected):
    axis = MemberAxis(n_members, jax.devices()[:n_devices], at_once)
    assert (axis.at_once, axis.turns, axis.n_rows) == expected


@pytest.mark.parametrize(
    ("n_members", "n_devices", "at_once", "n_computed"), [(5, 4, 1, 5), (3, 2, 1, 3), (5, 2, 2, 6)]
)
def test_a_turn_of_rows_that_only_fill_up_is_skipped(n_members, n_devices, at_once, n_computed):
    """Rows 6 to 8 of five members on four devices, say; not the second of a pair whose first is a member."""
    axis, seen = MemberAxis(n_members, jax.devices()[:n_devices], at_once), []

    def function(member, factor):
        jax.debug.callback(lambda x: seen.append(float(x)), member)
        return factor * member

    doubled = jax.jit(axis.over_members(function, shared=1))(axis.put(np.arange(1.0, n_members + 1)), jnp.float32(2))
    jax.effects_barrier()
    np.testing.assert_array_equal(axis.take(doubled), 2 * np.arange(1, n_members + 1))
    assert len(seen) == n_computed
    assert set(seen) == set(range(1, n_members + 1))


def owner_of(dataset: Dataset) -> Owner:
    return Owner(trials(), dataset.vocabulary, dataset.digest)


@pytest.fixture
def memory_by_members(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nothing is compiled: a program needs 10 bytes for each member that a device takes together. What was tried."""
    tried: list[int] = []

    def compile(self: Ensemble, *args: object) -> int:
        tried.append(self.axis.at_once)
        return 10 * self.axis.at_once

    monkeypatch.setattr(Ensemble, "compile", compile)
    monkeypatch.setattr(memory.PROCESSES, "all_devices", lambda: jax.devices()[:1])
    return tried


@pytest.mark.parametrize(
    ("held", "asked", "expected"), [(50, 5, [5]), (49, 5, [5, 2]), (10, 5, [5, 2, 1]), (99, 3, [3])]
)
def test_as_many_members_together_as_fit(small_irish_folk, monkeypatch, memory_by_members, held, asked, expected):
    monkeypatch.setattr(memory, "device_memory", lambda device: held)
    fitted, needed = memory.compiled_ensemble(owner_of(small_irish_folk), small_irish_folk, NO_SPLIT, asked)
    assert memory_by_members == expected
    assert fitted.axis.at_once == expected[-1]
    assert needed == 10 * expected[-1]


def test_a_program_that_the_compiler_refuses_is_tried_with_fewer_members(small_irish_folk, monkeypatch):
    """As compilers for TPUs do with what is larger than the memory."""

    def compile(self: Ensemble, *args: object) -> int:
        if self.axis.at_once > 1:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm")
        return 10

    monkeypatch.setattr(Ensemble, "compile", compile)
    monkeypatch.setattr(memory.PROCESSES, "all_devices", lambda: jax.devices()[:1])
    fitted, needed = memory.compiled_ensemble(owner_of(small_irish_folk), small_irish_folk, NO_SPLIT, 5)
    assert (fitted.axis.at_once, needed) == (1, 10)


def test_what_does_not_fit_one_by_one_is_refused(small_irish_folk, monkeypatch, memory_by_members):
    monkeypatch.setattr(memory, "device_memory", lambda device: 9)
    with pytest.raises(UserError, match=r"the 5 need .* with one at a time, .*--shard"):
        memory.compiled_ensemble(owner_of(small_irish_folk), small_irish_folk, NO_SPLIT)


def test_memory_that_runs_out_is_a_cohort_that_does_not_fit():
    for fault in (MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nallocating")):
        refused = pytest.raises(DoesNotFitError, match=r"the 5 need more memory than there is .*--shard")
        with refused, memory.fitting(trials()):
            raise fault
    for fault in (ZeroDivisionError(), jax.errors.JaxRuntimeError("INTERNAL: a bug")):
        with pytest.raises(type(fault)), memory.fitting(trials()):
            raise fault


@pytest.mark.slow
def test_the_compiled_program_says_what_memory_it_needs(small_irish_folk):
    """At least the states, before and after; and more for more members together, by their activations."""
    split = blocks(measures_of(small_irish_folk.validation))
    needed = {n: ensemble(small_irish_folk, 1, n).compile(split, small_irish_folk.vocabulary.midi) for n in (1, 5)}
    states = sum(leaf.nbytes for leaf in jax.tree.leaves(ensemble(small_irish_folk, 1, 1).start()))
    assert 2 * states < needed[1] < needed[5]


def test_a_dry_run_compiles_what_is_trained_side_by_side(small_irish_folk, monkeypatch, memory_by_members):
    monkeypatch.setattr(estimate, "load_dataset", lambda name: small_irish_folk)
    monkeypatch.setattr(estimate, "matmul_rate", lambda precision: 1e9)
    monkeypatch.setattr(memory, "device_memory", lambda device: 25)
    found = estimate.estimate(Cohort(trials()), 4)
    assert [found[name] for name in ("compiled", "at_once", "turns", "memory_bytes")] == [True, 1, 5, 10]


def test_a_dry_run_goes_on_after_a_cohort_that_does_not_fit(small_irish_folk, tmp_path, monkeypatch, capsys):
    """It says so of this cohort alone, here of the first of two, and plans the other one."""
    from vaemusic_jax.commands.dry_run import print_plan

    def tight(owner: Owner, *args: Any) -> Any:
        if owner.trials[0].model == "measure_vae":
            raise DoesNotFitError("these need 1 EiB")
        return SimpleNamespace(axis=MemberAxis(5, jax.devices()[:1], 5)), 10

    monkeypatch.setattr(estimate, "load_dataset", lambda name: small_irish_folk)
    monkeypatch.setattr(estimate, "matmul_rate", lambda precision: 1e9)
    monkeypatch.setattr(estimate, "compiled_ensemble", tight)
    monkeypatch.setattr(estimate, "MemberAxis", lambda *args, **more: MemberAxis(5, jax.devices()[:1], 5))
    print_plan(sweeps.config_of(tmp_path / "run"))
    first, second = capsys.readouterr().out.split("cohort ")[1:3]
    assert "does not fit: these need 1 EiB\n" in first
    assert "does not fit" not in second
    assert "3 of them would be left out for now: they do not fit.\n" in second


def test_a_sweep_takes_no_more_members_together_than_told(small_irish_folk, tmp_path, monkeypatch):
    from vaemusic_jax.support.progress import no_progress
    from vaemusic_jax.training import loop, sweep

    sweeps.use_data(monkeypatch, small_irish_folk)
    asked: list[int | None] = []

    def stop(owner: Owner, dataset: Dataset, split: object, at_once: int | None) -> None:
        asked.append(at_once)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "compiled_ensemble", stop)
    with pytest.raises(KeyboardInterrupt):
        sweep.run_sweep(sweeps.config_of(tmp_path / "run"), no_progress, members_per_device=3)
    assert asked == [3]
