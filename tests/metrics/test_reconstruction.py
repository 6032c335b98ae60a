"""Reconstruction metrics count what they say, per measure, and run under jit and vmap."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vaemusic_jax.metrics.baselines import majority_token_baseline, skill, tick_baseline
from vaemusic_jax.metrics.reconstruction import (
    measure_accuracy,
    onset_accuracy,
    token_accuracy,
)

MIDI = np.array([-1, -1, 60, 62, 64], np.int32)
TOKENS = hnp.arrays(np.uint8, (3, 24), elements=st.integers(0, len(MIDI) - 1))


@given(predicted=TOKENS, tokens=TOKENS)
def test_counts_equal_those_of_a_loop(predicted: np.ndarray, tokens: np.ndarray) -> None:
    predicted = np.where(np.arange(3)[:, None] == 0, tokens, predicted)  # the first measure is all right
    for measure, (ours, true) in enumerate(zip(predicted, tokens, strict=True)):
        pairs = [(int(p), int(t)) for p, t in zip(ours, true, strict=True)]
        onsets = [(p, t) for p, t in pairs if MIDI[t] >= 0]
        x, y = jnp.asarray(ours), jnp.asarray(true)
        assert float(token_accuracy(x, y)) == pytest.approx(sum(p == t for p, t in pairs) / 24, abs=1e-6), measure
        assert float(measure_accuracy(x, y)) == float(all(p == t for p, t in pairs))
        right, of = onset_accuracy(x, y, jnp.asarray(MIDI))
        assert (float(right), float(of)) == (sum(p == t for p, t in onsets), len(onsets))


def test_batched_jitted_and_vmapped_are_the_same() -> None:
    predicted, tokens = (jax.random.randint(jax.random.key(i), (2, 5, 24), 0, 5, jnp.uint8) for i in (0, 1))

    def everything(predicted: jax.Array, tokens: jax.Array) -> Any:
        onset = onset_accuracy(predicted, tokens, jnp.asarray(MIDI))
        return token_accuracy(predicted, tokens), measure_accuracy(predicted, tokens), *onset

    batched = everything(predicted, tokens)
    for other in (jax.jit(everything), jax.vmap(everything), jax.vmap(jax.vmap(everything))):
        for ours, theirs in zip(other(predicted, tokens), batched, strict=True):
            assert ours.shape == (2, 5)
            assert ours.dtype == jnp.float32
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(
    "metric", [token_accuracy, measure_accuracy, lambda p, t: onset_accuracy(p, t, jnp.asarray(MIDI))]
)
def test_shapes_that_differ_are_refused(metric: Any) -> None:
    with pytest.raises(ValueError, match=r"predicted tokens have shape \(1, 24\), true ones \(2, 24\)"):
        metric(jnp.zeros((1, 24), jnp.int32), jnp.zeros((2, 24), jnp.int32))


def test_the_majority_is_that_of_training_and_the_share_that_of_test() -> None:
    train = np.array([[0, 0, 0, 2]], np.uint8)
    test = np.array([[2, 2, 2, 0], [2, 2, 2, 3]], np.uint8)
    assert majority_token_baseline(train, test) == 1 / 8


def test_always_predicting_the_majority_scores_the_baseline() -> None:
    train, test = (jax.random.randint(jax.random.key(i), (9, 24), 0, 3, jnp.uint8) for i in (0, 1))
    majority = max(range(3), key=lambda token: int((train == token).sum()))
    accuracy = token_accuracy(jnp.full_like(test, majority), test).mean()
    assert float(accuracy) == pytest.approx(majority_token_baseline(train, test), abs=1e-6)


@pytest.mark.parametrize(("train", "test"), [((0, 24), (1, 24)), ((1, 24), (0, 24))])
def test_no_tokens_have_no_baseline(train: tuple[int, int], test: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="need training and test tokens"):
        majority_token_baseline(np.zeros(train, int), np.zeros(test, int))


def test_the_baseline_per_tick_knows_each_ticks_commonest_token() -> None:
    train = np.array([[1, 0, 0], [1, 0, 2], [1, 1, 2]], np.uint8)  # 1 0 2
    test = np.array([[1, 0, 0], [0, 0, 2]], np.uint8)
    assert tick_baseline(train, test) == pytest.approx(4 / 6)
    assert tick_baseline(train, test) > majority_token_baseline(train, test) == pytest.approx(1 / 6)
    for empty in ((train[:0], test), (train, test[:0])):
        with pytest.raises(ValueError, match="need training and test tokens"):
            tick_baseline(*empty)


def test_skill_is_the_share_of_what_the_baseline_leaves() -> None:
    assert [skill(accuracy, 0.6) for accuracy in (1.0, 0.8, 0.6, 0.2)] == pytest.approx([1, 0.5, 0, -1])
    assert np.isnan(skill(1.0, 1.0))
