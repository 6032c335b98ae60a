"""A member's own numbers: classes, padding of attributes, its share of the measures; and the blocks of scoring."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import cohorts
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import ROWS, Measures, blocks, n_in_fraction
from vaemusic_jax.data.dataset import Split
from vaemusic_jax.models.member import Conditioning, HyperParameters, make_batch, trained_on


def values(column: list[float]) -> np.ndarray:
    """Four attributes: the column, its negative, twice it, and a constant."""
    first = np.asarray(column, np.float32)
    return np.stack([first, -first, 2 * first, np.full_like(first, 0.5)], axis=1)


def member_of(trial: Trial, attributes: np.ndarray, *others: Trial) -> HyperParameters:
    return trained_on(trial, max(len(t.attributes) for t in (trial, *others)), attributes)


def test_classes_are_the_eighths_of_the_training_measures() -> None:
    """The eighths of 0, 1 ... 8 are 1, 2 ... 7; a value on an edge belongs to the class below it."""
    edges = Conditioning.from_training(values(list(range(9)))).class_edges
    np.testing.assert_allclose(edges[0], [1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_allclose(edges[1], [-7, -6, -5, -4, -3, -2, -1])
    hp = member_of(cohorts.trial("adversarial_vae", attributes=("rhythmic_complexity",)), values(list(range(9))))
    seen = jnp.array([[-1.0], [0.0], [1.0], [1.5], [2.0], [7.0], [7.5], [100.0]])
    assert np.asarray(hp.classes(seen)).ravel().tolist() == [0, 0, 0, 1, 1, 6, 7, 7]


def test_every_class_is_as_frequent_as_another() -> None:
    hp = member_of(cohorts.trial("adversarial_vae"), values(list(range(80))))
    classes = np.asarray(hp.classes(jnp.asarray(values(list(range(80))))))
    for k in range(3):
        assert np.bincount(classes[:, k], minlength=8).tolist() == [10] * 8


def test_a_constant_attribute_is_told_as_zero_and_of_the_first_class() -> None:
    attributes = values([1.0, 2.0, 3.0])
    hp = member_of(cohorts.trial("adversarial_vae", attributes=("average_interval_jump",)), attributes)
    seen = jnp.asarray(attributes[:, 3:])
    assert np.asarray(hp.conditions(seen)).tolist() == [[0.0]] * 3
    assert np.asarray(hp.classes(seen)).tolist() == [[0]] * 3


def test_conditions_have_mean_0_and_variance_1_on_the_training_measures() -> None:
    attributes = values([1.0, 2.0, 6.0])
    hp = member_of(cohorts.trial("adversarial_vae"), attributes)
    told = np.asarray(hp.conditions(jnp.asarray(attributes)))[:, :3]
    np.testing.assert_allclose(told.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(told.std(0), 1, rtol=1e-6)
    np.testing.assert_allclose(told[:, 1], -told[:, 0], rtol=1e-6)


def test_attributes_are_those_of_the_trial_in_its_order_and_padded_to_the_cohort() -> None:
    attributes = values([1.0, 2.0, 6.0])
    chosen = cohorts.trial("adversarial_vae", attributes=("note_density", "rhythmic_complexity"))
    hp = member_of(chosen, attributes, cohorts.trial("adversarial_vae"))
    assert (hp.attribute_index.tolist(), int(hp.n_attributes)) == ([2, 0, 0, 0], 2)
    assert np.asarray(hp.attribute_mask()).tolist() == [1, 1, 0, 0]
    batch = make_batch(Measures(np.zeros((3, 24), np.uint8), attributes), hp)
    np.testing.assert_array_equal(batch.attributes[:, :2], attributes[:, [2, 0]])
    np.testing.assert_allclose(batch.conditions[:, 0], batch.conditions[:, 1], rtol=1e-6)  # density is twice the other
    assert (np.asarray(batch.conditions[:, :2]) != 0).all()
    assert (np.asarray(batch.conditions[:, 2:]) == 0).all()


def test_a_member_has_the_numbers_of_its_trial() -> None:
    chosen = cohorts.trial(
        "measure_vae",
        seed=7,
        latent_dim=6,
        learning_rate=0.5,
        beta=0.25,
        gamma=2.0,
        delta=4.0,
        attributes=("note_range",),
    )
    hp = member_of(chosen, values([1.0, 2.0]), cohorts.trial("measure_vae", latent_dim=9))
    for name in ("seed", "latent_dim", "learning_rate", "beta", "gamma", "delta", "adversary_weight"):
        assert getattr(hp, name) == getattr(chosen, name), name
    assert hp.n_train == 2
    assert np.asarray(hp.latent_mask(9)).tolist() == [1] * 6 + [0] * 3


def split_of(tunes: list[int]) -> Split:
    n = len(tunes)
    return Split(np.zeros((n, 24), np.uint8), np.asarray(tunes, np.int32), values([0.0] * n))


@pytest.mark.parametrize(("fraction", "measures"), [(0.001, 3), (0.25, 3), (0.5, 5), (0.75, 9), (1.0, 10)])
def test_a_fraction_of_the_tunes_is_their_measures(fraction: float, measures: int) -> None:
    assert n_in_fraction(split_of([5, 5, 5, 2, 2, 9, 9, 9, 9, 1]), fraction) == measures


@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=30),
    fractions=st.lists(st.floats(0.001, 1.0), min_size=2, max_size=2).map(sorted),
)
def test_fractions_are_nested_and_cut_no_tune(lengths: list[int], fractions: list[float]) -> None:
    train = split_of([tune for tune, n in enumerate(lengths) for _ in range(n)])
    small, large = (n_in_fraction(train, fraction) for fraction in fractions)
    assert 0 < small <= large <= len(train)
    for n in (small, large):
        assert n == len(train) or train.tune[n] != train.tune[n - 1]
    assert n_in_fraction(train, 1.0) == len(train)


@pytest.mark.parametrize("n", [1, ROWS - 1, ROWS, ROWS + 1])
def test_blocks_hold_every_measure_once_and_count_no_filling(n: int) -> None:
    tokens = np.arange(n * 24).reshape(n, 24)
    attributes = np.arange(n * 4, dtype=np.float32).reshape(n, 4)
    parts, weight = blocks(Measures(tokens, attributes))
    n_blocks = 1 + (n > ROWS)
    assert (parts.tokens.shape, parts.attributes.shape) == ((n_blocks, ROWS, 24), (n_blocks, ROWS, 4))
    counted = weight.ravel() == 1
    assert counted.tolist() == [True] * n + [False] * (n_blocks * ROWS - n)
    np.testing.assert_array_equal(np.asarray(parts.tokens).reshape(-1, 24)[counted], tokens)
    np.testing.assert_array_equal(np.asarray(parts.attributes).reshape(-1, 4)[counted], attributes)
