"""What a dry run foretells: exact parameter counts, and costs that grow with what is asked for."""

import jax
import pytest

from tests.helpers import cohorts
from vaemusic_jax.config.trial import Cohort, Trial
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.training import estimate

MODELS = ("measure_vae", "adversarial_vae")


@pytest.fixture(autouse=True)
def steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here."""
    monkeypatch.setattr(estimate, "matmul_rate", lambda precision: 1e9)


def members(model, n: int, **fields) -> list[Trial]:
    return [cohorts.trial(model, seed=seed, **fields) for seed in range(n)]


@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_each_member_s_own(model, irish_folk) -> None:
    trials = [
        cohorts.trial(model, latent_dim=4, attributes=("note_range",)),
        cohorts.trial(model, latent_dim=16),
    ]
    counts = estimate.estimate(Cohort(tuple(trials)))["parameters"]
    for trial, count in zip(trials, counts, strict=True):
        weights = jax.tree.leaves(program_of((trial,), len(irish_folk.vocabulary)).initial_params(0))
        assert count == sum(leaf.size for leaf in weights)
    assert counts[0] < counts[1]


@pytest.mark.parametrize("model", MODELS)
def test_memory_and_time_grow_with_members_width_batch_and_steps(model, irish_folk) -> None:
    def taken(n: int = 4, **fields):
        found = estimate.estimate(Cohort(tuple(members(model, n, **fields))))
        return found["memory_bytes"], found["seconds"]

    one, four, eight, twelve = taken(1), taken(4), taken(8), taken(12)
    assert min(one) > 0
    assert one[0] == four[0]  # each on a device of its own
    assert twelve[0] - eight[0] == eight[0] - four[0] > 0  # states of one more; activations are there once
    assert 4 * one[1] == four[1]  # the devices of a CPU share its cores
    assert eight[1] == 2 * four[1]
    for bigger in ({"hidden_size": 24}, {"batch_size": 32}):
        memory, seconds = taken(4, **bigger)
        assert memory > four[0]
        assert seconds > four[1]
    assert taken(4, steps=40) == (four[0], 2 * four[1])
    memory, seconds = taken(1, steering_weight=0.3)
    assert memory > one[0]
    assert 1.3 * one[1] < seconds < 2 * one[1]


def test_members_on_devices_of_their_own_take_no_longer(irish_folk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate.jax, "default_backend", lambda: "gpu")
    assert estimate.jax.local_device_count() == 4
    one, four, eight = (estimate.estimate(Cohort(tuple(members("measure_vae", n))))["seconds"] for n in (1, 4, 8))
    assert 2 * one == 2 * four == eight


def test_a_dry_run_says_how_members_are_divided(irish_folk) -> None:
    alone, ten = (estimate.estimate(Cohort(tuple(members("measure_vae", n)))) for n in (1, 10))
    assert [alone[name] for name in ("devices", "at_once", "turns", "compiled")] == [1, 1, 1, False]
    assert [ten[name] for name in ("devices", "at_once", "turns", "compiled")] == [4, 1, 3, False]


def test_a_data_set_that_is_not_at_hand_has_a_typical_vocabulary(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("VAEMUSIC_CACHE", str(tmp_path))
    trial = cohorts.trial("measure_vae", dataset="turkish_makam")
    found = estimate.estimate(Cohort((trial,)))
    (count,) = found["parameters"]
    assert "`vaemusic data prepare turkish_makam" in found["missing"]
    typical = program_of((trial,), estimate.TYPICAL_VOCABULARY).initial_params(0)
    assert count == sum(leaf.size for leaf in jax.tree.leaves(typical))


def test_the_matmul_rate_is_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten products of 1024 x 1024 matrices in two seconds by the clock."""
    monkeypatch.undo()
    clock = iter([5.0, 7.0])
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: next(clock))
    assert estimate.matmul_rate.__wrapped__() == 10 * 2 * 1024**3 / 2


def test_networks_are_traced_once_for_each_size(irish_folk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes milliseconds, of which a sweep of thousands of trials would make minutes."""
    traced = []
    real = Program.initial_params

    def note(self: Program, seed: int):
        traced.append(self.latent_dim)
        return real(self, seed)

    monkeypatch.setattr(Program, "initial_params", note)
    trials = members("measure_vae", 5, latent_dim=9, hidden_size=13) + members(
        "measure_vae", 5, latent_dim=11, hidden_size=13
    )
    estimate.estimate(Cohort(tuple(trials)))
    assert sorted(traced) == [9, 11]
