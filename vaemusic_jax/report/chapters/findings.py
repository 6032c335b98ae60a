"""The chapter on the study's findings: the claims as declared, the verdicts, and what they hang on."""

from __future__ import annotations

from vaemusic_jax.report.evidence import Evidence
from vaemusic_jax.report.findings import (
    declaration_table,
    exploratory_table,
    findings_table,
    specification_table,
)
from vaemusic_jax.report.page import Banner, Chapter, Heading

LEAD = (
    "What the study claims, and whether the trials of this run bear it out. Each claim, the measure that decides "
    "it and the margin within which a difference does not matter were written down before the run. Training was "
    "repeated with other seeds, and the test tunes are a sample of such tunes: a verdict allows for both. It is "
    "about the corpora, sizes and recipes of this run."
)
MATCHED = (
    "A verdict can hang on the definition. Here each claim is judged again by other reasonable measures, and with "
    "models that are alike in weights or in training time instead of hidden size: at equal hidden size MeasureVAE "
    "has 1.4 to 4 times the weights of AdversarialVAE. A run has such models if a grid of its configuration gives "
    "each model a hidden size of its own."
)


def study_findings(evidence: Evidence) -> Chapter:
    """Returns the chapter; its verdicts need the results of single test measures, which older evaluations lack."""
    found = evidence.found
    return Chapter(
        "findings",
        "The study's findings, checked",
        (
            *map(Banner, found.banner),
            LEAD,
            findings_table(found.primary),
            declaration_table(),
            Heading("Does the definition decide?"),
            MATCHED,
            specification_table(found),
            Heading("Exploratory"),
            exploratory_table(found.exploratory),
        ),
    )
