"""Error rates and power of the verdicts on the study's findings, by made-up runs whose truth is known.

    python -m benchmarks.verdicts            1,000 runs for each scenario, some minutes on one core
    python -m benchmarks.verdicts --runs 50

A made-up run has two models, two corpora of as many test tunes as the built-in ones have, five latent sizes and two
choices of attributes, of two and of all four controls. Its noise has the size of what trained runs showed: of seeds,
.003 to .01 in accuracy and .03 to .05 in efficiency, a part of it shared by all trials of a seed and a part of each
trial's own; of test tunes, a part of each model's and a part of each trial's. Simplicity, the sixth of the declared
claims, is not simulated: two corpora give no verdict on it.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vaemusic_jax.metrics.resampling import Floats, resampled_sums, tune_counts
from vaemusic_jax.report.claims import MARGINS
from vaemusic_jax.report.statistics.contrast import Estimates, comparable, contrast, mean
from vaemusic_jax.report.statistics.verdicts import Comparison, Threshold, judge

# Test tunes and test measures of the built-in corpora; controls are measured on so many of the measures alone.
CORPORA, DECODED = {"irish_folk": (115, 1658), "bach": (36, 450)}, 200
SIZES, CHOICES = (4, 16, 32, 64, 256), {"two": ("1", "2"), "all": ("1", "2", "3", "4")}
CELLS = [(size, corpus, choice, "") for corpus in CORPORA for choice in CHOICES for size in SIZES]
CONTROLS = [(*cell[:3], control) for cell in CELLS for control in CHOICES[cell[2]]]
HIGH, HEADLINE = 0.8, 0.9955


@dataclasses.dataclass(frozen=True)
class Noise:
    """Standard deviations of a metric: of a seed in all trials, in one; of a tune in one model, in one trial."""

    seed: float
    seed_in_trial: float
    tune_in_model: float
    tune_in_trial: float


NOISES = {
    "reconstruction": Noise(0.003, 0.007, 0.03, 0.05),
    "separation": Noise(0.02, 0.04, 0.15, 0.25),
    "efficiency": Noise(0.02, 0.04, 0.15, 0.25),
    "interpretability": Noise(0.005, 0.015, 0.1, 0.1),
}
OF_CONTROLS = ("separation", "efficiency")
Effect = Callable[[int, str, str], float]


def differences(
    rng: np.random.Generator,
    noise: Noise,
    effect: Effect,
    n_seeds: int,
    heavy: bool = False,
    controls: bool = False,
) -> Estimates:
    """Makes up the differences of two models in each cell of `CELLS`, or of `CONTROLS`."""
    values, tunes = [], []
    scale = np.sqrt(2)  # Each difference has the noise of two models.
    shared_S = _draw(rng, n_seeds, heavy) * noise.seed * scale
    for corpus, (n_tunes, n_measures) in CORPORA.items():
        cells = [cell for cell in (CONTROLS if controls else CELLS) if cell[1] == corpus]
        measures_G = 1 + rng.multinomial(n_measures - n_tunes, np.full(n_tunes, 1 / n_tunes))
        if controls:
            measures_G = rng.multivariate_hypergeometric(measures_G, DECODED)
        of_tune_G = rng.normal(size=n_tunes) * noise.tune_in_model * scale
        of_trial_GxCxS = rng.normal(size=(n_tunes, len(cells), n_seeds)) * noise.tune_in_trial * scale
        of_seed_CxS = shared_S + _draw(rng, (len(cells), n_seeds), heavy) * noise.seed_in_trial * scale
        truth_C = np.array([effect(*cell[:3]) for cell in cells])
        level_GxCxS = truth_C[:, None] + of_seed_CxS + of_tune_G[:, None, None] + of_trial_GxCxS
        sums_GxCxS = level_GxCxS * measures_G[:, None, None]
        values.append(sums_GxCxS.sum(0) / measures_G.sum())
        counts_BxG = _counts(n_tunes, corpus)
        tunes.append(resampled_sums(counts_BxG, sums_GxCxS.mean(2)) / (counts_BxG @ measures_G)[:, None])
    return Estimates(np.concatenate(values), np.concatenate(tunes, axis=1), min(CORPORA.values())[0])


def made_up(
    rng: np.random.Generator,
    effects: Mapping[str, Effect],
    interpretability: Effect,
    headline: float,
    n_seeds: int,
    heavy: bool = False,
) -> dict[str, Comparison | Threshold]:
    """Makes up the claims of one run; those about thresholds at their true levels."""
    claims: dict[str, Comparison | Threshold] = {
        name: Comparison(
            differences(rng, NOISES[name], effect, n_seeds, heavy, name in OF_CONTROLS),
            MARGINS[name],
            _factors(CONTROLS if name in OF_CONTROLS else CELLS),
        )
        for name, effect in effects.items()
    }
    levels = differences(rng, NOISES["interpretability"], interpretability, n_seeds, heavy)
    each = np.eye(len(CELLS))
    claims["interpretability"] = Threshold(tuple(contrast(levels, row) for row in each), HIGH, every=True)
    values = headline + rng.normal(size=(2, n_seeds)) * 0.001
    best = tuple(contrast(Estimates(values, None, 0), row) for row in np.eye(2))
    return claims | {"headline": Threshold(best, HEADLINE, every=False)}


def _factors(cells: Sequence[tuple[int, str, str, str]]) -> dict[str, list[str | None]]:
    factors = {}
    for i, name in enumerate(("latent size", "corpus", "attributes", "control")):
        levels = [str(cell[i]) for cell in cells]
        factors[name] = comparable(levels, [(*cell[:i], *cell[i + 1 :]) for cell in cells])
    return factors


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A truth, and which verdicts on it are false.

    Attributes:
        title: what is true.
        effects: the true difference in each cell, by claim.
        interpretability, headline: the true levels.
        false: the false verdicts by claim.
        n_seeds: the number of seeds.
        heavy: whether the noise of seeds has heavy tails (t with 3 degrees of freedom) instead of normal ones.
    """

    title: str
    effects: Mapping[str, Effect]
    interpretability: Effect
    headline: float
    false: Mapping[str, set[str]]
    n_seeds: int = 5
    heavy: bool = False


def constant(value: float) -> Effect:
    """Returns the same effect for each cell."""
    return lambda size, corpus, choice: value


COMPARED = ("reconstruction", "separation", "efficiency")
THRESHOLDS = {"interpretability": {"supported", "contradicted", "depends"}, "headline": {"supported", "contradicted"}}
NO_EFFECT = {name: {"supported", "contradicted", "depends"} for name in COMPARED} | THRESHOLDS
AT_MARGIN = {name: {"equivalent", "contradicted", "depends"} for name in COMPARED} | THRESHOLDS


POOLED = {"supported", "contradicted", "equivalent"}


def _multiples(factor: float) -> dict[str, Effect]:
    return {name: constant(factor * MARGINS[name]) for name in COMPARED}


def _growing(size: int, corpus: str, choice: str) -> float:
    """The difference in accuracy that was measured, which grows with the latent size."""
    return {4: -0.037, 16: 0.010, 32: 0.025, 64: 0.037, 256: 0.045}[size]


def _by_corpus(size: int, corpus: str, choice: str) -> float:
    return 0.02 if corpus == "bach" else -0.02


SCENARIOS = (
    Scenario("no effect, 5 seeds", _multiples(0), constant(HIGH), HEADLINE, NO_EFFECT),
    Scenario("no effect, 10 seeds", _multiples(0), constant(HIGH), HEADLINE, NO_EFFECT, 10),
    Scenario("no effect, heavy tails, 5 seeds", _multiples(0), constant(HIGH), HEADLINE, NO_EFFECT, heavy=True),
    Scenario("effects at the margins, 5 seeds", _multiples(1), constant(HIGH), HEADLINE, AT_MARGIN),
    Scenario("effects at the margins, 10 seeds", _multiples(1), constant(HIGH), HEADLINE, AT_MARGIN, 10),
    Scenario("twice the margins, .9 and .998, 5 seeds", _multiples(2), constant(0.9), 0.998, {}),
    Scenario("twice the margins, .9 and .998, 10 seeds", _multiples(2), constant(0.9), 0.998, {}, 10),
    Scenario(
        "accuracy grows with latent size, 5 seeds",
        {"reconstruction": _growing},
        constant(0.9),
        0.998,
        {"reconstruction": POOLED},
    ),
    Scenario(
        "the corpora disagree by .04, 5 seeds",
        {"reconstruction": _by_corpus},
        constant(0.7),
        0.99,
        {"reconstruction": POOLED},
    ),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a scenario.

    Attributes:
        verdicts: how often each verdict was given, by claim.
        false_runs: the share of runs with any false verdict.
        coverage: the share of runs whose 95 % interval of the reconstruction difference holds the true mean.
        percentile: the same of the percentile bootstrap over seeds and tunes.
        detectable: the median of the smallest effects that could have been seen, by claim.
    """

    verdicts: Mapping[str, Counter[str]]
    false_runs: float
    coverage: float
    percentile: float
    detectable: Mapping[str, float]


def simulate(scenario: Scenario, runs: int, seed: int = 0) -> Outcome:
    """Judges made-up runs."""
    rng = np.random.default_rng(seed)
    counts: dict[str, Counter[str]] = {}
    detectable: dict[str, list[float]] = {}
    n_false, covered = 0, np.zeros(2)
    truth = float(np.mean([scenario.effects["reconstruction"](*cell[:3]) for cell in CELLS]))
    for _ in range(runs):
        claims = made_up(
            rng, scenario.effects, scenario.interpretability, scenario.headline, scenario.n_seeds, scenario.heavy
        )
        judged = judge(claims)
        for name, one in judged.items():
            counts.setdefault(name, Counter())[one.verdict] += 1
        n_false += any(one.verdict in scenario.false.get(name, ()) for name, one in judged.items())
        for name, claim in claims.items():
            if isinstance(claim, Comparison):
                detectable.setdefault(name, []).append(mean(claim.estimates).detectable(judged[name].level))
        main = claims["reconstruction"]
        assert isinstance(main, Comparison)
        ends = (mean(main.estimates).interval(), _percentile_interval(rng, main.estimates))
        covered += [low <= truth <= high for low, high in ends]
    medians = {name: float(np.median(values)) for name, values in detectable.items()}
    ours, percentile = (covered / runs).tolist()
    return Outcome(counts, n_false / runs, ours, percentile, medians)


def _percentile_interval(rng: np.random.Generator, estimates: Estimates) -> tuple[float, float]:
    """The percentile bootstrap over seeds and tunes: what the seeds add is drawn beside each resample of the tunes."""
    assert estimates.tunes is not None
    of_seeds_S = estimates.values.mean(0)
    tunes_B = estimates.tunes.mean(1)
    drawn_BxS = rng.integers(len(of_seeds_S), size=(len(tunes_B), len(of_seeds_S)))
    low, high = np.quantile(tunes_B + of_seeds_S[drawn_BxS].mean(1) - of_seeds_S.mean(), [0.025, 0.975])
    return float(low), float(high)


def _draw(rng: np.random.Generator, shape: int | tuple[int, ...], heavy: bool) -> Floats:
    return rng.standard_t(3, size=shape) / np.sqrt(3) if heavy else rng.normal(size=shape)


@functools.cache
def _counts(n_tunes: int, corpus: str) -> Floats:
    return tune_counts(n_tunes, corpus)


def main_program() -> None:
    """Prints a paragraph for each scenario."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    for scenario in SCENARIOS:
        start = time.perf_counter()
        outcome = simulate(scenario, runs)
        print(f"{scenario.title}: {runs} runs in {time.perf_counter() - start:.0f} s", flush=True)
        if scenario.false:
            print(f"  any false verdict {outcome.false_runs:.3f}")
        print(
            f"  interval of the accuracy difference covers {outcome.coverage:.3f}, percentile {outcome.percentile:.3f}"
        )
        for name, found in outcome.verdicts.items():
            shares = ", ".join(f"{verdict} {count / runs:.3f}" for verdict, count in found.most_common())
            seen = f"; detectable {outcome.detectable[name]:.4f}" if name in outcome.detectable else ""
            print(f"  {name}: {shares}{seen}", flush=True)


if __name__ == "__main__":
    main_program()
