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


def test_three_seeds_by_hand() -> None:
    # Mean 2, standard error 1/sqrt(3); the t distribution with 2 degrees of freedom is 4.3027 at 97.5%.
    test = t_test([1, 2, 3])
    assert (test.mean, test.n, test.enough, test.significant) == (2, 3, True, False)
    assert (test.low, test.high) == pytest.approx((2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), abs=1e-4)
    assert test.p == pytest.approx(0.0742, abs=1e-4)


@pytest.mark.parametrize(("n", "against"), [(2, 0.0), (5, 0.3), (9, -1.0)])
def test_t_and_p_are_scipys(n: int, against: float) -> None:
    seeds = np.random.default_rng(n).normal(0.5, 1, n)
    theirs, ours = stats.ttest_1samp(seeds, against), t_test(seeds, against)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_too_few_seeds_have_no_verdict_and_equal_ones_no_spread() -> None:
    assert [t_test([0.1] * n).enough for n in range(5)] == [False, False, False, True, True]
    assert not t_test([5.0, 5.0]).significant
    assert math.isnan(t_test([0.1]).p)
    assert t_test([]).n == 0
    same = t_test([0.1 + 0.2, 0.3, 0.3])
    assert (same.p, t_test([0.3] * 3, 0.3).p) == (0, 1)
    assert same.low == same.high == same.mean


def test_all_else_is_equal_in_a_pair() -> None:
    effect = {"measure_vae": 0.5, "adversarial_vae": 0.25}
    results = results_of(
        lambda trial: {"x": effect[trial.model] + trial.latent_dim + 10 * (trial.dataset == "bach") + trial.seed / 8},
        dataset=["irish_folk", "bach"],
    )
    difference = paired(results, "x", "model", "measure_vae", "adversarial_vae")
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
        return {"x": sign * (trial.model == "measure_vae") + 0.01 * trial.seed * (trial.model == "measure_vae")}

    test = paired(results_of(metrics), "x", "model", "measure_vae", "adversarial_vae").test
    assert test.n == 3
    assert test.mean == pytest.approx(0.01)


def test_what_lacks_a_seed_is_left_out_on_both_sides() -> None:
    def status(trial: Trial) -> str:
        gone = trial.model == "measure_vae" and trial.latent_dim == 4 and trial.seed == 1
        return "diverged: the loss was not finite at step 1" if gone else "done"

    results = results_of(lambda trial: {"x": float(trial.latent_dim * (trial.model == "measure_vae"))}, status)
    difference = paired(results, "x", "model", "measure_vae", "adversarial_vae")
    assert (difference.test.mean, difference.test.n, difference.n_left_out) == (32, 3, 1)
    assert "1 left out" in difference.left_out


def test_a_configuration_of_other_seeds_does_not_count_the_rest_out() -> None:
    table = pd.DataFrame({0: [1.0, 2.0, 5.0], 1: [1.0, 2.0, np.nan], 2: [1.0, 2.0, np.nan], 3: [np.nan, np.nan, 9.0]})
    kept = balanced(table)
    assert kept.table.to_numpy().tolist() == [[1, 1, 1], [2, 2, 2]]
    assert kept.n_left_out == 1


def test_one_configuration_of_three_seeds_says_more_than_two_of_two() -> None:
    table = pd.DataFrame({0: [1.0, 2.0, 5.0], 1: [1.0, 2.0, 6.0], 2: [np.nan, np.nan, 7.0]})
    assert balanced(table).table.to_numpy().tolist() == [[5, 6, 7]]


@pytest.mark.parametrize(
    ("model", "status"), [("measure_vae", "done"), (["measure_vae", "adversarial_vae"], "pending")]
)
def test_nothing_to_pair_is_no_error(model: Any, status: str) -> None:
    results = results_of(lambda trial: {"x": 1.0}, lambda trial: status, model=model)
    for metric in ("x", "absent"):
        difference = paired(results, metric, "model", "measure_vae", "adversarial_vae")
        assert (len(difference.table), difference.test.n, difference.by("dataset")) == (0, 0, {})


def test_a_test_in_words() -> None:
    assert describe(t_test([1, 2, 3])) == "+2.000, 95% t interval [-0.484, +4.484], p = 0.074, 3 seeds"
    assert describe(t_test([0.5])) == "+0.500, 1 seed"
    assert describe(t_test([])) == "no value"
    assert "p < 0.001" in describe(t_test([1, 1, 1]))
