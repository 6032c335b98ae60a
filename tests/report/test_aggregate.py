"""Seeds become means with bootstrap intervals; what did not finish is counted and never averaged."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.helpers.synthetic_results import results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.report.aggregate import CONFIGURATION, aggregate, interval_over_seeds, numbers

values = st.lists(st.floats(-100, 100), min_size=2, max_size=7)


def test_two_or_three_seeds_have_their_range_as_interval() -> None:
    two, three = interval_over_seeds([0.25, 0.75]), interval_over_seeds([0.9, 0.5, 0.7])
    assert (two.mean, two.low, two.high, two.n) == (0.5, 0.25, 0.75, 2)
    # All three draws are the same one with probability 1/27 each, more than the 2.5% left out on a side.
    assert (three.mean, three.low, three.high) == pytest.approx((0.7, 0.5, 0.9))


def test_four_seeds_lose_what_is_rarer_than_a_fortieth() -> None:
    # Of 256 resamples of 0, 0, 0, 1 one has four ones, 12 have three: 1/256 < 2.5% < 13/256.
    interval = interval_over_seeds([0, 0, 0, 1])
    assert (interval.mean, interval.low, interval.high) == (0.25, 0, 0.75)


def test_one_seed_has_no_interval_and_none_no_mean() -> None:
    one, none = interval_over_seeds([0.5]), interval_over_seeds([])
    assert (one.mean, one.n, none.n) == (0.5, 1, 0)
    assert all(math.isnan(x) for x in (one.low, one.high, none.mean, none.low, none.high))


def test_values_without_meaning_are_left_out() -> None:
    assert interval_over_seeds([0.5, np.nan, 0.75]) == interval_over_seeds([0.5, 0.75])
    assert interval_over_seeds([np.nan, np.nan]).n == 0


@pytest.mark.parametrize("n", [3, 4, 5, 6, 10])
def test_the_interval_is_scipys(n: int) -> None:
    seeds = np.random.default_rng(n).normal(size=n)
    theirs = stats.bootstrap((seeds,), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    ours = interval_over_seeds(seeds)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.05 * float(seeds.std()))


@given(values, st.randoms(use_true_random=False))
def test_intervals_hold_the_mean_lie_within_the_values_and_mirror(seeds: list[float], random: object) -> None:
    interval = interval_over_seeds(seeds)
    slack = 1e-9
    assert min(seeds) - slack <= interval.low <= interval.mean + slack
    assert interval.mean - slack <= interval.high <= max(seeds) + slack
    if len(seeds) <= 5:  # all resamples, so nothing depends on the order or the sign
        mirrored = interval_over_seeds([-x for x in reversed(seeds)])
        assert (-mirrored.high, -mirrored.low) == pytest.approx((interval.low, interval.high), abs=slack)


def test_a_row_for_each_configuration_and_metric_with_only_finished_trials_in_it() -> None:
    def status(trial: Trial) -> str:
        if trial.latent_dim == 4:
            return {0: "done", 1: "diverged: the loss was not finite at step 40", 2: "waiting: for data"}[trial.seed]
        return "done"

    results = results_of(lambda trial: {"x": trial.seed + trial.latent_dim, "y": np.nan}, status)
    results.loc[results["status"] != "done", "x"] = 1000.0
    table = aggregate(results, ["x", "y", "absent"])
    assert len(table) == 2 * 2 * 3
    assert list(table.columns[: len(CONFIGURATION)]) == list(CONFIGURATION)
    x = table[(table["metric"] == "x") & (table["model"] == "measure_vae")]
    shown = ["latent_dim", "mean", "n", "n_seeds", "n_diverged", "n_unfinished"]
    assert x[shown].to_numpy().tolist() == [[4, 4, 1, 1, 1, 1], [32, 33, 3, 3, 0, 0]]
    assert x[["low", "high"]].iloc[1].to_list() == [32, 34]
    others = table[table["metric"] != "x"]
    assert others["mean"].isna().all()
    assert set(others["n"]) == {0}
    assert set(table["n_seeds"]) == {1, 3}


def test_a_table_without_trials_has_no_rows_and_the_same_columns() -> None:
    results = results_of(lambda trial: {"x": 1.0})
    assert list(aggregate(results.iloc[:0], ["x"]).columns) == list(aggregate(results, ["x"]).columns)
    assert len(aggregate(results.iloc[:0], ["x"])) == 0


def test_columns_of_every_type_are_numbers() -> None:
    results = results_of(lambda trial: {"x": 1})
    half = len(results) // 2
    flag, count = pd.array([True, None] * half, dtype="boolean"), pd.array([3, None] * half, dtype="Int64")
    typed = results.assign(flag=flag, count=count)
    assert numbers(typed, "flag")[0] == 1
    assert numbers(typed, "count")[0] == 3
    assert np.isnan(numbers(typed, "flag")[1])
    assert np.isnan(numbers(typed, "absent")).all()
