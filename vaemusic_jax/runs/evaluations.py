"""What evaluation leaves in a run directory for reports and analyses: each trial's metrics and raw arrays, and a sample
of each data set. Whoever reads it needs neither checkpoints nor data sets.

Shapes: N test measures; M of them decoded again, the same for all trials of a data set; K imposed attributes of the
trial; Q control values; 4 attributes in the order of `ATTRIBUTES`; G grid points of a surface.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.support import arrays_file
from vaemusic_jax.support.arrays_file import Arrays

HINT = "delete it and run `vaemusic evaluate` again"


@dataclass(frozen=True)
class TrialEvaluation:
    """What was measured about one trial.

    Attributes:
        families: for each family of metrics that has been computed, its columns of results.csv.
        arrays: `reconstruction` (M, 24); `control_values` (K, Q), `traversal_tokens` (M, K, Q, 24) and
            `traversal_attributes` (M, K, Q, 4); for measure_vae also `quantile_values`, `quantile_tokens` and
            `quantile_attributes` alike, and `codes` and `code_stds` (N, K), posterior means and standard deviations on
            the regularised dimensions; with two controls or more `surface_values` (2, G), `surface_tokens` (G, G, 24)
            and `surface_attributes` (G, G, 4).
        made_of: whatever the numbers depend on; another value makes them stale.
    """

    families: dict[str, dict[str, Any]]
    arrays: Arrays
    made_of: dict[str, Any]

    @property
    def metrics(self) -> dict[str, Any]:
        """All columns."""
        return {name: value for family in self.families.values() for name, value in family.items()}


@dataclass(frozen=True)
class CorpusSample:
    """What reports say of a data set.

    Attributes:
        name: of the data set.
        tokens: (M, 24) uint8, the test measures that are decoded again.
        attributes: (N, 4) float32, of the whole test split.
        facts: `digest`; `vocabulary`, a list of token names; `reading`, in words, how its pieces were read; `tunes` and
            `measures`, counts by split; `majority_baseline`; `seen_in_training`; `token_entropy`, bits per token of the
            training split; `distinct`, share of distinct measures in it; `attribute_mean` and `attribute_std` of it, by
            attribute.
    """

    name: str
    tokens: np.ndarray
    attributes: np.ndarray
    facts: dict[str, Any]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Of the tokens."""
        return Vocabulary(tuple(self.facts["vocabulary"]))


class EvaluationStore:
    """The folder `evaluation` of a run directory."""

    def __init__(self, run: str | Path) -> None:
        self.path = Path(run) / "evaluation"

    def trial(self, trial_id: str) -> TrialEvaluation | None:
        """What was measured about a trial; None if nothing yet. Raises UserError where the file is damaged."""
        try:
            arrays, facts = arrays_file.read(self._trial_path(trial_id), HINT)
        except FileNotFoundError:
            return None
        return TrialEvaluation(facts["families"], arrays, facts["made_of"])

    def save_trial(self, trial_id: str, evaluation: TrialEvaluation) -> None:
        """Replaces what was measured about a trial. Raises UserError where it cannot be written."""
        facts = {"families": evaluation.families, "made_of": evaluation.made_of}
        arrays_file.write(self._trial_path(trial_id), evaluation.arrays, facts, compressed=True)

    def corpus(self, name: str) -> CorpusSample | None:
        """The sample of a data set; None if no trial on it has been evaluated. Raises UserError as above."""
        try:
            arrays, facts = arrays_file.read(self._corpus_path(name), HINT)
        except FileNotFoundError:
            return None
        return CorpusSample(name, arrays["tokens"], arrays["attributes"], facts)

    def save_corpus(self, sample: CorpusSample) -> None:
        """Replaces the sample of a data set. Raises UserError where it cannot be written."""
        arrays = {"tokens": sample.tokens, "attributes": sample.attributes}
        arrays_file.write(self._corpus_path(sample.name), arrays, sample.facts, compressed=True)

    def _trial_path(self, trial_id: str) -> Path:
        return self.path / "trials" / f"{trial_id}.npz"

    def _corpus_path(self, name: str) -> Path:
        return self.path / "corpora" / f"{name}.npz"
