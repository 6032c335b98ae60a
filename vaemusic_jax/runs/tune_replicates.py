"""Metrics of a trial in resamples of the test tunes, from the arrays of its evaluation.

Shapes: B resamples, G tunes, N test measures, M of them decoded again, K imposed attributes, Q levels.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.metrics.control import LEVEL_QUANTILES, NO_CONTROL, change, rank_correlation
from vaemusic_jax.metrics.resampling import Floats, resampled_sums, sums_by_tune, tune_counts
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs.evaluations import CorpusSample, TrialEvaluation

LEVEL = 0.95  # the share of the resamples that an interval holds
CLEARLY = 3  # A control has a side effect in resamples if its own effect is so many standard deviations above 0.

Sums = Callable[[Floats], Floats]  # It adds up values of measures in each resample: (N, ...) -> (B, ...).


@dataclasses.dataclass(frozen=True)
class Replicates:
    """Metrics of one trial in resamples of its corpus' test tunes.

    Attributes:
        n_tunes: G.
        columns: (B,) by the column of results.csv. Resample b holds the same tunes for all trials of a corpus. A metric
            that is undefined in some resample is absent, such as the side effect of a control that hardly works.
    """

    n_tunes: int
    columns: Mapping[str, Floats]

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Returns the percentile interval (Efron 1979) of each column, which holds the central 95% of the resamples."""
        ends = {
            name: np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
            for name, values in self.columns.items()
        }
        return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def replicates_of(
    evaluation: TrialEvaluation, corpus: CorpusSample, imposed: tuple[str, ...], skill_baseline: float | None = None
) -> Replicates | None:
    """Computes metrics in resamples of the test tunes: those that findings use, and those of a model's card.

    Args:
        evaluation: the evaluation of a trial.
        corpus: the sample of its data set.
        imposed: its imposed attributes.
        skill_baseline: the accuracy that counts as no skill; without it there is no `skill`.

    Returns:
        The replicates, or None if an earlier version evaluated the run and did not keep what it takes.
    """
    arrays = evaluation.arrays
    if corpus.tune is None or corpus.chosen is None or "tokens_right" not in arrays:
        return None
    tunes, tune_N = np.unique(corpus.tune, return_inverse=True)
    n_tunes = len(tunes)
    counts_BxG = _counts(n_tunes, corpus.name)

    def sums(values_Nx: NDArray[Any], of_tune_N: NDArray[Any] = tune_N) -> Floats:
        return resampled_sums(counts_BxG, sums_by_tune(values_Nx, of_tune_N, n_tunes))

    size_B = sums(np.ones(len(tune_N)))
    right_N = np.asarray(arrays["tokens_right"], np.float64)
    n_ticks = corpus.tokens.shape[1]
    accuracy_B = sums(right_N) / n_ticks / size_B
    columns = {"reconstruction_accuracy": accuracy_B, "measure_accuracy": sums(right_N == n_ticks) / size_B}
    if skill_baseline is not None and skill_baseline < 1:
        columns["skill"] = (accuracy_B - skill_baseline) / (1 - skill_baseline)
    if corpus.seen is not None and not corpus.seen.all():
        unseen_N = (~corpus.seen).astype(np.float64)
        columns["unseen_accuracy"] = sums(right_N * unseen_N) / n_ticks / np.maximum(sums(unseen_N), 1)
    if (wrong_N := arrays.get("tokens_right_wrong_attributes")) is not None:
        columns["accuracy_wrong_attributes"] = sums(np.asarray(wrong_N)) / n_ticks / size_B
    own = ATTRIBUTES.columns(imposed)
    if (codes_NxA := arrays.get("interpretable_codes")) is not None:
        for name, k in zip(imposed, own, strict=True):
            x_N, y_N = (np.asarray(array[:, k], np.float64) for array in (codes_NxA, corpus.attributes))
            columns[f"interpretability.{name}"] = _r_squared(sums, x_N, y_N)
    if "control_values" in arrays and "traversal_attributes" in arrays:
        changed_MxKxQxK = np.asarray(arrays["traversal_attributes"], np.float64)[..., own]
        data_NxK = np.asarray(corpus.attributes, np.float64)[:, own]
        columns |= _of_controls(
            lambda values: sums(values, tune_N[corpus.chosen]),
            np.asarray(arrays["control_values"], np.float64),
            changed_MxKxQxK,
            data_NxK,
            imposed,
        )
    return Replicates(n_tunes, columns)


def _of_controls(
    sums: Sums, control_KxQ: Floats, changed_MxKxQxK: Floats, data_NxK: Floats, imposed: tuple[str, ...]
) -> dict[str, Floats]:
    """Returns what each control does in each resample, by column."""
    deviation_K = data_NxK.std(0)
    low_K, high_K = np.quantile(data_NxK, LEVEL_QUANTILES[[0, -1]], axis=0)
    span_K = high_K - low_K
    size_B = np.maximum(sums(np.ones(len(changed_MxKxQxK))), 1)[:, None]
    rank_MxK = np.einsum("mkk->mk", rank_correlation(control_KxQ, changed_MxKxQxK))
    efficiency_BxK, wrong_BxK = sums(rank_MxK) / size_B, sums(rank_MxK < 0) / size_B
    moved_BxK = sums(np.einsum("mkk->mk", np.ptp(changed_MxKxQxK, axis=2)) > 0) / size_B
    units_K = np.where(deviation_K > 0, deviation_K, 1.0)
    effect_BxKxK = sums(change(control_KxQ, changed_MxKxQxK) / units_K) / size_B[:, None]
    own_BxK = np.einsum("bkk->bk", effect_BxKxK)
    others_KxK = ~np.eye(len(imposed), dtype=bool) & (deviation_K > 0)
    n_others_K = others_KxK.sum(1)
    squares_BxK = np.where(others_KxK, effect_BxKxK**2, 0.0).sum(2) / np.maximum(n_others_K, 1)
    others_BxK = np.sqrt(squares_BxK)
    columns: dict[str, Floats] = {}
    for k, name in enumerate(imposed):
        columns[f"reconstruction_efficiency.{name}"] = efficiency_BxK[:, k]
        columns[f"moved.{name}"] = moved_BxK[:, k]
        if moved_BxK[:, k].min() >= NO_CONTROL:
            columns[f"wrong_way.{name}"] = wrong_BxK[:, k]
        if span_K[k] > 0:
            columns[f"reach.{name}"] = own_BxK[:, k] * deviation_K[k] / span_K[k]
        own_B = own_BxK[:, k]
        clear = own_B.mean() >= CLEARLY * own_B.std() and own_B.min() > 0  # A quotient by nearly 0 says nothing.
        if deviation_K[k] > 0 and n_others_K[k] and clear:
            columns[f"side_effect.{name}"] = others_BxK[:, k] / own_BxK[:, k]
    return columns


def _r_squared(sums: Sums, x_N: Floats, y_N: Floats) -> Floats:
    """Returns the R² of a linear regression of y on x in each resample, 0 where x is constant."""
    x_N, y_N = x_N - x_N.mean(), y_N - y_N.mean()
    n, x, y, xx, yy, xy = sums(np.stack([np.ones_like(x_N), x_N, y_N, x_N**2, y_N**2, x_N * y_N], axis=1)).T
    of_x, of_y, together = n * xx - x**2, n * yy - y**2, n * xy - x * y
    return np.divide(together**2, of_x * of_y, out=np.zeros_like(n), where=(of_x > 0) & (of_y > 0))


@functools.cache
def _counts(n_tunes: int, corpus: str) -> Floats:
    return tune_counts(n_tunes, corpus)
