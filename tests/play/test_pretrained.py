"""The models that come with the package are what their cards say, and never change under their version."""

import hashlib

import numpy as np
import pytest
import yaml

from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.load import load, shipped_models
from vaemusic_jax.play.steer import draw

#: SHA-256 of the files. A better model gets a new version and a new line; a line never changes.
DIGESTS = {
    "bach-adversarial-4@1": "8a48d0196db59a7d3c5875693a15fa069d4561a6c773ff6f6705277830db87e7",
    "bach-measure-32@1": "7c82690580662738521718c8906743611c0c363c1d0f69e755df1e760684d7d8",
    "irish-adversarial-4@1": "a78cd39b37460bb029c220f8b3b0fc7e2a7061c268f329b8172365f0796ef722",
    "irish-pair-32@1": "9850e3d2d566cc1a424c113d43c0c855a155a0992549d91ff2d3e65b6abfa3a1",
    "irish-measure-32@1": "096bd0d797cf59e556cb9ea8b683d902aeee3ed0aa865e21690b155d8ea5601d",
}
LARGEST = 12_000_000  # bytes, of all of them


def test_the_files_are_those_that_were_published() -> None:
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in shipped_models().items()}
    assert found == DIGESTS
    assert sum(path.stat().st_size for path in shipped_models().values()) < LARGEST


@pytest.mark.parametrize("name", DIGESTS)
def test_a_model_is_as_good_as_its_card_says(name: str) -> None:
    model = load(name)
    dataset = load_dataset(model.trial.dataset)
    assert model.about.dataset["digest"] == dataset.digest
    assert model.vocabulary == dataset.vocabulary
    test = dataset.test
    codes, own = model.encode(test.tokens), model.own_attributes(test.tokens)
    right = model.decode(codes, own) == test.tokens
    card = shipped_models()[name].with_suffix(".md").read_text()
    metrics = yaml.safe_load(card.split("---")[1])["model-index"][0]["results"][0]["metrics"]
    values = {metric["type"]: metric["value"] for metric in metrics}
    assert values["reconstruction_accuracy"] == pytest.approx(right.mean(), abs=0.002)
    assert values["measure_accuracy"] == pytest.approx(right.all(1).mean(), abs=0.01)
    assert load(name.partition("@")[0]).trial == model.trial

    [row] = [line for line in card.splitlines() if line.startswith("| tokens right |")]
    low, high = map(float, row.split("|")[3].split(" to "))
    assert low < values["reconstruction_accuracy"] < high
    tunes, of = np.unique(test.tune, return_inverse=True)
    drawn = np.random.default_rng(7).integers(len(tunes), size=(2000, len(tunes)))
    n_right, n = np.bincount(of, right.mean(1)), np.bincount(of)
    resampled = n_right[drawn].sum(1) / n[drawn].sum(1)
    np.testing.assert_allclose([low, high], np.quantile(resampled, [0.025, 0.975]), atol=0.1 * (high - low) + 1e-4)


def test_the_first_example_of_the_readme_does_what_it_says_from_every_start() -> None:
    model, k = load("irish-measure-32"), ATTRIBUTES.index("note_density")
    starts = draw(model, 100, seed=0)
    low, middle, high = (
        model.attributes(model.turn(starts, "note_density", level=at))[:, k] for at in (0.02, 0.5, 0.98)
    )
    assert np.mean((low < middle) & (middle < high)) > 0.9
    [shown] = (draw(model, 1, seed) for seed in (27,))
    onsets = [
        round(24 * model.attributes(model.turn(shown, "note_density", level=at))[0, k]) for at in (0.02, 0.5, 0.98)
    ]
    assert onsets == [5, 8, 10]
