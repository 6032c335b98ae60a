"""A check of the finding that 32 to 64 dimensions suit four attributes, measure by measure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import ALL_ATTRIBUTES
from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.report.cells import Cells, levels
from vaemusic_jax.report.claims import MIN_SEEDS
from vaemusic_jax.report.finding import Finding, describe_estimate, describe_p
from vaemusic_jax.report.preparation import EVALUATE
from vaemusic_jax.report.statistics.contrast import LEVEL, Estimate, contrast
from vaemusic_jax.report.statistics.multiplicity import holm
from vaemusic_jax.runs.tune_replicates import Replicates

LOW, HIGH = 32, 64  # Both ends are included.
REGIONS = ("smaller", "within", "larger")

# One measure of each quantity: the loss is accuracy once more, and interpretability is no measure of the music.
MEASURES = {"reconstruction_accuracy": False, "reconstruction_efficiency": True, "side_effect": True}
TEST = (
    f"accuracy, efficiency and side effect of latent sizes {LOW} to {HIGH}, less those of smaller and of larger sizes. "
    "On both sides some measure must be better and none worse, by tests adjusted for their number (Holm). Loss is not "
    "counted beside accuracy, and independence not at all"
)


def suitable_sizes(results: pd.DataFrame, replicates: Mapping[str, Replicates]) -> tuple[Finding, ...]:
    """Tests, for each model, whether latent sizes from 32 to 64 are better than smaller and than larger ones.

    Args:
        results: one row per trial; only trials that impose all attributes count.
        replicates: metrics in resamples of the test tunes, by trial.
    """
    rows = results[results["attributes"] == ALL_ATTRIBUTES]
    return tuple(_of_model(rows[rows["model"] == model], model, replicates) for model in MODELS)


def region(size: int) -> str:
    """Returns whether a size is `smaller` than, `within` or `larger` than the range of the finding."""
    return REGIONS[int(size >= LOW) + int(size > HIGH)]


def _of_model(rows: pd.DataFrame, model: str, replicates: Mapping[str, Replicates]) -> Finding:
    name, claim = f"sizes-{model}", f"{LOW} to {HIGH} dimensions suit four attributes ({MODELS[model].title})"
    lacking = [one for one in REGIONS if one not in {region(size) for size in rows["latent_dim"]}]
    if lacking:
        return Finding(name, claim, "no verdict", TEST, f"no finished trial of a size {' or '.join(lacking)}", 0)
    gains: dict[tuple[str, str], Estimate] = {}
    dropped: list[str] = []
    n = 0
    for metric, per_control in MEASURES.items():
        every = levels(rows, replicates, metric, per_control)
        at_all = [i for i, size in enumerate(every.comparable("latent_dim")) if size is not None]
        cells = every[at_all]  # With others a difference between sizes could be one between corpora or controls.
        if every.estimates.n_seeds and not every.resampled:
            return Finding(name, claim, "no verdict", TEST, EVALUATE, every.estimates.n_seeds)
        if n_dropped := every.n_undefined + len(every.fields) - len(at_all):
            dropped.append(f"{metric_of(metric).label} {n_dropped}")
        regions = [region(size) for size in cells.fields["latent_dim"]]
        if set(regions) != set(REGIONS):
            missing = f"{metric_of(metric).label}: no corpus or control with a value at each size and of as many seeds"
            return Finding(name, claim, "no verdict", TEST, missing, cells.estimates.n_seeds)
        n = cells.estimates.n_seeds if not n else min(n, cells.estimates.n_seeds)
        sign = -1 if metric_of(metric).better == "lower" else 1
        for side in ("smaller", "larger"):
            gains[side, metric] = contrast(cells.estimates, sign * _within_less(cells, regions, side))
    adjusted = dict(zip(gains, holm([one.p() for one in gains.values()]), strict=True))
    words = "; ".join(
        f"against {side} sizes, {metric_of(metric).label} better by {describe_estimate(one)}, "
        f"{describe_p(adjusted[side, metric])}"
        for (side, metric), one in gains.items()
    )
    if dropped:
        words += f"; cells left out because they have no value at every size: {', '.join(dropped)}"
    if n < MIN_SEEDS:
        return Finding(name, claim, "no verdict", TEST, f"{words}; a verdict needs {MIN_SEEDS} seeds", n)
    found = {at: np.sign(one.value) * (adjusted[at] <= LEVEL) for at, one in gains.items()}
    sides = [{found[at] for at in found if at[0] == side} for side in ("smaller", "larger")]
    verdict = "inconclusive"
    if all(1 in side and -1 not in side for side in sides):
        verdict = "supported"
    elif any(1 in side and -1 in side for side in sides):
        verdict = "depends on measure"
    elif any(-1 in side for side in sides):
        verdict = "contradicted"
    return Finding(name, claim, verdict, TEST, words, n)


def _within_less(cells: Cells, regions: list[str], side: str) -> np.ndarray:
    """Returns the weights of the mean of the sizes within the range less the mean of a side's."""
    at = np.array(regions)
    return (at == "within") / (at == "within").sum() - (at == side) / (at == side).sum()
