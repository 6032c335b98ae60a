"""The number of weights of the study's two models, so that a report can compare models of like size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

# By hidden size h, latent size z, size of the vocabulary v and number of attributes k; the discriminator, which is no
# part of the model in use, is not counted. `tests/report/test_weights.py` compares this with the networks.
_OF_MODEL: Mapping[str, Callable[[int, int, int, int], int]] = {
    "measure_vae": lambda h, z, v, k: 64 * h**2 + 150 * h + 6 * h * z + h * v + 21 * v + 2 * z + 11,
    "adversarial_vae": lambda h, z, v, k: 15 * h**2 + 28 * h + 8 * h * z + 10 * h * v + 3 * h * k + 2 * z + v,
}


def number_of_weights(model: str, hidden_size: int, latent_dim: int, vocabulary: int, attributes: int) -> int | None:
    """Counts the weights of a model's encoder and decoder; None for a model that the study does not have.

    Args:
        model: the name of the model.
        hidden_size, latent_dim: its sizes.
        vocabulary: the number of tokens.
        attributes: the number of imposed attributes.
    """
    count = _OF_MODEL.get(model)
    return count(hidden_size, latent_dim, vocabulary, attributes) if count else None
