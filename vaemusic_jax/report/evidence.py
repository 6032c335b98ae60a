"""What the answer and the findings of a report are computed from, which takes long and is computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaemusic_jax.report.cells import with_sizes
from vaemusic_jax.report.findings import Findings, check_findings
from vaemusic_jax.runs.tune_replicates import Replicates, replicates_of

if TYPE_CHECKING:
    import pandas as pd

    from vaemusic_jax.report.joined_runs import JoinedRuns
    from vaemusic_jax.runs.evaluations import CorpusSample


@dataclass(frozen=True)
class Evidence:
    """The trials of joined runs as comparisons need them, and what follows for the study's claims.

    Attributes:
        results: one row per trial, as from ``cells.with_sizes``.
        corpora: the samples of data sets by name; data sets may be missing.
        replicates: metrics in resamples of the test tunes, by trial; trials may be missing.
        found: what the report says of the study's claims.
    """

    results: pd.DataFrame
    corpora: Mapping[str, CorpusSample]
    replicates: Mapping[str, Replicates]
    found: Findings


def evidence_of(runs: JoinedRuns) -> Evidence:
    """Resamples the test tunes of every evaluated trial, and checks the study's claims."""
    corpora = {name: corpus for name in runs.datasets if (corpus := runs.corpus(name))}
    seconds = runs.curves[runs.curves["metric"] == "seconds"].groupby("trial")["value"].sum().to_dict()
    vocabularies = {name: len(corpus.vocabulary) for name, corpus in corpora.items()}
    results = with_sizes(runs.results, vocabularies, seconds)
    replicates: dict[str, Replicates] = {}
    for trial in results.loc[results["status"] == "done", "trial"]:
        corpus, evaluation = corpora.get(runs.trials[trial].dataset), runs.evaluation(trial)
        if corpus and evaluation:
            baseline = corpus.facts.get("tick_baseline")
            known = replicates_of(evaluation, corpus, runs.trials[trial].attributes, baseline)
            if known:
                replicates[trial] = known
    found = check_findings(results, {name: corpus.facts for name, corpus in corpora.items()}, replicates)
    return Evidence(results, corpora, replicates, found)
