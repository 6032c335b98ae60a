"""The inputs of the metrics of each family, and the computation of metrics as columns of results.csv.

Values that several metrics need are computed once, when they are first used.

Shapes: N test measures, M of them decoded again, L latent dimensions, A attributes in the order of `ATTRIBUTES`, K
imposed (regularised) attributes in the order of the trial's controls, Q control values.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.metrics.attribute_change import attribute_change
from vaemusic_jax.metrics.baselines import skill
from vaemusic_jax.metrics.control import distinct_levels
from vaemusic_jax.metrics.information import MIN_MEASURES, Floats, binned_information
from vaemusic_jax.metrics.interpretability import Interpretability, interpretability
from vaemusic_jax.metrics.leakage import MIN_TRAINING_MEASURES
from vaemusic_jax.metrics.prior_fit import PriorFit, prior_fit
from vaemusic_jax.metrics.registry import MEAN, Columns, Metric, columns_of
from vaemusic_jax.metrics.smoothness import mean_of_defined
from vaemusic_jax.metrics.training_efficiency import TrainingEfficiency, training_efficiency
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.arrays_file import Arrays

if TYPE_CHECKING:
    import pandas as pd

Values = dict[str, Any]  # by column of results.csv
Probe = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Floats]  # see ``metrics.leakage``
SAMPLE_SEED = 0
_CAST: dict[str, type] = {"float64": float, "Int64": int, "boolean": bool}  # the type in JSON of each dtype of metrics


def regularises(trial: Trial) -> bool:
    """Returns whether the trial has attributes, of which its model ties the k-th to latent dimension k."""
    return bool(trial.attributes) and MODELS[trial.model].regularises


@dataclass(frozen=True)
class Inputs:
    """The inputs that all families have in common.

    Attributes:
        imposed: the trial's attributes, in the order of its controls.
    """

    imposed: tuple[str, ...]

    @property
    def are_enough(self) -> bool:
        """Whether the data suffice for the metrics of the family; if not, all of them are NaN."""
        return True

    @property
    def own(self) -> list[int]:
        """The positions of the imposed attributes among all attributes, (K,)."""
        return ATTRIBUTES.columns(self.imposed)

    def spread(self, values_K: Floats) -> Floats:
        """Returns the values of the imposed attributes at their positions among all, (A,), with NaN for the others."""
        values_A = np.full(len(ATTRIBUTES), np.nan)
        values_A[self.own] = values_K
        return values_A


@dataclass(frozen=True)
class ReconstructionInputs(Inputs):
    """The inputs of metrics of the family "reconstruction".

    Attributes:
        scores: the scores of `training.score.score` on the test split, with the terms of the trial's own model.
        facts: facts about the data set, as in `CorpusSample.facts`.
        arrays: as in `TrialEvaluation.arrays`, with `tokens_right`.
        seen: (N,) whether a test measure also occurs in the training split; None if it is not known.
        n_ticks: the number of ticks of a measure.
    """

    scores: Mapping[str, float]
    facts: Mapping[str, Any]
    arrays: Arrays
    seen: np.ndarray | None
    n_ticks: int

    @property
    def skill(self) -> float | None:
        """The skill over the baseline per tick; None if one of the two is missing."""
        accuracy, baseline = self.scores.get("reconstruction_accuracy"), self.facts.get("tick_baseline")
        return None if accuracy is None or baseline is None else skill(accuracy, baseline)

    def accuracy(self, array: str, seen: bool | None = None) -> float | None:
        """Returns the accuracy of an array of right tokens, of measures that occur in training or not, or of all.

        It is None if there is no such array, or no such measure.
        """
        right_N = self.arrays.get(array)
        if right_N is not None and seen is not None:
            right_N = None if self.seen is None else right_N[self.seen == seen]
        return None if right_N is None or not len(right_N) else float(right_N.mean()) / self.n_ticks


@dataclass(frozen=True)
class ControlInputs(Inputs):
    """The inputs of metrics of the family "control": the effect of the controls on the music.

    Attributes:
        arrays: as in `TrialEvaluation.arrays`, with `control_values` and `traversal_attributes`.
        attributes: (N, A) attributes of the test measures.
        chosen: (M,) the positions among them of those that are decoded; None for all.
    """

    arrays: Arrays
    attributes: np.ndarray
    chosen: np.ndarray | None

    @property
    def are_enough(self) -> bool:
        """Whether there is a control."""
        return self.n_controls > 0

    @property
    def n_measures(self) -> int:
        """M."""
        return len(self.all_changed)

    @property
    def n_controls(self) -> int:
        """K."""
        return len(self.imposed)

    @property
    def control(self) -> np.ndarray:
        """The values that the controls were set to, (K, Q)."""
        return self.arrays["control_values"]

    @property
    def all_changed(self) -> np.ndarray:
        """All attributes of the decoded measures, (M, K, Q, A)."""
        return self.arrays["traversal_attributes"]

    @cached_property
    def changed(self) -> np.ndarray:
        """The imposed attributes of the decoded measures, (M, K, Q, K)."""
        return self.all_changed[..., self.own]

    def mean_of_series(self, formula: Callable[[Floats], Floats], at_least: int) -> Floats:
        """Returns the mean of a formula of series, where it is defined, over each control's measures, (K,).

        Args:
            formula: maps series (M, Q) of the control's own attribute, at its distinct levels in rising order, to (M,).
                It may use their order only, as levels are not equally spaced.
            at_least: the number of levels that the formula needs; a control with fewer has NaN.
        """
        series = [(levels, self.changed[:, k, levels, k]) for k, levels in distinct_levels(self.control)]
        return np.array([mean_of_defined(formula(of)) if len(q) >= at_least else np.nan for q, of in series])

    @property
    def own_attributes(self) -> np.ndarray:
        """The imposed attributes of the test measures, (N, K)."""
        return self.attributes[:, self.own]

    @property
    def change(self) -> Floats | None:
        """How often each control changes its own attribute, (K,); None with one attribute, of which it would say 1."""
        if self.n_controls < 2 or "span_attributes" not in self.arrays:
            return None
        start = self.own_attributes if self.chosen is None else self.own_attributes[self.chosen]
        return attribute_change(self.arrays["span_attributes"][..., self.own], start).diagonal()

    @property
    def prior(self) -> tuple[np.ndarray, np.ndarray] | None:
        """`control` and `changed` over -3 to 3 of the prior; None if controls are not in the code."""
        if "prior_values" not in self.arrays:
            return None
        return self.arrays["prior_values"], self.arrays["prior_attributes"][..., self.own]


@dataclass(frozen=True)
class Codes:
    """Codes of measures.

    Attributes:
        means, stds: (N, L) posterior means and standard deviations.
        attributes: (N, A) attributes of the same measures.
    """

    means: np.ndarray
    stds: np.ndarray
    attributes: np.ndarray

    @cached_property
    def samples(self) -> np.ndarray:
        """A sample of each posterior, drawn with a fixed seed, (N, L)."""
        noise_NxL = np.random.default_rng(SAMPLE_SEED).standard_normal(self.means.shape)
        return self.means + self.stds * noise_NxL


@dataclass(frozen=True)
class LatentInputs(Inputs):
    """The inputs of metrics of the family "latent": the information of the codes on the attributes.

    Attributes:
        test: codes of the test measures.
        training: codes of training measures, on which probes are trained.
        regularises: whether the k-th imposed attribute is tied to dimension k.
    """

    test: Codes
    training: Codes
    regularises: bool

    @property
    def codes(self) -> np.ndarray:
        """The posterior means of the test measures, (N, L)."""
        return self.test.means

    @property
    def attributes(self) -> np.ndarray:
        """The attributes of the test measures, (N, A)."""
        return self.test.attributes

    @property
    def are_enough(self) -> bool:
        """Whether there are as many measures as the estimator of mutual information needs."""
        return len(self.codes) >= MIN_MEASURES

    @property
    def dims(self) -> NDArray[np.intp]:
        """The dimensions that the imposed attributes are tied to, if they are, (K,)."""
        return np.arange(len(self.imposed))

    @cached_property
    def interpretability(self) -> Interpretability:
        """The interpretability of every attribute."""
        return interpretability(self.codes, self.attributes)

    @cached_property
    def sampled_interpretability(self) -> Interpretability:
        """The interpretability of every attribute from sampled codes."""
        return interpretability(self.test.samples, self.attributes)

    def leaked(self, probe: Probe, sampled: bool = False) -> Floats | None:
        """Returns R^2 of a probe that reads each imposed attribute from the codes, (K,).

        The dimension that an attribute is tied to is left out, which may leave none: NaN. It is None if there are too
        few training measures, or no imposed attribute.
        """
        if not self.imposed or len(self.training.means) < MIN_TRAINING_MEASURES:
            return None
        parts = [(of.samples if sampled else of.means, of.attributes[:, self.own]) for of in (self.training, self.test)]
        (z_train, a_train), (z_NxL, a_NxK) = parts
        if not self.regularises:
            return probe(z_train, a_train, z_NxL, a_NxK)
        found_K = np.full(len(self.own), np.nan)
        for k, dimension in enumerate(self.dims if z_NxL.shape[1] > 1 else ()):
            others = np.delete(np.arange(z_NxL.shape[1]), dimension)
            found_K[k] = probe(z_train[:, others], a_train[:, [k]], z_NxL[:, others], a_NxK[:, [k]])[0]
        return found_K

    @property
    def interpretable_codes(self) -> np.ndarray:
        """The codes on the most informative dimension of each attribute, (N, A) float32; 0 where there is none."""
        found_NxA = np.zeros((len(self.codes), len(ATTRIBUTES)), np.float32)
        if self.are_enough:
            has_one = self.interpretability.dimension >= 0
            found_NxA[:, has_one] = self.codes[:, self.interpretability.dimension[has_one]]
        return found_NxA

    @property
    def is_regularised(self) -> NDArray[np.bool_]:
        """Whether the most informative dimension of each attribute is the one that is tied to it, (A,)."""
        tied_A = np.full(len(ATTRIBUTES), -2)  # differs from all dimensions, and from -1, which stands for none
        if self.regularises:
            tied_A[self.own] = self.dims
        return self.interpretability.dimension == tied_A

    @property
    def information(self) -> Floats:
        """The mutual information of each dimension and attribute in nats, (L, A)."""
        return self.interpretability.mutual_information

    @cached_property
    def between(self) -> Floats:
        """The mutual information between binned attributes in nats, (A, A), with their entropies on the diagonal."""
        return binned_information(self.attributes)

    @property
    def own_attributes(self) -> np.ndarray:
        """The imposed attributes, (N, K)."""
        return self.attributes[:, self.own]

    @property
    def own_information(self) -> Floats:
        """The columns of `information` of the imposed attributes, (L, K)."""
        return self.information[:, self.own]

    @property
    def own_between(self) -> Floats:
        """The rows and columns of `between` of the imposed attributes, (K, K)."""
        return self.between[np.ix_(self.own, self.own)]

    @cached_property
    def prior_fit(self) -> PriorFit:
        """The fit of the tied dimensions to the prior."""
        return prior_fit(self.codes[:, self.dims], self.test.stds[:, self.dims])


@dataclass(frozen=True)
class TrainingInputs(Inputs):
    """The inputs of metrics of the family "training": how much and how fast a trial has learnt.

    Attributes:
        curves: the curves of the trial, with columns step, split, metric, value, in any order; empty if there are none.
    """

    curves: "pd.DataFrame"

    @property
    def are_enough(self) -> bool:
        """Whether there is a curve of the validation accuracy."""
        return not self.accuracy.empty

    @cached_property
    def accuracy(self) -> "pd.Series[float]":
        """Validation accuracy by step."""
        return self.series("validation", "reconstruction_accuracy")

    @cached_property
    def seconds(self) -> "pd.Series[float]":
        """Seconds of training before each validation; NaN in runs of earlier versions, which were not timed."""
        every = self.series("train", "seconds").cumsum()  # has rows between validations where training was interrupted
        return every.reindex(self.accuracy.index)

    @property
    def is_timed(self) -> bool:
        """Whether the seconds of every validation are known."""
        return not self.seconds.isna().any()

    @cached_property
    def efficiency(self) -> TrainingEfficiency:
        """The efficiency of the validation curve; its seconds have no meaning if training was not timed."""
        seconds = self.seconds if self.is_timed else self.accuracy * 0
        return training_efficiency(self.accuracy.index.to_numpy(), self.accuracy.to_numpy(), seconds.to_numpy())

    def series(self, split: str, metric: str) -> "pd.Series[float]":
        """Returns a curve by step; empty if there is none."""
        rows = self.curves[(self.curves["split"] == split) & (self.curves["metric"] == metric)]
        return rows.sort_values("step").set_index("step")["value"]

    def last(self, split: str, metric: str) -> float | None:
        """Returns the last value of a curve; None if there is none."""
        values = self.series(split, metric)
        return None if values.empty else float(values.iloc[-1])


def measure(metrics: Iterable[Metric], inputs: Inputs) -> Values:
    """Computes metrics of one family and returns all of their columns, with NaN for undefined values.

    Args:
        metrics: rows of the registry.
        inputs: the inputs of their family.

    Raises:
        ValueError: a metric per attribute returns another number of values.
    """
    values: Values = {}
    for metric in metrics:
        values |= _columns(metric, metric.compute(inputs) if inputs.are_enough else None, inputs.imposed)
    return values


def _columns(metric: Metric, computed: Any, imposed: Iterable[str]) -> Values:
    """Returns a computed metric by column. Raises ValueError for a wrong number of values."""
    names, cast = columns_of(metric), _CAST[metric.dtype]
    if computed is None:
        return dict.fromkeys(names, float("nan"))
    if metric.columns is Columns.ONE:
        return {metric.name: cast(computed)}
    if np.shape(computed) != (len(ATTRIBUTES),):
        shape = np.shape(computed)
        raise ValueError(f"{metric.name}: computed shape {shape}; one value for each of {len(ATTRIBUTES)} attributes")
    by_attribute = dict(zip(ATTRIBUTES, map(cast, computed), strict=True))
    values = dict(zip(names, by_attribute.values(), strict=False))
    if metric.columns is Columns.PER_ATTRIBUTE_AND_MEAN:
        own = np.array([by_attribute[name] for name in imposed])
        averaged = own if metric.needs_control else own[~np.isnan(own)]
        values[f"{metric.name}.{MEAN}"] = float(averaged.mean()) if len(averaged) else float("nan")
    return values
