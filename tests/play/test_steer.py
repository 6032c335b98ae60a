"""Turning sets one control, aiming gets nearer to what was asked, and interpolation has both ends."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.helpers.random_models import random_model
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play import steer
from vaemusic_jax.play.trained_model import TrainedModel

MODELS = ("measure_vae", "adversarial_vae")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> TrainedModel:
    return random_model(request.param)


@pytest.fixture(scope="module")
def tokens(model: TrainedModel) -> np.ndarray:
    codes = np.random.default_rng(5).normal(size=(12, model.trial.latent_dim))
    return model.decode(codes, np.full((12, 4), 0.4))


def test_turning_changes_one_control_and_nothing_else(model: TrainedModel, tokens: np.ndarray) -> None:
    z, own = model.encode(tokens), model.own_attributes(tokens)
    turned = model.turn(tokens, "note_density", 0.7)
    (own if model.told else z)[:, ATTRIBUTES.index("note_density")] = 0.7
    np.testing.assert_array_equal(turned, model.decode(z, own))
    assert (turned != model.turn(tokens, "note_density", -3.0)).any()


def test_a_level_is_a_quantile_of_the_control_in_training(model: TrainedModel, tokens: np.ndarray) -> None:
    k = model.control("note_range")
    for level, value in ((0.0, model.about.controls[k].min()), (1.0, model.about.controls[k].max())):
        expected = model.turn(tokens, "note_range", float(value))
        np.testing.assert_array_equal(model.turn(tokens, "note_range", level=level), expected)


def test_levels_of_values_are_the_inverse_of_values_at_levels(model: TrainedModel) -> None:
    for name in ATTRIBUTES:
        for level in (0.0, 0.13, 0.5, 0.995, 1.0):
            assert model.about.level_of(name, model.about.attribute_at(name, level)) == pytest.approx(level, abs=0.011)
    assert model.about.level_of("note_density", -9.0) == 0
    assert model.about.level_of("note_density", 9.0) == 1


def test_a_value_that_many_measures_share_is_in_the_middle_of_their_levels(model: TrainedModel) -> None:
    tied = np.repeat([0.0, 0.25, 1.0], [21, 60, 20]).astype(np.float32)  # of 101 quantiles
    about = dataclasses.replace(model.about, attributes=np.tile(tied, (len(ATTRIBUTES), 1)))
    levels = [about.level_of("note_density", value) for value in (0.0, 0.25, 1.0)]
    np.testing.assert_allclose(levels, [0.10, 0.505, 0.905])
    assert 0.80 < about.level_of("note_density", 0.5) < 0.81


class Decoded(Exception):  # noqa: N818
    """Ends a test where codes would be decoded."""


def codes_of(model: TrainedModel, patch: pytest.MonkeyPatch, way: str, call: Any) -> np.ndarray:
    """The codes that a call decodes by a method of the model."""
    given = []

    def note(self: TrainedModel, codes: np.ndarray, *args: Any) -> None:
        given.append(np.asarray(codes))
        raise Decoded

    with patch.context() as inner:
        inner.setattr(TrainedModel, way, note)
        with pytest.raises(Decoded):
            call(model)
    return given[0]


def test_draws_are_spread_as_training_codes_are(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    about, tokens = model.about, model.decode(np.zeros(model.trial.latent_dim), np.full(4, 0.4))[0]
    drawn = codes_of(model, monkeypatch, "decode_at", lambda model: steer.draw(model, 4000))
    np.testing.assert_allclose(drawn.mean(0), about.code_mean, atol=0.1)
    np.testing.assert_allclose(drawn.std(0), about.code_std, rtol=0.1)
    varied = codes_of(model, monkeypatch, "decode_at", lambda model: steer.vary(model, tokens, 4000))
    np.testing.assert_allclose(varied.mean(0), model.encode(tokens)[0], atol=0.05)
    np.testing.assert_allclose(varied.std(0), 0.3 * about.code_std, rtol=0.1)


def test_candidates_are_varied_more_and_more_but_for_controls_that_were_not_asked_for(
    model: TrainedModel, tokens: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = codes_of(model, monkeypatch, "set_controls", lambda m: m.aim(tokens[0], candidates=400, note_range=0.5))
    moved = np.abs(codes - model.encode(tokens[0]))
    free = moved if model.told else moved[:, 4:]
    assert free[0].max() == 0
    thirds = [part.mean() for part in np.array_split(free, 3)]
    assert thirds == sorted(thirds)
    assert thirds[2] > 3 * thirds[0]
    assert model.told or moved[:, :4].max() == 0


def test_what_aiming_keeps_is_no_worse_than_turning_counting_what_else_moved(
    model: TrainedModel, tokens: np.ndarray
) -> None:
    def cost(obtained: np.ndarray, found: steer.Aimed) -> float:
        assert found.start is not None
        others = {name: value for name, value in found.start.items() if name not in found.asked}
        one = obtained[None]
        asked_off, others_off = (steer.off(one, each, model.about)[0] for each in (found.asked, others))
        return float(asked_off + 0.1 * others_off)

    better = 0
    for measure in tokens:
        for asked in (0.2, 0.5, 0.8):
            found = model.aim(measure, note_density=asked)
            level = model.about.level_of("note_density", asked)
            how: dict[str, Any] = {"value": asked} if model.told else {"level": level}
            turned = model.attributes(model.turn(measure, "note_density", **how))[0]
            ours, theirs = cost(np.array(list(found.obtained.values())), found), cost(turned, found)
            assert ours <= theirs + 1e-6
            better += ours < theirs - 1e-6
    assert better > 5


def test_more_candidates_come_no_further_from_what_was_asked_without_a_start(model: TrainedModel) -> None:
    off = [model.aim(candidates=n, note_density=0.5, note_range=0.2, seed=1).distance for n in (1, 200)]
    assert off[1] <= off[0]
    assert off[1] < 1


def test_what_aiming_says_it_obtained_is_what_the_measure_has(model: TrainedModel, tokens: np.ndarray) -> None:
    found = model.aim(tokens[0], note_density=0.5, rhythmic_complexity=0.3)
    np.testing.assert_allclose(list(found.obtained.values()), model.attributes(found.tokens)[0])
    assert found.start == dict(zip(ATTRIBUTES, model.attributes(tokens[0])[0].tolist(), strict=True))
    assert found.asked == {"note_density": 0.5, "rhythmic_complexity": 0.3}
    off = [(found.obtained[name] - value) / model.about.spread(name) for name, value in found.asked.items()]
    assert found.distance == pytest.approx(np.sqrt(np.mean(np.square(off))), rel=1e-5)
    again = model.aim(tokens[0], note_density=0.5, rhythmic_complexity=0.3)
    np.testing.assert_array_equal(found.tokens, again.tokens)


def test_the_first_candidate_is_turning(model: TrainedModel, tokens: np.ndarray) -> None:
    for asked in (0.1, 0.44, 0.9):
        found = [model.aim(measure, candidates=1, note_density=asked).tokens for measure in tokens]
        level = model.about.level_of("note_density", asked)
        how: dict[str, Any] = {"value": asked} if model.told else {"level": level}
        np.testing.assert_array_equal(found, model.turn(tokens, "note_density", **how))


def test_interpolation_starts_and_ends_at_what_the_codes_decode_to(model: TrainedModel, tokens: np.ndarray) -> None:
    path = model.interpolate(tokens[0], tokens[1], 5)
    both = model.decode(model.encode(tokens[:2]), model.own_attributes(tokens[:2]))
    assert path.shape == (5, tokens.shape[1])
    np.testing.assert_array_equal(path[[0, -1]], both)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, t: m.turn(t, "swing", 1.0), "'swing' has no control in this model, which has controls of rhythmic"),
        (lambda m, t: m.turn(t, "note_range"), "either the value of the control or its level"),
        (lambda m, t: m.turn(t, "note_range", 1.0, level=0.5), "either the value of the control or its level"),
        (lambda m, t: m.turn(t, "note_range", level=1.5), "level 1.5; it needs a number from 0 to 1"),
        (lambda m, t: m.turn(t, "note_range", level=float("nan")), "level nan; it needs a number from 0 to 1"),
        (lambda m, t: m.turn(t, "note_range", float("nan")), "note_range nan; it needs a finite number"),
        (lambda m, t: m.turn(t[:, 1:], "note_range", 0.5), "they need .N, 24. integers"),
        (lambda m, t: m.aim(t[0]), "ask for values of some of rhythmic_complexity"),
        (lambda m, t: m.aim(t[0], note_range=float("inf")), "note_range inf; it needs a finite number"),
        (lambda m, t: m.aim(t, note_range=0.5), r"tokens have shape \(12, 24\); they need to be one measure"),
        (lambda m, t: m.aim(t[0], candidates=0, note_range=0.5), "0 candidates; at least 1"),
        (lambda m, t: m.aim(t[0], noise=-1.0, note_range=0.5), "noise -1.0; it needs a number from 0"),
        (lambda m, t: m.interpolate(t[0], t[1], 1), "1 steps; at least 2"),
        (lambda m, t: m.set_controls(np.zeros((1, 8)), np.zeros((1, 4)), [None]), "1 values; the model has 4 controls"),
        (lambda m, t: m.decode(np.full((1, 8), np.nan), np.zeros((1, 4))), "a code is not finite"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Any, words: str, model: TrainedModel, tokens: np.ndarray) -> None:
    with pytest.raises(ValueError, match=words):
        call(model, tokens)


def test_a_model_without_facts_says_so() -> None:
    model = random_model("measure_vae")
    bare = TrainedModel(model.trial, model.vocabulary, model.params, model.standardise, model.told)
    with pytest.raises(UserError, match="no facts about its training measures"):
        bare.aim(note_density=0.5)
