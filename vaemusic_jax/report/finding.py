"""A claim of the study and what a run says of it."""

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
    """A claim of the study, and what this run says of it.

    Attributes:
        name: short, for anchors.
        claim: in words.
        verdict: `not supported` covers a difference that is not significant and one in the opposite direction;
            the numbers say which.
        test: how the verdict was reached.
        numbers: the figures behind it, or what is missing.
        n: seeds; 0 where there are no data.
    """

    name: str
    claim: str
    verdict: Verdict
    test: str
    numbers: str
    n: int


def direction(test: TTest, difference: float) -> str:
    """What to add where the claim is not borne out."""
    if not test.enough:
        return f"; a verdict needs {MIN_SEEDS} seeds"
    if not test.significant:
        return "; the difference is not significant"
    return "" if difference > 0 else "; the opposite of the claim, significantly"
