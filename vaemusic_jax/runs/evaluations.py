"""The stored evaluation of a run: the metrics and raw arrays of each trial, and a sample of each data set.

Reports and analyses read it and need neither checkpoints nor data sets.

Shapes: N test measures; M of them decoded again, the same for all trials of a data set; K regularised attributes of the
trial; Q control values; 4 attributes in the order of `ATTRIBUTES`; G grid points of a surface.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.support import arrays_file
from vaemusic_jax.support.arrays_file import Arrays, check_shapes, damaged
from vaemusic_jax.support.names import inside

HINT = "delete it and run `vaemusic evaluate` again"
# The version of what is decoded and measured, which an evaluation is `made_of`; without an entry it is of the first.
# 2: the controls of both models are moved over training quantiles; before, those of measure_vae over -3 to 3.
DEFINITIONS = 2


@dataclass(frozen=True)
class TrialEvaluation:
    """The evaluation of one trial.

    Attributes:
        families: for each family of metrics that has been computed, its columns of results.csv and their values.
        arrays: `reconstruction` (M, T); `control_values` (K, Q), the training quantiles that controls are set to,
            `traversal_tokens` (M, K, Q, T) and `traversal_attributes` (M, K, Q, 4); for measure_vae also
            `prior_values`, `prior_tokens` and `prior_attributes` of the same shapes, over -3 to 3, and `codes` and
            `code_stds` (N, K), the posterior means and standard deviations of the regularised dimensions; `span_values`
            (K, P), `span_tokens` and `span_attributes`, at P points over what controls are in validation measures; with
            two controls or more also `surface_values` (2, G), `surface_tokens` (G, G, T) and `surface_attributes`
            (G, G, 4); `tokens_right` (N,) uint8, the right tokens of each test measure, for adversarial_vae also
            `tokens_right_wrong_attributes`, the same when it is told another measure's attributes;
            `interpretable_codes` (N, 4) float32, the posterior mean on the dimension that interpretability chose for
            each attribute, 0 where there is none.
        made_of: what the numbers depend on, the step of the checkpoint, the digests of the data set and of the
            weights, and `definitions`, see DEFINITIONS; if it differs, they are out of date.
    """

    families: dict[str, dict[str, Any]]
    arrays: Arrays
    made_of: dict[str, Any]

    @property
    def is_of_earlier_definitions(self) -> bool:
        """Whether what was decoded and measured was so by earlier definitions than those of this version."""
        return bool(self.made_of.get("definitions", 1) != DEFINITIONS)

    @property
    def metrics(self) -> dict[str, Any]:
        """The columns of all families and their values."""
        return {name: value for family in self.families.values() for name, value in family.items()}


@dataclass(frozen=True)
class CorpusSample:
    """A sample of a data set and facts about it, for reports.

    Attributes:
        name: the name of the data set.
        tokens: (M, T) uint8, the test measures that are decoded again.
        attributes: (N, 4) float32, the attributes of the whole test split.
        facts: `digest`; `vocabulary`, as `Vocabulary.to_plain` describes it; `reading`, how the pieces were read, in
            words; `source`, see `data.source_files.describe_files`, which earlier versions did not keep; `tunes` and
            `measures`, counts by split; `majority_baseline`, `tick_baseline`; `seen_in_training`; and of the training
            split `token_entropy` in bits per token, `distinct`, the share of distinct measures, and `attribute_mean`
            and `attribute_std` by attribute; `revised`, see `music.attributes.AttributeTable.revised`; `definitions`,
            see DEFINITIONS.
        tune: (N,) int32, the tune of each test measure; None in runs of earlier versions, as are the next two.
        chosen: (M,) int32, the positions in the test split of the measures that are decoded again.
        seen: (N,) bool, whether a test measure also occurs in the training split.
    """

    name: str
    tokens: np.ndarray
    attributes: np.ndarray
    facts: dict[str, Any]
    tune: np.ndarray | None = None
    chosen: np.ndarray | None = None
    seen: np.ndarray | None = None

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the tokens."""
        return Vocabulary.from_plain(self.facts["vocabulary"])


_OF_TEST_MEASURES = ("tune", "chosen", "seen")

# The kinds of numbers, as NumPy names them, and the sizes of arrays; equal letters stand for equal sizes.
OF_A_CORPUS = {"tokens": ("u", "M T"), "attributes": ("f", "N A"), "tune": ("i", "N"), "chosen": ("iu", "M")}
OF_A_CORPUS |= {"seen": ("b", "N")}
OF_A_TRIAL = {
    "reconstruction": ("iu", "M T"),
    "tokens_right": ("iu", "N"),
    "tokens_right_wrong_attributes": ("iu", "N"),
    "interpretable_codes": ("f", "N A"),
    "codes": ("f", "N K"),
    "code_stds": ("f", "N K"),
    "surface_values": ("f", "2 G"),
    "surface_tokens": ("iu", "G G T"),
    "surface_attributes": ("f", "G G A"),
}
for _name, _values in {"control": "control", "traversal": "control", "prior": "prior", "span": "span"}.items():
    OF_A_TRIAL |= {
        f"{_name}_values": ("f", f"K {_values}"),
        f"{_name}_tokens": ("iu", f"M K {_values} T"),
        f"{_name}_attributes": ("f", f"M K {_values} A"),
    }


def _are_measures(tokens: np.ndarray, vocabulary: Vocabulary) -> bool:
    """Returns whether an array (..., T) holds tokens of the vocabulary, as many in a row as its grid has ticks."""
    if not tokens.size:
        return True
    return tokens.shape[-1] == vocabulary.grid.n_ticks and 0 <= tokens.min() <= tokens.max() < len(vocabulary)


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


class EvaluationStore:
    """The folder `evaluation` of a run directory."""

    def __init__(self, run: str | Path) -> None:
        self.path = Path(run) / "evaluation"

    def trial(self, trial_id: str, vocabulary: Vocabulary | None = None) -> TrialEvaluation | None:
        """Returns the evaluation of a trial; None if it has none yet.

        Raises:
            UserError: the file is damaged, or a token that the trial decoded is not in the vocabulary, if one is given.
        """
        try:
            arrays, facts = arrays_file.read(self._trial_path(trial_id), HINT)
        except FileNotFoundError:
            return None
        path = self._trial_path(trial_id)
        with damaged(path, HINT):
            families, made_of = facts["families"], facts["made_of"]
            check_shapes(arrays, OF_A_TRIAL)
            columns = [values for family in families.values() for values in family.items()]
            if not isinstance(made_of, dict) or not all(_is_value(value) for _, value in columns):
                raise ValueError("its metrics are not names with numbers")
            tokens = [array for name, array in arrays.items() if name == "reconstruction" or name.endswith("_tokens")]
            if vocabulary and not all(_are_measures(array, vocabulary) for array in tokens):
                raise ValueError("a token is not in the vocabulary of its data set, or not on its grid")
        return TrialEvaluation(families, arrays, made_of)

    def definitions(self, trial_id: str) -> int | None:
        """Returns the version of the definitions of a trial's evaluation, without reading its arrays; None without one.

        Raises:
            UserError: the file is damaged.
        """
        path = self._trial_path(trial_id)
        try:
            facts = arrays_file.read_metadata(path, HINT)
        except FileNotFoundError:
            return None
        with damaged(path, HINT):
            return int(facts["made_of"].get("definitions", 1))

    def save_trial(self, trial_id: str, evaluation: TrialEvaluation) -> None:
        """Saves the evaluation of a trial in place of an earlier one. Raises UserError if it cannot be written."""
        facts = {"families": evaluation.families, "made_of": evaluation.made_of}
        arrays_file.write(self._trial_path(trial_id), evaluation.arrays, facts, compressed=True)

    def corpus(self, name: str) -> CorpusSample | None:
        """Returns the sample of a data set; None if there is none yet. Raises UserError if the file is damaged."""
        try:
            arrays, facts = arrays_file.read(self._corpus_path(name), HINT)
        except FileNotFoundError:
            return None
        with damaged(self._corpus_path(name), HINT):
            check_shapes(arrays, OF_A_CORPUS)
            corpus = CorpusSample(
                name, arrays["tokens"], arrays["attributes"], facts, *map(arrays.get, _OF_TEST_MEASURES)
            )
            if not _are_measures(corpus.tokens, corpus.vocabulary):
                raise ValueError("a token is not in its vocabulary, or not on its grid")
            source = facts.get("source", {"origin": "", "files": 0, "bytes": 0, "sha256": ""})
            if not all(isinstance(facts[name], str) for name in ("digest", "reading")) or [
                type(source[name]) for name in ("origin", "files", "bytes", "sha256")
            ] != [str, int, int, str]:
                raise ValueError("its facts are not as written")
        return corpus

    def save_corpus(self, sample: CorpusSample) -> None:
        """Saves the sample of a data set in place of an earlier one. Raises UserError if it cannot be written."""
        arrays = {"tokens": sample.tokens, "attributes": sample.attributes}
        arrays |= {name: of for name in _OF_TEST_MEASURES if (of := getattr(sample, name)) is not None}
        arrays_file.write(self._corpus_path(sample.name), arrays, sample.facts, compressed=True)

    def _trial_path(self, trial_id: str) -> Path:
        return inside(self.path.parent, "evaluation", "trials", f"{trial_id}.npz")

    def _corpus_path(self, name: str) -> Path:
        return inside(self.path.parent, "evaluation", "corpora", f"{name}.npz")
