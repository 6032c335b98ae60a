"""The laws of a cohort: padded = unpadded, vmapped = alone, sharded = on one device, cut anywhere = whole."""

import os
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.data.blocks import measures_of
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.support.jax_settings import random_key
from vaemusic_jax.training.cohort import run_member
from vaemusic_jax.training.epochs import SHUFFLE_STREAM, order_of_epochs
from vaemusic_jax.training.memory import cohort_ensemble
from vaemusic_jax.training.step import draw_noise

MODELS = ("measure_vae", "adversarial_vae")
# Rounding grows with every optimiser step, and the fast recipe's discriminator takes five for each of the VAE.
TOLERANCE = {("adversarial_vae", "fast"): 5e-4}
COMPARED = {"fast": (0, 2), "reference": (0,)}  # members of a mixed cohort; each is a program of its own to compile


def mixed_cohort(model, recipe):
    """Members that differ in everything in which members of a cohort may differ; the first is the most padded one."""
    return [
        cohorts.trial(model, recipe=recipe, latent_dim=4, attributes=("note_range",), seed=3),
        cohorts.trial(model, recipe=recipe, latent_dim=16, seed=4, beta=0.01, learning_rate=1e-3),
        cohorts.trial(
            model,
            recipe=recipe,
            latent_dim=7,
            attributes=("note_density", "rhythmic_complexity"),
            seed=3,
            gamma=2.0,
            data_fraction=0.5,
        ),
    ]


def test_these_laws_are_tested_on_the_optimised_program_that_users_run():
    """Unoptimised ones compile in half the time, but round otherwise; every test of this suite runs optimised ones."""
    assert not jax.config.read("jax_disable_most_optimizations")
    assert "xla_backend_optimization_level" not in os.environ.get("XLA_FLAGS", "")


@pytest.mark.parametrize("recipe", ["fast", pytest.param("reference", marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", MODELS)
def test_a_padded_member_trains_as_the_same_trial_alone(model, recipe, irish_folk):
    """`pytest -n 0 -s` prints the worst difference over all training metrics of 20 steps."""
    trials = mixed_cohort(model, recipe)
    together = cohorts.losses(cohorts.ensemble(trials, irish_folk), 20)
    worst, tolerance = 0.0, TOLERANCE.get((model, recipe), 1e-4)
    for i in COMPARED[recipe]:
        alone = cohorts.losses(cohorts.ensemble([trials[i]], irish_folk), 20)
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][:, i], values[:, 0], rtol=tolerance, atol=tolerance, err_msg=name)
            worst = max(worst, np.abs(together[name][:, i] - values[:, 0]).max())
        assert np.ptp(alone["loss"]) > 0.01  # it did train
    print(f"\n{model} {recipe}: worst difference padded against alone {worst:.1e}")


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 2e-2), ("tf32", 1e-2)])
@pytest.mark.parametrize("model", MODELS)
def test_a_padded_member_trains_as_alone_up_to_the_rounding_of_its_precision(model, precision, tolerance, irish_folk):
    """Sums of products with zeros in between are rounded otherwise, and then operands to the next neighbour."""
    wide, narrow = (cohorts.trial(model, precision=precision, latent_dim=n, seed=n) for n in (16, 5))
    together = cohorts.losses(cohorts.ensemble([wide, narrow], irish_folk), 20)
    alone = cohorts.losses(cohorts.ensemble([narrow], irish_folk), 20)
    worst = 0.0
    for name, values in alone.items():
        np.testing.assert_allclose(together[name][:, 1], values[:, 0], rtol=tolerance, atol=tolerance, err_msg=name)
        worst = max(worst, np.abs(together[name][:, 1] - values[:, 0]).max())
    print(f"\n{model} {precision}: worst difference padded against alone {worst:.1e}")


@pytest.mark.parametrize("model", MODELS)
def test_scores_and_codes_do_not_depend_on_padding(model, irish_folk):
    from vaemusic_jax.data.blocks import blocks

    trials = mixed_cohort(model, "fast")
    split = blocks(cohorts.first_measures(irish_folk, 100))
    together, alone = cohorts.ensemble(trials, irish_folk), cohorts.ensemble(trials[:1], irish_folk)
    ours, theirs = (c.score(c.run(c.start(), 20), split, irish_folk.vocabulary.midi) for c in (together, alone))
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name][0], value[0], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("model", MODELS)
def test_padding_stays_zero(model, irish_folk):
    cohort = cohorts.ensemble(mixed_cohort(model, "fast"), irish_folk)
    program = cohort.program.sized(4, 1)
    own = program.initial_params(3)
    trained = jax.tree.map(lambda leaf: np.asarray(leaf)[0], cohort.run(cohort.start(), 20).train.params)
    n_padded = 0
    for leaf, own_leaf in zip(jax.tree.leaves(trained), jax.tree.leaves(own), strict=True):
        padding = np.pad(np.zeros(own_leaf.shape, bool), fit(own_leaf, leaf), constant_values=True)
        assert (leaf[padding] == 0).all()
        assert (leaf[~padding] != 0).any()
        n_padded += padding.sum()
    assert n_padded > 0


def fit(small, large):
    return [(0, b - a) for a, b in zip(small.shape, large.shape, strict=True)]


def test_steps_cut_anywhere_are_the_same_steps_and_compile_once(irish_folk):
    cohort = cohorts.ensemble([cohorts.trial("adversarial_vae"), cohorts.trial("adversarial_vae", seed=1)], irish_folk)
    whole = cohort.run(cohort.start(), 20)
    cut = cohort.start()
    for n_steps in (1, 12, 7):
        cut = cohort.run(cut, n_steps)
    compiled: Any = cohort._run
    assert compiled._cache_size() == 1
    chex.assert_trees_all_equal(whole, cut)
    assert (np.asarray(whole.n_summed) == 20).all()


def test_an_epoch_shows_each_training_measure_once(irish_folk):
    cohort = cohorts.ensemble([cohorts.trial("measure_vae", data_fraction=0.37)], irish_folk)
    hp = cohort.members[0]
    assert hp.n_train == 74
    orders = np.asarray(order_of_epochs(hp, jnp.int32(0), 2, 2 * 74)).reshape(2, 74)
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(74))
    assert (orders[0] != orders[1]).any()


def test_smaller_shares_of_the_training_tunes_are_part_of_larger_ones(small_irish_folk):
    """As a sweep makes its members: whole tunes, the first of the split's order, whatever the trial's seed."""
    shares = (0.1, 0.4, 0.45, 1.0)
    trials = tuple(cohorts.trial("measure_vae", data_fraction=share, seed=i) for i, share in enumerate(shares))
    train, vocabulary = small_irish_folk.train, small_irish_folk.vocabulary
    cohort = cohort_ensemble(Owner(trials, vocabulary, small_irish_folk.digest), small_irish_folk, measures_of(train))
    smaller: set[int] = set()
    for share, hp in zip(shares, cohort.members, strict=True):
        seen = np.asarray(order_of_epochs(hp, jnp.int32(0), 1, int(hp.n_train)))
        tunes = set(train.tune[seen])
        assert smaller < tunes
        assert len(tunes) == round(share * train.n_tunes)
        np.testing.assert_array_equal(np.sort(seen), np.flatnonzero(np.isin(train.tune, list(tunes))))
        smaller = tunes


@pytest.mark.parametrize("share", [0.02, 0.37, 1.0])
def test_many_epochs_at_once_are_in_the_order_of_each_alone(share, irish_folk):
    """The order of an epoch is that of JAX's own uniform numbers, however short the epoch, from whichever on."""
    hp = cohorts.ensemble([cohorts.trial("measure_vae", data_fraction=share, seed=7)], irish_folk).members[0]
    n, stream = int(hp.n_train), jax.random.fold_in(random_key(7), SHUFFLE_STREAM)
    together = np.asarray(order_of_epochs(hp, jnp.int32(3), 5, 5 * n + 1))[:-1].reshape(5, n)
    for i, order in enumerate(together):
        rank = jax.random.uniform(jax.random.fold_in(stream, 3 + i), (n,))
        np.testing.assert_array_equal(order, jnp.argsort(rank))


@pytest.mark.parametrize(("n", "n_orders"), [(40, 3), (5, 11)])
def test_training_goes_through_the_epochs_without_dropping_or_repeating(n, n_orders, irish_folk, monkeypatch):
    """By a training step that notes the measures of every batch, also of one that is larger than an epoch."""
    trial = cohorts.trial("measure_vae", batch_size=16)
    cohort = cohorts.ensemble([trial], irish_folk, n=n)
    hp, state = jax.tree.map(jnp.asarray, cohort.members[0]), cohort.start()
    marked = cohort.train._replace(tokens=np.repeat(np.arange(n, dtype=np.uint8)[:, None], 24, axis=1))
    seen = []

    def note(program, train, batch, hp):
        jax.debug.callback(lambda tokens: seen.append(np.asarray(tokens)[:, 0]), batch.tokens, ordered=True)
        metrics = dict.fromkeys(state.sums, jnp.float32(0))
        return train._replace(step=train.step + 1), metrics

    monkeypatch.setattr("vaemusic_jax.training.cohort.train_step", note)
    member = jax.tree.map(lambda leaf: leaf[0], state)
    for n_steps in (3, 2):  # 80 measures, cut inside an epoch
        member = run_member(
            cohort.program, n_orders, member, hp, jax.tree.map(jnp.asarray, marked), None, jnp.int32(n_steps)
        )
    jax.effects_barrier()
    stream = np.concatenate(seen)
    for epoch in range(80 // n):
        np.testing.assert_array_equal(np.sort(stream[n * epoch : n * (epoch + 1)]), np.arange(n))


def test_noise_depends_on_seed_step_and_dimension_only(irish_folk):
    small = cohorts.ensemble([cohorts.trial("adversarial_vae", latent_dim=4, seed=9)], irish_folk)
    large = cohorts.ensemble([cohorts.trial("adversarial_vae", latent_dim=16, seed=9)], irish_folk)
    hp = small.members[0]
    alone = draw_noise(small.program, hp, jnp.int32(5))
    padded = draw_noise(large.program, hp, jnp.int32(5))
    for name in ("eps", "eps_rival"):
        np.testing.assert_array_equal(getattr(padded, name)[:, :4], getattr(alone, name))
        np.testing.assert_array_equal(getattr(padded, name)[:, 4:], 0)
    assert (alone.eps != alone.eps_rival).all()
    later = draw_noise(small.program, hp, jnp.int32(6))
    other = draw_noise(small.program, hp._replace(seed=jnp.uint32(10)), jnp.int32(5))
    assert (later.eps != alone.eps).all()
    assert (other.eps != alone.eps).all()
