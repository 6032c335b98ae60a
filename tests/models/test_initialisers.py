"""Initial weights have the distributions they are said to have, and only those of their own key."""

import jax
import numpy as np
import pytest

from vaemusic_jax.models import initialisers
from vaemusic_jax.models.gru import gate_bias

ROWS, COLUMNS = 100, 300


@pytest.mark.parametrize(
    ("draw", "bound", "variance"),
    [
        (initialisers.xavier_normal, None, 2 / 400),
        (initialisers.fan_in_normal, None, 1 / 100),
        (initialisers.unit_normal, None, 1.0),
        (initialisers.uniform_fan_in, 0.1, 0.1**2 / 3),
        (initialisers.uniform_gates, 0.1, 0.1**2 / 3),
        (initialisers.orthogonal_gates, None, 1 / 100),
    ],
)
def test_initial_weights_have_their_distribution(draw, bound, variance):
    weights = np.asarray(draw(jax.random.key(1), (ROWS, COLUMNS)))
    assert weights.dtype == np.float32
    assert abs(weights.var() / variance - 1) < 0.05
    assert abs(weights.mean()) < 4 * np.sqrt(variance / weights.size)
    if bound is not None:
        assert 0.99 * bound < np.abs(weights).max() <= bound
    np.testing.assert_array_equal(weights, draw(jax.random.key(1), (ROWS, COLUMNS)))
    assert (weights != np.asarray(draw(jax.random.key(2), (ROWS, COLUMNS)))).any()


def test_orthogonal_gates_keep_every_length():
    gates = np.asarray(initialisers.orthogonal_gates(jax.random.key(0), (8, 24)))
    for gate in np.split(gates, 3, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(8), atol=1e-5)


def test_the_update_bias_moves_the_update_gate_alone():
    plain, moved = (gate_bias(jax.random.key(0), 4, update_bias) for update_bias in (0.0, 2.0))
    np.testing.assert_allclose(np.asarray(moved) - np.asarray(plain), np.repeat([0.0, 2.0, 0.0], 4), atol=1e-6)
    assert np.abs(plain).max() <= 0.5
