"""Our GRU and look-up against plain step-by-step mathematics, values and gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vaemusic_jax.models import initialisers
from vaemusic_jax.models.layers import GRU, add_to_every_tick, affine, dropout, gru_cell, gru_scan, look_up

T, B, H = 5, 3, 4


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    shapes = {"x_proj": (T, B, 3 * H), "h0": (B, H), "w_hh": (H, 3 * H), "b_hh": (3 * H,)}
    return {name: jnp.asarray(generator.standard_normal(shape), jnp.float32) for name, shape in shapes.items()}


def test_gru_cell_by_hand():
    """One unit, numbers small enough to follow: r = u = sig(0) = 1/2, n = tanh(1 + 1/2 * 2), h' = n/2 + 3/2."""
    x_proj = jnp.array([[0.0, 0.0, 1.0]])
    h_next = gru_cell(x_proj, jnp.array([[3.0]]), jnp.zeros((1, 3)), jnp.array([0.0, 0.0, 2.0]))
    np.testing.assert_allclose(h_next, [[0.5 * np.tanh(2.0) + 1.5]], rtol=1e-6)


@pytest.mark.parametrize("reverse", [False, True])
def test_gru_scan_and_its_gradient_equal_a_loop(arrays, reverse):
    def looped(x_proj, h0, w_hh, b_hh):
        states = []
        for x in x_proj[::-1] if reverse else x_proj:
            h0 = gru_cell(x, h0, w_hh, b_hh)
            states.append(h0)
        return jnp.stack(states[::-1] if reverse else states)

    def scanned(*args):
        return gru_scan(*args, reverse)

    weight = jnp.asarray(np.random.default_rng(1).standard_normal((T, B, H)), jnp.float32)
    np.testing.assert_allclose(scanned(*arrays.values()), looped(*arrays.values()), rtol=1e-6, atol=1e-6)
    ours, theirs = (
        jax.grad(lambda *a, run=run: (run(*a) * weight).sum(), argnums=(0, 1, 2, 3))(*arrays.values())
        for run in (scanned, looped)
    )
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-5, atol=1e-5)


def test_gradients_of_layers_equal_those_that_jax_finds(arrays):
    """Of an affine map of several ticks, and of what is added to each of them."""
    w, b = arrays["w_hh"], arrays["b_hh"]
    x = jnp.asarray(np.random.default_rng(2).standard_normal((T, B, H)), jnp.float32)
    weight = jnp.asarray(np.random.default_rng(1).standard_normal((T, B, 3 * H)), jnp.float32)
    constant = arrays["x_proj"][0]
    pairs: list[tuple[Any, Any, tuple]] = [
        (affine, lambda x, w, b: jnp.einsum("tbh,hg->tbg", x, w) + b[None, None], (x, w, b)),
        (add_to_every_tick, lambda x, c: jnp.stack([tick + c for tick in x]), (arrays["x_proj"], constant)),
    ]
    for ours, theirs, args in pairs:
        np.testing.assert_allclose(ours(*args), theirs(*args), rtol=1e-5, atol=1e-5)
        every = tuple(range(len(args)))
        mine, yours = (
            jax.grad(lambda *a, run=run: (run(*a) * weight).sum(), argnums=every)(*args) for run in (ours, theirs)
        )
        for one, other in zip(mine, yours, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_reverse_scan_runs_from_the_last_tick(arrays):
    gru = GRU(2, H, initialisers.MEASURE_VAE)
    variables = gru.init(jax.random.key(0), method="declare")
    x_proj = arrays["x_proj"]
    backwards = gru.apply(variables, x_proj, None, True, method="scan")
    forwards = gru.apply(variables, x_proj[::-1], method="scan")
    np.testing.assert_allclose(backwards, forwards[::-1], rtol=1e-6)


def test_look_up_and_its_gradient_equal_a_one_hot_product():
    table = jnp.asarray(np.random.default_rng(0).standard_normal((5, 3)), jnp.float32)
    index = jnp.array([[0, 4], [4, 2]])
    weight = jnp.asarray(np.random.default_rng(1).standard_normal((2, 2, 3)), jnp.float32)
    one_hot = jax.nn.one_hot(index, 5)
    np.testing.assert_array_equal(look_up(table, index), np.asarray(table)[np.asarray(index)])
    ours = jax.grad(lambda t: (look_up(t, index) * weight).sum())(table)
    np.testing.assert_allclose(ours, jnp.einsum("abv,abd->vd", one_hot, weight), rtol=1e-6)


def test_dropout_keeps_the_mean_and_is_off_without_a_key():
    x = jnp.ones((200, 200))
    dropped = dropout(x, 0.5, jax.random.key(0))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert abs(float(dropped.mean()) - 1.0) < 0.02  # 40,000 draws: the standard error is 0.005
    np.testing.assert_array_equal(dropout(x, 0.5, None), x)
