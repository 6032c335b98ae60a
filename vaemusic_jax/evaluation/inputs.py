"""What the metrics of each family are given, and their values as columns of results.csv.

Whatever several metrics need is computed once, when the first of them asks for it.

Shapes: N test measures, M of them decoded again, L latent dimensions, A attributes in the order of `ATTRIBUTES`, K
imposed attributes in the order of the trial's controls, Q control values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaemusic_jax.config.recipes import MODELS
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.metrics.information import MIN_MEASURES, Floats, binned_information
from vaemusic_jax.metrics.interpretability import Interpretability, interpretability
from vaemusic_jax.metrics.prior_fit import PriorFit, prior_fit
from vaemusic_jax.metrics.registry import MEAN, Columns, Metric, columns_of
from vaemusic_jax.metrics.training_efficiency import TrainingEfficiency, training_efficiency
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.arrays_file import Arrays

if TYPE_CHECKING:
    import pandas as pd

Values = dict[str, Any]  # by column of results.csv
_CAST: dict[str, type] = {"float64": float, "Int64": int, "boolean": bool}  # to what JSON holds, by a metric's dtype


def regularises(trial: Trial) -> bool:
    """Whether the trial's model ties its k-th imposed attribute to latent dimension k."""
    return MODELS[trial.model].controls == "latent"


@dataclass(frozen=True)
class Inputs:
    """What the inputs of every family have.

    Attributes:
        imposed: the trial's attributes, in the order of its controls.
    """

    imposed: tuple[str, ...]

    @property
    def are_enough(self) -> bool:
        """Whether anything of the family is defined."""
        return True

    @property
    def own(self) -> list[int]:
        """(K,) where the imposed attributes stand among all of them."""
        return ATTRIBUTES.columns(self.imposed)

    def spread(self, values_K: Floats) -> Floats:
        """(A,) values of the imposed attributes at their places among all attributes, NaN for the others."""
        values_A = np.full(len(ATTRIBUTES), np.nan)
        values_A[self.own] = values_K
        return values_A


@dataclass(frozen=True)
class ReconstructionInputs(Inputs):
    """For metrics of the family "reconstruction".

    Attributes:
        scores: of `held_out.score` on the test split; a model lacks the terms of others.
        facts: about the data set, as of `CorpusSample`.
    """

    scores: Mapping[str, float]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class ControlInputs(Inputs):
    """For metrics of the family "control": what moving the controls does to the music.

    Attributes:
        arrays: as of `TrialEvaluation`, with `control_values` and `traversal_attributes`.
        attributes: (N, A) of the test measures.
    """

    arrays: Arrays
    attributes: np.ndarray

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
        """(K, Q) values that the controls were set to."""
        return self.arrays["control_values"]

    @property
    def all_changed(self) -> np.ndarray:
        """(M, K, Q, A) every attribute of what was decoded."""
        return self.arrays["traversal_attributes"]

    @cached_property
    def changed(self) -> np.ndarray:
        """(M, K, Q, K) the imposed attributes of what was decoded."""
        return self.all_changed[..., self.own]

    @cached_property
    def own_series(self) -> np.ndarray:
        """(K, M, Q) each control's own attribute along it.

        To be read by rank of the control's values, which AdversarialVAE's are not equally spaced.
        """
        return np.stack([self.changed[:, k, :, k] for k in range(self.n_controls)])

    @property
    def own_attributes(self) -> np.ndarray:
        """(N, K) the imposed attributes of the test measures."""
        return self.attributes[:, self.own]

    @property
    def quantiles(self) -> tuple[np.ndarray, np.ndarray] | None:
        """`control` and `changed` with the controls at quantiles of the codes; None for models without such."""
        if "quantile_values" not in self.arrays:
            return None
        return self.arrays["quantile_values"], self.arrays["quantile_attributes"][..., self.own]


@dataclass(frozen=True)
class LatentInputs(Inputs):
    """For metrics of the family "latent": what the codes tell of the attributes.

    Attributes:
        codes, stds: (N, L) posterior means and standard deviations of the test measures.
        attributes: (N, A) of the same measures.
        regularises: whether the k-th imposed attribute is tied to dimension k.
    """

    codes: np.ndarray
    stds: np.ndarray
    attributes: np.ndarray
    regularises: bool

    @property
    def are_enough(self) -> bool:
        """Whether there are as many measures as the estimator needs."""
        return len(self.codes) >= MIN_MEASURES

    @property
    def dims(self) -> NDArray[np.intp]:
        """(K,) the dimensions that the imposed attributes are tied to, if they are tied to any."""
        return np.arange(len(self.imposed))

    @cached_property
    def interpretability(self) -> Interpretability:
        """Of every attribute."""
        return interpretability(self.codes, self.attributes)

    @property
    def is_regularised(self) -> NDArray[np.bool_]:
        """(A,) whether an attribute's most informative dimension is the one tied to it."""
        tied_A = np.full(len(ATTRIBUTES), -2)  # no dimension, nor the -1 that stands for none
        if self.regularises:
            tied_A[self.own] = self.dims
        return self.interpretability.dimension == tied_A

    @property
    def information(self) -> Floats:
        """(L, A) mutual information of each dimension and attribute, nats."""
        return self.interpretability.mutual_information

    @cached_property
    def between(self) -> Floats:
        """(A, A) mutual information of the binned attributes, their entropies on the diagonal, nats."""
        return binned_information(self.attributes)

    @property
    def own_attributes(self) -> np.ndarray:
        """(N, K) the imposed attributes."""
        return self.attributes[:, self.own]

    @property
    def own_information(self) -> Floats:
        """(L, K) `information` on the imposed attributes."""
        return self.information[:, self.own]

    @property
    def own_between(self) -> Floats:
        """(K, K) `between` of the imposed attributes."""
        return self.between[np.ix_(self.own, self.own)]

    @cached_property
    def prior_fit(self) -> PriorFit:
        """Of the tied dimensions."""
        return prior_fit(self.codes[:, self.dims], self.stds[:, self.dims])


@dataclass(frozen=True)
class TrainingInputs(Inputs):
    """For metrics of the family "training": how far and how soon a trial has learnt.

    Attributes:
        curves: columns step, split, metric, value, of one trial, in any order; none for a run that has no curves of it.
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
        """Seconds of training up to each validation; NaN in runs of earlier versions, which were not timed."""
        every = self.series("train", "seconds").cumsum()  # rows between are of runs stopped there
        return every.reindex(self.accuracy.index)

    @property
    def is_timed(self) -> bool:
        """Whether the seconds of every validation are known."""
        return not self.seconds.isna().any()

    @cached_property
    def efficiency(self) -> TrainingEfficiency:
        """Of the validation curve; its seconds are of no meaning where training was not timed."""
        seconds = self.seconds if self.is_timed else self.accuracy * 0
        return training_efficiency(self.accuracy.index.to_numpy(), self.accuracy.to_numpy(), seconds.to_numpy())

    def series(self, split: str, metric: str) -> "pd.Series[float]":
        """One curve, by step; empty where there is none."""
        rows = self.curves[(self.curves["split"] == split) & (self.curves["metric"] == metric)]
        return rows.sort_values("step").set_index("step")["value"]

    def last(self, split: str, metric: str) -> float | None:
        """The last value of a curve; None where there is none."""
        values = self.series(split, metric)
        return None if values.empty else float(values.iloc[-1])


def measure(metrics: Iterable[Metric], inputs: Inputs) -> Values:
    """The columns of some metrics of one family; all of them are there, NaN where a value is undefined.

    Args:
        metrics: rows of the registry.
        inputs: of their family.
    """
    values: Values = {}
    for metric in metrics:
        values |= _columns(metric, metric.compute(inputs) if inputs.are_enough else None, inputs.imposed)
    return values


def _columns(metric: Metric, computed: Any, imposed: Iterable[str]) -> Values:
    """What a metric computed, by column."""
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
        defined = [by_attribute[name] for name in imposed if not np.isnan(by_attribute[name])]
        values[f"{metric.name}.{MEAN}"] = float(np.mean(defined)) if defined else float("nan")
    return values
