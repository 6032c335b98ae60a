"""The plan of a listening test is balanced, honest about what it pairs, and comes back from its file."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from tests.helpers.listening import models_and_measures
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.listening.design import CATCH, PRACTICE, REAL, STEPS, Design, block_orders, make_design
from vaemusic_jax.play.listening.items import Item
from vaemusic_jax.play.listening.pairs import EQUAL, MATCHED, NEAR, real_pairs
from vaemusic_jax.play.listening.preregistration import preregistration

MODELS, MEASURES = models_and_measures("measure_vae", "adversarial_vae")
GROUPS, TRIALS = 4, 4


@pytest.fixture(scope="module")
def design() -> Design:
    return make_design(MODELS, MEASURES, groups=GROUPS, trials=TRIALS, ratings=True, seed=3)


def attributes_of(design: Design, item: Item) -> np.ndarray:
    """The difference of the item's two measures, in the model's standard deviations, computed from its tokens."""
    model = next(iter(MODELS.values()))
    assert model.vocabulary == design.vocabulary
    low, high = model.attributes([item.low, item.high])
    return (high - low) / [model.about.spread(name) for name in ATTRIBUTES]


def test_each_cell_has_as_many_trials_in_every_group(design: Design) -> None:
    for group in range(1, GROUPS + 1):
        counts = Counter((item.source, item.attribute) for item, _ in design.trials(group) if item.kind == "main")
        assert counts == {(source, name): TRIALS for source in (*MODELS, REAL) for name in ATTRIBUTES}
        kinds = Counter((item.kind, item.attribute) for item, _ in design.trials(group) if item.kind != "main")
        assert all(kinds["practice", name] == PRACTICE and kinds["catch", name] == CATCH for name in ATTRIBUTES)


def test_two_groups_hear_the_same_pairs_in_the_opposite_order_and_others_hear_others(design: Design) -> None:
    heard = [{item.id: low_first for item, low_first in design.trials(group)} for group in range(1, GROUPS + 1)]
    assert heard[0] == {item: not low_first for item, low_first in heard[1].items()}
    assert heard[2] == {item: not low_first for item, low_first in heard[3].items()}
    assert not set(heard[0]) & set(heard[2])


def test_no_pair_is_drawn_twice_and_practice_tells_of_no_measure_that_is_asked_about(design: Design) -> None:
    """Real pairs are known by their measures. Two starts can give a model's control the same pair, which may recur."""
    real = [item for item in design.items if item.arm == "real" and item.kind != "rating"]
    asked = Counter((item.attribute, item.low, item.high) for item in real)
    assert set(asked.values()) == {1}
    for group in range(1, GROUPS + 1):
        for name in ATTRIBUTES:
            plain = [
                item
                for item, _ in design.trials(group)
                if item.attribute == name and item.kind in ("practice", "catch")
            ]
            measures = [measure for item in plain for measure in (item.low, item.high)]
            assert len(measures) == len(set(measures)) == 2 * (PRACTICE + CATCH)


def test_each_listener_rates_one_measure_with_less_and_one_with_more_of_each_cell(design: Design) -> None:
    for group in range(1, GROUPS + 1):
        for source, name in design.cells:
            rated = [
                item
                for item, _ in design.trials(group)
                if (item.source, item.attribute, item.kind) == (source, name, "rating")
            ]
            assert len(rated) == 2
            if source == REAL:
                assert len({item.obtained for item in rated}) == 2


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_each_block_is_at_each_place_and_after_each_other_equally_often(n: int) -> None:
    orders = block_orders(n)
    assert len(orders) == n * (1 + n % 2)
    assert all(sorted(order) == list(range(n)) for order in orders)
    assert {*Counter(place for order in orders for place in enumerate(order)).values()} == {len(orders) // n}
    after = Counter(pair for order in orders for pair in pairwise(order))
    assert len(after) == n * (n - 1)
    assert len(set(after.values())) <= 1


def test_either_order_of_the_measures_has_all_orders_of_the_blocks() -> None:
    design = make_design(MODELS, MEASURES, groups=8, trials=2)
    for half in (0, 1):
        orders = {
            tuple(dict.fromkeys(item.attribute for item, _ in design.trials(group))) for group in range(1 + half, 9, 2)
        }
        assert len(orders) == 4


def test_the_measure_with_less_is_first_in_half_of_each_cell(design: Design) -> None:
    first = Counter((item.source, item.attribute) for item, low in design.trials(1) if item.kind == "main" and low)
    assert set(first.values()) == {TRIALS // 2}


def test_blocks_start_with_practice_and_take_turns_in_being_first(design: Design) -> None:
    starts = []
    for group in range(1, GROUPS + 1):
        pairs = [item for item, _ in design.trials(group) if item.kind != "rating"]
        blocks = [item.attribute for i, item in enumerate(pairs) if i == 0 or pairs[i - 1].attribute != item.attribute]
        assert sorted(blocks) == sorted(ATTRIBUTES)
        assert all(pairs[[item.attribute for item in pairs].index(block)].kind == "practice" for block in blocks)
        starts.append(blocks[0])
    assert sorted(starts) == sorted(ATTRIBUTES)


def test_differences_are_those_of_the_measures(design: Design) -> None:
    for item in design.items:
        if item.kind != "rating":
            np.testing.assert_allclose(list(item.changes.values()), attributes_of(design, item), atol=2e-4)


def test_a_models_pair_is_what_its_control_gives_from_one_start(design: Design) -> None:
    for source, model in MODELS.items():
        for name in ATTRIBUTES:
            item = next(each for each in design.items if (each.source, each.attribute) == (source, name))
            low, high = (model.turn(MEASURES, name, level=level) for level in item.levels)
            assert any(tuple(a) == item.low and tuple(b) == item.high for a, b in zip(low, high, strict=True))
            about = model.about
            values = [about.attribute_at(name, level) for level in item.levels]
            assert item.asked == pytest.approx((values[1] - values[0]) / about.spread(name), abs=1e-3)


def test_real_pairs_are_real_and_differ_by_what_controls_are_asked_for(design: Design) -> None:
    real = {tuple(measure) for measure in MEASURES.tolist()}
    asked = {(each.attribute, each.levels): each.asked for each in design.items if each.arm == "knob"}
    for item in design.items:
        if item.source == REAL and item.kind == "main":
            assert {item.low, item.high} <= real
            assert item.asked == item.obtained > 0
            if (item.attribute, item.levels) in asked:
                assert abs(item.obtained - asked[item.attribute, item.levels]) <= 2 * NEAR + 1e-3


def test_real_pairs_never_differ_by_nothing() -> None:
    model = next(iter(MODELS.values()))
    for name in ATTRIBUTES:
        for pairs in real_pairs(model, MEASURES, name, STEPS).values():
            ends = [[model.about.attribute_at(name, level) for level in levels] for levels in pairs.levels]
            asked = np.array([high - low for low, high in ends]) / model.about.spread(name)
            assert (pairs.changes[:, ATTRIBUTES.index(name)] > 0).all()
            assert (pairs.changes[:, ATTRIBUTES.index(name)] >= asked / 2 - 1e-6).all()


def test_steps_take_turns_and_half_of_some_pairs_are_equal_in_another_attribute(design: Design) -> None:
    for source, name in design.cells:
        cell = [item for item in design.items if (item.source, item.attribute, item.kind) == (source, name, "main")]
        steps = Counter(round(item.levels[1] - item.levels[0], 1) for item in cell)
        assert set(steps) == set(STEPS)
        matched = [item for item in cell if item.matched]
        assert all(abs(item.changes[MATCHED[name]]) <= EQUAL for item in matched)
        missing = [warning for warning in design.warnings if warning.startswith(f"{source}, {name}")]
        assert len(matched) == len(cell) // 2 or not MATCHED.get(name) or missing


def test_the_seed_decides_and_the_file_gives_it_back(design: Design) -> None:
    one = {"adversarial_vae": MODELS["adversarial_vae"]}
    first, again, other = (make_design(one, MEASURES[:60], groups=2, trials=2, seed=seed) for seed in (3, 3, 4))
    assert first.study == again.study != other.study
    assert dict(first.groups[0]) != dict(other.groups[0])  # whose numbers are the same
    back = Design.from_plain(json.loads(json.dumps(design.to_plain())))
    assert back.study == design.study
    assert back.groups == design.groups
    assert back.items == design.items


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"groups": 3}, "--groups: 3 is no even number"),
        ({"trials": 1}, "--trials: 1 is not from 2"),
        ({"groups": 100, "trials": 2}, "pairs are needed, and the measures give"),
    ],
)
def test_what_cannot_be_planned_is_refused(options: dict, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        make_design(MODELS, MEASURES[:12], **options)


def test_the_preregistration_states_the_numbers_of_the_design(design: Design) -> None:
    text = " ".join(preregistration(design).split())
    assert design.study in text
    assert f"{TRIALS * len(design.cells)} pairs, 1 for practice and 3 catch trials" in text
    assert "fewer than 75% of the catch trials" in text
