"""The networks and the steering in JavaScript are those in Python, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vaemusic_jax.play.explorer
from tests.helpers.browser import chromium, page_of
from tests.helpers.random_models import random_model
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play import steer
from vaemusic_jax.play.explorer.spec import control_levels, file_of, spec_of
from vaemusic_jax.play.export import MOST_DIFFERENT, differences
from vaemusic_jax.play.load import load
from vaemusic_jax.play.trained_model import TrainedModel

SCRIPTS = [Path(vaemusic_jax.play.explorer.__file__).parent / name for name in ("networks.js", "steering.js")]
START = (
    "(given) => { const bytes = Uint8Array.from(atob(given.file), (each) => each.charCodeAt(0));"
    " const model = new Model(given.spec, bytes.buffer); return %s; }"
)

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs an expression that has `model` and `given` in the browser, and returns its value."""
    with chromium() as browser, page_of(browser, SCRIPTS) as page:

        def run(model: TrainedModel, expression: str, **given: Any) -> Any:
            return page.evaluate(START % expression, {"file": file_of(model), "spec": spec_of(model, "it"), **given})

        yield run


def in_javascript(run: Run, model: TrainedModel, z: np.ndarray, own: np.ndarray) -> np.ndarray:
    expression = "given.z.map((each, n) => [...model.decode(Float32Array.from(each), given.own[n])])"
    return np.array(run(model, expression, z=z.tolist(), own=own.tolist()))


def compared(run: Run, model: TrainedModel, n: int) -> tuple[int, int, np.ndarray]:
    """Decodes codes in both languages and returns what `differences` counts, and the tokens."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=(n, model.trial.latent_dim)).astype(np.float32)
    own = rng.uniform(size=(n, len(model.trial.attributes))).astype(np.float32)
    conditions = ((own - model.standardise[0]) / model.standardise[1]).astype(np.float32)
    decoded, logits = model.numpy.decode(z, conditions)
    return *differences(decoded, in_javascript(run, model, z, own), logits), decoded


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("measure_vae", {}),
        ("measure_vae", {"metre": "9/8", "recipe": "reference", "latent_dim": 5}),
        ("adversarial_vae", {}),
        ("adversarial_vae", {"metre": "6/8", "recipe": "reference", "attributes": ("note_range", "note_density")}),
    ],
    ids=["measure_vae", "measure_vae reference 9/8", "adversarial_vae", "adversarial_vae reference 6/8"],
)
def test_javascript_is_numpy(run: Run, model: str, fields: dict) -> None:
    ours = random_model(model, **fields)
    rng = np.random.default_rng(5)
    tokens = rng.integers(0, len(ours.vocabulary), (60, ours.vocabulary.grid.n_ticks)).astype(np.int32)
    found = run(
        ours,
        "{codes: given.tokens.map((each) => [...model.encode(each)]),"
        " attributes: given.tokens.map((each) => attributesOf(given.spec, each))}",
        tokens=tokens.tolist(),
    )
    np.testing.assert_allclose(found["codes"], ours.encode(tokens), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(np.float32(found["attributes"]), ours.attributes(tokens))
    n_different, unexplained, decoded = compared(run, ours, 2000)
    assert len(np.unique(decoded)) > 5
    assert (unexplained, n_different <= MOST_DIFFERENT * 2000) == (0, True)


@pytest.mark.parametrize("name", ["irish-measure-32", "irish-adversarial-4"])
def test_a_model_of_the_package_decodes_in_javascript_as_in_numpy(run: Run, name: str) -> None:
    n_different, unexplained, decoded = compared(run, load(name), 200)
    assert len(np.unique(decoded, axis=0)) > 100
    assert (unexplained, n_different <= 1) == (0, True)


@pytest.mark.parametrize("kind", ["measure_vae", "adversarial_vae"])
def test_turning_and_levels_are_those_of_python(run: Run, kind: str) -> None:
    model = random_model(kind)
    # steps, with many measures of one value at the ends and between, as attributes of music have
    model.about.attributes[2] = np.repeat(np.array([0.125, 0.25, 0.3, 0.5, 0.75], np.float32), [1, 30, 40, 29, 1])
    tokens = steer.draw(model, 12, seed=4)
    values = np.array([0.1, 0.125, 0.25, 0.27, 0.3, 0.5, 0.6, 0.75, 0.8], np.float32).tolist()
    name = model.trial.attributes[1]
    found = run(
        model,
        "{turned: given.tokens.map((each, n) => [...model.turn(each, {[given.name]: n / 11})]),"
        " levels: given.values.map((value) => levelOf(model.quantiles[2], value)),"
        " controls: given.tokens.map((each) => model.controlLevels(each))}",
        tokens=tokens.tolist(),
        name=name,
        values=values,
    )
    for n, each in enumerate(tokens):
        np.testing.assert_array_equal(found["turned"][n], model.turn(each, name, level=n / 11)[0])
    ours = [model.about.level_of("note_density", value) for value in values]
    np.testing.assert_allclose(found["levels"], ours, atol=1e-6)
    np.testing.assert_allclose(found["controls"], control_levels(model, tokens), atol=1e-3)


@pytest.mark.parametrize("kind", ["measure_vae", "adversarial_vae"])
def test_aiming_comes_nearer_than_turning_and_is_repeatable(run: Run, kind: str) -> None:
    model = random_model(kind)
    name, column = "note_density", list(ATTRIBUTES).index("note_density")
    tokens = steer.draw(model, 10, seed=4)
    found = run(
        model,
        "given.tokens.map((each) => [model.aim(each, {[given.name]: 0.7}, 3), model.aim(each, {[given.name]: 0.7}, 3),"
        " {tokens: model.turn(each, {[given.name]: 0.7})}].map((got) => [Object.values(got.tokens), got.distance]))",
        tokens=tokens.tolist(),
        name=name,
    )
    asked, spread = model.about.attribute_at(name, 0.7), model.about.spread(name)
    off = {"aimed": 0.0, "turned": 0.0}
    for aimed, again, turned in found:
        assert aimed == again
        (aimed_value, turned_value) = model.attributes([aimed[0], turned[0]])[:, column].tolist()
        assert abs(abs(aimed_value - asked) / spread - aimed[1]) < 1e-4
        off["aimed"] += abs(aimed_value - asked)
        off["turned"] += abs(turned_value - asked)
    assert off["aimed"] < off["turned"]


def test_aiming_varies_the_rest_of_the_code_as_in_python(run: Run) -> None:
    model = load("irish-adversarial-4")
    tokens, name = steer.draw(model, 8, seed=4), "average_interval_jump"
    asked: dict[str, Any] = {name: model.about.attribute_at(name, 0.8)}
    expression = "given.tokens.map((each, n) => model.aim(each, {average_interval_jump: 0.8}, n).distance)"
    found = np.mean(run(model, expression, tokens=tokens.tolist()))
    ours = np.mean([steer.aim(model, each, seed=n, **asked).distance for n, each in enumerate(tokens)])
    still = np.mean([steer.aim(model, each, seed=n, noise=0, **asked).distance for n, each in enumerate(tokens)])
    assert ours < 0.5 * still
    assert found < 0.5 * still
