"""A trial, one configuration to train and measure, and the cohorts of trials that train as one program.

Nothing here imports JAX, so that configurations are read and checked at once.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.recipes import Model, RecipeName

ALL_ATTRIBUTES = "all"

Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Semitones = Annotated[int, Field(ge=0, le=11)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
NonEmpty = Annotated[str, Field(min_length=1)]


class Record(BaseModel):
    """Typed, frozen, and without room for a misspelt field."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Trial(Record):
    """One configuration to train and measure, every value resolved."""

    dataset: NonEmpty
    model: Model
    recipe: RecipeName
    hidden_size: Positive
    attributes: Annotated[tuple[str, ...], Field(min_length=1)]  # attribute k is tied to latent dimension k
    latent_dim: Positive
    data_fraction: Fraction  # of the training tunes
    transpose: Semitones  # how far, at most and either way, a training measure is moved when it is drawn
    steps: Positive
    batch_size: Positive
    learning_rate: PositiveFloat
    beta: NonNegativeFloat  # weight of the KL term
    gamma: NonNegativeFloat  # weight of MeasureVAE's attribute regulariser
    delta: PositiveFloat  # its steepness
    adversary_weight: NonNegativeFloat  # weight of AdversarialVAE's discriminator term
    seed: Seed

    @model_validator(mode="after")
    def _check(self) -> Self:
        choice, n = format_attributes(self.attributes), len(self.attributes)
        parse_attributes(choice)
        if len(set(self.attributes)) < n:
            raise ValueError(f"attributes: {choice!r} names an attribute twice; name each once")
        if self.latent_dim < n:
            needed = f"the {n} regularised attributes of {choice!r}"
            raise ValueError(f"latent_dim: {self.latent_dim} is smaller than {needed}; use at least {n}")
        if self.model == "adversarial_vae" and self.latent_dim < 2:
            raise ValueError("latent_dim: 1 leaves adversarial_vae's discriminator no hidden unit; use at least 2")
        return self

    @functools.cached_property
    def id(self) -> str:
        """Ten hex digits that are the same wherever and whenever the same trial is asked for."""
        return _digest(json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")))

    def row(self) -> dict[str, Any]:
        """The fields as they stand in tables: attributes as one word, as in a configuration."""
        return self.model_dump() | {"attributes": format_attributes(self.attributes)}


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Trials that train as one compiled program; they share the first six fields and may differ in all others."""

    dataset: str
    model: Model
    recipe: RecipeName
    hidden_size: int
    steps: int
    batch_size: int
    trials: tuple[Trial, ...]

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Self:
        """The cohort of these trials; ValueError if they cannot train as one program."""
        trials = tuple(trials)
        first = trials[0]
        if len({tuple(getattr(trial, name) for name in SHARED) for trial in trials}) > 1:
            raise ValueError(f"trials of one cohort share {', '.join(SHARED)}")
        return cls(first.dataset, first.model, first.recipe, first.hidden_size, first.steps, first.batch_size, trials)

    @property
    def id(self) -> str:
        return _digest("\n".join(trial.id for trial in self.trials))

    @property
    def latent_dim(self) -> int:
        """The largest, to which the others are padded."""
        return max(trial.latent_dim for trial in self.trials)

    @property
    def n_attributes(self) -> int:
        """The largest number of regularised attributes."""
        return max(len(trial.attributes) for trial in self.trials)


# What all trials of a cohort have in common, and its program depends on.
SHARED = tuple(field.name for field in dataclasses.fields(Cohort) if field.name != "trials")


def parse_attributes(choice: str) -> tuple[str, ...]:
    """``"note_density+note_range"`` or ``"all"`` to names, in the given order; ValueError for an unknown name."""
    if choice == ALL_ATTRIBUTES:
        return tuple(ATTRIBUTES)
    names = [name.strip() for name in choice.split("+")]
    unknown = [name for name in names if name not in ATTRIBUTES]
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is no attribute; join some of {', '.join(ATTRIBUTES)} with '+', or write 'all'"
        )
    return tuple(names)


def format_attributes(names: Iterable[str]) -> str:
    """The inverse of ``parse_attributes``."""
    names = tuple(names)
    return ALL_ATTRIBUTES if names == tuple(ATTRIBUTES) else "+".join(names)


def cohorts(trials: Iterable[Trial]) -> tuple[Cohort, ...]:
    """Groups trials that can train as one program, in the order of first appearance."""
    groups: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(tuple(getattr(trial, name) for name in SHARED), []).append(trial)
    return tuple(
        Cohort(**dict(zip(SHARED, key, strict=True)), trials=tuple(members)) for key, members in groups.items()
    )


def _digest(text: str) -> str:
    """Ten hex digits, the first a letter: else spreadsheets and pandas read some ids, like 12e4567890, as numbers."""
    digits = hashlib.sha256(text.encode()).hexdigest()[:10]
    return "abcdef"[int(digits[0], 16) % 6] + digits[1:]
