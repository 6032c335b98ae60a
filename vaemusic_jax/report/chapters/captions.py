"""What captions say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.report.style import ATTRIBUTE_NAMES, MODEL_NAMES
from vaemusic_jax.results_table import INITIALS
from vaemusic_jax.trial import ATTRIBUTES, Trial

if TYPE_CHECKING:
    import pandas as pd

LEGEND = "; ".join(f"{INITIALS[name]}: {ATTRIBUTE_NAMES[name]}" for name in ATTRIBUTES)


def seeds(summed: pd.DataFrame) -> str:
    """How many seeds there are per point, and how many trials have no number.

    Args:
        summed: as of ``aggregate``, of one metric.
    """
    numbers = summed.loc[summed["n_seeds"] > 0, "n_seeds"]
    low, high = int(numbers.min()), int(numbers.max())
    said = f"n = {low} seed{'s' * (low > 1)}" if low == high else f"n = {low} to {high} seeds"
    left = [f"{summed[f'n_{word}'].sum()} {word}" for word in ("diverged", "unfinished") if summed[f"n_{word}"].sum()]
    return said + (f", without {' and '.join(left)} trials" if left else "")


def named(trial: Trial) -> str:
    """A trial in words."""
    return f"{MODEL_NAMES[trial.model]} on {trial.dataset}, latent size {trial.latent_dim}, seed {trial.seed}"
