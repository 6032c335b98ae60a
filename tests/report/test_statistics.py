"""The laws of intervals, p-values and verdicts: what no effect, a margin, a swap or more noise must do to them."""

import dataclasses

import numpy as np
import pytest

from vaemusic_jax.metrics.resampling import resampled_sums, sums_by_tune, tune_counts
from vaemusic_jax.report.statistics import verdicts
from vaemusic_jax.report.statistics.contrast import (
    SMALLEST_P,
    Estimate,
    Estimates,
    by_level,
    comparable,
    contrast,
    mean,
    p_interaction,
)
from vaemusic_jax.report.statistics.multiplicity import holm
from vaemusic_jax.report.statistics.verdicts import Comparison, Threshold, judge, p_of_order

SIZES = ["4", "4", "32", "32", "256", "256"]
CORPORA = ["irish", "bach"] * 3


def estimates(truth: float | list[float], noise: float = 0.003, n_seeds: int = 5, seed: int = 0) -> Estimates:
    """Differences of six cells with noise of seeds and of tunes."""
    rng = np.random.default_rng(seed)
    values = np.broadcast_to(truth, 6)[:, None] + noise * rng.normal(size=(6, n_seeds))
    tunes = values.mean(1) + noise * rng.normal(size=(200, 6)) / np.sqrt(n_seeds)
    return Estimates(values, tunes, 150)


def comparison(truth: float | list[float], noise: float = 0.003, margin: float = 0.01, **more: int) -> Comparison:
    return Comparison(estimates(truth, noise, **more), margin, {"latent size": SIZES, "corpus": CORPORA})


def verdict(claim: Comparison | Threshold) -> str:
    return judge({"claim": claim})["claim"].verdict


@pytest.mark.parametrize(
    ("truth", "noise", "expected"),
    [
        (0.03, 0.003, "supported"),
        (-0.03, 0.003, "contradicted"),
        (0.0, 0.003, "equivalent"),
        (0.004, 0.0005, "equivalent"),
        (0.0, 0.05, "inconclusive"),
        ([-0.03, -0.03, 0, 0, 0.04, 0.04], 0.003, "depends"),
    ],
)
def test_verdicts_follow_the_truth(truth: float | list[float], noise: float, expected: str) -> None:
    assert verdict(comparison(truth, noise)) == expected


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("truth", [0.0, 0.012, 0.03, [-0.03, -0.03, 0.0, 0.0, 0.04, 0.04]])
def test_swapping_the_models_mirrors_the_verdict(truth: float | list[float], seed: int) -> None:
    one = comparison(truth, seed=seed)
    assert one.estimates.tunes is not None
    swapped = dataclasses.replace(
        one, estimates=dataclasses.replace(one.estimates, values=-one.estimates.values, tunes=-one.estimates.tunes)
    )
    mirror = {"supported": "contradicted", "contradicted": "supported"}
    a, b = judge({"claim": one})["claim"], judge({"claim": swapped})["claim"]
    assert b.verdict == mirror.get(a.verdict, a.verdict)
    assert {level: mirror.get(found, found) for level, found in a.levels.items()} == b.levels
    assert a.p == pytest.approx(b.p)


def test_cells_written_twice_change_nothing() -> None:
    once = estimates(0.012)
    assert once.tunes is not None
    twice = Estimates(np.tile(once.values, (2, 1)), np.tile(once.tunes, (1, 2)), once.n_tunes)
    assert dataclasses.astuple(mean(twice)) == pytest.approx(dataclasses.astuple(mean(once)))
    assert p_interaction(twice, SIZES * 2) == pytest.approx(p_interaction(once, SIZES))


def test_the_order_of_seeds_does_not_matter_and_pairing_does() -> None:
    one = estimates(0.012)
    turned = dataclasses.replace(one, values=one.values[:, ::-1])
    assert mean(turned).p() == pytest.approx(mean(one).p())
    shared = dataclasses.replace(one, values=one.values + np.array([[-0.1, 0.1, 0, 0.05, -0.05]]))
    assert mean(shared).p() > 10 * mean(one).p()  # what all cells of a seed share does not average out


def test_a_constant_moves_the_estimate_and_not_its_error() -> None:
    one = estimates(0.0)
    assert one.tunes is not None
    moved = Estimates(one.values + 0.5, one.tunes + 0.5, one.n_tunes)
    assert mean(moved).p(0.5) == pytest.approx(mean(one).p(0.0))
    assert p_interaction(moved, SIZES) == pytest.approx(p_interaction(one, SIZES))


def test_intervals_and_p_values_agree() -> None:
    one = mean(estimates(0.004))
    for level in (0.2, 0.05, 0.001):
        for end in one.interval(level):
            assert one.p(end) == pytest.approx(level, rel=0.01)
    assert one.detectable() < one.detectable(0.01)
    assert one.p_equivalent(0.01) < one.p_equivalent(0.006)


def test_tunes_widen_the_interval() -> None:
    both = estimates(0.01)
    alone = dataclasses.replace(both, tunes=None)
    assert mean(both).of_seeds == mean(alone).of_seeds
    assert mean(both).detectable() > mean(alone).detectable()


def test_with_seeds_alone_the_test_is_students() -> None:
    from scipy import stats

    one = estimates(0.002)
    expected = stats.ttest_1samp(one.values.mean(0), 0).pvalue
    assert mean(dataclasses.replace(one, tunes=None)).p() == pytest.approx(expected, rel=1e-3)


def test_no_p_value_is_0() -> None:
    same = Estimates(np.full((2, 5), 0.3), None, 0)
    assert SMALLEST_P <= mean(same).p() < 1e-4
    assert mean(Estimates(np.zeros((2, 5)), None, 0)).p() == 1
    assert mean(estimates(100.0)).p() >= SMALLEST_P
    assert mean(Estimates(np.full((2, 1), 0.3), None, 0)).p() == 1  # a single seed rejects nothing


def test_levels_are_means_of_their_cells() -> None:
    one = estimates([1, 3, 5, 7, 0, 0], noise=0)
    assert {level: found.value for level, found in by_level(one, SIZES).items()} == {"4": 2, "32": 6, "256": 0}
    assert contrast(one, [1, 0, 0, 0, 0, -1]).value == 1
    assert p_interaction(one, ["4"] * 6) == 1


def test_holm_multiplies_the_smallest_by_the_number_of_what_can_be_true() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.01, 0.04], slots=["a", "a"]) == pytest.approx([0.01, 0.04])
    assert holm([0.01, 0.9, 0.02], slots=["a", "a", "b"]) == pytest.approx([0.02, 0.9, 0.04])
    assert holm([]) == []


def test_more_claims_make_each_verdict_harder() -> None:
    one = {"claim": comparison(0.012, 0.006, 0.001)}
    more = one | {f"other {i}": comparison(0.0, 0.05, seed=i) for i in range(20)}
    assert judge(more)["claim"].p > judge(one)["claim"].p
    assert judge(more)["claim"].level < judge(one)["claim"].level


def value(at: float) -> Estimate:
    return Estimate(at, 1e-5, 1e-5, 5, 100)


@pytest.mark.parametrize(
    ("levels", "every", "expected"),
    [
        ([0.9, 0.85], True, "supported"),
        ([0.9, 0.801], True, "inconclusive"),  # each of them must be above the limit, not their mean
        ([0.9, 0.7], True, "depends"),
        ([0.75, 0.7], True, "contradicted"),
        ([0.9, 0.7], False, "supported"),
        ([0.75, 0.7], False, "contradicted"),
        ([0.801, 0.7], False, "inconclusive"),
    ],
)
def test_a_threshold_is_for_every_value_or_for_the_best(levels: list[float], every: bool, expected: str) -> None:
    assert verdict(Threshold(tuple(map(value, levels)), 0.8, every)) == expected


def test_the_best_configuration_is_the_one_all_of_whose_attributes_are_above_the_limit() -> None:
    def of(*levels: float) -> str:
        return verdict(Threshold(tuple(map(value, levels)), 0.8, every=False, groups=("a", "a", "b", "b")))

    assert of(0.9, 0.85, 0.2, 0.2) == "supported"
    assert of(0.9, 0.7, 0.95, 0.2) == "contradicted"  # each configuration has an attribute below the limit
    assert of(0.9, 0.799, 0.95, 0.2) == "inconclusive"


def test_a_cell_without_a_counterpart_at_each_level_says_nothing_about_the_levels() -> None:
    levels = comparable(["4", "4", "32", "32", "256"], ["a", "b", "a", "b", "a"])
    assert levels == ["4", None, "32", None, "256"]
    one = estimates([1, 9, 1, 9, 1, 0], noise=0)
    assert {level: found.value for level, found in by_level(one, [*levels, None]).items()} == dict.fromkeys(
        ("4", "32", "256"), 1
    )
    assert p_interaction(one, [*levels, None]) == 1
    assert p_interaction(one, SIZES) < 0.01


def test_few_corpora_cannot_be_in_order_by_more_than_chance() -> None:
    assert p_of_order([1, 2], [3, 4]) == 1
    assert p_of_order([1, 2, 3, 4], [9, 8, 7, 6]) == pytest.approx(2 / 24)
    assert p_of_order([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 7]) == pytest.approx(2 / 720)
    assert p_of_order([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]) > 0.01


def test_many_corpora_are_permuted_at_random() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.permutation(7).tolist() for _ in range(2))
    exact = p_of_order(x, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdicts, "ALL_ORDERS_UP_TO", 6)
        assert p_of_order(x, y) == pytest.approx(exact, abs=0.02)
    assert p_of_order(range(20), range(20)) == 1 / 10_000


def test_corpora_are_resampled_independently_and_each_of_them_always_alike() -> None:
    one, again, other = (tune_counts(200, name) for name in ("bach", "bach", "irish_folk"))
    assert (one == again).all()
    values = np.random.default_rng(0).normal(size=200)
    assert abs(np.corrcoef(one @ values, other @ values)[0, 1]) < 0.15


def test_resamples_keep_the_number_of_tunes_and_sums_by_tune_the_total() -> None:
    counts = tune_counts(30, "bach", 50)
    assert (counts.sum(1) == 30).all()
    values, tune = np.arange(12.0).reshape(6, 2), np.array([0, 0, 2, 2, 2, 29])
    sums = sums_by_tune(values, tune, 30)
    assert sums.sum(0) == pytest.approx(values.sum(0))
    assert sums[2] == pytest.approx(values[2:5].sum(0))
    assert resampled_sums(counts, sums) == pytest.approx(counts @ sums)
    assert resampled_sums(np.ones((1, 30)), sums)[0] == pytest.approx(values.sum(0))
