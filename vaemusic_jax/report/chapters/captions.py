"""What captions say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.config.recipes import MODELS
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.seed_tests import count_of_seeds

if TYPE_CHECKING:
    import pandas as pd


def legend() -> str:
    """What the initials of attributes stand for."""
    return "; ".join(f"{attribute.initial}: {attribute.words}" for attribute in ATTRIBUTES.values())


def seeds(summed: pd.DataFrame, counted: str = "n") -> str:
    """How many seeds there are per point, and how many trials have no number.

    Args:
        summed: as of ``aggregate``, of one metric.
        counted: its column of counts: "n" of those with a value, "n_seeds" of those that are done; one is above 0.
    """
    numbers = summed.loc[summed[counted] > 0, counted]
    low, high = int(numbers.min()), int(numbers.max())
    said = f"n = {count_of_seeds(low)}" if low == high else f"n = {low} to {high} seeds"
    left = [f"{summed[f'n_{word}'].sum()} {word}" for word in ("diverged", "unfinished") if summed[f"n_{word}"].sum()]
    return said + (f", without {' and '.join(left)} trials" if left else "")


def named(trial: Trial) -> str:
    """A trial in words."""
    return f"{MODELS[trial.model].title} on {trial.dataset}, latent size {trial.latent_dim}, seed {trial.seed}"
