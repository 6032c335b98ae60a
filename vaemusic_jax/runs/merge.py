"""Merging of the run directories of a sweep's shards into one of the whole sweep."""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd

from vaemusic_jax.config.shard import Shard
from vaemusic_jax.config.sweep import SweepConfig, differences, trials
from vaemusic_jax.config.trial import Trial, cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.lock import is_at_work, unchanging
from vaemusic_jax.runs.results import assemble
from vaemusic_jax.support.atomic import writing


def merge(out: str | Path, shards: Sequence[str | Path]) -> RunDirectory:
    """Copies the run directories of shards into one, which is then an ordinary run of the whole configuration.

    Trials that have not finished, or whose shard is not given, are pending in it. The shards are not changed.

    Args:
        out: the run directory to create, which must not exist or be an empty folder.
        shards: the run directories of parts of one configuration.

    Returns:
        The run at `out`, opened for reading.

    Raises:
        UserError: `out` is not empty; a shard is no run of a part, is being written, or belongs to another sweep than
            the others; the disk is full or the like. Nothing is written to `out` then.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: holds something already; merge into a new folder")
    with contextlib.ExitStack() as held:
        for path in shards:
            RunDirectory.read(path)  # raises UserError if the folder is no run
            held.enter_context(unchanging(Path(path)))
        runs = [RunDirectory.read(path) for path in shards]
        whole = _common_configuration(runs)
        _check_trials(runs, trials(whole))
        _check_data(runs)
        # The runs are joined under another name, so that an interrupted merge leaves nothing at `out`.
        unfinished = out.absolute().with_name(f".{out.absolute().name}.merging")
        if unfinished.exists():
            if is_at_work(unfinished):  # Without locks it counts as what a killed merge has left.
                raise UserError(f"{out}: another process is merging into it; wait for it or stop it")
            shutil.rmtree(unfinished)
        try:
            with writing(out):
                _join(unfinished, whole, runs)
                unfinished.replace(out)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    return RunDirectory.read(out)


def _common_configuration(runs: Sequence[RunDirectory]) -> SweepConfig:
    """Returns the configuration of the sweep that all runs are parts of.

    Raises:
        UserError: a run is no part of a sweep, or not of the same one.
    """
    first = runs[0]
    for run in runs:
        if run.config.shard is None:
            raise UserError(f"{run.path}: is no part of a sweep, for its config.yaml has no shard")
        counts = [Shard.parse(each.config.shard or "").count for each in (first, run)]
        apart = differences(first.config.model_copy(update={"shard": run.config.shard}), run.config)
        if counts[0] != counts[1]:
            apart.append(f"parts: {counts[0]} -> {counts[1]}")
        if apart:
            raise UserError(f"{run.path}: is no part of the same sweep as {first.path}: {'; '.join(apart)}")
    return first.config.model_copy(update={"shard": None})


def _check_trials(runs: Sequence[RunDirectory], planned: Sequence[Trial]) -> None:
    """Raises UserError if a run has a trial that is not planned, or that another run has too."""
    known, found = set(planned), dict[Trial, RunDirectory]()
    for run in runs:
        for trial in run.trials:
            if trial not in known:
                raise UserError(
                    f"{run.path}: the same configuration stood for other trials when this run was started, such as "
                    f"{trial.id} with {_changed(trial, planned)}; train this part again, or merge with the version of "
                    "vaemusic_jax that trained all parts"
                )
            if trial in found:
                raise UserError(
                    f"{run.path}: trial {trial.id} stands in {found[trial].path} too (shard {run.config.shard}); "
                    "give each part once"
                )
            found[trial] = run


def _changed(trial: Trial, planned: Sequence[Trial]) -> str:
    """Returns the values in which a trial differs from the planned one that is most like it."""
    ours, others = trial.row(), [other.row() for other in planned]
    differing = [[name for name in ours if ours[name] != other[name]] for other in others]
    names, nearest = min(zip(differing, others, strict=True), key=lambda pair: len(pair[0]))
    return ", ".join(f"{name} {ours[name]} for {nearest[name]}" for name in names)


def _check_data(runs: Sequence[RunDirectory]) -> None:
    """Raises UserError if runs were trained on different versions of a data set, whose results are not comparable."""
    first: dict[str, tuple[str, RunDirectory]] = {}
    for run in runs:
        for cohort in run.cohorts:
            store = CheckpointStore(run.cohort_path(cohort))
            if store.latest_step() is None:
                continue
            digest = store.owner().dataset_digest
            other, where = first.setdefault(cohort.dataset, (digest, run))
            if digest != other:
                raise UserError(
                    f"{run.path}: was trained on another state of data set {cohort.dataset} than {where.path}: "
                    f"digest {digest}, not {other}; train that part again on the same data"
                )


def _join(path: Path, whole: SweepConfig, runs: Sequence[RunDirectory]) -> None:
    """Creates the run directory `path` with the statuses, curves, evaluations, checkpoints and results of `runs`."""
    planned = trials(whole)
    status = {trial: state for run in runs for trial, state in run.status().items()}
    rest = cohorts(trial for trial in planned if trial.id not in status)
    with RunDirectory.open(
        path, whole, planned, [*(cohort for run in runs for cohort in run.cohorts), *rest]
    ) as joined:
        # No process is training the whole run.
        joined.set_statuses({trial: state for trial, state in status.items() if state not in ("running", "pending")})
        if curves := [run.curves for run in runs if len(run.curves)]:
            joined.append_curves(pd.concat(curves))
        for run in runs:
            _copy(run.path / "evaluation", path / "evaluation")
            for cohort in run.cohorts:
                _copy(CheckpointStore(run.cohort_path(cohort)).path, CheckpointStore(joined.cohort_path(cohort)).path)
        if results := [run.results for run in runs if run.results is not None]:
            table = joined.trials_table
            metrics = pd.concat(results).set_index("trial").drop(columns=list(table.columns[1:]))
            joined.write_results(assemble(table, cast(dict[str, dict[str, Any]], metrics.to_dict("index"))))


def _copy(source: Path, target: Path) -> None:
    """Copies all files of a folder into another."""
    for path in source.rglob("*"):
        if path.is_file() and not path.is_symlink():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
