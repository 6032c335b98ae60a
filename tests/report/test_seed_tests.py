"""The unit of every test is the seed: pairs are averaged first, and seeds that are missing drop their configuration."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.helpers.synthetic_results import results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.report.seed_tests import balanced, describe, paired, t_test

MOVED: dict[str, Any] = {"model": "measure_vae", "transpose": [0, 1]}


def test_three_seeds_by_hand() -> None:
    # Mean 2, standard error 1/sqrt(3); the t distribution with 2 degrees of freedom is 4.3027 at 97.5%.
    test = t_test([1, 2, 3])
    assert (test.mean, test.n) == (2, 3)
    assert (test.low, test.high) == pytest.approx((2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), abs=1e-4)
    assert test.p == pytest.approx(0.0742, abs=1e-4)


@pytest.mark.parametrize(("n", "against"), [(2, 0.0), (5, 0.3), (9, -1.0)])
def test_t_and_p_are_scipys(n: int, against: float) -> None:
    seeds = np.random.default_rng(n).normal(0.5, 1, n)
    theirs, ours = stats.ttest_1samp(seeds, against), t_test(seeds, against)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_one_seed_has_no_p_value_and_equal_ones_no_spread() -> None:
    assert math.isnan(t_test([0.1]).p)
    assert t_test([]).n == 0
    same = t_test([0.1 + 0.2, 0.3, 0.3])
    assert (same.p, t_test([0.3] * 3, 0.3).p) == (0, 1)
    assert same.low == same.high == same.mean


def test_all_else_is_equal_in_a_pair() -> None:
    results = results_of(
        lambda trial: {"x": trial.transpose / 4 + trial.latent_dim + 10 * (trial.dataset == "bach") + trial.seed / 8},
        dataset=["irish_folk", "bach"],
        transpose=[0, 1],
        model="measure_vae",
    )
    difference = paired(results, "x", "transpose", 1, 0)
    assert difference.table.shape == (4, 3)
    assert difference.test.mean == pytest.approx(0.25)
    assert {name: test.mean for name, test in difference.by("dataset").items()} == pytest.approx(
        {"irish_folk": 0.25, "bach": 0.25}
    )
    harder = paired(results, "x", "dataset", "irish_folk", "bach")
    assert harder.table.shape == (4, 3)
    assert harder.test.mean == pytest.approx(-10)


def test_configurations_are_averaged_and_not_counted() -> None:
    # Two configurations differ by +1 and -1 in every seed: that says nothing, however many configurations there are.
    def metrics(trial: Trial) -> dict[str, Any]:
        sign = 1 if trial.latent_dim == 4 else -1
        return {"x": (sign + 0.01 * trial.seed) * (trial.transpose == 1)}

    test = paired(results_of(metrics, **MOVED), "x", "transpose", 1, 0).test
    assert test.n == 3
    assert test.mean == pytest.approx(0.01)


def test_what_lacks_a_seed_is_left_out_on_both_sides() -> None:
    def status(trial: Trial) -> str:
        gone = trial.transpose == 1 and trial.latent_dim == 4 and trial.seed == 1
        return "diverged: the loss was not finite at step 1" if gone else "done"

    results = results_of(lambda trial: {"x": float(trial.latent_dim * (trial.transpose == 1))}, status, **MOVED)
    difference = paired(results, "x", "transpose", 1, 0)
    assert (difference.test.mean, difference.test.n, difference.n_left_out) == (32, 3, 1)


def test_a_configuration_of_other_seeds_does_not_count_the_rest_out() -> None:
    table = pd.DataFrame({0: [1.0, 2.0, 5.0], 1: [1.0, 2.0, np.nan], 2: [1.0, 2.0, np.nan], 3: [np.nan, np.nan, 9.0]})
    kept = balanced(table)
    assert kept.table.to_numpy().tolist() == [[1, 1, 1], [2, 2, 2]]
    assert kept.n_left_out == 1


def test_one_configuration_of_three_seeds_says_more_than_two_of_two() -> None:
    table = pd.DataFrame({0: [1.0, 2.0, 5.0], 1: [1.0, 2.0, 6.0], 2: [np.nan, np.nan, 7.0]})
    assert balanced(table).table.to_numpy().tolist() == [[5, 6, 7]]


@pytest.mark.parametrize(("transpose", "status"), [(0, "done"), ([0, 1], "pending")])
def test_nothing_to_pair_is_no_error(transpose: Any, status: str) -> None:
    results = results_of(lambda trial: {"x": 1.0}, lambda trial: status, transpose=transpose)
    for metric in ("x", "absent"):
        difference = paired(results, metric, "transpose", 1, 0)
        assert (len(difference.table), difference.test.n, difference.by("dataset")) == (0, 0, {})


def test_a_test_in_words() -> None:
    assert describe(t_test([1, 2, 3])) == "+2.000, 95% t interval [-0.484, +4.484], p = 0.074, 3 seeds"
    assert describe(t_test([0.5])) == "+0.500, 1 seed"
    assert describe(t_test([])) == "no value"
    assert "p < 0.001" in describe(t_test([1, 1, 1]))
