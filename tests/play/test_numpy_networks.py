"""The networks in NumPy are those in JAX, token for token, in every recipe and metre."""

import numpy as np
import pytest

from tests.helpers.random_models import random_model
from vaemusic_jax.config.models import MODELS
from vaemusic_jax.models.program import implementation_of
from vaemusic_jax.play.export import MOST_DIFFERENT, differences
from vaemusic_jax.play.numpy_layers import drawing, sigmoid
from vaemusic_jax.play.numpy_networks import NUMPY_NETWORKS
from vaemusic_jax.play.restore import jax_networks

N = 300


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("measure_vae", {}),
        ("measure_vae", {"metre": "9/8", "recipe": "reference", "latent_dim": 5}),
        ("adversarial_vae", {}),
        ("adversarial_vae", {"metre": "9/8", "recipe": "reference", "attributes": ("note_range", "note_density")}),
    ],
    ids=["measure_vae", "measure_vae reference 9/8", "adversarial_vae", "adversarial_vae reference 9/8"],
)
def test_numpy_is_jax(model: str, fields: dict) -> None:
    ours = random_model(model, **fields)
    theirs = jax_networks(ours)
    rng = np.random.default_rng(3)
    n_ticks = ours.vocabulary.grid.n_ticks
    tokens = rng.integers(0, len(ours.vocabulary), (N, n_ticks)).astype(np.int32)
    np.testing.assert_allclose(ours.numpy.encode(tokens), theirs.encode(tokens), rtol=1e-4, atol=1e-4)
    z = rng.normal(size=(N, ours.trial.latent_dim)).astype(np.float32)
    conditions = rng.normal(size=(N, len(ours.trial.attributes))).astype(np.float32)
    decoded, logits = ours.numpy.decode(z, conditions)
    assert logits.shape == (N, n_ticks, len(ours.vocabulary))
    assert len(np.unique(decoded)) > 5
    n_different, unexplained = differences(decoded, theirs.decode_greedily(z, conditions), logits)
    assert (unexplained, n_different <= max(1, MOST_DIFFERENT * N)) == (0, True)


def test_controls_are_told_in_numpy_as_in_jax() -> None:
    assert {name: network.told for name, network in NUMPY_NETWORKS.items()} == {
        name: implementation_of(name).controls.told for name in MODELS
    }


def test_differences_are_explained_by_close_logits_alone() -> None:
    ours = np.array([[0, 1], [0, 1], [0, 1]])
    theirs = np.array([[0, 1], [0, 2], [2, 1]])
    logits = np.zeros((3, 2, 3))
    logits[1, 1] = [0, 1.00005, 1]
    logits[2, 0] = [1, 0, 0.9]
    assert differences(ours, theirs, logits) == (2, 1)


def test_temperature_makes_measures_differ_from_draw_to_draw_and_a_cold_one_does_not() -> None:
    model = random_model("measure_vae")
    hot, again, other = (model.sample(20, seed, temperature=1.5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(hot, again)
    assert (hot != other).any()
    np.testing.assert_array_equal(model.sample(20, 1, temperature=1e-6), model.sample(20, 1))
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="it needs a number above 0"):
            model.sample(1, temperature=wrong)


def test_tokens_are_drawn_with_the_probabilities_of_their_logits() -> None:
    logits = np.log(np.tile([[0.5, 0.3, 0.2]], (20_000, 1)))
    for temperature, expected in ((1.0, [0.5, 0.3, 0.2]), (0.5, np.array([25, 9, 4]) / 38)):
        drawn = drawing(np.random.default_rng(0), temperature)(0, logits)
        np.testing.assert_allclose(np.bincount(drawn) / len(drawn), expected, atol=0.012)


def test_the_sigmoid_does_not_overflow() -> None:
    with np.errstate(all="raise"):
        np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, np.log(3), 1e4])), [0, 0.5, 0.75, 1], atol=1e-12)
