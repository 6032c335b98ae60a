"""The output of `vaemusic data inspect` on the terminal."""

from __future__ import annotations

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.statistics import QUANTILES, Statistics
from vaemusic_jax.data.writers.notation import measures_to_abc
from vaemusic_jax.music.attributes import ATTRIBUTES


def plain_table(*columns: str, title: str) -> Table:
    """Makes a table without frames; its first column holds words and the others numbers."""
    table = Table(columns[0], title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in columns[1:]:
        table.add_column(heading, justify="right")
    return table


def print_inspection(console: Console, dataset: Dataset, statistics: Statistics, n_measures: int) -> None:
    """Prints repeats, vocabulary, attributes, correlations and the first `n_measures` of the training split."""
    console.print("\n" + "\n".join(about_repeats(statistics)))
    _print_vocabulary(console, dataset, statistics)
    _print_attributes(console, statistics)
    if n_measures:
        console.print("\nThe first measures of the training split, as ABC:\n")
        console.print(first_measures(dataset, n_measures), soft_wrap=True)


def about_repeats(statistics: Statistics) -> list[str]:
    """Returns sentences on repeated measures and on the baseline of the commonest token."""
    return [
        f"{statistics.distinct:,} distinct measures; {statistics.repeated:.1%} of all measures occur more than once.",
        f"{statistics.seen_in_training:.1%} of the test measures also occur in the training split.",
        f"Always predicting {statistics.commonest!r} is right for {statistics.baseline:.1%} of the test tokens.",
    ]


def first_measures(dataset: Dataset, n: int) -> str:
    """Returns the first measures of the training split as one tune in ABC."""
    train = dataset.train
    title = f"{' '.join(dataset.tune_names[train.tune[0]].split())} and following"
    return measures_to_abc(train.tokens[:n], dataset.vocabulary, title=title)


def _print_vocabulary(console: Console, dataset: Dataset, statistics: Statistics) -> None:
    vocabulary, used = dataset.vocabulary, statistics.token_counts
    console.print(
        f"\nVocabulary: {len(vocabulary)} tokens, {np.count_nonzero(used)} of them in the training split; with their "
        "counts, in index order:",
    )
    words = "  ".join(f"{token} {count:,}" for token, count in zip(vocabulary.tokens, used, strict=True))
    console.print(words)


def attribute_rows(statistics: Statistics) -> list[tuple[str, ...]]:
    """Returns for each attribute its name, mean, standard deviation and quantiles, as text."""
    rows = []
    for name, column in zip(ATTRIBUTES, statistics.attributes.T, strict=True):
        numbers = (column.mean(), column.std(), *np.quantile(column, QUANTILES))
        rows.append((str(name), *(f"{value:.3f}" for value in numbers)))
    return rows


ATTRIBUTE_HEADINGS = ("attribute", "mean", "std", "min", *(f"{q:.0%}" for q in QUANTILES[1:-1]), "max")


def _print_attributes(console: Console, statistics: Statistics) -> None:
    table = plain_table(*ATTRIBUTE_HEADINGS, title="\nAttributes, training split")
    for row in attribute_rows(statistics):
        table.add_row(*row)
    console.print(table)
    columns = (name.replace("_", "\n", 1) for name in ATTRIBUTES)
    table = plain_table("", *columns, title="\nTheir rank correlations (Spearman)")
    for name, correlations in zip(ATTRIBUTES, statistics.correlations, strict=True):
        table.add_row(name, *(f"{value:+.2f}" for value in correlations))
    console.print(table)
