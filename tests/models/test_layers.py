"""Our layers but the GRU against plain mathematics, values and gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaemusic_jax.models.layers import add_to_every_tick, affine, dropout, look_up

T, B, H = 5, 3, 4


def test_gradients_of_layers_equal_those_that_jax_finds():
    """Of an affine map of several ticks, and of what is added to each of them."""
    generator = np.random.default_rng(0)
    shapes = ((T, B, 3 * H), (H, 3 * H), (3 * H,), (T, B, H))
    x_proj, w, b, x = (jnp.asarray(generator.standard_normal(shape), jnp.float32) for shape in shapes)
    weight = jnp.asarray(np.random.default_rng(1).standard_normal((T, B, 3 * H)), jnp.float32)
    constant = x_proj[0]
    pairs: list[tuple[Any, Any, tuple]] = [
        (affine, lambda x, w, b: jnp.einsum("tbh,hg->tbg", x, w) + b[None, None], (x, w, b)),
        (add_to_every_tick, lambda x, c: jnp.stack([tick + c for tick in x]), (x_proj, constant)),
    ]
    for ours, theirs, args in pairs:
        np.testing.assert_allclose(ours(*args), theirs(*args), rtol=1e-5, atol=1e-5)
        every = tuple(range(len(args)))
        mine, yours = (
            jax.grad(lambda *a, run=run: (run(*a) * weight).sum(), argnums=every)(*args) for run in (ours, theirs)
        )
        for one, other in zip(mine, yours, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


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
