"""A part of a sweep's trials, for independent jobs that share nothing: `--shard 2/4` is the second of four parts.

Which trials a part holds follows from the configuration alone. Trials are put in a row, cohort by cohort and within a
cohort from the smallest latent size to the largest, and the row is cut into stretches of about equal cost: few programs
to compile for each part, and little padding.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vaemusic_jax.config.recipes import MODELS
from vaemusic_jax.config.trial import Trial, cohorts


@dataclass(frozen=True)
class Shard:
    """Number `index`, from 1, of `count` parts."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`"2/4"` is the second of four parts; ValueError for what is none."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if match and 1 <= int(match[1]) <= int(match[2]):
            return cls(int(match[1]), int(match[2]))
        raise ValueError(f'"{text}" is no part; write I/N with I from 1 to N, such as 2/4 for the second of four')

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def suffix(self) -> str:
        """What sets its run directory apart from those of the other parts."""
        return f"-shard-{self.index}-of-{self.count}"

    def of(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        """Its trials, in the given order: each trial is in exactly one of the parts, and none of them is empty.

        Args:
            trials: of the whole sweep, at least as many as there are parts.
        """
        row = [trial for group in cohorts(trials) for trial in sorted(group.trials, key=lambda t: t.latent_dim)]
        ends = [0, *itertools.accumulate(relative_cost(trial) for trial in row)]
        cuts = [0]
        for part in range(1, self.count + 1):
            target = part * ends[-1] / self.count
            after = bisect_left(ends, target)
            nearest = after if ends[after] - target <= target - ends[after - 1] else after - 1
            # One trial at least for this part, and for each that follows.
            cuts.append(min(max(nearest, cuts[-1] + 1), len(row) - self.count + part))
        mine = set(row[cuts[self.index - 1] : cuts[self.index]])
        return tuple(trial for trial in trials if trial in mine)


def relative_cost(trial: Trial) -> int:
    """Of training, to compare trials: the multiplications in its GRU layers, and those that its latent size adds."""
    per_measure = trial.hidden_size * (MODELS[trial.model].gru_layers * trial.hidden_size + trial.latent_dim)
    return trial.steps * trial.batch_size * per_measure
