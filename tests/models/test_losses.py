"""Loss terms against values worked out by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from vaemusic_jax.models import losses


def test_cross_entropy_of_even_and_of_certain_predictions():
    tokens = jnp.array([[0, 2], [1, 1]])
    np.testing.assert_allclose(losses.cross_entropy(jnp.zeros((2, 2, 3)), tokens), np.log(3), rtol=1e-6)
    certain = 50.0 * jnp.eye(3)[tokens]
    np.testing.assert_allclose(losses.cross_entropy(certain, tokens), 0, atol=1e-6)
    half_right = certain.at[0, 1].set(jnp.array([50.0, 0.0, 0.0]))
    np.testing.assert_allclose(losses.cross_entropy(half_right, tokens), [25.0, 0.0], atol=1e-5)


def test_kl_is_zero_for_the_prior_and_by_hand_elsewhere():
    kl = losses.kl_divergence(jnp.array([[0.0, 1.0, 0.0]]), jnp.log(jnp.array([[1.0, 1.0, 2.0]])))
    np.testing.assert_allclose(kl, [[0.0, 0.5, (4 - 1) / 2 - np.log(2)]], atol=1e-6)


def test_regularisation_of_perfect_opposite_and_tied_orders():
    """Two measures far apart: both ordered pairs cost 0 in order, 2 out of order, 1 where tied; mean over 4 pairs."""
    codes = jnp.array([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
    attributes = jnp.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]])
    terms = losses.attribute_regularisation(codes, attributes, 10.0, jnp.ones(2))
    np.testing.assert_allclose(terms, [0.0, 1.0, 0.5], atol=1e-6)


def test_regularisation_ignores_filling():
    generator = np.random.default_rng(0)
    codes, attributes = (jnp.asarray(generator.standard_normal((6, 2)), jnp.float32) for _ in range(2))
    weight = jnp.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    filled = losses.attribute_regularisation(codes, attributes, 1.0, weight)
    plain = losses.attribute_regularisation(codes[:4], attributes[:4], 1.0, jnp.ones(4))
    np.testing.assert_allclose(filled, plain, rtol=1e-6)


def test_class_targets_are_one_hot():
    targets = losses.class_targets(jnp.array([[0, 2]]), 4)
    np.testing.assert_array_equal(targets[0], [[1, 0, 0, 0], [0, 0, 1, 0]])


def test_adversary_losses_stay_finite_where_a_sigmoid_saturates_and_skip_padding():
    logits = jnp.array([[[200.0, -200.0], [0.0, 0.0]]])
    targets = jnp.array([[[1.0, 0.0], [1.0, 0.0]]])
    reads, fools = losses.adversary_losses(logits, targets, jnp.array([1.0, 0.0]))
    np.testing.assert_allclose([reads[0], fools[0]], [0.0, 200.0], atol=1e-6)
    reads, _ = losses.adversary_losses(logits, targets, jnp.array([1.0, 1.0]))
    np.testing.assert_allclose(reads, np.log(2) / 2, rtol=1e-6)


def test_the_regressor_s_adversary_loss_is_r_squared_of_what_it_reads_and_skips_padding():
    """It is lowest for a code that tells nothing, of which the best prediction is the mean, and at most 1."""
    generator = np.random.default_rng(0)
    drawn = generator.standard_normal((50, 2))
    values = jnp.asarray((drawn - drawn.mean(0)) / drawn.std(0), jnp.float32)
    both, first = jnp.array([1.0, 1.0]), jnp.array([1.0, 0.0])

    def fools(read, real=both):
        error, fool = losses.regressor_losses(read, values, real)
        np.testing.assert_allclose(error + fool, 1.0, rtol=1e-5)
        return float(fool.mean())

    assert fools(values) == 1.0
    assert fools(0 * values) == pytest.approx(0, abs=1e-5)
    half_read = jnp.stack([values[:, 0], 0 * values[:, 1]], axis=1)
    assert fools(half_read) == pytest.approx(0.5, abs=1e-5)
    assert fools(half_read, first) == 1.0
    noise = jnp.asarray(generator.standard_normal((50, 2)), jnp.float32)
    assert fools(noise) < 0
    assert all(fools(values + scale * noise) < 1 for scale in (0.1, 1.0, 10.0))


def test_teacher_probability_falls_from_one_to_zero():
    chances = np.array([float(losses.teacher_probability(jnp.float32(i))) for i in (0, 1000, 7000, 200_000)])
    assert (np.diff(chances) < 0).all()
    assert chances[0] > 0.99
    assert chances[-1] == 0.0
