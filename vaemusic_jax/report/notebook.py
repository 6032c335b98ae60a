"""What notebooks show of a run: it is opened, and its tables and figures are objects that a notebook draws.

Figures are those of the report, in its style.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.metrics.control import effect
from vaemusic_jax.metrics.made_up import DECODERS, arrays_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.aggregate import aggregate
from vaemusic_jax.report.figures import curves, heat_maps, latent_size, surfaces
from vaemusic_jax.report.figures import traversals as traversal_figure
from vaemusic_jax.report.findings import check_findings, findings_table
from vaemusic_jax.report.html_table import to_html
from vaemusic_jax.report.latex_table import to_latex
from vaemusic_jax.report.markup import Table
from vaemusic_jax.report.style import applied, to_png
from vaemusic_jax.report.tables import study_tables
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import CorpusSample, EvaluationStore, TrialEvaluation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

VARIABLE = "VAEMUSIC_RUN"
# Notebooks align everything to the right.
_LEFT = "<style>.vaemusic td:not(.number), .vaemusic th:not(.number) { text-align: left }</style>"


@dataclass(frozen=True)
class Run:
    """An evaluated run.

    Attributes:
        path: its folder.
        results: one row per trial, the table of results.csv.
        curves: one row per trial, step, split and metric.
        trials: the configurations of the trials by their id.
    """

    path: Path
    results: pd.DataFrame
    curves: pd.DataFrame
    trials: Mapping[str, Trial]

    def evaluation(self, trial: str) -> TrialEvaluation:
        """Returns the stored evaluation of a trial. Raises UserError if there is none, or it is damaged."""
        found = EvaluationStore(self.path).trial(trial)
        if found is None:
            raise UserError(f"{self.path}: trial {trial} has no evaluation")
        return found

    def sample(self, dataset: str) -> CorpusSample:
        """Returns the stored sample of a data set. Raises UserError if there is none, or it is damaged."""
        found = EvaluationStore(self.path).corpus(dataset)
        if found is None:
            raise UserError(f"{self.path}: there is no sample of data set {dataset!r}")
        return found


@dataclass(frozen=True)
class Picture:
    """A figure as a notebook draws it, at half its size in pixels, which is sharp on fine screens."""

    png: bytes = field(repr=False)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return self.png, {"width": width // 2, "height": height // 2}


@dataclass(frozen=True)
class ShownTable:
    """A table as a notebook draws it.

    Attributes:
        table: the table.
    """

    table: Table

    def __repr__(self) -> str:
        return f"<table {self.table.name}>"

    def _repr_html_(self) -> str:
        return f'{_LEFT}<div class="vaemusic">{to_html(self.table)}</div>'

    @property
    def latex(self) -> str:
        """The same table in LaTeX."""
        return to_latex(self.table)


def open_run(path: str | Path) -> Run:
    """Opens the evaluated run that the environment variable VAEMUSIC_RUN names, or else that of a path.

    Raises:
        UserError: there is no evaluated run, or it cannot be read; the message says how to make one.
    """
    run = Path(os.environ.get(VARIABLE) or path)
    if not (run / "evaluation").is_dir():
        raise UserError(
            f"There is no evaluated run in {run}: make one with `python run_sweep.py configs/quickstart.yaml` in the "
            f"project's folder, or set the environment variable {VARIABLE} to the folder of another run."
        )
    found = RunDirectory.read(run)
    if found.results is None:
        raise UserError(f"{run}: there are no results; `vaemusic evaluate` computes them")
    return Run(run, found.results, found.curves, {trial.id: trial for trial in found.trials})


def over_seeds(run: Run, metric: str) -> pd.DataFrame:
    """Returns a row for each setting with mean and interval of a metric over its seeds, see `report.aggregate`."""
    return aggregate(run.results, [metric])


def by_latent_size(rows: pd.DataFrame, label: str, baseline: Mapping[str, float]) -> Picture:
    """Draws rows of `over_seeds` against latent size, with a dotted line at the baseline of each data set."""
    return _picture(latent_size.by_latent_size, rows, label, dict(baseline))


def learning_curves(run: Run, metric: str, label: str, split: str = "validation") -> Picture:
    """Draws the learning curves of the trials that have finished."""
    done = run.results[run.results["status"] == "done"]
    return _picture(curves.learning_curves, run.curves[run.curves["split"] == split], done, metric, label)


def traversals(controls: Sequence[str], values: np.ndarray, reached: np.ndarray) -> Picture:
    """Draws attributes of decoded measures against what controls are set to.

    Args:
        controls: the controlled attributes, K.
        values: (K, Q) the values of the controls.
        reached: (M, K, Q, A) the attributes of M measures decoded with control k at its q-th value.
    """
    return _picture(traversal_figure.traversals, controls, values, reached)


def surface(controls: Sequence[str], values: np.ndarray, reached: np.ndarray, data: np.ndarray) -> Picture:
    """Draws attributes over the plane of two controls.

    Args:
        controls: the two controlled attributes.
        values: (2, G) the values of the controls.
        reached: (G, G, A) the attributes of the decoded measures; the first axis is that of the first control.
        data: (N, 2) the values of the controls in measures.
    """
    first, second = controls
    return _picture(surfaces.surfaces, [surfaces.Surface("decoded", (first, second), values, reached, data)])


def effects(run: Run, trial: str) -> Picture:
    """Draws how far each control of a trial moves each attribute, beside a made-up control that follows the music.

    A number is the mean change from the lowest to the highest level of the control, in standard deviations.
    """
    own = run.trials[trial]
    sample, imposed = run.sample(own.dataset), ATTRIBUTES.columns(own.attributes)
    natural = arrays_of(DECODERS["natural"], sample.attributes, imposed, sample.chosen)
    initials = [ATTRIBUTES[name].initial for name in own.attributes]

    def matrix(title: str, arrays: Mapping[str, np.ndarray]) -> heat_maps.Matrix:
        changed, data = arrays["traversal_attributes"][..., imposed], sample.attributes[:, imposed]
        return heat_maps.Matrix(title, effect(arrays["control_values"], changed, data), initials, initials)

    matrices = [matrix("this model", run.evaluation(trial).arrays), matrix("a natural control", natural)]
    return _picture(
        heat_maps.heat_maps, [matrices], "standard deviations", x="attribute", y="control of", around_0=True
    )


def study_table(run: Run, name: str) -> ShownTable:
    """Returns a table of the study, such as "accuracy". Raises UserError if the run has no such table."""
    tables = {table.name: table for table in study_tables(run.results)}
    if name not in tables:
        raise UserError(f"{run.path}: no table {name!r}; there are {', '.join(tables)}")
    return ShownTable(tables[name])


def findings(run: Run) -> ShownTable:
    """Returns the table of the study's claims, each judged on the trials of the run."""
    datasets = run.results.loc[run.results["status"] == "done", "dataset"].unique()
    facts = {name: run.sample(name).facts for name in datasets}
    return ShownTable(findings_table(check_findings(run.results, facts).primary))


def _picture(draw: Callable[..., Figure], *args: Any, **options: Any) -> Picture:
    with applied():
        return Picture(to_png(draw(*args, **options)))
