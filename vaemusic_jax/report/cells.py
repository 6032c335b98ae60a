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
from vaemusic_jax.report.seed_tests import balanced
from vaemusic_jax.report.statistics.contrast import Estimates, Floats, comparable
from vaemusic_jax.report.weights import number_of_weights
from vaemusic_jax.runs.tune_replicates import Replicates

Matching = Literal["hidden size", "weights", "training time"]
LIKE = 1.1  # Two models are alike in weights or training time if neither has more than this times the other's.

# A model's learning rate and weights of loss terms. What changes the model itself, steering and the kind of
# discriminator, is no recipe but something that a verdict can depend on.
RECIPE = ("learning_rate", "beta", "gamma", "delta", "adversary_weight")
VARIANT = ("model", "recipe", "discriminator", "steering_weight")

# Metrics of which ``tune_replicates`` makes resamples; of others the seeds alone are known.
KEPT_BY_TUNE = {
    "reconstruction_accuracy",
    "measure_accuracy",
    "unseen_accuracy",
    "skill",
    "accuracy_wrong_attributes",
    "reconstruction_efficiency",
    "side_effect",
    "reach",
    "interpretability",
}
WEIGHTS, SECONDS = "n_weights", "training_seconds"  # Columns that ``with_sizes`` adds.


Side = tuple[pd.DataFrame, str, int]  # Trials of a configuration, the column of their metric, and its sign.


@dataclasses.dataclass(frozen=True)
class Cells:
    """Estimates with what their cells stand for.

    Attributes:
        estimates: the estimates, of the cells that have all seeds that most have.
        fields: one row per cell.
        n_left_out: the number of cells that lack a seed or a value.
        n_undefined: the number of cells with values of which some trial's metric is undefined in some resample.
        resampled: whether every trial of the cells was evaluated with what it takes to resample the tunes.
    """

    estimates: Estimates
    fields: pd.DataFrame
    n_left_out: int
    n_undefined: int = 0
    resampled: bool = True

    @property
    def factors(self) -> dict[str, list[str | None]]:
        """The levels of what a difference may depend on, None where a cell has no counterpart at another level.

        These are latent size, corpus, attributes, control, and whatever else varies.
        """
        named = {"latent size": "latent_dim", "corpus": "dataset", "attributes": "attributes", "control": "control"}
        others = [str(name) for name in self.fields if name not in named.values() and self.fields[name].nunique() > 1]
        named |= {name.replace("_", " "): name for name in others}
        return {words: self.comparable(name) for words, name in named.items()}

    def comparable(self, field: str) -> list[str | None]:
        """Returns a field of each cell, None unless cells with the same other fields exist at all its values."""
        others = self.fields.drop(columns=field).itertuples(index=False, name=None)
        return comparable([str(level) for level in self.fields[field]], list(others))

    def __getitem__(self, kept: list[int]) -> Cells:
        """Returns some of the cells."""
        tunes = self.estimates.tunes
        part = Estimates(
            self.estimates.values[kept], tunes[:, kept] if tunes is not None else None, self.estimates.n_tunes
        )
        return dataclasses.replace(self, estimates=part, fields=self.fields.iloc[kept])


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
    once for each model, with and without steering and for each kind of discriminator, never by test measures: by the
    mean validation accuracy over the combinations of other fields that every recipe has. Recipes that share no such
    combination, as where each corpus has its own, do not compete.
    """
    results = finished(results)
    others = [name for name in CONFIGURATION if name not in RECIPE]
    kept: list[Any] = []
    for _, rows in _groups(results, VARIANT):
        recipes = {
            key: ({cell: _validation(part) for cell, part in _groups(group, others)}, list(group.index))
            for key, group in _groups(rows, RECIPE)
        }
        while recipes:
            rivals = [next(iter(recipes))]
            for key in rivals:  # It grows while it is read: rivals of rivals are rivals.
                rivals += [
                    one for one in recipes if one not in rivals and recipes[key][0].keys() & recipes[one][0].keys()
                ]
            shared = set.intersection(*(set(recipes[key][0]) for key in rivals))
            best = max(rivals, key=lambda key: np.mean([recipes[key][0][cell] for cell in shared or recipes[key][0]]))
            kept += recipes[best][1]
            recipes = {key: one for key, one in recipes.items() if key not in rivals}
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
    of_training = ("steps", "batch_size") if matching == "training time" else ()
    free = ("model", "hidden_size", "discriminator", *RECIPE, *of_training)
    shared = [name for name in CONFIGURATION if name not in free]
    rows = finished(_narrow(results, metrics))
    found = []
    for key, group in _groups(rows, shared):
        measure, adversarial = (group[group["model"] == model] for model in ("measure_vae", "adversarial_vae"))
        variants = [part for _, part in _groups(measure, free[1:])]
        for (discriminator,), rivals in _groups(adversarial, ["discriminator"]):
            for one, other in _matched(variants, [part for _, part in _groups(rivals, free[1:])], matching):
                fields = dict(zip(shared, key, strict=True)) | {"discriminator": discriminator}
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


def _cells(found: Sequence[tuple[dict[str, Any], list[Side]]], replicates: Mapping[str, Replicates]) -> Cells:
    """Adds up the signed sides of each cell by seed, and keeps the cells with the seeds that most have."""
    tables = []
    for _, sides in found:
        parts = [pd.Series(numbers(part, column) * sign, part["seed"]) for part, column, sign in sides]
        tables.append(sum(parts[1:], start=parts[0]).dropna())  # A seed that one side lacks becomes NaN.
    whole = balanced(pd.DataFrame([dict(table) for table in tables], index=range(len(tables)), dtype=float), MIN_SEEDS)
    with_values, seeds = list(whole.table.index), list(whole.table.columns)
    resampled = all(trial in replicates for i in with_values for trial in _trials(found[i][1], seeds))
    kept, tunes, n_tunes = [], [], []
    for i in with_values:
        each = _by_tune(found[i][1], seeds, replicates)
        if each is None and resampled and _kept_by_tune(found[i][1]):
            continue  # Undefined in some resample, such as the side effect of a control that hardly works.
        kept.append(i)
        tunes.append(each)
        n_tunes += [replicates[trial].n_tunes for trial in _trials(found[i][1], seeds) if trial in replicates]
    known = [one for one in tunes if one is not None]
    by_tune = np.stack(known, axis=1) if known and len(known) == len(tunes) else None
    estimates = Estimates(whole.table.loc[kept].to_numpy(), by_tune, min(n_tunes, default=0))
    columns = list(found[0][0]) if found else [*CONFIGURATION, "control"]
    fields = pd.DataFrame([found[i][0] for i in kept], columns=columns)
    return Cells(estimates, fields, len(found) - len(with_values), len(with_values) - len(kept), resampled)


def _by_tune(sides: Sequence[Side], seeds: Sequence[Any], replicates: Mapping[str, Replicates]) -> Floats | None:
    """Adds up the signed sides of a cell in each resample, as the mean over seeds; None if some trial has no value."""
    total: Any = 0.0
    for part, column, sign in sides:
        for trial in _trials([(part, column, sign)], seeds):
            if trial not in replicates or column not in replicates[trial].columns:
                return None
            total = total + sign * replicates[trial].columns[column] / len(seeds)
    return np.asarray(total)


def _trials(sides: Sequence[Side], seeds: Sequence[Any]) -> list[str]:
    return [trial for part, *_ in sides for trial in part.loc[part["seed"].isin(seeds), "trial"]]


def _kept_by_tune(sides: Sequence[Side]) -> bool:
    return KEPT_BY_TUNE.issuperset(column.partition(".")[0] for _, column, _ in sides)


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
