"""Trials, each one configuration to train and evaluate, and cohorts of trials that train as one program.

A swept hyper-parameter is one field of `Trial`, with its bounds, its description and the models that use it. The fields
of a configuration, the options of the command line and the arrays of a cohort's members follow from it. Adding a field
with a default changes no id of a trial that has the default, and older runs can still be read.

Nothing here imports JAX, so that configurations are read and checked quickly.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vaemusic_jax.config.models import MODELS, DiscriminatorName, ModelName, PrecisionName, RecipeName
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.names import checked_name
from vaemusic_jax.support.words import did_you_mean

ALL_ATTRIBUTES, NO_ATTRIBUTES = "all", "none"
NEW_WEIGHTS = "new"

MOST = 2**31 - 1  # programs count in 32 bits
SMALLEST = 2.0**-126  # programs compute in 32 bits, and take what lies between 0 and this for 0


def _not_lost_in_32_bits(value: float) -> float:
    """Checks a float that a program computes with. Raises ValueError if 32 bits cannot hold it."""
    if 0 < abs(value) < SMALLEST or abs(value) >= 2.0**128:
        raise ValueError(f"{value:g} is beyond the numbers of 32 bits; use 0 where it may be, or 1.2e-38 to 3.4e38")
    return value


Positive = Annotated[int, Field(gt=0, le=MOST)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_not_lost_in_32_bits)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_not_lost_in_32_bits)]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Semitones = Annotated[int, Field(ge=0, le=11)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, AfterValidator(checked_name)]


class Record(BaseModel):
    """The base of all configuration records: typed, immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclasses.dataclass(frozen=True)
class HyperParameter:
    """Marks a field of `Trial` that a training step reads.

    Attributes:
        only: the names of the models that use the field; empty if all do.
        unused: the value that the field has for every other model, so that values without a meaning make no trials of
            their own. A field with a default has its default there.
        of_attributes: whether the same holds for trials without attributes.
        in_array: whether each member of a cohort has its own value, in an array. If not, the program of the cohort
            depends on the value, and the field is in `SHARED`.
    """

    only: tuple[str, ...] = ()
    unused: float = 0.0
    of_attributes: bool = False
    in_array: bool = True


class Trial(Record):
    """One configuration to train and evaluate, in which every value is resolved."""

    dataset: Annotated[Name, Field(description="Data set: a name that `vaemusic data list` shows.")]
    model: Annotated[ModelName, Field(description="Which VAE to train.")]
    recipe: Annotated[
        RecipeName,
        Field(
            description="How to train: `fast` reaches the same quality soonest, `reference` is the published training."
        ),
    ]
    hidden_size: Annotated[Positive, Field(description="Units per GRU layer and direction.")]
    attributes: Annotated[tuple[str, ...], Field(description="Attribute k is tied to latent dimension k.")]
    latent_dim: Annotated[Positive, Field(description="Number of latent dimensions.")]
    data_fraction: Annotated[Fraction, Field(description="Share of the training tunes to train on, 0 to 1.")]
    transpose: Annotated[
        Semitones, Field(description="Move each training measure by up to so many semitones at random, 0 to 11.")
    ]
    steps: Annotated[Positive, Field(description="Training steps.")]
    batch_size: Annotated[Positive, Field(description="Measures per training step.")]
    learning_rate: Annotated[
        PositiveFloat, HyperParameter(), Field(description="Adam's learning rate, at its highest.")
    ]
    beta: Annotated[NonNegativeFloat, HyperParameter(), Field(description="Weight of the KL term.")]
    gamma: Annotated[
        NonNegativeFloat,
        HyperParameter(only=("measure_vae",), of_attributes=True),
        Field(description="Weight of the attribute regulariser."),
    ]
    delta: Annotated[
        PositiveFloat,
        HyperParameter(only=("measure_vae",), unused=10.0, of_attributes=True),
        Field(description="Steepness of the attribute regulariser."),
    ]
    adversary_weight: Annotated[
        NonNegativeFloat,
        HyperParameter(only=("adversarial_vae",)),
        Field(description="Weight of the discriminator term."),
    ]
    discriminator: Annotated[
        DiscriminatorName,
        HyperParameter(only=("adversarial_vae",), in_array=False),
        Field(description="What reads attributes from codes: a `classifier`, as published, or a `regressor`."),
    ] = "classifier"
    steering_weight: Annotated[
        NonNegativeFloat,
        HyperParameter(),
        Field(description="Weight of the term that makes decoded measures follow the controls; 0 as published."),
    ] = 0.0
    precision: Annotated[
        PrecisionName,
        Field(
            description="How networks multiply: `float32`; operands rounded to `tf32`; or to `bfloat16`, as states are."
        ),
    ] = "float32"
    init_from: Annotated[
        str,
        Field(description="Start from the weights of another run's trial, RUN or RUN:TRIAL; `new`: from new weights."),
    ] = NEW_WEIGHTS
    seed: Annotated[Seed, Field(description="Seed of the initial weights, the noise and the order of measures.")]

    @model_validator(mode="after")
    def _check(self) -> Self:
        choice, n = format_attributes(self.attributes), len(self.attributes)
        parse_attributes(choice)
        if len(set(self.attributes)) < n:
            raise ValueError(f"attributes: {choice!r} names an attribute twice; name each once")
        if self.latent_dim < n:
            needed = f"the {n} regularised attributes of {choice!r}"
            raise ValueError(f"latent_dim: {self.latent_dim} is smaller than {needed}; use at least {n}")
        spec = MODELS[self.model]
        if not n and spec.why_attributes:
            raise ValueError(
                f"attributes: {choice!r} {spec.why_attributes}; choose attributes, or give each model an entry of its "
                "own in grids"
            )
        if self.latent_dim < spec.fewest_dimensions:
            raise ValueError(f"latent_dim: {self.latent_dim} {spec.why_fewest}; use at least {spec.fewest_dimensions}")
        if self.steps * self.batch_size > MOST:
            raise ValueError(
                f"steps: {self.steps:,} times a batch_size of {self.batch_size:,} are more than the {MOST:,} measures "
                "that can be counted; use fewer"
            )
        if self.steers:
            if not n:
                raise ValueError(
                    f"steering_weight: {self.steering_weight:g} needs attributes to steer, and there are none with "
                    f"attributes: {choice}; use 0, or give {choice} an entry of its own in grids"
                )
            for name in self.attributes:
                if ATTRIBUTES[name].differentiable is None:
                    raise ValueError(
                        f"steering_weight: {self.steering_weight:g} needs attributes with a differentiable formula, "
                        f"and {name!r} has none; use 0, or leave the attribute out"
                    )
        return self

    @functools.cached_property
    def id(self) -> str:
        """Ten characters that identify the trial and are the same in every run and on every machine."""
        # Only fields that were added later have defaults. Excluding defaults keeps the ids of older trials.
        given = self.model_dump(exclude_defaults=True)
        return _digest(json.dumps(given, sort_keys=True, separators=(",", ":")))

    @property
    def steers(self) -> bool:
        """Whether the training step has the steering term, which makes another program of it."""
        return self.steering_weight > 0

    @property
    def starts_from_run(self) -> bool:
        """Whether it starts from weights that another run has trained."""
        return self.init_from != NEW_WEIGHTS

    def row(self) -> dict[str, Any]:
        """Returns the fields as tables show them, with the attributes as one text as in a configuration."""
        return self.model_dump() | {"attributes": format_attributes(self.attributes)}


def hyper_parameter_fields() -> dict[str, HyperParameter]:
    """Returns the marks of the fields of `Trial` that are hyper-parameters, by name."""
    marks = {
        name: next((mark for mark in field.metadata if isinstance(mark, HyperParameter)), None)
        for name, field in Trial.model_fields.items()
    }
    return {name: mark for name, mark in marks.items() if mark is not None}


def unused_by(model: str, with_attributes: bool = True) -> dict[str, Any]:
    """Returns the hyper-parameters that trials of a model do not use, with the constants that they are set to.

    Args:
        model: the model.
        with_attributes: whether the trials have attributes.
    """
    unused = {}
    for name, mark in hyper_parameter_fields().items():
        if (mark.only and model not in mark.only) or (mark.of_attributes and not with_attributes):
            field = Trial.model_fields[name]
            unused[name] = mark.unused if field.is_required() else field.default
    return unused


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Trials that train as one compiled program; they agree in the fields `SHARED` and may differ in all others.

    Raises:
        ValueError: the trials differ in a field that they have to share.
    """

    trials: tuple[Trial, ...]

    def __post_init__(self) -> None:
        if len(set(map(_shared_values, self.trials))) != 1:
            raise ValueError(f"trials of one cohort share {', '.join(SHARED)}")

    @property
    def dataset(self) -> str:
        return self.trials[0].dataset

    @property
    def model(self) -> str:
        return self.trials[0].model

    @property
    def recipe(self) -> RecipeName:
        return self.trials[0].recipe

    @property
    def hidden_size(self) -> int:
        return self.trials[0].hidden_size

    @property
    def discriminator(self) -> DiscriminatorName:
        return self.trials[0].discriminator

    @property
    def precision(self) -> PrecisionName:
        return self.trials[0].precision

    @property
    def steps(self) -> int:
        return self.trials[0].steps

    @property
    def batch_size(self) -> int:
        return self.trials[0].batch_size

    @property
    def steers(self) -> bool:
        return self.trials[0].steers

    @property
    def id(self) -> str:
        """Ten characters that identify the cohort by its trials."""
        return _digest("\n".join(trial.id for trial in self.trials))


# The fields and properties that are the same for all trials of a cohort, since its program depends on them.
SHARED = (
    "dataset",
    "model",
    "recipe",
    "hidden_size",
    "discriminator",
    "precision",
    "steps",
    "batch_size",
    "steers",
)


def cohorts(trials: Iterable[Trial]) -> tuple[Cohort, ...]:
    """Groups trials into cohorts that can train as one program, in the order of first appearance."""
    groups: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_shared_values(trial), []).append(trial)
    return tuple(Cohort(tuple(members)) for members in groups.values())


def parse_attributes(choice: str) -> tuple[str, ...]:
    """Splits ``"note_density+note_range"``, ``"all"`` or ``"none"`` into names, in order.

    Raises ValueError for unknown names.
    """
    if choice == NO_ATTRIBUTES:
        return ()
    if choice == ALL_ATTRIBUTES:
        return ATTRIBUTES.of_the_study()
    names = [name.strip() for name in choice.split("+")]
    unknown = [name for name in names if name not in ATTRIBUTES]
    if unknown:
        known, words = ", ".join(ATTRIBUTES), (ALL_ATTRIBUTES, NO_ATTRIBUTES) if len(names) == 1 else ()
        raise ValueError(
            f"{unknown[0]!r} is no attribute{did_you_mean(unknown[0], (*ATTRIBUTES, *words))}; "
            f"join some of {known} with '+', or write 'all' or 'none' alone"
        )
    return tuple(names)


def format_attributes(names: Iterable[str]) -> str:
    """Joins attribute names into one text, the inverse of ``parse_attributes``."""
    names = tuple(names)
    if not names:
        return NO_ATTRIBUTES
    return ALL_ATTRIBUTES if names == ATTRIBUTES.of_the_study() else "+".join(names)


def attribute_initials(choice: str) -> str:
    """`note_density+note_range` as `ND+NR`; `all` and `none` stay as they are."""
    names = parse_attributes(choice)
    if format_attributes(names) in (ALL_ATTRIBUTES, NO_ATTRIBUTES):
        return choice
    return "+".join(ATTRIBUTES[name].initial for name in names)


def _shared_values(trial: Trial) -> tuple[Any, ...]:
    return tuple(getattr(trial, name) for name in SHARED)


def _digest(text: str) -> str:
    """Returns ten hex digits of a text's SHA-256 digest, of which the first is a letter.

    Without the letter, spreadsheets and pandas would read some ids, such as 12e4567890, as numbers.
    """
    digits = hashlib.sha256(text.encode()).hexdigest()[:10]
    return "abcdef"[int(digits[0], 16) % 6] + digits[1:]
