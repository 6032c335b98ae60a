"""Attributes of probabilities: those of measures where the probabilities are 0 or 1, expectations, gradients."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes, differentiable_attributes
from vaemusic_jax.music.grid import GRIDS
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary

# Two spellings of one pitch, and pitches between the twelve tones.
TONES = Vocabulary.from_pitches(["C3", "C4", "C#4", "D-4", "G4", "D6"], room=False)
COMMAS = Vocabulary.from_pitches(["C4", "B4-1c", "E4-5c", "F4+4c", "G4"], room=False)

measures = st.lists(st.integers(0, len(COMMAS) - 1), min_size=24, max_size=24)
sparse = st.lists(st.sampled_from([HOLD, HOLD, HOLD, REST, 2, 4]), min_size=24, max_size=24)  # few notes, or none


def certain(tokens: np.ndarray, vocabulary: Vocabulary, dtype: type = np.float32) -> np.ndarray:
    """Probabilities of 0 and 1, (B, 24, V)."""
    return np.eye(len(vocabulary), dtype=dtype)[tokens]


def stacked(chances, vocabulary: Vocabulary):
    columns = differentiable_attributes(chances, vocabulary.midi, vocabulary.grid)
    return (np if isinstance(chances, np.ndarray) else jnp).stack(columns, axis=-1)


@pytest.mark.parametrize("vocabulary", [TONES, COMMAS], ids=["tones", "commas"])
@given(measures | sparse)
def test_certain_measures_have_their_attributes(vocabulary: Vocabulary, measure: list[int]) -> None:
    tokens = np.array([measure])
    np.testing.assert_allclose(
        stacked(certain(tokens, vocabulary), vocabulary),
        compute_attributes(tokens, vocabulary.midi, vocabulary.grid),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("metre", [metre for metre in GRIDS if metre != "4/4"])
def test_certain_measures_have_their_attributes_in_every_metre(metre: str) -> None:
    vocabulary = Vocabulary(TONES.tokens, metre)
    weights = [0.4, 0.1, *[0.5 / (len(TONES) - 2)] * (len(TONES) - 2)]
    tokens = np.random.default_rng(2).choice(len(TONES), p=weights, size=(50, vocabulary.grid.n_ticks))
    found = stacked(certain(tokens, vocabulary), vocabulary)
    expected = compute_attributes(tokens, vocabulary.midi, vocabulary.grid)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_an_interval_may_span_a_long_measure() -> None:
    vocabulary = Vocabulary(TONES.tokens, "12/8")
    tokens = np.full((1, vocabulary.grid.n_ticks), HOLD)
    tokens[0, [0, 47]] = 2, 4
    found = stacked(certain(tokens, vocabulary), vocabulary)[0, list(ATTRIBUTES).index("average_interval_jump")]
    assert found == abs(vocabulary.midi[4] - vocabulary.midi[2]) > 0


def test_real_measures_have_theirs_also_in_jax(irish_folk: Dataset) -> None:
    tokens, vocabulary = irish_folk.test.tokens[:500], irish_folk.vocabulary
    found = stacked(jnp.asarray(certain(tokens, vocabulary)), vocabulary)
    np.testing.assert_allclose(found, irish_folk.test.attributes[:500], rtol=1e-5, atol=1e-6)


def test_uncertain_measures_have_the_expected_attributes() -> None:
    """Every outcome of four uncertain ticks is worked out; of interval and number of intervals it is their ratio."""
    rng = np.random.default_rng(0)
    tokens = np.zeros(24, int)
    tokens[8] = 3
    chances = certain(tokens, TONES, np.float64)
    ticks, choices = (2, 5, 9, 17), (HOLD, 2, 4, 7)
    for tick in ticks:
        chances[tick] = 0
        chances[tick, list(choices)] = rng.dirichlet(np.ones(len(choices)))
    outcomes = list(itertools.product(choices, repeat=len(ticks)))
    tokens = np.tile(chances.argmax(-1), (len(outcomes), 1))
    tokens[:, ticks] = outcomes
    chance = chances[list(ticks), tokens[:, ticks]].prod(-1)
    values = compute_attributes(tokens, TONES.midi, TONES.grid).astype(np.float64)
    intervals = np.maximum((TONES.midi[tokens] >= 0).sum(-1) - 1, 0)
    expected = (chance @ values)[None]
    expected[0, 3] = chance @ (values[:, 3] * intervals) / max(chance @ (TONES.midi[tokens] >= 0).sum(-1) - 1, 1)
    np.testing.assert_allclose(stacked(chances[None], TONES), expected, rtol=1e-5)


def test_gradients_are_those_of_finite_differences() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(3, 24, len(TONES)))
    direction = rng.normal(size=logits.shape)

    def attributes(logits: np.ndarray) -> np.ndarray:
        weights = np.exp(logits)
        return stacked(weights / weights.sum(-1, keepdims=True), TONES)

    by_differences = (attributes(logits + 1e-5 * direction) - attributes(logits - 1e-5 * direction)) / 2e-5
    point, along = (jnp.asarray(array, jnp.float32) for array in (logits, direction))
    _, by_jax = jax.jit(jax.jvp, static_argnums=0)(lambda x: stacked(jax.nn.softmax(x), TONES), (point,), (along,))
    np.testing.assert_allclose(by_jax, by_differences, rtol=1e-3, atol=1e-4)


def test_gradients_are_finite_without_any_doubt_or_any_note() -> None:
    """Of measures of nothing but holds, rests or one note, and of one note alone, at any certainty."""
    tokens = np.stack([np.full(24, token) for token in (HOLD, REST, 2)] + [np.array([2] + 23 * [HOLD])])
    logits = jnp.asarray(np.concatenate([size * certain(tokens, TONES) for size in (0.0, 30.0, 1e4)]))

    @jax.jit
    def gradients(logits: jax.Array) -> jax.Array:
        _, back = jax.vjp(lambda x: stacked(jax.nn.softmax(x), TONES), logits)
        return jax.vmap(lambda k: back(jnp.ones((len(logits), 1)) * jax.nn.one_hot(k, 4)[None])[0])(jnp.arange(4))

    assert np.isfinite(gradients(logits)).all()


def test_every_attribute_of_the_study_has_such_a_formula() -> None:
    assert all(ATTRIBUTES[name].differentiable for name in ATTRIBUTES.of_the_study())
