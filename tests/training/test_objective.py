"""The loss is composed in one place: training and scoring agree on it, term by term."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from tests.helpers.study_grid import N_TICKS
from vaemusic_jax.data.blocks import ROWS, blocks
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.models.member import make_batch
from vaemusic_jax.training.score import score
from vaemusic_jax.training.step import Noise, vae_loss


@pytest.mark.parametrize("recipe", ["fast", "reference"])
@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_a_step_without_noise_or_teacher_has_the_loss_of_a_score(model: str, recipe: str, irish_folk: Dataset) -> None:
    """Both then decode posterior means free-running; only the way to the numbers differs."""
    trial = cohorts.trial(model, recipe=recipe, beta=0.5, gamma=3.0, delta=2.0, adversary_weight=2.0)
    cohort = cohorts.ensemble([trial], irish_folk)
    program, hp = cohort.program, jax.tree.map(jnp.asarray, cohort.members[0])
    params = program.initial_params(1)
    measures = cohorts.first_measures(irish_folk, ROWS)
    batch = make_batch(measures, hp)
    nothing = jnp.zeros((ROWS, program.latent_dim))
    noise = Noise(nothing, nothing, jnp.zeros(N_TICKS, bool), None)

    @jax.jit
    def trained() -> dict:
        posterior = program.encode(params, batch.tokens)
        return vae_loss(params["vae"], posterior, program, params, batch, noise, None, hp)[1]

    scores = jax.jit(score, static_argnums=0)(program, params, hp, blocks(measures), irish_folk.vocabulary.midi)
    for name, value in trained().items():
        np.testing.assert_allclose(value, scores[name], rtol=1e-5, err_msg=name)
    assert {"loss", "cross_entropy", "kl", *program.implementation.weighted_terms} <= set(scores)
