"""Findings: a claim of the study, the verdict on it and the numbers behind the verdict."""

from __future__ import annotations

import dataclasses

import pandas as pd

from vaemusic_jax.report.statistics.contrast import Estimate
from vaemusic_jax.report.statistics.verdicts import Judged, Testable

NO_VERDICT = Judged("no verdict")


@dataclasses.dataclass(frozen=True)
class Finding:
    """A claim of the study, checked on the trials of one or several runs.

    Attributes:
        name: a short name for anchors.
        claim: the claim in words.
        verdict: the verdict in words, with what it depends on.
        test: what the verdict is about.
        numbers: the figures behind the verdict, or what is missing.
        n: how many seeds, or corpora, there are; 0 without data.
    """

    name: str
    claim: str
    verdict: str
    test: str
    numbers: str
    n: int


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A claim under one definition, before it is judged together with the others.

    Attributes:
        testable: what ``judge`` takes, or None if there is too little for a verdict.
        n: the number of seeds, or of corpora.
        fields: the fields of the cells, in their order.
        estimates: each cell's estimate, for claims about levels.
        words: what there is and what is missing.
        by_tune: whether the test tunes could be resampled.
    """

    testable: Testable | None
    n: int
    words: str
    fields: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    estimates: tuple[Estimate, ...] = ()
    by_tune: bool = True


def verdict_words(judged: Judged) -> str:
    """Returns `supported`, `depends on latent size` and so on."""
    return f"depends on {judged.factor}" if judged.verdict == "depends" else judged.verdict


def describe_estimate(one: Estimate) -> str:
    """Returns a text such as `+0.021, 95% interval [+0.010, +0.032]`."""
    if one.n_seeds < 2:
        return f"{one.value:+.3f}"
    low, high = one.interval()
    return f"{one.value:+.3f}, 95% interval [{low:+.3f}, {high:+.3f}]"


def describe_p(p: float) -> str:
    """Returns `p = 0.015`, or `p < 0.001` for smaller values."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
