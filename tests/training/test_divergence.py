"""A member that turns non-finite stops at its last finite state, says why, and leaves its neighbours alone."""

import copy
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.training.cohort import NOT_FINITE, MemberState, run_member
from vaemusic_jax.training.step import TrainState

MAD = 1  # its place in the cohort


def member(state: Any, i: int) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[i], state)


@pytest.mark.parametrize("model", ["measure_vae", pytest.param("adversarial_vae", marks=pytest.mark.slow)])
def test_a_member_that_diverges_stops_and_leaves_its_neighbours_alone(model: str, irish_folk: Dataset) -> None:
    """One program, on two devices; only what one member is given differs."""
    trials = [cohorts.trial(model, seed=seed, learning_rate=1e-3) for seed in range(4)]
    sane = cohorts.ensemble(trials, irish_folk, jax.devices()[:2])
    mad = copy.copy(sane)
    rates = np.array([1e30 if i == MAD else 1e-3 for i in range(4)], np.float32)
    mad.hp = sane.hp._replace(scalars=sane.hp.scalars | {"learning_rate": sane.axis.put(rates)})
    expected, found = sane.run(sane.start(), 20), mad.run(mad.start(), 20)
    for i in range(4):
        if i != MAD:
            chex.assert_trees_all_equal(member(found, i), member(expected, i))
            assert member(found, i).diverged_at == -1
    gone = member(found, MAD)
    assert 0 <= gone.diverged_at < 20
    assert gone.train.step == gone.n_summed == gone.diverged_at
    chex.assert_tree_all_finite(gone.train)
    chex.assert_tree_all_finite(gone.sums)

    last_good = mad.run(mad.start(), int(gone.diverged_at)) if gone.diverged_at else mad.start()
    assert member(last_good, MAD).diverged_at == -1
    chex.assert_trees_all_equal(member(last_good, MAD).train, gone.train)
    chex.assert_trees_all_equal(member(mad.run(found, 5), MAD), gone)


# Of a step of a made-up network: loss, norm of the gradient, weights.
CAUSES: dict[str, tuple[float, float, float]] = {
    "loss": (np.inf, np.nan, np.nan),
    "gradient": (1.0, np.inf, np.nan),
    "weights": (1.0, 1.0, -np.inf),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_first_thing_that_is_not_finite_is_the_cause(
    cause: str, irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_step = 3

    def made_up(program: Any, train: TrainState, batch: Any, hp: Any) -> tuple[TrainState, dict[str, Any]]:
        loss, norm, weight = (jnp.where(train.step == bad_step, bad, 1.0) for bad in CAUSES[cause])
        params = {"vae": {"one": train.params["vae"]["one"] + weight, "other": jnp.ones(2)}}
        return TrainState(train.step + 1, params, {}), {"loss": loss, "gradient_norm": norm}

    monkeypatch.setattr("vaemusic_jax.training.cohort.train_step", made_up)
    trial = cohorts.trial("measure_vae")
    program, measures = program_of((trial,), len(irish_folk.vocabulary)), cohorts.first_measures(irish_folk, 40)
    hp = jax.tree.map(jnp.asarray, trained_on(trial, program.n_attributes, np.asarray(measures.attributes)))
    train = TrainState(jnp.int32(0), {"vae": {"one": jnp.zeros(2), "other": jnp.ones(2)}}, {})
    sums = {"loss": jnp.float32(0), "gradient_norm": jnp.float32(0)}
    state = MemberState(train, sums, jnp.int32(5), jnp.int32(-1), jnp.int32(0))  # of those since the last reading, 5
    measures = jax.tree.map(jnp.asarray, measures)
    for n_steps in (2, 4, 2):
        state = run_member(program, 3, state, hp, measures, None, jnp.int32(n_steps))
    assert state.diverged_at == 3
    assert NOT_FINITE[int(state.diverged_by)] == cause
    assert int(state.train.step) == int(state.n_summed) - 5 == float(state.sums["loss"]) == 3
    np.testing.assert_array_equal(state.train.params["vae"]["one"], [3, 3])
    bad_step = -1  # as rounding might have it on another machine
    chex.assert_trees_all_equal(run_member(program, 3, state, hp, measures, None, jnp.int32(1)), state)
