"""Evaluation of a run: every metric of every trial on the test split, computed from checkpoints.

Results are stored in the run directory trial by trial. A later evaluation computes only the metrics of which a column
is missing there, so that a new metric in the registry is computed for runs that were evaluated before it existed.
"""

import contextlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pandas as pd

from vaemusic_jax.config.trial import Cohort, Trial
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation.codes import TrialArrays, measure_members
from vaemusic_jax.evaluation.corpus_sample import encoded_measures, sample_of
from vaemusic_jax.metrics.information import MIN_MEASURES
from vaemusic_jax.metrics.inputs import (
    Codes,
    ControlInputs,
    Inputs,
    LatentInputs,
    ReconstructionInputs,
    TrainingInputs,
    measure,
    regularises,
)
from vaemusic_jax.metrics.registry import FAMILIES, METRICS, Metric, missing_from
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.curves import CURVE_COLUMNS
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import DEFINITIONS, CorpusSample, EvaluationStore, TrialEvaluation
from vaemusic_jax.runs.results import assemble
from vaemusic_jax.runs.started import run_started
from vaemusic_jax.support.event_log import timed, warn
from vaemusic_jax.support.progress import Advance, Progress, progress_bar
from vaemusic_jax.training.devices import prepare_devices

log = logging.getLogger(__name__)


def evaluate_run(
    run: RunDirectory, families: Iterable[str] = FAMILIES, progress: Progress = progress_bar
) -> pd.DataFrame:
    """Evaluates the trials of a run that have finished, and saves and returns the results.

    Args:
        run: a run opened for writing. Its folder `evaluation` is filled, and results.csv and results.parquet are
            written.
        families: the families of metrics (`metrics.registry.FAMILIES`) to compute if a column is missing.
        progress: shows the progress.

    Returns:
        One row per trial of the run with its fields, its status and every metric. Metrics are empty for trials that
        have not finished, and for those that cannot be evaluated, of which a warning tells.

    Raises:
        UserError: no trial has finished, or no trial can be evaluated, because its checkpoint or its data are missing.
    """
    prepare_devices()
    status, curves = run.status(), run.curves
    finished = {trial for trial in run.trials if status[trial.id] == "done"}
    curves_of = {str(trial): rows for trial, rows in curves.groupby("trial")}
    if len(run.unfinished()) == len(run.trials):
        raise UserError(f"{run.path}: no trial has finished; run `vaemusic sweep` on it again to go on")
    run_started(run, "evaluate")
    store = EvaluationStore(run.path)
    problems: list[str] = []
    found: dict[str, TrialEvaluation] = {}
    with progress("evaluating", len(finished), "trials") as advance:
        for cohort in run.cohorts:
            wanted = [trial for trial in cohort.trials if trial in finished]
            try:
                _Evaluation(run, store, cohort, tuple(families), advance, found, curves_of).complete(wanted)
            except UserError as error:
                problems.append(str(error))
    if problems and not found:
        raise UserError("; ".join(dict.fromkeys(problems)))
    for problem in dict.fromkeys(problems):
        warn(log, f"left out: {problem}")
    results = assemble(run.trials_table, {trial: evaluation.metrics for trial, evaluation in found.items()})
    run.write_results(results)
    return results


def evaluate_weights(
    trial: Trial, vocabulary: Vocabulary, arrays: Mapping[str, Any], dataset: Dataset
) -> TrialEvaluation:
    """Evaluates weights that are in no run, by every metric but those of the course of training.

    Args:
        trial: the configuration of the weights.
        vocabulary: the vocabulary that they were trained with.
        arrays: what `CheckpointStore.member` returns, with weights of the trial's own sizes.
        dataset: the data set that they were trained on.
    """
    first = jax.tree.map(lambda leaf: np.asarray(leaf)[None], {"params": arrays["state"]["train"]["params"]})
    checkpoint = {
        "state": {"train": first},
        "member": jax.tree.map(lambda leaf: np.asarray(leaf)[None], arrays["member"]),
    }
    owner = Owner((trial,), vocabulary, dataset.digest)
    missing = [metric for metric in METRICS.values() if metric.family != "training"]
    training = dataset.train.attributes[encoded_measures(len(dataset.train))]
    measured = next(measure_members(owner, checkpoint, [0], dataset, {metric.family for metric in missing}))
    nothing = pd.DataFrame(columns=list(CURVE_COLUMNS))
    return _completed(TrialEvaluation({}, {}, {}), missing, trial, measured, sample_of(dataset), training, nothing)


@dataclass
class _Evaluation:
    """The evaluation of one cohort."""

    run: RunDirectory
    store: EvaluationStore
    cohort: Cohort
    families: tuple[str, ...]
    advance: Advance
    found: dict[str, TrialEvaluation]  # by trial id; without evaluations of other weights or other data
    curves_of: dict[str, pd.DataFrame]  # by trial id; a trial may have none

    def complete(self, trials: list[Trial]) -> None:
        """Computes and stores the metrics that these trials lack, and adds their evaluations to `found`.

        Raises:
            UserError: the cohort's checkpoint or its data set cannot be used, or the disk is full and the like.
        """
        if not trials:
            return
        checkpoints = CheckpointStore(self.run.cohort_path(self.cohort))
        owner = checkpoints.owner()
        made_of: dict[str, Any] = {
            "step": checkpoints.latest_step(),
            "data": owner.dataset_digest,
            "definitions": DEFINITIONS,
        }
        if revised := ATTRIBUTES.revised():  # evaluations without an entry are of the first version of each formula
            made_of["attributes"] = revised
        members = {trial: member for member, trial in enumerate(self.cohort.trials)}
        # Checkpoints of earlier versions have no digests of weights; an evaluation beside one is taken to be of it.
        weights = checkpoints.weights_digests()
        found = {
            trial: self._kept(trial, made_of | ({"weights": weights[members[trial]]} if weights else {}))
            for trial in trials
        }
        kept = {trial: evaluation for trial, (evaluation, _) in found.items()}
        self.found.update({trial.id: evaluation for trial, evaluation in kept.items() if evaluation.families})
        missing = {trial: missing_from(kept[trial].metrics, found[trial][1]) for trial in trials}
        self.advance(sum(not metrics for metrics in missing.values()))
        incomplete = [trial for trial in trials if missing[trial]]
        sample = self._kept_sample(owner.dataset_digest)
        if sample and not incomplete:
            return
        dataset = load_dataset(self.cohort.dataset)
        expected = Owner(self.cohort.trials, dataset.vocabulary, dataset.digest)
        if difference := expected.difference(owner):
            raise UserError(f"{checkpoints.path}: {difference}; evaluate with the data set that it was trained on")
        sample = sample or self._new_sample(dataset)
        if not incomplete:
            return
        asked = {
            metric.family
            for trial in incomplete
            for metric in missing[trial]
            if not (metric.family == "control" and _has_traversals(kept[trial]))
        }
        with timed(log, "cohort_evaluated", cohort=self.cohort.id, trials=[trial.id for trial in incomplete]):
            training = dataset.train.attributes[encoded_measures(len(dataset.train))]
            measured = measure_members(
                owner, checkpoints.arrays(), [members[trial] for trial in incomplete], dataset, asked
            )
            for trial, arrays in zip(incomplete, measured, strict=True):
                evaluation = _completed(
                    kept[trial], missing[trial], trial, arrays, sample, training, self._curves(trial)
                )
                self.store.save_trial(trial.id, evaluation)
                self.found[trial.id] = evaluation
                self.advance(1)

    def _curves(self, trial: Trial) -> pd.DataFrame:
        """Returns the rows of a trial in the run's curves."""
        return self.curves_of.get(trial.id, pd.DataFrame(columns=list(CURVE_COLUMNS)))

    def _kept(self, trial: Trial, made_of: dict[str, Any]) -> tuple[TrialEvaluation, set[str]]:
        """Returns the stored evaluation of a trial, or an empty one if there is none that depends on `made_of`.

        The families that it has to hold come with it: those asked for, and all that an outdated one had.
        """
        kept = None
        with contextlib.suppress(UserError):  # a damaged file is computed again
            kept = self.store.trial(trial.id)
        # In files of earlier versions `made_of` has further entries.
        is_fresh = kept and all(kept.made_of.get(name) == value for name, value in made_of.items())
        wanted = {*self.families, *(kept.families if kept and not is_fresh else ())}
        return kept if kept and is_fresh else TrialEvaluation({}, {}, made_of), wanted

    def _kept_sample(self, digest: str) -> CorpusSample | None:
        """Returns the stored sample of the data set with this digest; None if there is none."""
        kept = None
        with contextlib.suppress(UserError):  # a damaged file is computed again
            kept = self.store.corpus(self.cohort.dataset)
        is_fresh = (
            kept
            and kept.facts["digest"] == digest
            and list(kept.facts["attribute_mean"]) == list(ATTRIBUTES)
            and kept.facts.get("revised", {}) == ATTRIBUTES.revised()
            and kept.facts.get("definitions") == DEFINITIONS
        )
        return kept if is_fresh else None

    def _new_sample(self, dataset: Dataset) -> CorpusSample:
        """Computes and stores the sample of a data set. Warns if it has too few measures for some metrics."""
        sample = sample_of(dataset)
        self.store.save_corpus(sample)
        if len(dataset.test) < MIN_MEASURES:
            warn(
                log,
                f"{dataset.name}: has {len(dataset.test)} test measures; interpretability and the other metrics of "
                f"the latent space need {MIN_MEASURES} and are left empty",
            )
        return sample


def _has_traversals(evaluation: TrialEvaluation) -> bool:
    """Returns whether an evaluation has traversals with the values of all attributes."""
    reached = evaluation.arrays.get("traversal_attributes")
    return reached is not None and reached.shape[-1] == len(ATTRIBUTES)


def _completed(
    kept: TrialEvaluation,
    missing: list[Metric],
    trial: Trial,
    measured: TrialArrays,
    sample: CorpusSample,
    training_attributes: np.ndarray,
    curves: pd.DataFrame,
) -> TrialEvaluation:
    """Returns the evaluation of a trial with its missing metrics added.

    Args:
        kept: the evaluation so far.
        missing: the metrics to compute.
        trial: the trial.
        measured: its codes, with scores and traversals if `missing` needs them and `kept` lacks them.
        sample: the sample of its data set.
        training_attributes: the attributes of the training measures whose codes have been computed.
        curves: the rows of the trial in the run's curves.
    """
    imposed, arrays = trial.attributes, kept.arrays | measured.arrays
    training = Codes(measured.training_codes, measured.training_stds, training_attributes)
    latent = LatentInputs(
        imposed, Codes(measured.codes, measured.stds, sample.attributes), training, regularises(trial)
    )
    inputs: dict[str, Inputs] = {
        "reconstruction": ReconstructionInputs(
            imposed, measured.scores or {}, sample.facts, arrays, sample.seen, sample.tokens.shape[1]
        ),
        "control": ControlInputs(imposed, arrays, sample.attributes, sample.chosen),
        "latent": latent,
        "training": TrainingInputs(imposed, curves),
    }
    families = {
        name: kept.families.get(name, {}) | measure([metric for metric in missing if metric.family == name], given)
        for name, given in inputs.items()
        if any(metric.family == name for metric in missing)
    }
    if "latent" in families:
        arrays["interpretable_codes"] = latent.interpretable_codes
    return TrialEvaluation(kept.families | families, arrays, kept.made_of)
