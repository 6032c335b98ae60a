"""Controls that disagree, or that do not work at all, neither make nor hide an effect of something else."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.helpers.made_up_findings import (
    ACCURACY,
    BETTER,
    RUN,
    Metrics,
    checked,
    found,
    noise,
    of_models,
)
from tests.helpers.made_up_replicates import replicates_of, sized
from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.report.findings import (
    check_findings,
)
from vaemusic_jax.runs.tune_replicates import Replicates


def by_control(effects: Mapping[str, float], dead_above: int = 256) -> Metrics:
    """MeasureVAE's side effect is larger by something for each control; note range works at small sizes alone."""

    def metrics(trial: Trial) -> dict[str, Any]:
        row = of_models(BETTER, BETTER)(trial)
        for name in trial.attributes:
            works = name != "note_range" or trial.latent_dim <= dead_above
            effect = effects.get(name, 0.0) * (trial.model == "measure_vae")
            row[f"side_effect.{name}"] = 0.5 + effect + noise(trial, 0.02) if works else np.nan
        return row

    return metrics


def test_controls_that_disagree_are_no_effect_of_latent_size_or_of_the_choice_of_attributes() -> None:
    of_note_range = by_control({"note_range": 0.3}, dead_above=32)
    one = found(checked(of_note_range, latent_dim=[4, 32, 256]), "separation")
    assert one.verdict == "depends on control"
    assert "By latent size, 2 of 11 cells do not count" in one.numbers
    choices = found(checked(of_note_range, attributes=["note_density+rhythmic_complexity", "all"]), "separation")
    assert choices.verdict == "depends on control"
    assert re.search(r"note_range: \+0\.(29|3)\d* \(supported\)", choices.numbers)


def test_a_control_that_is_dead_in_some_resample_leaves_its_cell_out_and_no_more() -> None:
    results = sized(results_of(by_control({}), **RUN))
    known = replicates_of(results)
    dead = results.loc[(results["latent_dim"] == 4) & (results["seed"] == 3), "trial"].iloc[0]
    columns = {name: values for name, values in known[dead].columns.items() if name != "side_effect.note_density"}
    one = found(check_findings(results, FACTS, known | {dead: Replicates(120, columns)}), "separation")
    assert one.verdict == "equivalent"
    assert "7 cells" in one.numbers
    assert "undefined in some resample" in one.numbers
    assert "evaluate" not in one.numbers
    none = {trial: Replicates(120, {ACCURACY: mine.columns[ACCURACY]}) for trial, mine in known.items()}
    all_dead = found(check_findings(results, FACTS, none), "separation")
    assert all_dead.verdict == "no verdict"
    assert "undefined in some resample" in all_dead.numbers
    assert "evaluate" not in all_dead.numbers
