"""Choosing trials of a run by the values of their fields."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import NO_ATTRIBUTES, Trial, parse_attributes
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.words import did_you_mean

SIZE, ID = "size", "id"


def one_trial(run: RunDirectory, which: Mapping[str, Any]) -> Trial:
    """Returns the only trial of a run that has the given values.

    Args:
        run: the run.
        which: as in `trials_with`.

    Raises:
        UserError: there is no such field, or not exactly one trial has the values; the message names the choices.
    """
    return trials_with(run, which, most=1)[0]


def trials_with(run: RunDirectory, which: Mapping[str, Any], most: int) -> list[Trial]:
    """Returns the trials of a run that have the given values, one at least.

    Args:
        run: the run.
        which: values of fields of `Trial`, of `size` or of `id`, as a configuration writes them; numbers may be text.
        most: the most trials that are of use.

    Raises:
        UserError: there is no such field, or no trial or too many have the values; the message names the choices.
    """
    known = (*Trial.model_fields, SIZE, ID)
    for name in which:
        if name not in known:
            raise UserError(
                f"{run.path}: {name} is no field of a trial{did_you_mean(name, known)}; use one of "
                f"{', '.join(Trial.model_fields)}, {SIZE} or {ID}"
            )
    try:
        chosen = [trial for trial in run.trials if all(_has(trial, *field) for field in which.items())]
    except ValueError as error:
        raise UserError(f"{run.path}: {error}") from None
    if 1 <= len(chosen) <= most:
        return chosen
    asked = ", ".join(f"{name}={value!r}" for name, value in which.items()) or "no field given"
    start = f"{run.path}: {len(chosen)} of {len(run.trials)} trials have {asked}"
    if chosen:
        raise UserError(f"{start}; they differ in {_choices(chosen)}")
    raise UserError(f"{start}; they have {_choices(run.trials, which)}")


def _has(trial: Trial, name: str, asked: Any) -> bool:
    """Returns whether a trial has a value. Raises ValueError if the value is none that the field can have."""
    if name == SIZE:
        preset = next((size for name, size in MODELS[trial.model].sizes.items() if name == asked), None)
        return bool(trial.hidden_size == (preset or asked)) or str(trial.hidden_size) == str(asked)
    own = getattr(trial, name)
    if name == "attributes":
        if not isinstance(asked, str | list | tuple) or not all(isinstance(each, str) for each in asked):
            raise ValueError(f"attributes: {asked!r} is neither a text nor a list of names")
        try:
            return bool(own == parse_attributes(asked if isinstance(asked, str) else "+".join(asked) or NO_ATTRIBUTES))
        except ValueError as error:
            raise ValueError(f"attributes: {error}") from None
    if isinstance(asked, str) and isinstance(own, int | float):
        try:
            return float(asked) == own
        except ValueError:
            raise ValueError(f"{name}: {asked!r} is no number") from None
    return bool(own == asked)


def _choices(trials: Sequence[Trial], asked: Collection[str] = ()) -> str:
    """Returns the fields in which trials differ, and those that were asked for, each with the values that it has."""
    rows = [{**trial.row(), ID: trial.id, SIZE: trial.hidden_size} for trial in trials]
    values = {name: list(dict.fromkeys(str(row[name]) for row in rows)) for name in rows[0]}
    shown = {name: found for name, found in values.items() if name in asked}
    shown |= {name: values[name] for name in Trial.model_fields if len(values[name]) > 1}
    return ", ".join(
        f"{name} ({', '.join(found[:8])}{', ...' * (len(found) > 8)})"
        for name, found in (shown or {ID: values[ID]}).items()
    )
