"""The laws of the steering term: what it is zero for, whose attributes count, and what it leaves as it was."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.member import Batch, HyperParameters, make_batch
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.training.steering import BLUR, OTHERS, Move, distance, draw_move, steering, strength
from vaemusic_jax.training.step import draw_noise

MODELS = ("measure_vae", "adversarial_vae")
B = 16
TOLERANCE = 1e-4


def parts(trial, dataset: Dataset) -> tuple[Program, Params, HyperParameters, Batch]:
    cohort = cohorts.ensemble([trial], dataset)
    hp = jax.tree.map(jnp.asarray, cohort.members[0])
    batch = make_batch(cohorts.first_measures(dataset, B), hp)
    return cohort.program, cohort.program.initial_params(1), hp, batch


def decoding_to(tokens: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Lets every decoder decode to these measures without doubt, and returns the list of what it is given each time."""
    given = []

    def decode(self: Program, params: Params, *arguments) -> jax.Array:
        given.append(arguments)
        return 1e4 * jax.nn.one_hot(jnp.asarray(tokens, jnp.int32), self.vocab_size)

    monkeypatch.setattr(Program, "decode", decode)
    return given


def test_a_decoder_that_obeys_has_no_loss(irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one attribute the donor's measure is what was asked for; with several, the own one where nothing moved."""
    donor = np.random.default_rng(0).permutation(B)
    move = Move(jnp.zeros(B, jnp.int32), jnp.asarray(donor), jnp.float32(1))
    trial = cohorts.trial("measure_vae", attributes=("note_range",), steering_weight=0.3)
    program, params, hp, batch = parts(trial, irish_folk)
    z = jnp.zeros((B, program.latent_dim))
    decoding_to(np.asarray(batch.tokens)[donor], monkeypatch)
    np.testing.assert_allclose(steering(program, params, z, batch, hp, move), 0, atol=1e-6)

    program, params, hp, batch = parts(cohorts.trial("measure_vae", steering_weight=0.3), irish_folk)
    decoding_to(np.asarray(batch.tokens), monkeypatch)
    itself = move._replace(donor=jnp.arange(B))
    np.testing.assert_allclose(steering(program, params, z, batch, hp, itself), 0, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_loss_is_of_the_attributes_of_decoded_measures(
    model: str, irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worked out in numpy from decoded tokens, for a member with two attributes in a cohort with four."""
    names = ("note_density", "average_interval_jump")
    whole = cohorts.trial(model, steering_weight=0.3)
    trials = [cohorts.trial(model, steering_weight=0.3, attributes=names), whole]
    cohort = cohorts.ensemble(trials, irish_folk)
    hp = jax.tree.map(jnp.asarray, cohort.members[0])
    batch = make_batch(cohorts.first_measures(irish_folk, B), hp)
    rng = np.random.default_rng(0)
    decoded = irish_folk.test.tokens[:B]
    control, donor = rng.integers(0, 2, B), rng.permutation(B)
    given = decoding_to(decoded, monkeypatch)
    move = Move(jnp.asarray(control, jnp.int32), jnp.asarray(donor), jnp.float32(1))
    z = rng.normal(size=(B, cohort.program.latent_dim)).astype(np.float32)
    found = steering(cohort.program, cohort.program.initial_params(0), jnp.asarray(z), batch, hp, move)

    columns = [2, 3]
    training = np.asarray(cohorts.first_measures(irish_folk).attributes)
    own = training[:B, columns]
    got = compute_attributes(decoded, irish_folk.vocabulary.midi, irish_folk.vocabulary.grid)[:, columns]
    is_moved = np.arange(2)[None] == control[:, None]
    target = np.where(is_moved, own[donor], own)
    far = np.abs(distance(*map(jnp.asarray, (got, target, own, training[:, columns].std(0)))))
    huber = np.where(far <= 1, far**2 / 2, far - 0.5)
    expected = np.where(is_moved, huber, OTHERS * huber).sum(1) / (1 + OTHERS)
    np.testing.assert_allclose(found, expected, rtol=1e-4)

    # What is decoded has the donor's value of the one control; the second time it is fed what came out the first time.
    codes, told = z.copy(), np.array(batch.conditions)
    controls = codes if model == "measure_vae" else told
    controls[np.arange(B), control] = controls[donor, control]
    (free_codes, free_told), (fed_codes, fed_told, fed_tokens) = given
    for found_codes, found_told in ((free_codes, free_told), (fed_codes, fed_told)):
        np.testing.assert_allclose(found_codes, codes, rtol=1e-6)
        np.testing.assert_allclose(found_told, told, rtol=1e-6)
    np.testing.assert_array_equal(fed_tokens, decoded)


def test_among_even_values_a_difference_in_ranks_is_one_in_standard_deviations() -> None:
    """This fixes the scale of ranks; where values are three times as dense, ranks are three times as far apart."""
    even = jnp.linspace(0, 1, 1001)[:, None]
    std = even.std(0)
    low, high = jnp.array([[0.4]]), jnp.array([[0.6]])
    np.testing.assert_allclose(distance(high, low, even, std), 0.2 / std[None], rtol=1e-3)
    np.testing.assert_allclose(distance(low, high, even, std), -0.2 / std[None], rtol=1e-3)
    dense = jnp.concatenate([even[250:750], even[250:750], even])
    in_ranks = 2 * distance(high, low, dense, std) - 0.2 / std[None]
    np.testing.assert_allclose(in_ranks, 12**0.5 * 3 * 0.2 / 2, rtol=0.01)


def test_values_on_both_sides_of_what_most_measures_have_are_far_apart_however_near() -> None:
    values = jnp.concatenate([jnp.full(80, 0.5), jnp.linspace(0, 1, 20)])[:, None]
    std = values.std(0)
    step = 8 * BLUR * std[None]
    across = distance(0.5 + step, 0.5 - step, values, std)
    beside = distance(0.5 + 3 * step, 0.5 + step, values, std)
    assert across > 0.8 * 12**0.5 / 2
    assert beside < across / 2


@pytest.mark.parametrize("model", MODELS)
def test_it_teaches_both_encoder_and_decoder(model: str, irish_folk: Dataset) -> None:
    program, params, hp, batch = parts(cohorts.trial(model, steering_weight=0.3), irish_folk)
    move = draw_move(program, hp, jnp.int32(10), jax.random.key(0))

    @jax.jit
    @jax.grad
    def gradient(vae: dict) -> jax.Array:
        weights = {**params, "vae": vae}
        return steering(program, weights, program.encode(weights, batch.tokens).mean, batch, hp, move).mean()

    found = gradient(params["vae"])
    for part in ("encoder", "decoder"):
        norm = np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(found[part])))
        assert np.isfinite(norm)
        assert norm > 1e-4, part


def test_controls_are_drawn_evenly_among_the_member_s_own_and_each_measure_gives_once(irish_folk: Dataset) -> None:
    names = ("note_density", "note_range", "rhythmic_complexity")
    program, _, hp, _ = parts(
        cohorts.trial("measure_vae", attributes=names, batch_size=3000, steering_weight=1.0), irish_folk
    )
    move = draw_move(program, hp, jnp.int32(0), jax.random.key(3))
    np.testing.assert_allclose(np.bincount(move.control) / 3000, np.full(3, 1 / 3), atol=0.05)
    np.testing.assert_array_equal(np.sort(move.donor), np.arange(3000))


def test_the_term_sets_in_after_a_tenth_of_the_steps(irish_folk: Dataset) -> None:
    program = program_of((cohorts.trial("measure_vae", steps=1000, steering_weight=0.5),), 40)
    found = [float(strength(program, jnp.int32(step))) for step in (0, 100, 250, 400, 999)]
    np.testing.assert_allclose(found, [0, 0, 0.5, 1, 1], atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_without_a_weight_the_step_is_as_published_and_with_one_its_other_noise_is(
    model: str, irish_folk: Dataset
) -> None:
    plain, steered = (cohorts.trial(model, recipe="reference", steering_weight=weight) for weight in (0.0, 0.3))
    without, program = (program_of((trial,), 62, irish_folk.vocabulary.midi) for trial in (plain, steered))
    assert without == program_of((cohorts.trial(model, recipe="reference"),), 62)
    hp = parts(steered, irish_folk)[2]
    before, after = (draw_noise(each, hp, jnp.int32(7)) for each in (without, program))
    assert before.move is None
    assert after.move is not None
    chex.assert_trees_all_equal(before, after._replace(move=None))


@pytest.mark.parametrize("model", ["measure_vae", pytest.param("adversarial_vae", marks=pytest.mark.slow)])
def test_a_steered_member_trains_padded_and_cut_as_alone_and_whole(model: str, irish_folk: Dataset) -> None:
    trials = [
        cohorts.trial(model, latent_dim=4, attributes=("note_range",), seed=3, steering_weight=0.5),
        cohorts.trial(model, seed=4, steering_weight=2.0),
    ]
    together, alone = cohorts.ensemble(trials, irish_folk), cohorts.ensemble(trials[:1], irish_folk)
    losses, own = cohorts.losses(together, 20), cohorts.losses(alone, 20)
    for name, values in own.items():
        np.testing.assert_allclose(losses[name][:, 0], values[:, 0], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
    assert (own["steering"] > 0).all()
    total = own["loss"] - own["cross_entropy"] - trials[0].beta * own["kl"]
    total -= trials[0].gamma * own["regularisation"] if model == "measure_vae" else 0
    total -= trials[0].adversary_weight * own["adversary"] if model == "adversarial_vae" else 0
    share = np.clip((np.arange(20)[:, None] / 20 - 0.1) / 0.3, 0, 1)
    np.testing.assert_allclose(total, 0.5 * share * own["steering"], atol=1e-4)

    whole = together.run(together.start(), 20)
    cut = together.run(together.start(), 9)
    resumed = together.run(together.from_host(together.to_host(cut)), 11)
    chex.assert_trees_all_equal(whole, resumed)
