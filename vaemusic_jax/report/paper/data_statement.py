"""The data statement: each data set with its digest, its counts by split, how it was read, its terms and sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vaemusic_jax.data.corpora import CORPORA, Corpus
from vaemusic_jax.data.source_files import files_in_words
from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.report.paper.words import cite

if TYPE_CHECKING:
    from vaemusic_jax.report.joined_runs import JoinedRuns

_SOURCES = {
    "irish_folk": ("oneill1903", "ryan1883"),
    "irish_jigs": ("oneill1903", "ryan1883"),
    "essen": ("essen",),
    "turkish_makam": ("symbtr",),
    "lakh_clean": ("lakh",),
    "nottingham": ("nottingham",),
}
_SPLITS = ("train", "validation", "test")


def data_statement(runs: JoinedRuns) -> Iterator[str]:
    """Yields a paragraph of LaTeX for each data set."""
    yield (
        "Data sets are split by tune, so that no tune is in two splits. A digest identifies the prepared measures; "
        "equal digests mean equal data."
    )
    for name in runs.datasets:
        corpus = runs.corpus(name)
        facts = corpus.facts if corpus else None
        yield " ".join(filter(None, (f"\\paragraph{{\\texttt{{{escape_latex(name)}}}}}", _what(name), _facts(facts))))


def _what(name: str) -> str:
    known: Corpus | None = CORPORA.get(name)
    if known is None:
        return "The user's own music."
    if known.embedded:
        files = f"Files of it come with music21{cite('music21')}."
    else:
        files = f"Files of it come from their source: {escape_latex(known.source.removeprefix('--source with '))}."
    sources = cite(*_SOURCES[name]) if name in _SOURCES else ""
    what = known.what[0].upper() + known.what[1:]
    return f"{escape_latex(what)}{sources}. {files} Terms: {escape_latex(known.licence)}."


def _facts(facts: dict[str, Any] | None) -> str:
    if facts is None:
        return "No evaluation has kept a sample of it, so there are no counts."
    measures, tunes = facts["measures"], facts["tunes"]
    each = ", ".join(f"{tunes[split]:,} tunes with {measures[split]:,} measures for {_FOR[split]}" for split in _SPLITS)
    return (
        f"Read with {escape_latex(str(facts['reading']))}: {sum(measures[split] for split in _SPLITS):,} measures of "
        f"{sum(tunes[split] for split in _SPLITS):,} tunes, of which {each}. Of the test measures "
        f"{100 * facts['seen_in_training']:.1f}\\% also occur in the training split. Digest: "
        f"\\texttt{{{escape_latex(str(facts['digest']))}}}. {escape_latex(files_in_words(facts))}"
    )


_FOR = {"train": "training", "validation": "validation", "test": "test"}
