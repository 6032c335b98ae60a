"""One group of measurements on a device that is lent for minutes, and the sizes that all groups share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from vaemusic_jax.config.models import PrecisionName
from vaemusic_jax.data.dataset import Dataset


class Value(NamedTuple):
    """One number that was measured, or a word."""

    measure: str
    value: float | int | str
    unit: str = ""


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        dataset: Irish folk, prepared.
        hidden_size, latent_dim, batch_size: of the networks whose steps are timed.
        members: the sizes of the cohorts that are timed, the most important first.
        precisions: the precisions, the most important first.
        rounds: how often programs are timed in turns.
        call_seconds: what a timed call takes at least.
        config: the sweep of which one cohort is timed.
        patience: a factor for the time that a case is expected to take.
    """

    dataset: Dataset
    hidden_size: int = 128
    latent_dim: int = 32
    batch_size: int = 256
    members: tuple[int, ...] = (14, 1, 56, 7, 112)
    precisions: tuple[PrecisionName, ...] = ("tf32", "float32", "bfloat16")
    rounds: int = 5
    call_seconds: float = 1.0
    config: str = "configs/paper.yaml"
    patience: float = 1.0

    @classmethod
    def tiny(cls, dataset: Dataset) -> "Setting":
        """Returns a setting that takes a minute on a CPU."""
        return cls(dataset, 8, 4, 8, (2, 1), ("float32", "bfloat16"), 1, 0.0, "configs/quickstart.yaml", 0.0)


@dataclass(frozen=True)
class Case:
    """A group of measurements.

    Attributes:
        name: its name in the table.
        seconds: what it takes on a GPU, with its compiling, roughly.
        measure: makes it.
    """

    name: str
    seconds: float
    measure: Callable[[Setting], Iterable[Value]]
