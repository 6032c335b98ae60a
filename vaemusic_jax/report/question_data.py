"""An open question of the study: how much data is needed, and can transposition replace some of it?"""

from __future__ import annotations

import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.report.section import Section, line_figures, varied
from vaemusic_jax.report.seed_tests import describe, describe_each, paired
from vaemusic_jax.report.tables import configuration_table

METRICS = ("reconstruction_accuracy", "validation_loss", "reconstruction_efficiency.mean", "interpretability.mean")
DRAWN = ("reconstruction_accuracy", "reconstruction_efficiency.mean", "interpretability.mean")


def size_of_the_data(results: pd.DataFrame) -> Section | None:
    """Compares the largest share of the tunes with the smallest, and the widest transposition with the narrowest.

    Args:
        results: one row per trial, of one run or several.

    Returns:
        The section, or None unless finished trials differ in nothing but the share of the tunes or transposition.
    """
    rows = varied(results, "data_fraction", "transpose")
    if rows.empty:
        return None
    fractions, shifts = (sorted(rows[name].unique()) for name in ("data_fraction", "transpose"))
    sentences = []
    for model, name in ((model, spec.title) for model, spec in MODELS.items()):
        mine = rows[rows["model"] == model]
        if len(fractions) > 1:
            more = paired(mine, "reconstruction_accuracy", "data_fraction", fractions[-1], fractions[0])
            if more.test.n:
                by_shift = f" ({describe_each(more.by('transpose'), 'transpose ')})" if len(shifts) > 1 else ""
                sentences.append(
                    f"{name} with {fractions[-1]:g} instead of {fractions[0]:g} of the training tunes: accuracy "
                    f"{describe(more.test)}{by_shift}."
                )
        if len(shifts) > 1:
            moved = paired(mine, "reconstruction_accuracy", "transpose", shifts[-1], shifts[0])
            if moved.test.n:
                by_size = f" ({describe_each(moved.by('data_fraction'), 'fraction ')})" if len(fractions) > 1 else ""
                sentences.append(
                    f"{name} with transposition by up to {shifts[-1]} semitones instead of {shifts[0]}: accuracy "
                    f"{describe(moved.test)}{by_size}."
                )
    x = "data_fraction" if len(fractions) > 1 else "transpose"
    return Section(
        "data-size",
        "How much data does it take, and does transposition stand in for it?",
        "The number of training steps is the same whatever the share of the tunes. Differences on the test split, "
        f"paired by everything else and the seed, averaged per seed. {' '.join(sentences)}",
        configuration_table(rows, "question-data", "Shares of the training tunes, and transposition", METRICS),
        line_figures(rows, "question-data", x, DRAWN, log_x=x == "data_fraction"),
    )
