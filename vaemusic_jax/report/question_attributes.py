"""An open question of the study: how many attributes can be regularised, and does it depend on the latent size?"""

from __future__ import annotations

import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import NO_ATTRIBUTES, parse_attributes
from vaemusic_jax.metrics.registry import metric_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.configurations import named_value
from vaemusic_jax.report.section import Section, line_figures, varied
from vaemusic_jax.report.seed_tests import describe, paired
from vaemusic_jax.report.selection import beside_regularised
from vaemusic_jax.report.tables import configuration_table

METRICS = (
    "reconstruction_accuracy",
    "reconstruction_efficiency.mean",
    "side_effect.mean",
    "interpretability.mean",
)
DRAWN = ("reconstruction_accuracy", "reconstruction_efficiency.mean", "interpretability.mean")


def number_of_attributes(results: pd.DataFrame) -> Section | None:
    """Compares the choice of most attributes with that of fewest, paired by all other fields and the seed.

    It compares the choice of most with none too, if there are trials without attributes.

    Args:
        results: one row per trial, of one run or several.

    Returns:
        The section, or None unless finished trials differ in the number of attributes alone.
    """
    rows = varied(beside_regularised(results), "attributes")
    lengths = {choice: len(parse_attributes(choice)) for choice in rows["attributes"].unique()}
    if len(set(lengths.values())) < 2:
        return None
    imposed = [choice for choice in lengths if choice != NO_ATTRIBUTES]
    fewest, most = (choose(imposed, key=lambda choice: lengths[choice]) for choose in (min, max))
    others = [choice for choice in (fewest, NO_ATTRIBUTES) if choice in lengths and lengths[choice] < lengths[most]]
    sentences = [_differences(rows, most, other) for other in others]
    numbers = ", ".join(str(n) for n in sorted(set(lengths.values())))
    return Section(
        "regularised-attributes",
        "How many attributes can be imposed, and does it depend on the latent size?",
        f"This run imposes {numbers} attributes. {' '.join(sentences)}",
        configuration_table(
            rows,
            "question-attributes",
            "Numbers of imposed attributes",
            METRICS,
            best_within=("dataset", "model"),
            notes=("Means over the imposed attributes are over other attributes from row to row.",),
        ),
        line_figures(rows, "question-attributes", "latent_dim", DRAWN, log_x=True),
    )


def _differences(rows: pd.DataFrame, most: str, other: str) -> str:
    """Returns a sentence on the differences between two choices of attributes."""
    sentences = []
    for model, spec in MODELS.items():
        mine = rows[rows["model"] == model]
        kept = [attribute for attribute in parse_attributes(other) if attribute in parse_attributes(most)]
        changes = {metric_of(metric).label: metric for metric in METRICS[:2]}
        changes |= {f"interpretability of {ATTRIBUTES[one].words}": f"interpretability.{one}" for one in kept}
        tests = {words: paired(mine, metric, "attributes", most, other).test for words, metric in changes.items()}
        known = [f"{words} {describe(test)}" for words, test in tests.items() if test.n]
        if known:
            sentences.append(f"{spec.title}: {'; '.join(known)}.")
    choices = f"{named_value('attributes', most)} instead of {named_value('attributes', other)}"
    return (
        f"Differences with {choices}, paired by everything else and the seed, averaged per seed: {' '.join(sentences)}"
    )
