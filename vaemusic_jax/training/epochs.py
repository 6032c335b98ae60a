"""The order in which a member sees its training measures, epoch after epoch."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.random import threefry2x32_p

from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters
from vaemusic_jax.support.jax_settings import random_key

SHUFFLE_STREAM = 2**31 - 1  # folded into the seed for the key of the shuffling; no training step has this number
UNIFORM_SHIFT = 9  # `jax.random.uniform` makes a float of the other 23 of 32 random bits


def order_of_epochs(hp: HyperParameters, first_epoch: Array, n_epochs: int, size: int) -> Array:
    """Returns the indices of a member's training measures in their order in several epochs, one after the other.

    In an epoch, measure i has the rank `jax.random.uniform(key of the epoch, ...)[i]`. All epochs are sorted at once,
    as one array of `size` places, so that many short epochs cost no more than one long epoch. The bits of a place
    are computed alone, which `jax.random` does not offer: of partitionable keys they depend on key and index only.

    Args:
        hp: the member's hyper-parameters.
        first_epoch: () the number of the first epoch.
        n_epochs: the most epochs that are needed.
        size: the number of places. An epoch that does not fit as a whole is not in the right order.

    Returns:
        (size,) the indices, from 0 to `n_train` - 1.
    """
    place = jnp.arange(size)
    epoch, index = place // hp.n_train, place % hp.n_train
    stream = jax.random.fold_in(random_key(hp.seed), SHUFFLE_STREAM)
    keys = jax.vmap(lambda i: jax.random.key_data(jax.random.fold_in(stream, first_epoch + i)))(jnp.arange(n_epochs))
    key = keys[jnp.minimum(epoch, n_epochs - 1)]
    counter = index.astype(jnp.uint32)
    high, low = threefry2x32_p.bind(key[:, 0], key[:, 1], jnp.zeros_like(counter), counter)
    rank = (high ^ low) >> UNIFORM_SHIFT
    order: Array = lax.sort((epoch, rank, index), num_keys=2)[2]
    return order
