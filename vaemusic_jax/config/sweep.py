"""Sweep configurations: a YAML file is read, checked, and expanded into trials.

A *sweep* gives values for each field of a trial. A field with several values is an axis, and the trials are the product
of the axes. ``docs/configuration.md`` describes every field. Nothing here imports JAX, so that a configuration is read
and checked quickly.
"""

import functools
import itertools
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import ErrorDetails

from vaemusic_jax.config.models import MODELS, SizeName, defaults
from vaemusic_jax.config.shard import Shard
from vaemusic_jax.config.trial import (
    MOST,
    NEW_WEIGHTS,
    HyperParameter,
    Name,
    Positive,
    Record,
    Trial,
    format_attributes,
    hyper_parameter_fields,
    parse_attributes,
    unused_by,
)
from vaemusic_jax.config.yaml_file import read_yaml, write_yaml
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.words import did_you_mean

T = TypeVar("T")

NOT_COMPARED = ("out", "keep_optimizer")  # fields that may differ when a run is resumed
MAX_TRIALS = 100_000  # of one grid; a longer list is a mistake that would fill the memory


def _as_tuple(value: Any) -> tuple[Any, ...]:
    """Returns the values of an axis, of which YAML may give one alone. Raises ValueError for an empty list."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not values:
        raise ValueError("[] holds no value; give at least one")
    return values


def _size(value: Any) -> SizeName | int:
    """Checks a size. Raises ValueError if it is neither a preset nor a positive number of hidden units."""
    if value in get_args(SizeName) or (type(value) is int and 0 < value <= MOST):
        return value
    raise ValueError(f"{_value(value)} should be {', '.join(get_args(SizeName))} or a positive number of hidden units")


def _path(text: str) -> str:
    """Checks a path. Raises ValueError if no file can have it."""
    if "\0" in text or not text.strip():
        raise ValueError(f"{_value(text)} should be the path of a folder")
    return text


# One value or a list of values, always held as a tuple.
Axis = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
Size = Annotated[SizeName | int, PlainValidator(_size)]
AttributeChoice = Annotated[str, AfterValidator(lambda choice: format_attributes(parse_attributes(choice)))]
ShardChoice = Annotated[str, AfterValidator(lambda choice: str(Shard.parse(choice)))]

# The fields of a trial that a configuration writes differently: the axis's name, its type and its description.
WRITTEN_AS: dict[str, tuple[str, Any, str]] = {
    "hidden_size": (
        "size",
        Size,
        "Hidden width: `small`, `published`, or a number of units per GRU layer and direction.",
    ),
    "attributes": (
        "attributes",
        AttributeChoice,
        "Attributes to regularise, joined with +, such as note_density+rhythmic_complexity; or `all`; or `none`.",
    ),
}


WHOLE_SWEEP = {  # the values of an axis that a sweep does not name
    "recipe": ("fast",),
    "size": ("small",),
    "data_fraction": (1.0,),
    "transpose": (0,),
    "precision": ("float32",),
    "init_from": (NEW_WEIGHTS,),
    "seed": (0,),
}


def _axes(values: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Returns the pydantic fields of a grid, one axis for each field of a trial.

    Args:
        values: the default values of axes by name; other axes default to None.
    """
    axes: dict[str, Any] = {}
    for name, field in Trial.model_fields.items():
        kind: Any
        axis, kind, text = WRITTEN_AS.get(name, (name, None, field.description or ""))
        if kind is None:
            kind = field.annotation
            for constraint in field.metadata:
                kind = Annotated[kind, constraint]
        mark = hyper_parameter_fields().get(name, HyperParameter())
        if mark.only:
            text = f"{text.removesuffix('.')} ({' and '.join(mark.only)} only)."
        own = values.get(axis)
        axes[axis] = (Axis[kind] if own else Axis[kind] | None, Field(own, description=text))
    return axes


if TYPE_CHECKING:

    class Grid(Record):
        """Values for the fields of trials; a field left out is taken from the sweep, then from the recipe."""

    class _WholeGrid(Grid):
        """The values of a whole sweep, with its defaults."""

else:
    Grid = create_model("Grid", __base__=Record, **_axes({}))
    Grid.__doc__ = "Values for the fields of trials; a field left out is taken from the sweep, then from the recipe."
    _WholeGrid = create_model("_WholeGrid", __base__=Grid, **_axes(WHOLE_SWEEP))

AXES = tuple(Grid.model_fields)  # the product of the axes is in this order, in which the last one changes fastest


class SweepConfig(_WholeGrid):
    """A whole sweep: one grid, or several ``grids`` that override the fields beside them."""

    name: Name = Field(description="Name of the sweep, and of its run directory: letters, digits, '.', '_' and '-'.")
    eval_every: Positive = Field(description="Training steps between two validations, each followed by a checkpoint.")
    out: Annotated[str, AfterValidator(_path)] | None = Field(
        None, description="Run directory; runs/NAME if left out, runs/NAME-shard-I-of-N of a part."
    )
    shard: ShardChoice | None = Field(
        None, description="Train the I-th of N parts of the trials only, as 2/4; `vaemusic merge` joins the parts."
    )
    keep_optimizer: bool = Field(
        False, description="Keep the optimisers' states in the checkpoints of finished trials; three times the disk."
    )
    grids: Annotated[tuple[Grid, ...], Field(strict=False)] = ()

    @property
    def directory(self) -> Path:
        """The run directory: `out` if given, else `runs/` with the name of the sweep and of its part."""
        part = Shard.parse(self.shard).suffix if self.shard else ""
        return Path(self.out or f"runs/{self.name}{part}")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self._expanded[1]:
            raise ValueError("; ".join(self._expanded[1]))
        n_trials = len(self._expanded[0])
        if self.shard and Shard.parse(self.shard).count > n_trials:
            raise ValueError(f"shard: {self.shard} asks for more parts than there are trials; use at most {n_trials}")
        return self

    @functools.cached_property
    def _expanded(self) -> tuple[tuple[Trial, ...], tuple[str, ...]]:
        """The trials of all parts without duplicates, and the problems of combinations that make no valid trial."""
        found: dict[Trial, None] = {}
        problems: dict[str, None] = {}
        optional = {name for spec in MODELS.values() for recipe in spec.recipes.values() for name in recipe.defaults}
        optional |= {name for name, field in Trial.model_fields.items() if not field.is_required()}
        for grid in self.grids or (Grid(),):
            chosen = {name: getattr(grid, name) or getattr(self, name) for name in AXES}
            missing = [name for name in AXES if chosen[name] is None and name not in optional]
            problems |= {f"{name}: missing; give one value or a list of values": None for name in missing}
            if missing:
                continue
            count = math.prod(len(chosen[name] or (None,)) for name in AXES)
            if count > MAX_TRIALS:
                problems[f"grids: one stands for {count:,} trials; use at most {MAX_TRIALS:,}"] = None
                continue
            for values in itertools.product(*(chosen[name] or (None,) for name in AXES)):
                try:
                    found[_resolve(dict(zip(AXES, values, strict=True)))] = None
                except ValidationError as error:
                    problems |= dict.fromkeys(_describe(error))
        return tuple(found), tuple(problems)

    def to_yaml(self) -> str:
        """Returns the configuration as a YAML document that loads to an equal configuration."""
        return write_yaml(_plain(self))


def trials(config: SweepConfig) -> tuple[Trial, ...]:
    """Returns the trials of a sweep, or of its part, without duplicates and in the order of the configuration."""
    every = config._expanded[0]
    return Shard.parse(config.shard).of(every) if config.shard else every


def named_fields(config: SweepConfig) -> list[str]:
    """Returns the fields of trials that every grid of a configuration names, so that no recipe decides about them."""
    axis_of = {name: WRITTEN_AS.get(name, (name,))[0] for name in Trial.model_fields}
    return [
        name
        for name, axis in axis_of.items()
        if all(getattr(grid, axis) or getattr(config, axis) for grid in config.grids or (config,))
    ]


def load_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> SweepConfig:
    """Reads and checks a YAML file.

    Args:
        path: the file.
        overrides: values by field name, as from the command line; each replaces the field everywhere, in ``grids`` too.

    Raises:
        UserError: the file cannot be read, or a field is unknown, of a wrong type or impossible.
    """
    given = read_yaml(Path(path))
    if not isinstance(given, dict):
        raise UserError(f"{path}: holds {given!r:.40}; write one 'field: value' a line")
    overrides = dict(overrides or {})
    if isinstance(given.get("grids"), list):
        given["grids"] = [_without(grid, overrides) for grid in given["grids"]]
    try:
        return SweepConfig.model_validate(given | overrides)
    except ValidationError as error:
        raise UserError(f"{path}: {'; '.join(_describe(error, overrides))}") from None


def differences(old: SweepConfig, new: SweepConfig) -> list[str]:
    """Lists the fields in which two configurations differ, as ``field: old -> new``, but for those of NOT_COMPARED."""
    before, after = _plain(old), _plain(new)
    fields = [
        name for name in SweepConfig.model_fields if name not in NOT_COMPARED and before.get(name) != after.get(name)
    ]
    return [f"{name}: {_value(before.get(name))} -> {_value(after.get(name))}" for name in fields]


def _resolve(values: dict[str, Any]) -> Trial:
    """Makes a trial of one value per axis, where None stands for the recipe's value. Raises ValidationError."""
    model, size = values["model"], values.pop("size")
    values["hidden_size"] = size if isinstance(size, int) else MODELS[model].sizes[size]
    values["attributes"] = parse_attributes(values["attributes"])
    given = {name: value for name, value in values.items() if value is not None}
    own = defaults(model, values["recipe"], values["hidden_size"])
    # Values that the trial does not use are set to constants, so that they make no difference between trials.
    return Trial(**(own | given | unused_by(model, bool(values["attributes"]))))


def _plain(config: Grid) -> dict[str, Any]:
    """Returns a configuration as YAML writes it: a single value alone, several as a list, absent fields left out."""
    plain: dict[str, Any] = {}
    for name in dict.fromkeys(("name", *SweepConfig.model_fields)):
        value = getattr(config, name, None)
        if name == "grids" and value:
            plain[name] = [_plain(grid) for grid in value]
        elif isinstance(value, tuple) and value:
            plain[name] = value[0] if len(value) == 1 else list(value)
        elif value is not None and value is not False and value != ():
            plain[name] = value
    return plain


def _without(grid: Any, overrides: Mapping[str, Any]) -> Any:
    """Returns a grid without the fields that are overridden."""
    return {name: value for name, value in grid.items() if name not in overrides} if isinstance(grid, dict) else grid


def _describe(error: ValidationError, overrides: Mapping[str, Any] | None = None) -> list[str]:
    """Describes each problem as ``field: value and what would be right``.

    A field in `overrides` is shown as the command-line option that it was given by.
    """
    problems = []
    for found in error.errors():
        if not found["loc"]:  # raised by the check of the whole record, whose message names the field
            problems.append(str(found["ctx"]["error"]))
            continue
        field = re.sub(r"(\[\d+\])+$", "", "".join(_step(part) for part in found["loc"])[1:])
        if field in (overrides or {}):
            field = f"--{field.replace('_', '-')}"
        problems.append(f"{field}: {_wrong(found)}{_how_to_write_several(field, found['input'])}")
    return problems


def _how_to_write_several(field: str, given: Any) -> str:
    """Returns the end of a message that says how several values are written, if a text has commas between its parts."""
    parts = given.split(",") if isinstance(given, str) else []
    if len(parts) < 2 or not all(part.strip() for part in parts):
        return ""
    values = [part.strip() for part in parts]
    several = f"{field} {' '.join(values)}" if field.startswith("--") else f"{field}: [{', '.join(values)}]"
    return f"; write several values as {several}"


def _step(part: str | int) -> str:
    """Formats one part of the location of a problem."""
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _wrong(found: ErrorDetails) -> str:
    """Describes what is wrong with a value and what would be right."""
    match found["type"]:
        case "value_error":
            return str(found["ctx"]["error"])
        case "missing":
            return "missing"
        case "extra_forbidden":
            fields = AXES if found["loc"][0] == "grids" else tuple(SweepConfig.model_fields)
            return "no such field" + (did_you_mean(str(found["loc"][-1]), fields) or f"; use {', '.join(fields)}")
    message = found["msg"].replace("valid tuple", "list")
    return re.sub(r"^(Input|String) should", lambda _: f"{_value(found['input'])} should", message)


def _value(value: Any) -> str:
    """Formats a value for a message, in at most 100 characters."""
    text = "nothing" if value is None else json.dumps(value, default=str)
    return text if len(text) <= 100 else text[:97] + "..."
