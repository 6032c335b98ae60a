"""Wrong shapes are refused where a test calls the package."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers.shapes import ShapeError, assert_shapes
from vaemusic_jax.models import initialisers, losses
from vaemusic_jax.models.gru import GRU
from vaemusic_jax.models.measure_vae import MeasureVAE

B, T, V, Z, H = 3, 24, 5, 4, 6


def test_functions_of_the_package_check_their_arguments() -> None:
    codes, weight = jnp.ones((B, 2)), jnp.ones(B)
    losses.attribute_regularisation(codes, codes, 1.0, weight)
    with pytest.raises(ShapeError, match=r"weight_B has shape \(4,\)"):
        losses.attribute_regularisation(codes, codes, 1.0, jnp.ones(4))
    with pytest.raises(ShapeError, match=r"tokens_BxT has shape \(24, 3\)"):
        losses.cross_entropy(jnp.ones((B, T, V)), jnp.zeros((T, B), jnp.int32))
    with pytest.raises(ShapeError, match=r"real_K has shape \(1, 2\)"):
        losses.adversary_losses(jnp.ones((B, 2, 8)), jnp.ones((B, 2, 8)), jnp.ones((1, 2)))


def test_methods_of_the_networks_check_theirs_also_under_a_transformation() -> None:
    vae = MeasureVAE(V, H, Z)
    params = vae.init(jax.random.key(0), method="declare")
    gru = GRU(2, H, initialisers.MEASURE_VAE)
    weights = gru.init(jax.random.key(0), method="declare")
    with pytest.raises(ShapeError, match=r"h0_BxH has shape \(4, 6\)"):
        gru.apply(weights, jnp.ones((T, B, 3 * H)), jnp.ones((B + 1, H)), method="scan")

    def decoded(z: jax.Array) -> jax.Array:
        return vae.apply(params, z, method="decode")

    assert jax.jit(decoded)(jnp.ones((B, Z))).shape == (B, 24, V)
    assert jax.eval_shape(jax.vmap(decoded), jnp.ones((2, B, Z))).shape == (2, B, 24, V)
    with pytest.raises(ShapeError, match="z_BxZ"):
        jax.eval_shape(decoded, jnp.ones(Z))


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        ({"x_BxH": (3, 6), "h_Bx2H": (3, 12), "w_2H": (12,)}, True),
        ({"x_BxH": (3, 6), "h_Bx2H": (3, 13)}, False),
        ({"h_Bx2H": (3, 13)}, False),  # no half of it
        ({"a_Nx4": (9, 4), "mask_N": (9,)}, True),
        ({"a_Nx4": (9, 5)}, False),
        ({"a_Nx4": (9,)}, False),
        ({"a_N": ()}, False),
        ({"plain": (1, 2), "other": (3,), "MAX_N_of": (7, 7)}, True),
    ],
)
def test_letters_stand_for_one_size_in_a_call(arguments: dict[str, tuple[int, ...]], right: bool) -> None:
    arrays = {name: np.zeros(shape) for name, shape in arguments.items()} | {"of_none_BxZ": None}
    if right:
        assert_shapes("f", arrays)
        return
    with pytest.raises(ShapeError, match="f: "):
        assert_shapes("f", arrays)
