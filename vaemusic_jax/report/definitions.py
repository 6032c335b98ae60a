"""The definitions under which each primary claim is judged: the primary one first, then reasonable others."""

from __future__ import annotations

import dataclasses

from vaemusic_jax.report.cells import Matching
from vaemusic_jax.report.claims import MARGINS


@dataclasses.dataclass(frozen=True)
class Definition:
    """What a claim about both models is judged by.

    Attributes:
        words: what is different from the primary definition, or what that is.
        metrics: the metric of MeasureVAE and the one of AdversarialVAE, as columns of results.csv.
        signs: the factors of the two values, so that a sum above 0 supports the claim.
        margin: the distance from 0 that does not matter.
        per_control: whether the metric is one of single controls.
        matching: in what the models are alike.
    """

    words: str
    metrics: tuple[str, str]
    signs: tuple[int, int]
    margin: float
    per_control: bool = False
    matching: Matching = "hidden size"


@dataclasses.dataclass(frozen=True)
class Level:
    """What a claim about MeasureVAE's level, or about corpora, is judged by.

    Attributes:
        words: what is different from the primary definition, or what that is.
        metric: the metric, as a column of results.csv.
        every: whether each value must be above the limit, or the best one.
    """

    words: str
    metric: str
    every: bool = True


def _alike(primary: Definition) -> tuple[Definition, ...]:
    return tuple(
        dataclasses.replace(primary, words=f"models alike in {matching}", matching=matching)
        for matching in ("weights", "training time")
    )


def _same(words: str, metric: str, signs: tuple[int, int], margin: float, per_control: bool = False) -> Definition:
    return Definition(words, (metric, metric), signs, margin, per_control)


M_LESS_A, A_LESS_M = (1, -1), (-1, 1)
ACCURACY = _same("share of tokens", "reconstruction_accuracy", M_LESS_A, MARGINS["reconstruction"])
SIDE_EFFECT = _same("side effect", "side_effect", M_LESS_A, MARGINS["separation"], per_control=True)
EFFICIENCY = _same("efficiency", "reconstruction_efficiency", A_LESS_M, MARGINS["efficiency"], per_control=True)

# Margins of other measures are those of the primary one, as far as it goes in their unit.
COMPARED: dict[str, tuple[Definition, ...]] = {
    "reconstruction": (
        ACCURACY,
        _same("share of whole measures", "measure_accuracy", M_LESS_A, 0.03),
        _same("skill over the baseline of each tick", "skill", M_LESS_A, 0.03),
        _same("measures not seen in training", "unseen_accuracy", M_LESS_A, 0.01),
        Definition(
            "AdversarialVAE told another measure's attributes",
            ("reconstruction_accuracy", "accuracy_wrong_attributes"),
            M_LESS_A,
            0.01,
        ),
        *_alike(ACCURACY),
    ),
    "separation": (
        SIDE_EFFECT,
        _same("independence over quantiles", "attribute_independence", A_LESS_M, 0.05, per_control=True),
        Definition(
            "independence, MeasureVAE over ±3",
            ("attribute_independence_prior", "attribute_independence"),
            A_LESS_M,
            0.05,
            per_control=True,
        ),
        *_alike(SIDE_EFFECT),
    ),
    "efficiency": (
        EFFICIENCY,
        _same("reach", "reach", A_LESS_M, 0.05, per_control=True),
        Definition(
            "efficiency, MeasureVAE over ±3",
            ("reconstruction_efficiency_prior", "reconstruction_efficiency"),
            A_LESS_M,
            0.05,
            per_control=True,
        ),
        *_alike(EFFICIENCY),
    ),
}

INTERPRETABILITY = (
    Level("posterior means, every configuration", "interpretability"),
    Level("sampled codes, every configuration", "interpretability_sampled"),
    Level("posterior means, the best configuration", "interpretability", every=False),
)
HEADLINE = (
    Level("validation, the best configuration", "validation_accuracy", every=False),
    Level("test, the best configuration", "reconstruction_accuracy", every=False),
    Level("validation, every configuration", "validation_accuracy"),
)
SIMPLICITY = (
    Level("share of tokens", "reconstruction_accuracy"),
    Level("skill over the baseline of each tick", "skill"),
    Level("share of whole measures", "measure_accuracy"),
)
