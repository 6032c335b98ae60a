"""Export of learning curves for TensorBoard, with a folder of events for every trial."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.atomic import writing
from vaemusic_jax.support.names import inside

SUFFIX = ".vaemusic"  # It distinguishes our event files from others in a folder.


def write_events(run: RunDirectory, out: Path) -> list[str]:
    """Writes the curves and hyper-parameters of every trial that has been validated, in place of earlier ones.

    Scalars are named `SPLIT/METRIC`. Their time is the start of the run plus the trial's seconds of training.

    Args:
        run: the run, open for reading or writing.
        out: the folder that holds the trials' folders; it is made if it does not exist.

    Returns:
        The names of the trials' folders.

    Raises:
        UserError: TensorBoard is not installed, or the folder cannot be written.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise UserError(
            f"tensorboard: cannot be imported ({error}); install it with "
            "`python -m pip install 'vaemusic-jax[tensorboard]'`"
        ) from error

    begun = (run.path / "config.yaml").stat().st_mtime
    names, curves = trial_names(run.trials), run.curves.groupby("trial")
    written = [trial for trial in run.trials if trial.id in curves.groups]
    for trial in written:
        folder, now = inside(out, names[trial.id]), begun
        with writing(out):
            folder.mkdir(parents=True, exist_ok=True)
            for before in folder.glob(f"events.out.tfevents.*{SUFFIX}"):
                before.unlink()
            events = EventFileWriter(str(folder), filename_suffix=SUFFIX)
            events.add_event(Event(wall_time=begun, summary=hparams_pb(trial.row(), trial.id, begun)))
            for step, rows in curves.get_group(trial.id).groupby("step"):
                now += rows.loc[rows["metric"] == "seconds", "value"].sum()
                values = [
                    Summary.Value(tag=f"{split}/{metric}", simple_value=value)
                    for split, metric, value in zip(rows["split"], rows["metric"], rows["value"], strict=True)
                ]
                events.add_event(Event(wall_time=now, step=step, summary=Summary(value=values)))
            events.close()
    return [names[trial.id] for trial in written]


def trial_names(trials: Sequence[Trial]) -> Mapping[str, str]:
    """Returns for each trial id a name made of model, latent size, other fields that differ in a model, and the id."""
    rows: dict[str, dict[str, Any]] = {trial.id: trial.row() for trial in trials}
    models = {trial.model for trial in trials}
    shown = [
        name
        for name in Trial.model_fields
        if name != "model"
        and (name == "latent_dim" or len({(row["model"], row[name]) for row in rows.values()}) > len(models))
    ]
    return {
        trial: ",".join([row["model"], *(f"{name}={row[name]}" for name in shown), trial])
        for trial, row in rows.items()
    }
