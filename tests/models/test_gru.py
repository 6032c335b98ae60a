"""Our GRU against plain step-by-step mathematics, and its two ways against each other; values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vaemusic_jax.models import initialisers
from vaemusic_jax.models.gru import GRU, Run, gru_cell, gru_scan, run_layers

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

    def scanned(x_proj, h0, w_hh, b_hh):
        return gru_scan(x_proj, h0, w_hh, b_hh, reverse)

    weight = jnp.asarray(np.random.default_rng(1).standard_normal((T, B, H)), jnp.float32)
    np.testing.assert_allclose(scanned(*arrays.values()), looped(*arrays.values()), rtol=1e-6, atol=1e-6)
    ours, theirs = (
        jax.grad(lambda *a, run=run: (run(*a) * weight).sum(), argnums=(0, 1, 2, 3))(*arrays.values())
        for run in (scanned, looped)
    )
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-5, atol=1e-5)


def test_reverse_scan_runs_from_the_last_tick(arrays):
    gru = GRU(2, H, initialisers.MEASURE_VAE)
    variables = gru.init(jax.random.key(0), method="declare")
    x_proj = arrays["x_proj"]
    backwards = gru.apply(variables, x_proj, None, True, method="scan")
    forwards = gru.apply(variables, x_proj[::-1], method="scan")
    np.testing.assert_allclose(backwards, forwards[::-1], rtol=1e-6)


@pytest.mark.parametrize("with_first_states", [True, False])
def test_layers_run_at_once_are_those_run_one_by_one(with_first_states):
    """Layers in both directions, with first states or from zeros, for several members side by side."""
    generator = np.random.default_rng(3)
    n_members, n_layers, reverse = 2, 3, (False, True, True)
    shapes = ((T, B, 3 * H), (B, H), (H, 3 * H), (3 * H,))
    arrays = [generator.standard_normal((n_members, n_layers, *shape), np.float32) for shape in shapes]
    weight = generator.standard_normal((n_layers, T, B, H), np.float32)

    def states(few_kernels, x_proj, h0, w_hh, b_hh):
        runs = [
            Run(x_proj[i], h0[i] if with_first_states else None, w_hh[i], b_hh[i], reverse[i]) for i in range(n_layers)
        ]
        return jnp.stack(run_layers(runs, few_kernels))

    def both(*arrays):
        outs = [states(few_kernels, *arrays) for few_kernels in (False, True)]
        grads = [
            jax.grad(lambda *a, few=few: (states(few, *a) * weight).sum(), argnums=(0, 1, 2, 3))(*arrays)
            for few in (False, True)
        ]
        return outs, grads

    (one_by_one, at_once), (own, other) = jax.jit(jax.vmap(both))(*arrays)
    assert one_by_one.shape == (n_members, n_layers, T, B, H)
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-5, atol=1e-6)
    for one, two in zip(own, other, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)
    assert [bool(np.abs(grad).max() > 0) for grad in own] == [True, with_first_states, True, True]
