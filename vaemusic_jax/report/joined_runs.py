"""Several run directories read as one, which is all that a report needs: no checkpoints and no data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import DEFINITIONS, CorpusSample, EvaluationStore, TrialEvaluation
from vaemusic_jax.runs.results import assemble
from vaemusic_jax.support.words import command

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
            paths: run directories. If a trial is in several of them, the first run counts that has evaluated it by
                the definitions of this version, or else that has evaluated it at all, or else the first one.

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
        self._stores = [EvaluationStore(path) for path in self.paths]
        found = [self._stored(i, table) for i, table in enumerate(tables)]
        everything = pd.concat([table for table, _ in found], keys=range(len(tables))).copy()
        everything["earlier"] = pd.concat([earlier for _, earlier in found]).to_numpy()
        everything["missing"] = everything[EVALUATED].isna()
        first = everything.sort_values(["missing", "earlier"], kind="stable")
        kept = first.drop_duplicates("trial").sort_index()
        self._without_controls = self._part_definitions(kept)
        kept = kept.drop(columns=["earlier", "missing"])
        self._run_of = dict(zip(kept["trial"], kept.index.get_level_values(0), strict=True))
        self.results = kept.reset_index(drop=True).copy()  # pandas warns of tables whose columns were added one by one.
        curves = [run.curves for run in runs]
        mine = [rows[rows["trial"].map(self._run_of) == i] for i, rows in enumerate(curves)]
        self.curves = pd.concat([rows for rows in mine if len(rows)] or curves[:1], ignore_index=True)
        self._corpora: dict[str, CorpusSample | None] = {}

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets, in the order of the trials."""
        return tuple(dict.fromkeys(trial.dataset for trial in self.trials.values()))

    def evaluation(self, trial_id: str) -> TrialEvaluation | None:
        """Returns the evaluation of a trial, or None if there is none. For a damaged file it adds a fault.

        It is None too if the trial is of earlier definitions and others are not.
        """
        if trial_id in self._without_controls:
            return None
        corpus = self.corpus(self.trials[trial_id].dataset)
        store, vocabulary = self._stores[self._run_of[trial_id]], corpus.vocabulary if corpus else None
        return self._or_fault(lambda: store.trial(trial_id, vocabulary))

    def corpus(self, name: str) -> CorpusSample | None:
        """Returns the first run's sample of a data set, or None if no run has one. A damaged file adds a fault."""
        if name not in self._corpora:
            found = [sample for store in self._stores if (sample := self._or_fault(lambda s=store: s.corpus(name)))]
            if len({sample.facts["digest"] for sample in found}) > 1:
                self._note(f"The runs were trained on different data under the name {name}: do not compare them.")
            self._corpora[name] = found[0] if found else None
        return self._corpora[name]

    def _stored(self, run: int, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
        """Returns a run's results, and whether each of its trials was evaluated by earlier definitions.

        An interrupted evaluation has not written the table, so trials of new definitions have what is stored of them.
        """
        import pandas as pd

        evaluated = table.loc[table[EVALUATED].notna(), "trial"]
        store = self._stores[run]
        versions = {trial: self._or_fault(lambda t=trial: store.definitions(t)) for trial in evaluated}
        earlier = {trial for trial, version in versions.items() if version not in (None, DEFINITIONS)}
        if earlier:
            others = [trial for trial, version in versions.items() if version == DEFINITIONS]
            kept = {trial: self._or_fault(lambda t=trial: store.trial(t)) for trial in others}
            fresh = {trial: of.metrics for trial, of in kept.items() if of}
            rows = table["trial"].isin(list(fresh))
            if fresh:
                fields = RunDirectory.read(self.paths[run]).trials_table
                table = pd.concat([assemble(fields[fields["trial"].isin(list(fresh))], fresh), table[~rows]]).copy()
                table = table.set_index("trial").loc[fields["trial"]].copy().reset_index()
        return table, table["trial"].isin(list(earlier))

    def _part_definitions(self, kept: pd.DataFrame) -> set[str]:
        """Notes which trials are of earlier definitions; beside others it empties their metrics of controls.

        Returns the ids of the trials that it has emptied.
        """
        earlier = kept["earlier"]
        is_mixed = bool((~earlier & ~kept["missing"]).any())
        for run in dict.fromkeys(kept.index.get_level_values(0)[earlier]):
            left_out = " are left out of metrics of controls beside those of this version" if is_mixed else ""
            self._note(
                f"{self.paths[run].resolve().name} was evaluated by an earlier version, with other definitions of the "
                "metrics of controls (docs/run_directory.md, columns of earlier versions); `vaemusic evaluate` brings "
                f"it up to date.{' Trials of earlier definitions' + left_out + '.' if is_mixed else ''}"
            )
        if not is_mixed:
            return set()
        columns = [name for name, metric in all_columns().items() if metric.family == "control" and name in kept]
        kept.loc[earlier, columns] = None
        return set(kept.loc[earlier, "trial"])

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
        return f"; run {command('vaemusic', 'evaluate', path)} first"
    unfinished = statuses[~statuses.str.startswith("diverged")]
    if unfinished.empty:
        return f", since all {len(statuses)} have diverged; the first: {statuses.iloc[0]}"
    return f", since none has finished ({unfinished.iloc[0]}); run `vaemusic sweep` on it again"


def _results_now(run: RunDirectory) -> pd.DataFrame:
    """Returns the results of a run with the metrics as evaluated and the statuses as they are now."""
    results = run.results
    if results is None:
        return assemble(run.trials_table, {})
    if EVALUATED not in results:
        raise UserError(
            f"{run.path}/results.parquet: has no column {EVALUATED}; run {command('vaemusic', 'evaluate', run.path)}"
        )
    table = run.trials_table
    done = table.loc[table["status"] == "done", "trial"]  # Others may have numbers from before a restart.
    metrics = results[[name for name in results.columns if name == "trial" or name not in table.columns]]
    return table.merge(metrics[metrics["trial"].isin(done)], on="trial", how="left")
