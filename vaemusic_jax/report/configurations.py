"""Configurations as rows of tables: the fields that differ, the cells with their footnotes, and the best rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import NO_ATTRIBUTES, attribute_initials, parse_attributes, unused_by
from vaemusic_jax.metrics.registry import MEAN, metric_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.aggregate import CONFIGURATION, NO_VALUE, Interval, aggregate, states
from vaemusic_jax.report.learned import learned_nothing
from vaemusic_jax.report.markup import Cell, Column, Value, Word, number
from vaemusic_jax.runs.results import values_in_use

SHOWN_FIRST = ("dataset", "attributes", "model", "latent_dim")
HEADERS = {
    "dataset": "data set",
    "latent_dim": "latent size",
    "data_fraction": "share of the tunes",
    "transpose": "transposed by up to",
}
COUNTS = {"n_seeds": "seeds", "n_diverged": "diverged", "n_unfinished": "unfinished"}

ONE_SEED = "No interval: a single seed."
ABSENT = "The results have no such column; run `vaemusic evaluate`."
NOT_IMPOSED = "Only for imposed attributes."


def initials_note() -> str:
    """Returns a sentence that says what the initials of attributes stand for."""
    return f"{', '.join(f'{attribute.initial}: {attribute.words}' for attribute in ATTRIBUTES.values())}."


@dataclasses.dataclass(frozen=True)
class Configuration:
    """A configuration with its results over seeds, which is one row of a table.

    Attributes:
        fields: the fields that its trials share, which are all but the seed.
        counts: n_seeds (of trials that are done), n_diverged and n_unfinished.
        intervals: mean and interval by metric; a metric without a column in the results is absent.
        learned: False if its accuracy is no better than the baseline's, see ``learned.learned_nothing``.
    """

    fields: Mapping[str, Any]
    counts: Mapping[str, int]
    intervals: Mapping[str, Interval]
    learned: bool = True


def configurations(results: pd.DataFrame, metrics: Iterable[str]) -> list[Configuration]:
    """Returns the configurations of a results table, ordered by data set, number of attributes, model and latent size.

    Args:
        results: one row per trial.
        metrics: names of columns; absent columns are left out.
    """
    # A stand-in keeps one row for each configuration if there is no metric at all.
    present = [metric for metric in metrics if metric in results] or ["latent_dim"]
    table = aggregate(results, present)
    dead = {tuple(row) for row in results.loc[learned_nothing(results), list(CONFIGURATION)].to_numpy(object)}
    found = []
    for start in range(0, len(table), len(present)):
        part = table.iloc[start : start + len(present)]
        first = part.iloc[0]
        numbers = part[["mean", "low", "high", "n"]].itertuples(index=False)
        intervals = {metric: Interval(*values) for metric, values in zip(present, numbers, strict=True)}
        fields = {name: first[name] for name in CONFIGURATION}
        learned = tuple(fields.values()) not in dead
        found.append(Configuration(fields, {n: first[n] for n in COUNTS}, intervals, learned))
    datasets, models = (list(results[name].unique()) for name in ("dataset", "model"))
    choices = sorted(results["attributes"].unique(), key=lambda choice: len(parse_attributes(choice)))

    def place(row: Configuration) -> tuple[int, ...]:
        fields = row.fields
        attributes, model = choices.index(fields["attributes"]), models.index(fields["model"])
        return datasets.index(fields["dataset"]), attributes, model, fields["latent_dim"]

    return sorted(found, key=place)


def distinguishing_fields(results: pd.DataFrame) -> tuple[str, ...]:
    """Returns data set, attributes, model, latent size, and the other fields that differ among trials of one model."""
    varied = {
        name
        for model in MODELS  # The values of a recipe differ between models in any case.
        for name in CONFIGURATION
        if values_in_use(results, model, name).nunique() > 1
    }
    return (*SHOWN_FIRST, *(name for name in CONFIGURATION if name in varied and name not in SHOWN_FIRST))


def field_columns(fields: Iterable[str]) -> tuple[Column, ...]:
    """Returns the columns for fields of trials."""
    return tuple(Column(name, field_header(name)) for name in fields)


def field_header(name: str) -> str:
    """Returns the name of a trial's field as print shows it."""
    return HEADERS.get(name, name.replace("_", " "))


def named_value(name: str, value: Any) -> Any:
    """Returns the value of a trial's field as print shows it."""
    if name == "model":
        return MODELS[value].title
    return attribute_initials(value) if name == "attributes" else value


def field_cells(row: Configuration, fields: Iterable[str]) -> tuple[Cell, ...]:
    """Returns cells as in results.csv, with models and attributes shortened in print; a field not in use is empty."""
    unused = unused_by(row.fields["model"], row.fields["attributes"] != NO_ATTRIBUTES)
    shortened = {name: Word(row.fields[name], named_value(name, row.fields[name])) for name in ("model", "attributes")}
    return tuple("" if name in unused else {**row.fields, **shortened}[name] for name in fields)


def count_columns(rows: Sequence[Configuration]) -> tuple[Column, ...]:
    """Returns the columns of counts: seeds that are done and, if there are any, diverged and unfinished trials."""
    return tuple(
        Column(name, header)
        for name, header in COUNTS.items()
        if name == "n_seeds" or any(row.counts[name] for row in rows)
    )


def count_cells(row: Configuration, columns: Iterable[Column]) -> tuple[Cell, ...]:
    """Returns the cells of the columns of ``count_columns``."""
    return tuple(int(row.counts[column.name]) for column in columns)


def metric_column(metric: str) -> Column:
    """Returns the table's column for a metric of the results."""
    row = metric_of(metric)
    return Column(metric, row.label, row.better)


def value_cell(metric: str, row: Configuration, best: bool = False) -> Value:
    """Returns the cell of a metric of a configuration, with the footnotes that it needs.

    The cell says `diverged` or `unfinished` if no trial of the configuration is done.

    Args:
        metric: the name of a column of results.
        row: the configuration.
        best: whether the cell is printed as the best of its group.
    """
    if not row.counts["n_seeds"]:
        return Value(NO_VALUE, instead="unfinished" if row.counts["n_unfinished"] else "diverged")
    if metric not in row.intervals:
        return Value(NO_VALUE, notes=(ABSENT,))
    interval, about = row.intervals[metric], metric_of(metric)
    if not interval.n:
        of, imposed = metric.rpartition(".")[2], parse_attributes(row.fields["attributes"])
        is_other = (of in ATTRIBUTES and of not in imposed) or (of == MEAN and not imposed)
        return Value(interval, notes=(NOT_IMPOSED if is_other else f"No value: {about.empty}.",))
    notes = []
    if interval.n < row.counts["n_seeds"]:
        notes.append(f"Mean of {interval.n} of {row.counts['n_seeds']} seeds; no value of the others: {about.empty}.")
    if about.of_the_data:
        return Value(dataclasses.replace(interval, low=np.nan, high=np.nan), notes=tuple(notes))
    if interval.n == 1:
        notes.append(ONE_SEED)
    return Value(interval, best, tuple(notes))


def best_rows(rows: Sequence[Configuration], metric: str, within: Sequence[str]) -> set[int]:
    """Returns the indices of the rows with the best mean of a metric in each group of rows that share some fields.

    Rows whose means print the same as the best are included. A group of one row has no best, and neither has a metric
    of which neither higher nor lower values are better. A configuration that has learned nothing is never best.

    Args:
        rows: the configurations.
        metric: the name of a column of results.
        within: the fields that the rows of a group share.
    """
    better = metric_of(metric).better
    means = {i: row.intervals[metric].mean for i, row in enumerate(rows) if metric in row.intervals and row.learned}
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, mean in means.items():
        if better and not np.isnan(mean):
            groups.setdefault(tuple(rows[i].fields[name] for name in within), []).append(i)
    choose: Callable[..., float] = max if better == "higher" else min
    best: set[int] = set()
    for members in groups.values():
        shown = number(choose(means[i] for i in members))
        if len(members) > 1:
            best.update(i for i in members if number(means[i]) == shown)
    return best


def unfinished_notes(results: pd.DataFrame) -> tuple[str, ...]:
    """Returns a sentence for each trial that diverged, and one for each status of unfinished trials."""
    state = states(results)
    diverged = [
        f"{MODELS[row['model']].title}, {row['dataset']}, {attribute_initials(row['attributes'])}, latent size "
        f"{row['latent_dim']}, seed {row['seed']}, trial {row['trial']} {row['status']}."
        for row in results[state == "diverged"].to_dict("records")
    ]
    counts = results.loc[~state.isin(["done", "diverged"]), "status"].value_counts(sort=False)
    return (
        *diverged,
        *(f"Unfinished ({status}): {count} of {len(results)} trials." for status, count in counts.items()),
    )
