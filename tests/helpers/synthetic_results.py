"""Results tables of made-up runs, with metrics computed from the fields of a trial."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Trial

FACTS: dict[str, dict[str, Any]] = {
    "irish_folk": {"token_entropy": 2.0, "majority_baseline": 0.69},
    "bach": {"token_entropy": 3.0, "majority_baseline": 0.75},
    "my_tunes": {"token_entropy": 4.0, "majority_baseline": 0.8},
}

BASE = {
    "name": "law",
    "dataset": "irish_folk",
    "model": ["measure_vae", "adversarial_vae"],
    "attributes": "all",
    "latent_dim": [4, 32],
    "seed": [0, 1, 2],
    "steps": 100,
    "eval_every": 10,
}


def results_of(
    metrics: Callable[[Trial], dict[str, Any]],
    status: Callable[[Trial], str] = lambda trial: "done",
    **fields: Any,
) -> pd.DataFrame:
    """Returns a row for each trial of a configuration, with fields, status and, if it is done, metrics."""
    rows = []
    for trial in trials(SweepConfig.model_validate(BASE | fields)):
        state = status(trial)
        row = {"trial": trial.id, **trial.row(), "status": state}
        rows.append(row | (metrics(trial) if state == "done" else {}))
    return pd.DataFrame(rows)
