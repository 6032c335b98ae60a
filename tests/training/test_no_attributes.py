"""A trial without attributes trains as one whose attributes weigh nothing, alone and beside others."""

import chex
import jax
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.data.dataset import Dataset

STEPS, TOLERANCE = 20, 1e-4


@pytest.mark.slow
def test_no_attributes_is_a_regulariser_that_weighs_nothing_and_padding_changes_nothing(irish_folk: Dataset) -> None:
    bare = cohorts.trial("measure_vae", attributes=(), latent_dim=3, gamma=2.0)
    weightless = cohorts.trial("measure_vae", attributes=("note_range", "note_density"), latent_dim=3, gamma=0.0)
    regularised = weightless.model_copy(update={"gamma": 2.0})
    together = cohorts.ensemble([bare, weightless, cohorts.trial("measure_vae"), regularised], irish_folk)
    alone = cohorts.ensemble([bare], irish_folk)
    states, losses = [], []
    for cohort in (together, alone):
        state, means = cohort.read_sums(cohort.run(cohort.start(), STEPS))
        states.append(jax.tree.map(np.asarray, state.train.params))
        losses.append(means)
    assert (losses[0]["regularisation"][0], losses[1]["regularisation"][0]) == (0, 0)
    for name in losses[0].keys() - {"regularisation"}:
        beside, other, _, imposed = losses[0][name]
        np.testing.assert_allclose([other, losses[1][name][0]], beside, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
        assert name in ("kl", "reconstruction_accuracy") or abs(imposed - beside) > TOLERANCE  # weights have a say

    def of_member(leaf: np.ndarray, whole: np.ndarray, member: int) -> np.ndarray:
        return leaf[member][tuple(slice(n) for n in whole.shape[1:])]

    expected = jax.tree.map(lambda leaf: leaf[0], states[1])
    for member in (0, 1):
        own = jax.tree.map(lambda leaf, whole, member=member: of_member(leaf, whole, member), *states)
        chex.assert_trees_all_close(own, expected, rtol=1e-3, atol=1e-3)
