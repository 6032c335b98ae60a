"""An open question of the study: how strong and how steep should MeasureVAE's attribute regulariser be?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.report.section import FigureData, Section, varied
from vaemusic_jax.report.seed_tests import by_seed
from vaemusic_jax.report.tables import configuration_table

METRICS = (
    "reconstruction_accuracy",
    "interpretability.mean",
    "reconstruction_efficiency.mean",
    "side_effect.mean",
)


def regularisation_strengths(results: pd.DataFrame) -> Section | None:
    """Finds where on the grid of gamma and delta each metric is best, and its values at those of the recipes.

    Args:
        results: one row per trial, of one run or several.

    Returns:
        The section, or None unless finished trials of MeasureVAE differ in nothing but gamma or delta.
    """
    rows = varied(results[results["model"] == "measure_vae"], "gamma", "delta")
    if rows.empty:
        return None
    grids = {metric: grid for metric in METRICS if (grid := _grid(rows, metric)).notna().any(axis=None)}
    sentences = [_about(metric_of(metric).label, grid) for metric, grid in grids.items()]
    figures = tuple(
        FigureData(
            f"question-strengths-{metric.replace('.', '-')}",
            "heatmap",
            f"MeasureVAE: {metric_of(metric).label} by weight and steepness of the attribute regulariser, means over "
            "seeds and whatever else the run varies.",
            "gamma, the weight",
            "delta, the steepness",
            x=tuple(float(gamma) for gamma in grid.columns),
            y=tuple(float(delta) for delta in grid.index),
            z=tuple(tuple(float(value) for value in row) for row in grid.to_numpy()),
            z_label=metric_of(metric).label,
        )
        for metric, grid in grids.items()
    )
    return Section(
        "regularisation-strength",
        "How strong and how steep should the attribute regulariser be?",
        " ".join(sentences),
        configuration_table(rows, "question-strengths", "Weight and steepness of the attribute regulariser", METRICS),
        figures,
    )


def _grid(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns means of a metric by delta (rows) and gamma (columns), both ascending; NaN where no trial is done."""
    table = by_seed(rows, metric, ["delta", "gamma"])
    deltas, gammas = (sorted(rows[name].unique()) for name in ("delta", "gamma"))
    if table.empty:
        return pd.DataFrame(np.nan, deltas, gammas)
    return table.mean(axis=1).unstack("gamma").reindex(index=deltas, columns=gammas)


def _about(metric: str, grid: pd.DataFrame) -> str:
    """Returns `Accuracy is 0.700 to 0.900, best at gamma 0.2, delta 3; 0.850 at the fast recipe's 1 and 10.`"""
    deltas, gammas = ([float(at) for at in axis] for axis in (grid.index, grid.columns))
    value = {(gammas[j], deltas[i]): float(z) for (i, j), z in np.ndenumerate(grid.to_numpy()) if not np.isnan(z)}
    gamma, delta = max(value, key=lambda at: value[at])
    words = f"{metric[0].upper()}{metric[1:]} is {min(value.values()):.3f} to {max(value.values()):.3f}"
    words += f", best at gamma {gamma:g}, delta {delta:g}"
    for name, recipe in MODELS["measure_vae"].recipes.items():
        at = (recipe.defaults["gamma"], recipe.defaults["delta"])
        if at in value:
            words += f"; {value[at]:.3f} at the {name} recipe's {at[0]:g} and {at[1]:g}"
    missing = int(grid.isna().to_numpy().sum())
    return words + (f"; {missing} combinations have no finished trial." if missing else ".")
