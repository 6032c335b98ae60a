"""The regressor reads codes whatever their scale, and ignores what only fills a batch; its steps are single steps."""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.models.base import Posterior, RivalTraining
from vaemusic_jax.models.discriminators import WIDTH, Regressor
from vaemusic_jax.models.member import make_batch
from vaemusic_jax.training.step import start_state, train_rival

B, Z, K = 12, 5, 3
REGRESSOR = Regressor(Z, K)


@pytest.fixture(scope="module")
def params() -> Any:
    return REGRESSOR.init(jax.random.key(0), method="declare")


@pytest.fixture
def codes() -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).standard_normal((B, Z)), jnp.float32)


def read(params: Any, codes: jax.Array, weight: jax.Array | None = None) -> np.ndarray:
    return np.asarray(REGRESSOR.apply(params, codes, jnp.ones(len(codes)) if weight is None else weight))


def test_an_attribute_cannot_be_hidden_by_shrinking_or_shifting_its_dimensions(params: Any, codes: jax.Array) -> None:
    scale, shift = jnp.array([[0.05, 1.0, 20.0, 3.0, -0.1]]), jnp.array([[9.0, 0.0, -1.0, 4.0, 0.2]])
    turned = codes.at[:, 4].multiply(-1.0)  # the last dimension is mirrored too
    np.testing.assert_allclose(read(params, scale * codes + shift), read(params, turned), atol=0.02)
    assert np.abs(read(params, codes) - read(params, turned)).max() > 0.1


def test_rows_that_only_fill_the_batch_change_nothing(params: Any, codes: jax.Array) -> None:
    filled = jnp.concatenate([codes, 7.0 + jnp.zeros((4, Z))])
    weight = (jnp.arange(B + 4) < B).astype(jnp.float32)
    np.testing.assert_allclose(read(params, filled, weight)[:B], read(params, codes), atol=1e-4)


def test_a_collapsed_code_tells_the_same_of_every_measure(params: Any) -> None:
    read_BxK = read(params, jnp.zeros((B, Z)))
    assert np.isfinite(read_BxK).all()
    assert np.ptp(read_BxK, axis=0).max() < 1e-4


def test_its_hidden_layers_are_as_wide_at_every_latent_size() -> None:
    for latent_dim in (2, 64):
        shapes = Regressor(latent_dim, 4).init(jax.random.key(0), method="declare")["params"]
        widths = {name: layer["w"].shape for name, layer in shapes.items()}
        assert widths == {"fc1": (latent_dim, WIDTH), "fc2": (WIDTH, WIDTH), "fc3": (WIDTH, 4)}


def test_several_of_its_steps_are_single_steps_one_after_another(
    irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = cohorts.ensemble([cohorts.trial("adversarial_vae")], irish_folk)
    program, hp = cohort.program, jax.tree.map(jnp.asarray, cohort.members[0])
    n_steps = program.implementation.rival_training(program).steps
    assert n_steps > 1
    state, batch = start_state(program.initial_params(0)), make_batch(cohorts.first_measures(irish_folk, B), hp)
    codes = jnp.asarray(np.random.default_rng(1).standard_normal((B, program.latent_dim)), jnp.float32)
    posterior = Posterior(codes, jnp.zeros_like(codes))

    def trained(weights: dict, optimiser: Any) -> Any:
        def steps(weights: dict, optimiser: Any) -> Any:
            return train_rival(
                "classifier", weights, optimiser, posterior, codes, program, state.params, batch, hp.learning_rate, hp
            )

        return jax.jit(steps)(weights, optimiser)

    several = trained(state.params["classifier"], state.optimiser["classifier"])
    rate = program.implementation.rival_training(program).learning_rate
    monkeypatch.setattr("vaemusic_jax.models.adversarial_vae.REGRESSOR_TRAINING", RivalTraining(1, rate))
    single = (state.params["classifier"], state.optimiser["classifier"], None, None)
    losses = []
    for _ in range(n_steps):
        single = trained(*single[:2])
        losses.append(float(single[2]))
    chex.assert_trees_all_close(several, single, rtol=1e-4, atol=1e-5)
    assert losses[-1] < losses[0]  # it learns to read
