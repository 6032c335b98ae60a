"""Metrics in resamples of made-up test tunes, for tests of findings."""

import numpy as np
import pandas as pd

from vaemusic_jax.report.cells import with_sizes
from vaemusic_jax.runs.tune_replicates import Replicates

N_TUNES, RESAMPLES = 120, 60
PREFIXES = ("reconstruction_accuracy", "reconstruction_efficiency.", "side_effect.", "interpretability.")


def replicates_of(results: pd.DataFrame, noise: float = 0.001) -> dict[str, Replicates]:
    """Each finished trial's values with the noise of tunes, a part of it the same for all trials of a data set."""
    found = {}
    for number, row in enumerate(results.to_dict("records")):
        rng = np.random.default_rng(number)
        shared = 0.02 * np.random.default_rng(len(row["dataset"])).normal(size=RESAMPLES)
        columns = {
            str(name): value + shared + noise * rng.normal(size=RESAMPLES)
            for name, value in row.items()
            if str(name).startswith(PREFIXES) and isinstance(value, float)
        }
        if row["status"] == "done":
            found[row["trial"]] = Replicates(N_TUNES, columns)
    return found


def sized(results: pd.DataFrame) -> pd.DataFrame:
    """The results with numbers of weights, and seconds of training of which AdversarialVAE takes half."""
    seconds = {row["trial"]: 100.0 if row["model"] == "measure_vae" else 50.0 for row in results.to_dict("records")}
    return with_sizes(results, {}, seconds)
