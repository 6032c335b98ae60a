"""Findings: a claim of the study, the verdict on it and the numbers behind the verdict."""

from __future__ import annotations

import dataclasses
from typing import Literal

from vaemusic_jax.report.seed_tests import MIN_SEEDS, TTest

Verdict = Literal["supported", "not supported", "not enough data"]
SUPPORTED: Verdict = "supported"
NOT_SUPPORTED: Verdict = "not supported"
NOT_ENOUGH: Verdict = "not enough data"

STUDY_MEASURES = (
    "reconstruction_accuracy",
    "loss",
    "reconstruction_efficiency.mean",
    "attribute_independence.mean",
    "interpretability.mean",
)

T_TEST = f"two-sided one-sample t-test over seeds at 5%, at least {MIN_SEEDS} seeds"


@dataclasses.dataclass(frozen=True)
class Finding:
    """A claim of the study, checked on the trials of one or several runs.

    Attributes:
        name: a short name for anchors.
        claim: the claim in words.
        verdict: `not supported` stands for a difference that is not significant as well as for one in the opposite
            direction; `numbers` says which it is.
        test: a description of the test behind the verdict.
        numbers: the figures behind the verdict, or what is missing.
        n: the number of seeds; 0 if there are no data.
    """

    name: str
    claim: str
    verdict: Verdict
    test: str
    numbers: str
    n: int


def direction(test: TTest, difference: float) -> str:
    """Returns what a sentence adds if the test does not support the claim that `difference` is above 0."""
    if not test.enough:
        return f"; a verdict needs {MIN_SEEDS} seeds"
    if not test.significant:
        return "; the difference is not significant"
    return "" if difference > 0 else "; the opposite of the claim, significantly"
