"""Cells of a comparison: trials of two models that differ in nothing else, by seed, with their resampled tunes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from vaemusic_jax.config.trial import parse_attributes
from vaemusic_jax.report.aggregate import CONFIGURATION, finished, numbers
from vaemusic_jax.report.claims import MIN_SEEDS
from vaemusic_jax.report.seed_tests import OF_THE_MODEL, balanced
from vaemusic_jax.report.statistics.contrast import Estimates
from vaemusic_jax.report.tune_replicates import Replicates
from vaemusic_jax.report.weights import number_of_weights

Matching = Literal["hidden size", "weights", "training time"]
LIKE = 1.1  # Two models are alike in weights or training time if neither has more than this times the other's.

RECIPE = tuple(name for name in OF_THE_MODEL if name != "hidden_size")
WEIGHTS, SECONDS = "n_weights", "training_seconds"  # Columns that ``with_sizes`` adds.


@dataclasses.dataclass(frozen=True)
class Cells:
    """Estimates with what their cells stand for.

    Attributes:
        estimates: the estimates, of the cells that have all seeds that most have.
        fields: one row per cell.
        n_left_out: the number of cells that lack a seed or a value.
    """

    estimates: Estimates
    fields: pd.DataFrame
    n_left_out: int

    @property
    def factors(self) -> dict[str, list[str]]:
        """The levels of what a difference may depend on: latent size, corpus, attributes, and what else varies."""
        named = {"latent size": "latent_dim", "corpus": "dataset", "attributes": "attributes"}
        known = {*named.values(), "control"}
        others = [str(name) for name in self.fields if name not in known and self.fields[name].nunique() > 1]
        named |= {name.replace("_", " "): name for name in others}
        return {words: [str(level) for level in self.fields[name]] for words, name in named.items()}


def with_sizes(results: pd.DataFrame, vocabularies: Mapping[str, int], seconds: Mapping[Any, float]) -> pd.DataFrame:
    """Adds the number of weights and the seconds of training of each trial, NaN where they are not known.

    Args:
        results: one row per trial.
        vocabularies: the number of tokens by data set.
        seconds: seconds of training by trial.
    """
    rows = results.to_dict("records")
    counts = [
        number_of_weights(
            row["model"],
            row["hidden_size"],
            row["latent_dim"],
            vocabularies.get(row["dataset"], 40),
            len(parse_attributes(row["attributes"])),
        )
        for row in rows
    ]
    times = [seconds.get(row["trial"], np.nan) for row in rows]
    sizes = pd.DataFrame({WEIGHTS: counts, SECONDS: times}, index=results.index, dtype=float)
    return pd.concat([results, sizes], axis=1)


def chosen_on_validation(results: pd.DataFrame) -> pd.DataFrame:
    """Selects, of the recipes of a model that a run compares, the finished trials of the one that validates best.

    Trials of a model are of one recipe if they share its learning rate and weights of loss terms. The choice is made
    for each combination of all other fields, by the mean over seeds, never by test measures.
    """
    results = finished(results)
    others = [name for name in CONFIGURATION if name not in RECIPE]
    kept: list[Any] = []
    for _, rows in _groups(results, others):
        recipes = [group for _, group in _groups(rows, RECIPE)]
        kept += list(max(recipes, key=_validation).index)
    return results[results.index.isin(kept)]


def differences(
    results: pd.DataFrame,
    replicates: Mapping[str, Replicates],
    metrics: tuple[str, str],
    per_control: bool,
    signs: tuple[int, int] = (1, -1),
    matching: Matching = "hidden size",
) -> Cells:
    """Returns differences between MeasureVAE and AdversarialVAE.

    Args:
        results: one row per trial, as from ``with_sizes`` and ``chosen_on_validation``.
        replicates: by trial.
        metrics: the metric of MeasureVAE and the one of AdversarialVAE.
        per_control: whether each imposed attribute is a cell of its own, or the metric is a single column.
        signs: the factors of the two values.
        matching: in what two trials must be alike besides data, latent size, attributes and seed.
    """
    free = ("model", "hidden_size", *RECIPE, *(("steps", "batch_size") if matching == "training time" else ()))
    shared = [name for name in CONFIGURATION if name not in free]
    rows = finished(_narrow(results, metrics))
    found = []
    for key, group in _groups(rows, shared):
        variants = [
            [part for _, part in _groups(group[group["model"] == model], free[1:])]
            for model in ("measure_vae", "adversarial_vae")
        ]
        for one, other in _matched(variants[0], variants[1], matching):
            fields = dict(zip(shared, key, strict=True))
            for suffix in _suffixes(str(fields["attributes"]), per_control):
                sides = [
                    (part, metric + suffix, sign)
                    for part, metric, sign in zip((one, other), metrics, signs, strict=True)
                ]
                found.append((fields | {"control": suffix.removeprefix(".")}, sides))
    return _cells(found, replicates)


def levels(results: pd.DataFrame, replicates: Mapping[str, Replicates], metric: str, per_control: bool) -> Cells:
    """Returns the values of a metric by configuration, and by imposed attribute if it is one of single controls."""
    found = []
    rows = finished(_narrow(results, (metric,)))
    for key, part in _groups(rows, CONFIGURATION):
        fields = dict(zip(CONFIGURATION, key, strict=True))
        for suffix in _suffixes(str(fields["attributes"]), per_control):
            found.append((fields | {"control": suffix.removeprefix(".")}, [(part, metric + suffix, 1)]))
    return _cells(found, replicates)


def _cells(
    found: Sequence[tuple[dict[str, Any], list[tuple[pd.DataFrame, str, int]]]], replicates: Mapping[str, Replicates]
) -> Cells:
    """Adds up the signed sides of each cell by seed, and keeps the cells with the seeds that most have."""
    tables = []
    for _, sides in found:
        parts = [pd.Series(numbers(part, column) * sign, part["seed"]) for part, column, sign in sides]
        tables.append(sum(parts[1:], start=parts[0]).dropna())  # A seed that one side lacks becomes NaN.
    whole = balanced(pd.DataFrame([dict(table) for table in tables], index=range(len(tables)), dtype=float), MIN_SEEDS)
    kept, seeds = list(whole.table.index), list(whole.table.columns)
    n_left_out = len(found) - len(kept)
    tunes: list[Any] = []
    n_tunes: list[int] = []
    for i in kept:
        total: Any = 0.0
        for part, column, sign in found[i][1]:
            for trial in part.loc[part["seed"].isin(seeds), "trial"]:
                mine = replicates.get(trial)
                if mine is None or column not in mine.columns or total is None:
                    total = None
                    continue
                total = total + sign * mine.columns[column] / len(seeds)
                n_tunes.append(mine.n_tunes)
        tunes.append(total)
    by_tune = np.stack(tunes, axis=1) if tunes and all(one is not None for one in tunes) else None
    estimates = Estimates(whole.table.to_numpy(), by_tune, min(n_tunes, default=0))
    columns = list(found[0][0]) if found else [*CONFIGURATION, "control"]
    return Cells(estimates, pd.DataFrame([found[i][0] for i in kept], columns=columns), n_left_out)


def _groups(rows: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Yields the rows with the same values of some columns, which pandas takes long for if there are many columns."""
    at: dict[tuple[Any, ...], list[int]] = {}
    for i, key in enumerate(zip(*(rows[name] for name in names), strict=True)):
        at.setdefault(key, []).append(i)
    for key, where in at.items():
        yield key, rows.iloc[where]


def _narrow(results: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """Returns the columns that a comparison takes; grouping all columns of results.csv takes seconds."""
    others = {*CONFIGURATION, "seed", "trial", "status", "validation_accuracy", WEIGHTS, SECONDS}
    return results[[name for name in results.columns if name in others or name.startswith(metrics)]]


def _suffixes(attributes: str, per_control: bool) -> list[str]:
    return [f".{name}" for name in parse_attributes(attributes)] if per_control else [""]


def _matched(
    measure: list[pd.DataFrame], adversarial: list[pd.DataFrame], matching: Matching
) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    pairs = [(one, other) for one in measure for other in adversarial]
    if matching == "hidden size":
        if len(pairs) == 1:  # The published sizes of the models differ.
            return pairs
        return [(one, other) for one, other in pairs if one["hidden_size"].iloc[0] == other["hidden_size"].iloc[0]]
    column = WEIGHTS if matching == "weights" else SECONDS
    return [
        (one, other)
        for one, other in pairs
        if column in one and 1 / LIKE <= one[column].mean() / other[column].mean() <= LIKE
    ]


def _validation(rows: pd.DataFrame) -> float:
    values = numbers(rows, "validation_accuracy")
    return float(np.nanmean(values)) if not np.isnan(values).all() else -np.inf
