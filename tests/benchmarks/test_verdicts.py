"""The verdicts hold their error rate on made-up runs, a reduced version of `python -m benchmarks.verdicts`."""

import pytest

from benchmarks.verdicts import SCENARIOS, Scenario, simulate

RUNS = 40


@pytest.mark.parametrize("scenario", [SCENARIOS[0], SCENARIOS[1], SCENARIOS[3]], ids=lambda one: one.title)
def test_false_verdicts_are_rare(scenario: Scenario) -> None:
    """Of 40 runs at a rate of 5 %, more than 6 have a false verdict less than once in 200 times."""
    outcome = simulate(scenario, RUNS)
    assert outcome.false_runs <= 6 / RUNS
    assert outcome.coverage >= 0.85


def test_effects_that_are_there_are_found() -> None:
    by_title = {scenario.title: scenario for scenario in SCENARIOS}
    twice = simulate(by_title["twice the margins, .9 and .998, 10 seeds"], 20)
    for name in ("reconstruction", "separation", "efficiency", "headline"):
        assert twice.verdicts[name].most_common(1)[0][0] == "supported"
    assert set(twice.verdicts["interpretability"]) <= {
        "supported",
        "inconclusive",
    }  # .9 in 20 cells is seen half the time.
    growing = simulate(by_title["accuracy grows with latent size, 5 seeds"], 20)
    assert growing.verdicts["reconstruction"]["depends"] >= 18
