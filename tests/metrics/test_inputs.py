"""From what a metric is given to the columns of a trial: all are there, and what has no meaning is NaN."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.columns import family_columns
from tests.helpers.evaluated_runs import config_of
from vaemusic_jax.config.sweep import trials
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.metrics import inputs
from vaemusic_jax.metrics.inputs import (
    Codes,
    ControlInputs,
    Inputs,
    LatentInputs,
    ReconstructionInputs,
    TrainingInputs,
    measure,
    regularises,
)
from vaemusic_jax.metrics.interpretability import Interpretability
from vaemusic_jax.metrics.registry import METRICS, Columns, Metric, all_columns, columns_of, metric_of, missing_from
from vaemusic_jax.music.attributes import ATTRIBUTES, Attribute, note_density
from vaemusic_jax.support.arrays_file import Arrays

N, M, Q = 80, 5, 9
RC, NR, ND, IJ = range(4)


def trial_of(attributes: str = "all", latent_dim: int = 6, model: str = "measure_vae") -> Trial:
    (trial,) = trials(config_of(attributes=attributes, latent_dim=latent_dim, model=model, seed=0))
    return trial


def attributes_of_measures() -> np.ndarray:
    values = np.random.default_rng(0).uniform(0.1, 0.9, (N, 4))
    values[:, IJ] *= 12
    return values


def latent(trial: Trial, attributes: np.ndarray, **codes: np.ndarray) -> dict[str, Any]:
    """Of a model whose codes are noise but for some dimensions."""
    values = np.random.default_rng(1).normal(size=(len(attributes), trial.latent_dim))
    for dimension, own in codes.items():
        values[:, int(dimension.removeprefix("z"))] = own
    return family("latent", latent_inputs(trial, values, attributes))


def latent_inputs(trial: Trial, codes: np.ndarray, attributes: np.ndarray) -> LatentInputs:
    every = Codes(codes, np.full_like(codes, 0.1), attributes)
    return LatentInputs(trial.attributes, every, every, regularises(trial))


def family(name: str, given: Inputs) -> dict[str, Any]:
    """Every column of a family."""
    return measure(missing_from((), [name]), given)


def control(trial: Trial, arrays: Arrays, attributes: np.ndarray) -> dict[str, Any]:
    return family(
        "control",
        ControlInputs(trial.attributes, arrays, attributes, chosen=np.arange(len(arrays["traversal_attributes"]))),
    )


def training(curves: pd.DataFrame) -> dict[str, Any]:
    return family("training", TrainingInputs(("note_density",), curves))


def undefined(columns: dict[str, Any]) -> set[str]:
    return {name for name, value in columns.items() if np.isnan(value)}


def controlled(trial: Trial, n: int = M) -> Arrays:
    """Measures of which each control moves its own attribute up, and nothing else moves."""
    own = [ATTRIBUTES.index(name) for name in trial.attributes]
    values = np.tile(np.linspace(-3, 3, Q), (len(own), 1))
    reached = np.full((n, len(own), Q, 4), 0.5)
    for k, attribute in enumerate(own):
        reached[:, k, :, attribute] += 0.1 * values[k]
    levels = {"control_values": values, "span_values": values[:, ::2]}
    return levels | {"traversal_attributes": reached, "span_attributes": reached[:, :, ::2]}


def test_each_attribute_is_read_where_it_was_tied_to() -> None:
    attributes, trial = attributes_of_measures(), trial_of("note_density+rhythmic_complexity")
    columns = latent(trial, attributes, z0=attributes[:, ND], z1=attributes[:, RC], z2=attributes[:, NR])
    found = {name: columns[f"interpretability.{name}.dimension"] for name in tuple(ATTRIBUTES)[:3]}
    assert found == {"note_density": 0, "rhythmic_complexity": 1, "note_range": 2}
    own = {name: columns[f"interpretability.{name}.is_regularised"] for name in tuple(ATTRIBUTES)[:3]}
    assert own == {"note_density": True, "rhythmic_complexity": True, "note_range": False}
    assert columns["interpretability.mean"] == pytest.approx(1)  # of the imposed ones alone
    assert columns["xmig.mean"] > 0.5
    swapped = latent(trial, attributes, z1=attributes[:, ND], z0=attributes[:, RC])
    assert not swapped["interpretability.note_density.is_regularised"]
    assert swapped["mig_regularised.note_density"] < 0 < swapped["mig.note_density"]
    adversarial = latent(trial_of("note_density", model="adversarial_vae"), attributes, z0=attributes[:, ND])
    assert not adversarial["interpretability.note_density.is_regularised"]
    assert np.isnan(adversarial["dmig.note_density"])


def test_a_constant_attribute_is_empty_and_counts_in_no_mean() -> None:
    attributes = attributes_of_measures()
    attributes[:, ND] = 0.25  # whole notes
    columns = latent(trial_of(), attributes, z0=attributes[:, RC], z1=attributes[:, NR], z3=attributes[:, IJ])
    for name in ("interpretability", "mig", "sap", "scc", "mig_regularised", "sap_regularised", "dmig", "xmig"):
        assert np.isnan(columns[f"{name}.note_density"])
        assert np.isfinite(columns[f"{name}.mean"])
    assert columns["interpretability.note_density.dimension"] == -1
    assert columns["interpretability.mean"] == pytest.approx(1)


def test_with_one_attribute_there_is_nothing_to_be_independent_of() -> None:
    trial = trial_of("note_density", latent_dim=1)  # nor a dimension that is not regularised
    attributes = attributes_of_measures()
    columns = latent(trial, attributes, z0=attributes[:, ND]) | control(trial, controlled(trial), attributes)
    assert columns["interpretability.mean"] == pytest.approx(1)
    assert columns["reconstruction_efficiency.mean"] == 1
    for name in ("attribute_independence", "side_effect", "restrictiveness", "attribute_change", "xmig", "dlig"):
        assert np.isnan(columns[f"{name}.note_density"])
        assert np.isnan(columns[f"{name}.mean"])


def test_too_few_measures_for_an_estimator_leave_its_columns_empty() -> None:
    trial, attributes = trial_of(), attributes_of_measures()
    assert undefined(latent(trial, attributes[:4])) == set(family_columns("latent"))
    columns = control(trial, controlled(trial, n=1), attributes[:1])
    assert np.isnan(columns["consistency.mean"])
    assert columns["reconstruction_efficiency.mean"] == 1
    assert columns["attribute_independence.mean"] == 1
    assert np.isnan(columns["reach.mean"])  # a single measure spans nothing


def test_controls_are_measured_by_their_own_attribute_whatever_the_order() -> None:
    trial, attributes = trial_of("average_interval_jump+note_density"), attributes_of_measures()
    arrays = controlled(trial)
    backwards = arrays | {"prior_values": arrays["control_values"]}
    backwards["prior_attributes"] = arrays["traversal_attributes"][:, :, ::-1]
    columns = control(trial, backwards, attributes)
    for name in trial.attributes:
        assert columns[f"reconstruction_efficiency.{name}"] == 1
        assert columns[f"reconstruction_efficiency_prior.{name}"] == -1
        assert columns[f"attribute_independence.{name}"] == 1
        assert columns[f"attribute_change.{name}"] == 1
        assert columns[f"monotonicity.{name}"] == 1
    assert columns["reach.note_density"] > columns["reach.average_interval_jump"]  # as far, in a smaller span
    assert np.isfinite(columns["attribute_independence_prior.mean"])
    assert {name for name in columns if "note_range" in name or "complexity" in name} == undefined(columns)


def test_every_column_of_a_family_is_there_whatever_the_trial_and_however_little_is_known() -> None:
    attributes, nothing = attributes_of_measures(), curves(seconds=True).iloc[:0]
    for trial in (trial_of(), trial_of("note_density", latent_dim=1), trial_of("note_range", model="adversarial_vae")):
        assert set(control(trial, controlled(trial), attributes)) == set(family_columns("control"))
        for n in (N, 4):
            assert set(latent(trial, attributes[:n])) == set(family_columns("latent"))
    assert set(training(nothing)) == set(family_columns("training"))
    given = ReconstructionInputs(
        ("note_density",), {"loss": 0.5, "swing": 1.0}, {"majority_baseline": 0.7}, {}, None, 24
    )
    values = family("reconstruction", given)
    assert {name: value for name, value in values.items() if value == value} == {"loss": 0.5, "majority_baseline": 0.7}
    assert set(values) == set(family_columns("reconstruction"))


def test_accuracy_is_told_apart_by_what_occurs_in_training_and_by_what_the_decoder_is_told() -> None:
    arrays = {"tokens_right": np.array([24, 12, 18, 6], np.uint8)}
    wrong = arrays | {"tokens_right_wrong_attributes": np.array([12, 12, 12, 0], np.uint8)}
    scores, facts = {"reconstruction_accuracy": 0.625}, {"tick_baseline": 0.5}
    seen = np.array([True, False, True, False])
    found = family("reconstruction", ReconstructionInputs(("note_density",), scores, facts, wrong, seen, 24))
    assert found["skill"] == pytest.approx(0.25)
    assert (found["seen_accuracy"], found["unseen_accuracy"]) == pytest.approx((0.875, 0.375))
    assert found["accuracy_wrong_attributes"] == pytest.approx(0.375)
    alone = family("reconstruction", ReconstructionInputs(("note_density",), scores, {}, arrays, seen & False, 24))
    assert undefined(alone) >= {"skill", "seen_accuracy", "accuracy_wrong_attributes"}
    assert alone["unseen_accuracy"] == pytest.approx(0.625)


def leakage_of(model: str, seed: int = 0, **codes: np.ndarray) -> dict[str, Any]:
    """The leakage of a trial with two attributes, whose other dimensions are noise, as are those of training."""
    trial = trial_of("note_density+rhythmic_complexity", model=model)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(300, trial.latent_dim))
    attributes = np.column_stack([codes["read"], rng.normal(size=(300, 1)), codes["read"], rng.normal(size=(300, 1))])
    for dimension in codes.keys() - {"read"}:
        values[:, int(dimension.removeprefix("z"))] = codes[dimension]
    training, test = (Codes(values[part], np.full_like(values[part], 2.0), attributes[part]) for part in HALVES)
    given = LatentInputs(trial.attributes, test, training, regularises(trial))
    return measure([METRICS[name] for name in METRICS if name.startswith("leakage")], given)


HALVES = (slice(200), slice(200, 300))


def test_leakage_of_measure_vae_leaves_out_the_dimension_of_the_attribute_itself() -> None:
    """Note density and rhythmic complexity are the same here; the first is tied to dimension 0."""
    read = np.random.default_rng(5).normal(size=300)
    tied = leakage_of("measure_vae", read=read, z0=read)
    assert tied["leakage_linear.note_density"] < 0.1
    assert tied["leakage_linear.rhythmic_complexity"] > 0.99  # of which dimension 0 is not the own one
    spread = leakage_of("measure_vae", read=read, z4=read)
    told = leakage_of("adversarial_vae", read=read, z0=read)
    for found in (spread, told):
        for name in ("leakage_linear", "leakage_mlp"):
            assert found[f"{name}.note_density"] > 0.5
            assert found[f"{name}_sampled.note_density"] < 0.5 * found[f"{name}.note_density"]  # noise hides it
        assert np.isnan(found["leakage_mlp.note_range"])  # not imposed


def test_what_several_metrics_need_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    compute = inputs.interpretability

    def counted(*args: Any) -> Interpretability:
        calls.append(1)
        return compute(*args)

    monkeypatch.setattr(inputs, "interpretability", counted)
    attributes = attributes_of_measures()
    latent(trial_of(), attributes)
    assert len(calls) == 2  # of means and of samples
    some = latent_inputs(trial_of(), np.ones((N, 6)), attributes)
    assert set(measure([METRICS["sap"]], some)) == set(columns_of(METRICS["sap"]))
    assert len(calls) == 2  # SAP needs no information


def test_columns_follow_the_attributes_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tuple(all_columns())
    monkeypatch.setitem(ATTRIBUTES, "swing", Attribute("swing", "SW", "share", note_density))
    new = set(all_columns()) - set(before)
    assert {"mig.swing", "interpretability.swing.is_regularised", "prior_std.swing", "linearity.swing"} <= new
    assert all(".swing" in name for name in new)
    assert [name for name in all_columns() if name not in new] == list(before)
    assert metric_of("interpretability.swing.dimension") is METRICS["interpretability.ATTRIBUTE.dimension"]
    attributes = np.column_stack([attributes_of_measures(), np.linspace(0, 1, N)])
    columns = latent(trial_of("note_density"), attributes, z3=attributes[:, 4])
    assert columns["interpretability.swing"] == pytest.approx(1)
    assert columns["interpretability.swing.dimension"] == 3


def test_columns_and_metrics_lead_to_each_other() -> None:
    for name, row in METRICS.items():
        assert row.name == name
        assert metric_of(name) is row
        assert {metric_of(column).name for column in columns_of(row)} == {name}
    assert {column for row in METRICS.values() for column in columns_of(row)} == set(all_columns())
    parts = [name for name in all_columns() if name.endswith((".dimension", ".is_regularised"))]
    assert parts[:3] == [  # both facts about an attribute stand side by side
        "interpretability.rhythmic_complexity.dimension",
        "interpretability.rhythmic_complexity.is_regularised",
        "interpretability.note_range.dimension",
    ]
    for unknown in ("swing", "swing.mean", "swing.note_density", "mig.swing"):
        with pytest.raises(KeyError):
            metric_of(unknown)


@pytest.mark.parametrize("computed", [np.ones(3), np.ones((4, 1)), 1.0])
def test_a_metric_that_has_not_a_value_for_each_attribute_is_named(computed: Any) -> None:
    row = Metric("swing", "training", "swing", lambda given: computed, Columns.PER_ATTRIBUTE)
    with pytest.raises(ValueError, match=r"swing: computed shape .*; one value for each of 4 attributes"):
        measure([row], TrainingInputs(("note_density",), curves(seconds=True)))


def curves(seconds: bool) -> pd.DataFrame:
    """Validated after 10, 20 and 30 steps, in no order."""
    rows = [
        (step, split, metric, start + slope * step)
        for step in (20, 10, 30)
        for split, metric, start, slope in (
            ("validation", "reconstruction_accuracy", 0.5, 0.01),
            ("validation", "loss", 2.0, -0.01),
            ("train", "loss", 1.0, -0.01),
            ("train", "seconds", 5.0, 0.0),
        )
        if metric != "seconds" or seconds
    ]
    return pd.DataFrame(rows, columns=["step", "split", "metric", "value"])


def test_training_is_told_by_its_curves() -> None:
    timed = training(curves(seconds=True))
    assert timed["validation_accuracy"] == pytest.approx(0.8)
    assert timed["validation_loss"] == pytest.approx(1.7)
    assert timed["training_loss"] == pytest.approx(0.7)
    assert timed["training_efficiency.steps"] == pytest.approx(26)  # .76, that is 95% of .8
    assert timed["training_efficiency.seconds"] == pytest.approx(13)
    stopped = pd.DataFrame([(15, "train", "seconds", 3.0), (20, "train", "seconds", 2.0)], columns=curves(True).columns)
    rest = curves(seconds=True).query("not (metric == 'seconds' and step == 20)")
    assert training(pd.concat([rest, stopped])) == timed  # the same five seconds, stopped half-way
    untimed = training(curves(seconds=False))  # as in runs of earlier versions
    assert np.isnan(untimed.pop("training_efficiency.seconds"))
    assert untimed == {name: timed[name] for name in untimed}
    assert undefined(training(curves(seconds=True).iloc[:0])) == set(family_columns("training"))
