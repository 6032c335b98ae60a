"""Configurations that have learned nothing: no verdict is given on them, and nothing of them is printed in bold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vaemusic_jax.report.aggregate import CONFIGURATION, numbers

LEARNED = 0.02  # A model that is no further than this above its baseline has learned nothing.


def learned_nothing(results: pd.DataFrame) -> pd.Series:
    """Returns for each trial whether its configuration has learned nothing, by its mean test accuracy over seeds.

    The baseline is the commonest token of each tick where it is known, otherwise the commonest token.
    """
    accuracy = numbers(results, "reconstruction_accuracy")
    by_tick, overall = numbers(results, "tick_baseline"), numbers(results, "majority_baseline")
    above = pd.Series(accuracy - np.where(np.isnan(by_tick), overall, by_tick), results.index)
    done = results["status"] == "done"
    keys = [results[name] for name in CONFIGURATION]
    return above.where(done).groupby(keys, dropna=False).transform("mean") < LEARNED
