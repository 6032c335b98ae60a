"""The number of weights that a report counts is that of the networks."""

import jax
import pytest

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import ALL_ATTRIBUTES
from vaemusic_jax.models.program import program_of
from vaemusic_jax.report.weights import number_of_weights


@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
@pytest.mark.parametrize(("hidden", "latent", "vocabulary"), [(8, 4, 20), (20, 12, 41)])
@pytest.mark.parametrize("attributes", [ALL_ATTRIBUTES, "note_density"])
def test_weights_are_those_of_the_networks(
    model: str, hidden: int, latent: int, vocabulary: int, attributes: str
) -> None:
    fields = {"model": model, "size": hidden, "latent_dim": latent, "attributes": attributes, "seed": 0}
    base = {"name": "weights", "dataset": "irish_folk", "steps": 10, "eval_every": 5}
    (trial,) = trials(SweepConfig.model_validate(base | fields))
    weights = program_of([trial], vocabulary).initial_params(0)["vae"]
    expected = sum(leaf.size for leaf in jax.tree.leaves(weights))
    assert number_of_weights(model, hidden, latent, vocabulary, len(trial.attributes)) == expected


def test_other_models_are_not_counted() -> None:
    assert number_of_weights("toy_vae", 8, 4, 20, 4) is None
