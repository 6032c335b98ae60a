"""Shards: parts of a sweep's trials for independent jobs; `--shard 2/4` is the second of four parts.

The configuration alone decides which trials belong to a part. The trials are ordered by cohort, and within a cohort
from the smallest latent size to the largest, and this sequence is cut into parts of about equal cost. Each part thus
has few programs to compile, and little padding.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import Trial, cohorts


@dataclass(frozen=True)
class Shard:
    """Part number `index`, counted from 1, of `count` parts."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses a text such as `"2/4"`, the second of four parts. Raises ValueError for any other text."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if match and 1 <= int(match[1]) <= int(match[2]):
            return cls(int(match[1]), int(match[2]))
        raise ValueError(f'"{text}" is no part; write I/N with I from 1 to N, such as 2/4 for the second of four')

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def suffix(self) -> str:
        """The end of the name of the part's run directory, which differs from part to part."""
        return f"-shard-{self.index}-of-{self.count}"

    def of(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        """Returns the trials of this part, in the given order. Each trial is in exactly one part; no part is empty.

        Args:
            trials: the trials of the whole sweep, at least as many as there are parts.
        """
        row = [trial for group in cohorts(trials) for trial in sorted(group.trials, key=lambda t: t.latent_dim)]
        ends = [0, *itertools.accumulate(relative_cost(trial) for trial in row)]
        cuts = [0]
        for part in range(1, self.count + 1):
            target = part * ends[-1] / self.count
            after = bisect_left(ends, target)
            nearest = after if ends[after] - target <= target - ends[after - 1] else after - 1
            # This part and each that follows get at least one trial.
            cuts.append(min(max(nearest, cuts[-1] + 1), len(row) - self.count + part))
        mine = set(row[cuts[self.index - 1] : cuts[self.index]])
        return tuple(trial for trial in trials if trial in mine)


def relative_cost(trial: Trial) -> int:
    """Returns the cost of training a trial in multiplications of its GRU layers and its code, to compare trials."""
    per_measure = trial.hidden_size * (MODELS[trial.model].gru_layers * trial.hidden_size + trial.latent_dim)
    return trial.steps * trial.batch_size * per_measure
