"""`vaemusic data list | prepare NAME | inspect NAME`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from vaemusic_jax.data.corpora import CORPORA
from vaemusic_jax.data.dataset import SPLITS, Dataset, load_dataset
from vaemusic_jax.data.notation import measures_to_abc
from vaemusic_jax.errors import UserError

Name = Annotated[Positional[str], arg(metavar="NAME")]
OptionalPath = Annotated[Path | None, arg(metavar="PATH")]

QUANTILES = (0, 0.25, 0.5, 0.75, 1)


def list_corpora() -> None:
    """Lists the corpora: what each is, where its files come from, under which terms, and whether it can be used now."""
    table = Table.grid(padding=(0, 2))
    for corpus in CORPORA.values():
        ready = "not in this version"
        if corpus.supported:
            ready = "yes, nothing to download" if corpus.embedded else "yes, with --source"
        table.add_row(corpus.name, "music", corpus.what, style="bold")
        for label, text in (("files", corpus.source), ("terms", corpus.licence), ("ready", ready)):
            table.add_row("", label, text)
        table.add_row()
    Console().print(table)


def prepare(
    name: Name,
    *,
    source: OptionalPath = None,
    cache_dir: OptionalPath = None,
    split_seed: int = 0,
    workers: Annotated[int | None, arg(metavar="INT")] = None,
) -> None:
    """Reads a corpus, splits it by tune and keeps it in the cache; prints what was kept and what was dropped, and why.

    Args:
        name: which corpus; see `vaemusic data list`.
        source: your own folder of .abc files, or one .abc file, instead of the embedded tunes.
        cache_dir: where prepared data is kept; default $VAEMUSIC_CACHE, else your user cache directory.
        split_seed: seed of the split into training, validation and test tunes.
        workers: processes that read files; default one per core.
    """
    dataset = load_dataset(name, source=source, cache_dir=cache_dir, split_seed=split_seed, workers=workers)
    console = Console()
    _print_counts(console, dataset)
    console.print(f"Kept in {dataset.path}", soft_wrap=True, highlight=False)
    if source is None:
        console.print(f"Next: vaemusic data inspect {name}", highlight=False)
    else:
        console.print(f"Next: vaemusic data inspect {name} --source {shlex.quote(str(source))}", highlight=False)
        console.print("Sweeps of this version train on the embedded tunes, not on these.", highlight=False)


def inspect(
    name: Name,
    *,
    source: OptionalPath = None,
    cache_dir: OptionalPath = None,
    split_seed: int = 0,
    measures: int = 8,
) -> None:
    """Shows a data set: counts, vocabulary, attribute statistics, repeated measures, and a few measures as ABC.

    Prepares it first if need be.

    Args:
        name: which corpus; see `vaemusic data list`.
        source: your own folder of .abc files, or one .abc file, instead of the embedded tunes.
        cache_dir: where prepared data is kept; default $VAEMUSIC_CACHE, else your user cache directory.
        split_seed: seed of the split into training, validation and test tunes.
        measures: how many measures to print as ABC.
    """
    if measures < 0:
        raise UserError(f"--measures: {measures} is negative; give 0 or more")
    dataset = load_dataset(name, source=source, cache_dir=cache_dir, split_seed=split_seed)
    console = Console()
    _print_counts(console, dataset)
    _print_repeats(console, dataset)
    _print_vocabulary(console, dataset)
    _print_attributes(console, dataset)
    if measures:
        train = dataset.train
        first = train.tokens[:measures]
        console.print("\nThe first measures of the training split, as ABC:\n", highlight=False)
        title = f"{dataset.tune_names[train.tune[0]]} and following"
        console.print(
            measures_to_abc(first, dataset.vocabulary, title=title), markup=False, highlight=False, soft_wrap=True
        )


def _table(*columns: str, title: str) -> Table:
    """A plain table whose first column holds words and whose others hold numbers."""
    table = Table(columns[0], title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in columns[1:]:
        table.add_column(heading, justify="right")
    return table


def _print_counts(console: Console, dataset: Dataset) -> None:
    report = dataset.report
    tunes, counts = report["tunes"], report["measures"]
    table = _table("", "count", title=f"{dataset.name} (digest {dataset.digest})")
    rows: list[tuple[str, Any]] = [
        ("files read", report["files"]["read"]),
        *([("files without read permission", n)] if (n := report["files"]["unreadable"]) else []),
        ("tunes read", tunes["read"]),
        *((f"  dropped: {reason}", n) for reason, n in tunes["dropped"].items()),
        ("  kept", tunes["kept"]),
        ("  of these different tunes (settings of one tune counted once)", tunes["different"]),
        ("measures written", counts["written"]),
        *((f"  dropped: {reason}", n) for reason, n in counts["dropped"].items()),
        ("  kept", counts["kept"]),
    ]
    for label, count in rows:
        table.add_row(label, f"{count:,}")
    table.add_section()
    for split in SPLITS:
        numbers = report["splits"][split]
        table.add_row(f"{split}: measures of {numbers['tunes']:,} tunes", f"{numbers['measures']:,}")
    console.print(table)


def _print_repeats(console: Console, dataset: Dataset) -> None:
    tokens = np.concatenate([dataset.split(split).tokens for split in SPLITS])
    _, counts = np.unique(tokens, axis=0, return_counts=True)
    repeated = counts[counts > 1].sum() / len(tokens)
    commonest = np.bincount(dataset.train.tokens.ravel()).argmax()
    baseline = (dataset.test.tokens == commonest).mean()
    console.print(
        f"\n{len(counts):,} distinct measures; {repeated:.1%} of all measures occur more than once.\n"
        f"{dataset.seen_in_training:.1%} of the test measures also occur in the training split.\n"
        f"Always predicting {dataset.vocabulary.tokens[commonest]!r} is right for {baseline:.1%} of the test tokens.",
        highlight=False,
    )


def _print_vocabulary(console: Console, dataset: Dataset) -> None:
    vocabulary = dataset.vocabulary
    used = np.bincount(dataset.train.tokens.ravel(), minlength=len(vocabulary))
    console.print(
        f"\nVocabulary: {len(vocabulary)} tokens, {np.count_nonzero(used)} of them in the training split; with their "
        "counts, in index order:",
        highlight=False,
    )
    words = "  ".join(f"{token} {count:,}" for token, count in zip(vocabulary.tokens, used, strict=True))
    console.print(words, markup=False, highlight=False)


def _print_attributes(console: Console, dataset: Dataset) -> None:
    from scipy.stats import spearmanr

    from vaemusic_jax.attributes import compute_attributes
    from vaemusic_jax.trial import ATTRIBUTES

    values = np.asarray(compute_attributes(dataset.train.tokens, dataset.vocabulary.midi))
    headings = ["min", *(f"{q:.0%}" for q in QUANTILES[1:-1]), "max"]
    table = _table("attribute", "mean", "std", *headings, title="\nAttributes, training split")
    for name, column in zip(ATTRIBUTES, values.T, strict=True):
        quantiles = np.quantile(column, QUANTILES)
        table.add_row(name, f"{column.mean():.3f}", f"{column.std():.3f}", *(f"{value:.3f}" for value in quantiles))
    console.print(table)
    correlations = spearmanr(values).statistic
    columns = (name.replace("_", "\n", 1) for name in ATTRIBUTES)
    table = _table("", *columns, title="\nTheir rank correlations (Spearman)")
    for name, row in zip(ATTRIBUTES, correlations, strict=True):
        table.add_row(name, *(f"{value:+.2f}" for value in row))
    console.print(table)
