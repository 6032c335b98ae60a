"""The discriminators of AdversarialVAE, which read attributes from codes.

Shapes: B batch, D columns, Z latent, K attributes, C classes.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import lax

from vaemusic_jax.models.initialisers import fan_in_normal, uniform_fan_in
from vaemusic_jax.models.layers import Array, Layer, Linear
from vaemusic_jax.models.member import N_CLASSES

CLASSIFIER_SLOPE = 0.01
WIDTH, SLOPE = 128, 0.1  # of the regressor
SMALLEST_VARIANCE = 1e-5  # added to variances before codes or activations are divided by their square roots


class Classifier(Layer):
    """The published discriminator, from z to logits (B, K, C) of each attribute's class.

    Its hidden width is half that of z.
    """

    latent_dim: int
    n_attributes: int

    def setup(self) -> None:
        hidden = self.latent_dim // 2
        self.fc1 = Linear(self.latent_dim, hidden, uniform_fan_in)
        self.fc2 = Linear(hidden, self.n_attributes * N_CLASSES, uniform_fan_in)

    @property
    def multiplications(self) -> int:
        """The number of multiplications per measure in its matmuls."""
        return self.latent_dim // 2 * (self.latent_dim + self.n_attributes * N_CLASSES)

    def __call__(self, z_BxZ: Array) -> Array:
        logits = self.fc2(nn.leaky_relu(self.fc1(z_BxZ), CLASSIFIER_SLOPE))
        return logits.reshape(-1, self.n_attributes, N_CLASSES)


class Regressor(Layer):
    """The discriminator of the fast recipe, from z to the standardised value (B, K) of each attribute.

    It has two hidden layers of the same width at every latent size. It reads codes that are standardised over the
    batch, so that the encoder cannot hide an attribute by making it small.
    """

    latent_dim: int
    n_attributes: int

    def setup(self) -> None:
        self.fc1 = Linear(self.latent_dim, WIDTH, fan_in_normal)
        self.fc2 = Linear(WIDTH, WIDTH, fan_in_normal)
        self.fc3 = Linear(WIDTH, self.n_attributes, uniform_fan_in)

    @property
    def multiplications(self) -> int:
        """The number of multiplications per measure in its matmuls."""
        return WIDTH * (self.latent_dim + WIDTH + self.n_attributes)

    def __call__(self, z_BxZ: Array, weight_B: Array) -> Array:
        """Returns the values; `weight_B` is 0 for rows that only fill the batch, else 1."""
        x = standardised(z_BxZ, weight_B)
        for layer in (self.fc1, self.fc2):
            x = nn.leaky_relu(normalised(layer(x)), SLOPE)
        return self.fc3(x)


def standardised(x_BxD: Array, weight_B: Array) -> Array:
    """Returns columns with mean 0 and variance 1 over the rows that count, of weight 1; constant columns become 0."""
    share_Bx1 = (weight_B / weight_B.sum())[:, None]
    centred_BxD = x_BxD - (share_Bx1 * x_BxD).sum(0, keepdims=True)
    variance_1xD = (share_Bx1 * jnp.square(centred_BxD)).sum(0, keepdims=True)
    return centred_BxD * lax.rsqrt(variance_1xD + SMALLEST_VARIANCE)


def normalised(x_BxD: Array) -> Array:
    """Returns the rows with mean 0 and variance 1 (layer normalisation without weights)."""
    centred_BxD = x_BxD - x_BxD.mean(-1, keepdims=True)
    return centred_BxD * lax.rsqrt(jnp.square(centred_BxD).mean(-1, keepdims=True) + SMALLEST_VARIANCE)
