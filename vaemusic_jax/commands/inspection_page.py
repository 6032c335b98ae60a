"""The HTML page that `vaemusic data inspect --html` writes, as one file without external resources."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.commands.inspection import ATTRIBUTE_HEADINGS, about_repeats, attribute_rows, first_measures
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.reading_report import counts
from vaemusic_jax.data.statistics import Statistics
from vaemusic_jax.data.writers.engraving import engrave_measures
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.page import image
from vaemusic_jax.report.style import to_svg
from vaemusic_jax.support.atomic import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; white-space: pre; }
img { max-width: 100%; height: auto; }
pre { background: #f6f6f6; padding: .8rem; overflow-x: auto; }
"""


def write_page(path: Path, dataset: Dataset, statistics: Statistics, n_measures: int) -> None:
    """Writes a page with counts, distributions and correlations of attributes, tokens, and measures as notation.

    Args:
        path: the path of the HTML file.
        dataset: the data set that the page describes.
        statistics: the statistics of the data set.
        n_measures: the number of measures of the training split to show.

    Raises:
        UserError: the file cannot be written.
    """
    title = f"{escape(dataset.name)}: {len(dataset.train):,} training measures"
    parts = [
        f"<h1>{title}</h1>",
        f"<p>Read: {escape(str(dataset.report['reading']))}.</p>",
        "".join(f"<p>{escape(sentence)}</p>" for sentence in about_repeats(statistics)),
        "<h2>Attributes</h2><p>Of the training split.</p>",
        _distributions(statistics),
        _table(ATTRIBUTE_HEADINGS, attribute_rows(statistics)),
        "<h2>How they go together</h2><p>Rank correlations (Spearman), training split.</p>",
        _correlations(statistics),
        "<h2>Tokens</h2><p>Occurrences in the training split; hold and rest are left out.</p>",
        _tokens(dataset, statistics),
    ]
    if n_measures:
        abc = first_measures(dataset, n_measures)
        parts += [
            "<h2>The first measures of the training split</h2>",
            _notation(dataset, n_measures),
            f"<pre>{escape(abc)}</pre>",
        ]
    parts += [
        f"<h2>What was read, kept and dropped</h2><p>Digest of the data: {dataset.digest}.</p>",
        _table(("", "count"), ((label, f"{count:,}") for label, count in counts(dataset))),
    ]
    head = f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    write_atomically(path, f"{head}</head><body>{''.join(parts)}</body></html>\n".encode("utf-8", "replace"))


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _distributions(statistics: Statistics) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    for axes, name, values in zip(figure.subplots(2, 2).flat, ATTRIBUTES, statistics.attributes.T, strict=True):
        axes.hist(values, bins=40, color="#4477aa")
        axes.axvline(float(np.median(values)), color="#cc6677", label="median")
        axes.set(title=name.replace("_", " "), ylabel="measures")
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return _svg(figure, "Distributions of the attributes")


def _correlations(statistics: Statistics) -> str:
    from matplotlib.figure import Figure

    names = [name.replace("_", "\n", 1) for name in ATTRIBUTES]
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(statistics.correlations, vmin=-1, vmax=1, cmap="RdBu_r")
    axes.set_xticks(range(4), names)
    axes.set_yticks(range(4), names)
    for (i, j), value in np.ndenumerate(statistics.correlations):
        axes.text(j, i, f"{value:+.2f}", ha="center", va="center", color="white" if abs(value) > 0.6 else "black")
    figure.colorbar(image, ax=axes)
    return _svg(figure, "Rank correlations of the attributes")


def _tokens(dataset: Dataset, statistics: Statistics) -> str:
    from matplotlib.figure import Figure

    midi, used = dataset.vocabulary.midi, statistics.token_counts
    order = [i for i in np.argsort(midi, kind="stable") if midi[i] >= 0 and used[i]]
    figure = Figure(figsize=(max(6.0, 0.2 * len(order)), 3.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(order)), used[order], color="#4477aa")
    axes.set_xticks(range(len(order)), [dataset.vocabulary.tokens[i] for i in order], rotation=90, fontsize=7)
    axes.set(ylabel="onsets", xlim=(-1, len(order)))
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure, "Occurrences of the tokens")


def _svg(figure: Figure, alternative: str) -> str:
    return f"<p>{image(to_svg(figure), alternative)}</p>"


def _notation(dataset: Dataset, n_measures: int) -> str:
    measures = dataset.train.tokens[:n_measures]
    pages = engrave_measures(measures, dataset.vocabulary, pageWidth=2300, scale=40)
    return "".join(f"<p>{image(page, 'Measures as notation')}</p>" for page in pages)
