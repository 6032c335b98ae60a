"""Several run directories read as one, which is all that a report needs: no checkpoints and no data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import CorpusSample, EvaluationStore, TrialEvaluation
from vaemusic_jax.runs.results import assemble

if TYPE_CHECKING:
    import pandas as pd

EVALUATED = "reconstruction_accuracy"  # A trial with a value in this column has been evaluated.


class JoinedRuns:
    """The trials of several run directories, each trial once.

    Attributes:
        paths: the paths of the runs.
        configs: the configurations of the runs.
        trials: the trials by id.
        results: one row per trial with its fields, status and metrics; metrics are empty if it has not been evaluated.
        curves: the learning curves, with columns trial, step, split, metric and value.
        faults: a sentence for each file that could not be read or does not fit the others, and each run that an earlier
            version evaluated by other definitions; the list grows while files are read.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Reads the tables of the runs. The arrays of a trial are read when they are asked for.

        Args:
            paths: run directories. If a trial is in several of them, the first run that has evaluated it counts, or
                the first run if none has.

        Raises:
            UserError: a path is no run directory, or a run has no evaluated trial.
        """
        import pandas as pd

        self.paths = tuple(dict.fromkeys(Path(path) for path in paths))
        runs = [RunDirectory.read(path) for path in self.paths]
        self.configs: tuple[SweepConfig, ...] = tuple(run.config for run in runs)
        self.trials: dict[str, Trial] = {trial.id: trial for run in runs for trial in run.trials}
        self.faults: list[str] = []
        tables = [_results_now(run) for run in runs]
        for path, table in zip(self.paths, tables, strict=True):
            if table[EVALUATED].isna().all():
                raise UserError(f"{path}: no trial has been evaluated{_why(path, table['status'])}")
        everything = pd.concat(tables, keys=range(len(tables)))
        first = everything.sort_values(EVALUATED, key=lambda column: column.isna(), kind="stable")
        kept = first.drop_duplicates("trial").sort_index()
        self._run_of = dict(zip(kept["trial"], kept.index.get_level_values(0), strict=True))
        self.results = kept.reset_index(drop=True).copy()  # pandas warns of tables whose columns were added one by one.
        curves = [run.curves for run in runs]
        mine = [rows[rows["trial"].map(self._run_of) == i] for i, rows in enumerate(curves)]
        self.curves = pd.concat([rows for rows in mine if len(rows)] or curves[:1], ignore_index=True)
        self._stores = [EvaluationStore(path) for path in self.paths]
        self._corpora: dict[str, CorpusSample | None] = {}
        for i in range(len(self.paths)):
            self._note_earlier_definitions(i)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets, in the order of the trials."""
        return tuple(dict.fromkeys(trial.dataset for trial in self.trials.values()))

    def evaluation(self, trial_id: str) -> TrialEvaluation | None:
        """Returns the evaluation of a trial, or None if there is none. For a damaged file it adds a fault."""
        return self._or_fault(lambda: self._stores[self._run_of[trial_id]].trial(trial_id))

    def corpus(self, name: str) -> CorpusSample | None:
        """Returns the first run's sample of a data set, or None if no run has one. A damaged file adds a fault."""
        if name not in self._corpora:
            found = [sample for store in self._stores if (sample := self._or_fault(lambda s=store: s.corpus(name)))]
            if len({sample.facts["digest"] for sample in found}) > 1:
                self._note(f"The runs were trained on different data under the name {name}: do not compare them.")
            self._corpora[name] = found[0] if found else None
        return self._corpora[name]

    def _note_earlier_definitions(self, run: int) -> None:
        """Notes it if an earlier version evaluated a run; its first evaluated trial tells, as all are alike."""
        evaluated = self.results.loc[self.results[EVALUATED].notna(), "trial"]
        first = next((trial for trial in evaluated if self._run_of[trial] == run), None)
        evaluation = self.evaluation(first) if first else None
        if evaluation and evaluation.is_of_earlier_definitions:
            self._note(
                f"{self.paths[run].resolve().name} was evaluated by an earlier version, with other definitions of the "
                "metrics of controls (docs/run_directory.md, columns of earlier versions); `vaemusic evaluate` brings "
                "it up to date."
            )

    def _or_fault(self, read: Any) -> Any:
        try:
            return read()
        except UserError as error:
            self._note(f"Left out: {error}.")
            return None

    def _note(self, sentence: str) -> None:
        if sentence not in self.faults:
            self.faults.append(sentence)


def _why(path: Path, statuses: pd.Series) -> str:
    """Returns the end of an error message: why a run has no evaluated trial, and what to do about it."""
    if (statuses == "done").any():
        return f"; run `vaemusic evaluate {path}` first"
    unfinished = statuses[~statuses.str.startswith("diverged")]
    if unfinished.empty:
        return f", since all {len(statuses)} have diverged; the first: {statuses.iloc[0]}"
    return f", since none has finished ({unfinished.iloc[0]}); run `vaemusic sweep` on it again"


def _results_now(run: RunDirectory) -> pd.DataFrame:
    """Returns the results of a run with the metrics as evaluated and the statuses as they are now."""
    results = run.results
    if results is None:
        return assemble(run.trials_table, {})
    table = run.trials_table
    done = table.loc[table["status"] == "done", "trial"]  # Others may have numbers from before a restart.
    metrics = results[[name for name in results.columns if name == "trial" or name not in table.columns]]
    return table.merge(metrics[metrics["trial"].isin(done)], on="trial", how="left")
