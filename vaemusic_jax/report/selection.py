"""Selection of the trials that a figure shows if a run has more than fit into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import NO_ATTRIBUTES, Trial, parse_attributes, unused_by
from vaemusic_jax.report.aggregate import finished, numbers
from vaemusic_jax.report.configurations import field_header

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_SHOWN = ("dataset", "model", "attributes", "latent_dim", "seed")

EXAMPLE_RULE = (
    "for each model and data set, of the trials with most attributes the one with the best validation accuracy, and if "
    "there are any, the best one of those with steering too"
)


def beside_regularised(results: pd.DataFrame) -> pd.DataFrame:
    """Returns results in which trials without attributes have the settings of those that they are compared with.

    In the fields that only trials with attributes use, they get the values that most of the model's others have.
    """
    results = results.copy()
    is_bare = results["attributes"] == NO_ATTRIBUTES
    for model in MODELS:
        fields = [name for name in unused_by(model, with_attributes=False) if name not in unused_by(model)]
        is_model = results["model"] == model
        others = results[is_model & ~is_bare]
        if fields and len(others):
            commonest: Any = others.groupby(fields, sort=False).size().idxmax()
            results.loc[is_model & is_bare, fields] = commonest
    return results


def main_setting(results: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Selects, for each model, the trials of the setting that most of its finished trials have.

    A setting is a combination of values of the fields that figures do not distinguish, so that a figure compares trials
    of one setting only.

    Args:
        results: one row per trial, with its fields among the columns.

    Returns:
        The selected rows in their order, and a sentence that names the settings; it is empty if there is only one.
    """
    fields = [name for name in Trial.model_fields if name not in _SHOWN]
    alike = beside_regularised(results)
    kept: list[Any] = []
    said = []
    for model in MODELS:
        rows = alike[alike["model"] == model]
        varied = [name for name in fields if rows[name].nunique() > 1]
        groups = [group for _, group in rows.groupby(varied, sort=False)] if varied else [rows]
        largest = max(groups, key=lambda group: (len(finished(group)), len(group)))  # The first wins a tie.
        kept.extend(largest.index)
        if varied:
            values = ", ".join(f"{field_header(name)} {_shown(largest[name].iloc[0])}" for name in varied)
            said.append(f"{MODELS[model].title} with {values}")
    sentence = f"Of several settings, the one with most finished trials: {'; '.join(said)}." if said else ""
    return results.loc[sorted(kept)], sentence


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def most_attributes(results: pd.DataFrame) -> pd.DataFrame:
    """Selects, for each data set, the trials that impose most attributes; among equal choices, the first."""
    best = {
        dataset: max(rows["attributes"].unique(), key=lambda choice: len(parse_attributes(choice)))
        for dataset, rows in results.groupby("dataset", sort=False)
    }
    return results[results["attributes"] == results["dataset"].map(best)]


def evenly(values: Sequence[T], most: int) -> list[T]:
    """Selects at most `most` of the values, evenly spread, with the first and the last; `most` is at least 2."""
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def example_trials(results: pd.DataFrame) -> pd.DataFrame:
    """Selects one evaluated trial of each data set and model, with and without steering, by `EXAMPLE_RULE`.

    Args:
        results: one row per trial.
    """
    done = results[results["reconstruction_accuracy"].notna()]
    number = done["attributes"].map(lambda choice: len(parse_attributes(choice)))
    steered = done["steering_weight"] > 0 if "steering_weight" in done else False
    ranks = done.assign(_n=number, _accuracy=numbers(done, "validation_accuracy"), _steered=steered)
    best_first = ranks.sort_values(["_n", "_accuracy"], ascending=False, kind="stable")
    return done.loc[best_first.drop_duplicates(["dataset", "model", "_steered"]).index.sort_values()]
