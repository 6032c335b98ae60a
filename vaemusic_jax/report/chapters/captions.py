"""Phrases that several captions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.seed_tests import count_of_seeds

if TYPE_CHECKING:
    import pandas as pd


def legend() -> str:
    """Returns a phrase that says what the initials of attributes stand for."""
    return "; ".join(f"{attribute.initial}: {attribute.words}" for attribute in ATTRIBUTES.values())


def seeds(summed: pd.DataFrame, counted: str = "n") -> str:
    """Returns a phrase on the number of seeds per configuration and on the trials without a number.

    Args:
        summed: the result of ``aggregate`` for one metric.
        counted: its column of counts: "n" counts seeds with a value, "n_seeds" trials that are done. At least one
            count is above 0.
    """
    numbers = summed.loc[summed[counted] > 0, counted]
    low, high = int(numbers.min()), int(numbers.max())
    said = f"n = {count_of_seeds(low)}" if low == high else f"n = {low} to {high} seeds"
    left = [f"{summed[f'n_{word}'].sum()} {word}" for word in ("diverged", "unfinished") if summed[f"n_{word}"].sum()]
    return said + (f", without {' and '.join(left)} trials" if left else "")


def named(trial: Trial) -> str:
    """Returns a phrase that names a trial."""
    steering = f" with steering {trial.steering_weight:g}" if trial.steering_weight else ""
    precision = f" in {trial.precision}" if trial.precision != "float32" else ""
    size = f"latent size {trial.latent_dim}, seed {trial.seed}"
    return f"{MODELS[trial.model].title}{steering}{precision} on {trial.dataset}, {size}"
