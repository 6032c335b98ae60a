"""The registry of metrics: a row for each says how it is computed, which columns it fills and what reports call it.

To add a metric, write its formula in a file of this package and add a row:
`METRICS["name"] = Metric("name", "latent", "what tables call it", lambda inputs: formula(inputs.codes))`.
Evaluation computes it for runs that lack its columns, and results.csv and the report show it. `docs/run_directory.md`
says what each column means.

The columns follow from `METRICS` and `ATTRIBUTES` as they are when a function is called. `metrics.inputs` describes
what the metrics of each family are given.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, get_args

from vaemusic_jax.metrics.control import (
    attribute_independence,
    moved,
    n_levels,
    natural_side_effect,
    reach,
    reconstruction_efficiency,
    side_effect,
    wrong_way,
)
from vaemusic_jax.metrics.dependency import dlig, dmig, mig_regularised, sap_regularised, xmig
from vaemusic_jax.metrics.disentanglement import mig, sap, scc
from vaemusic_jax.metrics.faders import consistency, linearity, restrictiveness
from vaemusic_jax.metrics.information import Floats
from vaemusic_jax.metrics.leakage import leakage_linear, leakage_mlp
from vaemusic_jax.metrics.pooled import level_agreement, others_kept, pooled_linearity
from vaemusic_jax.metrics.smoothness import monotonicity, smoothness
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.words import did_you_mean

if TYPE_CHECKING:
    from vaemusic_jax.metrics.inputs import ControlInputs, LatentInputs, TrainingInputs

Family = Literal["reconstruction", "control", "latent", "training"]
FAMILIES: tuple[Family, ...] = get_args(Family)  # Metrics of one family are computed together, from the same inputs.
Better = Literal["higher", "lower", ""]
MEAN = "mean"
PLACE = "ATTRIBUTE"  # In the name of a metric, an attribute's name replaces this word.


class Columns(Enum):
    """Which columns a metric fills."""

    ONE = "one column of its own name"
    PER_ATTRIBUTE = "NAME.ATTRIBUTE for every attribute; or the name itself with ATTRIBUTE in it replaced"
    PER_ATTRIBUTE_AND_MEAN = "NAME.ATTRIBUTE, and NAME.mean over the imposed ones"


@dataclass(frozen=True)
class Metric:
    """A row of the registry.

    Attributes:
        name: the name of its column, or the beginning of the names of its columns.
        family: the family decides which object of `metrics.inputs` the function `compute` is given.
        label: what tables and text call the metric; empty if only results.csv holds it.
        compute: maps the family's inputs to a number or, for a metric per attribute, to an array with a value for each
            row of `ATTRIBUTES`, in that order. None, or NaN in the array, means undefined and leaves the cell empty.
        columns: which columns the metric fills.
        better: whether higher or lower values are better; empty if neither is.
        empty: a clause that says why a finished trial may have no value.
        of_the_data: whether the metric describes the data set, not the model, and so needs no interval over seeds.
        dtype: the pandas type of its columns.
        needs_control: whether the metric is undefined where a control has no effect. Its mean over the imposed
            attributes is empty then unless each has a value: to leave out controls that do nothing would make a trial
            look the better for them. Means of other metrics leave out undefined values.
    """

    name: str
    family: Family
    label: str
    compute: Callable[[Any], Any]
    columns: Columns = Columns.ONE
    better: Better = "higher"
    empty: str = "not measured; run `vaemusic evaluate`"
    of_the_data: bool = False
    dtype: Literal["float64", "Int64", "boolean"] = "float64"
    needs_control: bool = False


def columns_of(metric: Metric) -> tuple[str, ...]:
    """Returns the names of the columns that a metric fills, in the order of results.csv."""
    if metric.columns is Columns.ONE:
        return (metric.name,)
    template = metric.name if PLACE in metric.name else f"{metric.name}.{PLACE}"
    names = tuple(template.replace(PLACE, attribute) for attribute in ATTRIBUTES)
    return (*names, f"{metric.name}.{MEAN}") if metric.columns is Columns.PER_ATTRIBUTE_AND_MEAN else names


def all_columns() -> dict[str, Metric]:
    """Returns every column that holds a metric, with its metric, in the order of results.csv.

    Neighbouring metrics whose columns have the form `NAME.ATTRIBUTE.PART` with the same NAME are ordered by attribute:
    all parts of the first attribute come first, then all parts of the second.
    """
    found: dict[str, Metric] = {}
    for _, group in groupby(METRICS.values(), key=lambda metric: metric.name.partition(PLACE)[0]):
        metrics = list(group)
        for side_by_side in zip(*map(columns_of, metrics), strict=True):
            found |= zip(side_by_side, metrics, strict=True)
    return found


def metric_of(column: str) -> Metric:
    """Returns the metric of a column; the name may lack `.ATTRIBUTE` or `.mean` at its end.

    Raises:
        KeyError: no metric has such a column.
    """
    stem, _, last = column.rpartition(".")
    if last == MEAN or last in ATTRIBUTES:
        return METRICS[stem]
    return METRICS[".".join(PLACE if part in ATTRIBUTES else part for part in column.split("."))]


def missing_from(columns: Container[str], families: Iterable[str]) -> list[Metric]:
    """Returns the metrics of some families that have a column which is not among `columns`."""
    wanted = set(families)
    return [
        metric
        for metric in METRICS.values()
        if metric.family in wanted and not all(column in columns for column in columns_of(metric))
    ]


def families_of(name: str) -> tuple[str, ...]:
    """Returns the families that a name stands for.

    Args:
        name: a family, a column, or the part of columns' names before a dot.

    Raises:
        ValueError: no family and no column has this name.
    """
    if name in FAMILIES:
        return (name,)
    columns = all_columns()
    found = {metric.family for column, metric in columns.items() if column == name or column.startswith(f"{name}.")}
    if not found:
        known = dict.fromkeys(column.partition(".")[0] for column in columns)
        raise ValueError(
            f"{name!r} is no metric{did_you_mean(name, [*FAMILIES, *known])}; "
            f"use {', '.join(FAMILIES)}, or one of {', '.join(known)}"
        )
    return tuple(family for family in FAMILIES if family in found)


def _score(name: str, label: str, **row: Any) -> Metric:
    """Makes the row of a score on the test split."""
    return Metric(name, "reconstruction", label, lambda inputs: inputs.scores.get(name), **row)


def _fact(name: str, label: str) -> Metric:
    """Makes the row of a fact about the data set, with which readers compare the scores."""
    return Metric(name, "reconstruction", label, lambda inputs: inputs.facts.get(name), better="", of_the_data=True)


def _right(name: str, label: str, array: str, seen: bool | None = None, **row: Any) -> Metric:
    """Makes the row of an accuracy on a part of the test split, or with other conditions."""
    return Metric(name, "reconstruction", label, lambda inputs: inputs.accuracy(array, seen), **row)


def _control(name: str, label: str, formula: "Callable[[ControlInputs], Floats | None]", **row: Any) -> Metric:
    """Makes the row of a metric of controls. `formula` returns (K,) values, one per imposed attribute, or None."""

    def compute(inputs: "ControlInputs") -> Floats | None:
        values_K = formula(inputs)
        return None if values_K is None else inputs.spread(values_K)

    return Metric(name, "control", label, compute, **{"columns": Columns.PER_ATTRIBUTE_AND_MEAN} | row)


def _leakage(name: str, label: str, formula: "Callable[[LatentInputs], Floats | None]") -> Metric:
    """Makes the row of a probe of the codes. `formula` returns (K,) values, one per imposed attribute, or None."""

    def compute(inputs: "LatentInputs") -> Floats | None:
        values_K = formula(inputs)
        return None if values_K is None else inputs.spread(values_K)

    empty = f"{_CONSTANT}; fewer than 20 training measures; or no dimension but the attribute's own"
    return Metric(name, "latent", label, compute, Columns.PER_ATTRIBUTE_AND_MEAN, "lower", empty)


def _latent(name: str, label: str, compute: "Callable[[LatentInputs], Floats]") -> Metric:
    """Makes the row of a metric of the whole latent space, with a value for every attribute."""
    return Metric(name, "latent", label, compute, Columns.PER_ATTRIBUTE_AND_MEAN, empty=_CONSTANT)


def _regularised(name: str, label: str, formula: "Callable[[LatentInputs], Floats]", **row: Any) -> Metric:
    """Makes the row of a metric of regularised dimensions. `formula` returns (K,) values, one per imposed attribute."""

    def compute(inputs: "LatentInputs") -> Floats | None:
        return inputs.spread(formula(inputs)) if inputs.regularises else None

    settings: dict[str, Any] = {"columns": Columns.PER_ATTRIBUTE_AND_MEAN, "empty": _OF_REGULARISED} | row
    return Metric(name, "latent", label, compute, **settings)


def _training(name: str, label: str, compute: "Callable[[TrainingInputs], float | None]", **row: Any) -> Metric:
    """Makes the row of a metric of the learning curves."""
    return Metric(name, "training", label, compute, **row)


_CONSTANT = "an attribute that is constant on the test split, or too few test measures for the estimator"
_REGULARISED = "only measure_vae has regularised dimensions"
_OF_REGULARISED = f"{_REGULARISED}; of those, {_CONSTANT}"
_TWO = "needs two imposed attributes or more"
_ALL = "a mean needs a value of each imposed attribute"
_UNMOVED = f"the control does not change the attribute, or has fewer than three levels; {_ALL}"
_NO_SPAN = "an attribute whose span in the test split is 0"
_NO_EFFECT = "no control, since its efficiency is below .2"
_TOLD = "only adversarial_vae is told attributes"

_ROWS = (
    _score("reconstruction_accuracy", "accuracy"),
    _fact("majority_baseline", "majority baseline"),
    _score("measure_accuracy", "whole measures"),
    _score("onset_accuracy", "onset accuracy", empty="no note starts in the test split"),
    _score("loss", "test loss", better="lower"),
    _score("cross_entropy", "test cross-entropy", better="lower"),
    _score("kl", "test KL", better=""),
    Metric(
        "regularisation",
        "reconstruction",
        "",
        lambda x: x.scores.get("regularisation") if x.imposed else None,
        better="lower",
    ),
    _score("adversary", "", better=""),
    _score("classifier_loss", "", better=""),
    _fact("seen_in_training", "seen in training"),
    _fact("tick_baseline", "baseline per tick"),
    Metric("skill", "reconstruction", "skill", lambda x: x.skill),
    _right("seen_accuracy", "accuracy, seen", "tokens_right", True, empty="no test measure occurs in training"),
    _right("unseen_accuracy", "accuracy, unseen", "tokens_right", False, empty="every test measure occurs in training"),
    _right(
        "accuracy_wrong_attributes", "accuracy, told wrong", "tokens_right_wrong_attributes", better="", empty=_TOLD
    ),
    _control("levels", "levels", lambda x: n_levels(x.control), columns=Columns.PER_ATTRIBUTE, better=""),
    _control("reconstruction_efficiency", "efficiency", lambda x: reconstruction_efficiency(x.control, x.changed)),
    _control(
        "wrong_way",
        "wrong way",
        lambda x: wrong_way(x.control, x.changed),
        better="lower",
        empty=f"no control, since fewer than a fifth of the measures change; {_ALL}",
        needs_control=True,
    ),
    _control("moved", "moved", lambda x: moved(x.changed), better=""),
    _control("reach", "reach", lambda x: reach(x.control, x.changed, x.own_attributes), empty=_NO_SPAN),
    _control(
        "side_effect",
        "side effect",
        lambda x: side_effect(x.control, x.changed, x.own_attributes),
        better="lower",
        empty=f"{_NO_EFFECT}; or a single imposed attribute; {_ALL}",
        needs_control=True,
    ),
    _control(
        "natural_side_effect",
        "natural side effect",
        lambda x: natural_side_effect(x.own_attributes),
        better="",
        empty=f"{_TWO} that vary",
        of_the_data=True,
    ),
    _control(
        "attribute_independence", "independence", lambda x: attribute_independence(x.control, x.changed), empty=_TWO
    ),
    _control(
        "consistency",
        "consistency",
        lambda x: consistency(x.control, x.changed, x.own_attributes) if x.n_measures > 1 else None,
        empty="needs two test measures or more",
    ),
    _control(
        "restrictiveness",
        "restrictiveness",
        lambda x: restrictiveness(x.control, x.changed, x.own_attributes),
        empty=_TWO,
    ),
    _control("linearity", "linearity", lambda x: linearity(x.control, x.changed)),
    _control(
        "attribute_change",
        "attribute change",
        lambda x: x.change,
        empty=f"{_TWO}, and a control that changes one of them",
    ),
    _control(
        "monotonicity",
        "monotonicity",
        lambda x: x.mean_of_series(monotonicity, 2),
        empty=_UNMOVED,
        needs_control=True,
    ),
    _control("smoothness", "smoothness", lambda x: x.mean_of_series(smoothness, 3), empty=_UNMOVED, needs_control=True),
    _control(
        "level_agreement",
        "agreement of levels",
        lambda x: level_agreement(x.changed) if x.n_measures > 1 else None,
        empty="needs two test measures or more",
    ),
    _control("others_kept", "others kept", lambda x: others_kept(x.changed), empty=_TWO),
    _control("pooled_linearity", "pooled linearity", lambda x: pooled_linearity(x.control, x.changed)),
    _control(
        "reconstruction_efficiency_prior",
        "efficiency over ±3",
        lambda x: reconstruction_efficiency(*x.prior) if x.prior else None,
        empty=_REGULARISED,
    ),
    _control(
        "attribute_independence_prior",
        "independence over ±3",
        lambda x: attribute_independence(*x.prior) if x.prior else None,
        empty=f"{_TWO}, and {_REGULARISED}",
    ),
    _latent("interpretability", "interpretability", lambda x: x.interpretability.score),
    Metric(
        "interpretability.ATTRIBUTE.dimension",
        "latent",
        "",
        lambda x: x.interpretability.dimension,
        Columns.PER_ATTRIBUTE,
        better="",
        dtype="Int64",
    ),
    Metric(
        "interpretability.ATTRIBUTE.is_regularised",
        "latent",
        "",
        lambda x: x.is_regularised,
        Columns.PER_ATTRIBUTE,
        better="",
        dtype="boolean",
    ),
    _latent("interpretability_sampled", "interpretability, sampled", lambda x: x.sampled_interpretability.score),
    _latent("mig", "MIG", lambda x: mig(x.information, x.between.diagonal())),
    _latent(
        "mig_sampled",
        "MIG, sampled",
        lambda x: mig(x.sampled_interpretability.mutual_information, x.between.diagonal()),
    ),
    _latent("sap", "SAP", lambda x: sap(x.codes, x.attributes)),
    _latent("scc", "SCC", lambda x: scc(x.codes, x.attributes)),
    _leakage("leakage_linear", "leakage, linear", lambda x: x.leaked(leakage_linear)),
    _leakage("leakage_mlp", "leakage", lambda x: x.leaked(leakage_mlp)),
    _leakage("leakage_linear_sampled", "leakage, linear, sampled", lambda x: x.leaked(leakage_linear, sampled=True)),
    _leakage("leakage_mlp_sampled", "leakage, sampled", lambda x: x.leaked(leakage_mlp, sampled=True)),
    _regularised(
        "mig_regularised",
        "MIG, regularised",
        lambda x: mig_regularised(x.own_information, x.own_between.diagonal(), x.dims),
    ),
    _regularised("sap_regularised", "SAP, regularised", lambda x: sap_regularised(x.codes, x.own_attributes, x.dims)),
    _regularised(
        "dmig",
        "DMIG",
        lambda x: dmig(x.own_information, x.own_between, x.dims),
        empty=f"{_OF_REGULARISED}, or one that another attribute determines",
    ),
    _regularised(
        "xmig",
        "XMIG",
        lambda x: xmig(x.own_information, x.own_between, x.dims),
        empty=f"{_OF_REGULARISED}, or no dimension that is not regularised",
    ),
    _regularised(
        "dlig",
        "DLIG",
        lambda x: dlig(x.own_information, x.own_between, x.dims),
        empty=f"{_OF_REGULARISED}, or a single imposed attribute",
    ),
    _regularised("prior_overlap", "overlap with the prior", lambda x: x.prior_fit.overlap),
    _regularised(
        "prior_mean", "mean on the dimension", lambda x: x.prior_fit.mean, columns=Columns.PER_ATTRIBUTE, better=""
    ),
    _regularised(
        "prior_std",
        "standard deviation on the dimension",
        lambda x: x.prior_fit.std,
        columns=Columns.PER_ATTRIBUTE,
        better="",
    ),
    _training("validation_accuracy", "validation accuracy", lambda x: x.last("validation", "reconstruction_accuracy")),
    _training("validation_loss", "validation loss", lambda x: x.last("validation", "loss"), better="lower"),
    _training("training_loss", "training loss", lambda x: x.last("train", "loss"), better="lower"),
    _training("training_efficiency.steps", "steps to 95% of the best", lambda x: x.efficiency.steps, better="lower"),
    _training(
        "training_efficiency.seconds",
        "seconds to 95% of the best",
        lambda x: x.efficiency.seconds if x.is_timed else None,
        better="lower",
        empty="training was not timed",
    ),
    _training("training_efficiency.area", "mean validation accuracy over the steps", lambda x: x.efficiency.area),
)
METRICS: dict[str, Metric] = {row.name: row for row in _ROWS}
