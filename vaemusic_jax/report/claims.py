"""The study's claims that are tested together, each declared with its unit, margin and number of seeds.

They are written down here, before any run is looked at; everything else that a report says is exploratory.
"""

from __future__ import annotations

import dataclasses

MIN_SEEDS = 5  # Of fewer, an interval says more about the procedure than about the models.
MIN_SEEDS_OF_EFFICIENCY = 10  # Efficiency differs between seeds more than accuracy does.
MIN_CORPORA = 6  # Six corpora in the claimed order have p = 2 / 6! = .003, five .017: too much for one claim of six.
HEADLINE_ACCURACY, HEADLINE_DIM = 0.996, 256
ROUNDED_HEADLINE = 0.9955  # What prints as 99.6 %.
HIGH_INTERPRETABILITY = 0.8


@dataclasses.dataclass(frozen=True)
class Claim:
    """A primary claim.

    Attributes:
        words: the claim in words.
        measure: what it is judged by, in words.
        unit: what is repeated, and so what the numbers generalise to.
        margin: the distance from no difference within which the models count as equivalent; None for other claims.
        least: the smallest number of seeds, or of corpora, for a verdict.
    """

    words: str
    measure: str
    unit: str
    margin: float | None
    least: int


SEEDS_AND_TUNES = "seed and test tune, within each model, latent size, choice of attributes and corpus"

PRIMARY: dict[str, Claim] = {
    "reconstruction": Claim(
        "MeasureVAE reconstructs better than AdversarialVAE",
        "test accuracy: MeasureVAE's less AdversarialVAE's",
        SEEDS_AND_TUNES,
        0.01,
        MIN_SEEDS,
    ),
    "separation": Claim(
        "AdversarialVAE separates attributes better than MeasureVAE",
        "side effect of each control that works in both models: MeasureVAE's less AdversarialVAE's",
        SEEDS_AND_TUNES,
        0.05,
        MIN_SEEDS,
    ),
    "efficiency": Claim(
        "AdversarialVAE's controls work more surely than MeasureVAE's (read it beside the one above)",
        "efficiency of each control: AdversarialVAE's less MeasureVAE's",
        SEEDS_AND_TUNES,
        0.05,
        MIN_SEEDS_OF_EFFICIENCY,
    ),
    "interpretability": Claim(
        f"MeasureVAE's interpretability is above {HIGH_INTERPRETABILITY} for every imposed attribute",
        f"R² of each imposed attribute in each configuration, against {HIGH_INTERPRETABILITY}",
        SEEDS_AND_TUNES,
        None,
        MIN_SEEDS,
    ),
    "headline": Claim(
        f"MeasureVAE reaches {HEADLINE_ACCURACY:.1%} validation accuracy at {HEADLINE_DIM} dimensions",
        f"validation accuracy of the best configuration, against {ROUNDED_HEADLINE}, which rounds to it",
        "seed",
        None,
        MIN_SEEDS,
    ),
    "simplicity": Claim(
        "Simpler music is easier",
        "order of the corpora by test accuracy, against their order by bits per token in training",
        "corpus",
        None,
        MIN_CORPORA,
    ),
}

MARGINS = {name: claim.margin for name, claim in PRIMARY.items() if claim.margin is not None}
