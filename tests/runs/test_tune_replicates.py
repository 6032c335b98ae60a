"""Resampled metrics are the metrics themselves where every tune is drawn once, and vary as the tunes do."""

import dataclasses

import numpy as np
import pytest

from vaemusic_jax.metrics import control
from vaemusic_jax.metrics.control import reach, reconstruction_efficiency, side_effect
from vaemusic_jax.metrics.resampling import tune_counts
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs import tune_replicates
from vaemusic_jax.runs.evaluations import CorpusSample, TrialEvaluation
from vaemusic_jax.runs.tune_replicates import Replicates, replicates_of

N, M, Q, N_TUNES = 60, 20, 5, 12
IMPOSED = tuple(ATTRIBUTES)[1:3]


def made_up() -> tuple[TrialEvaluation, CorpusSample]:
    rng = np.random.default_rng(0)
    attributes = rng.normal(size=(N, len(ATTRIBUTES)))
    levels = np.sort(rng.normal(size=(2, Q)), axis=1)
    levels[1, 2] = levels[1, 1]  # A repeated level counts once.
    moved = rng.normal(size=(M, 2, Q, len(ATTRIBUTES)))
    for k in range(2):
        moved[:, k, :, k + 1] += 2 * levels[k]
    arrays: dict[str, np.ndarray] = {
        "tokens_right": rng.integers(0, 25, N).astype(np.uint8),
        "tokens_right_wrong_attributes": rng.integers(0, 20, N).astype(np.uint8),
        "interpretable_codes": (attributes + rng.normal(size=attributes.shape)).astype(np.float32),
        "control_values": levels,
        "traversal_attributes": moved,
    }
    tune = np.sort(rng.integers(0, N_TUNES, N)).astype(np.int32) * 7  # Numbers of tunes need not be consecutive.
    chosen = np.sort(rng.choice(N, M, replace=False)).astype(np.int32)
    seen = rng.random(N) < 0.3
    sample = CorpusSample("made_up", np.zeros((M, 24), np.uint8), attributes, {}, tune=tune, chosen=chosen, seen=seen)
    return TrialEvaluation({}, arrays, {}), sample


def expected(evaluation: TrialEvaluation, sample: CorpusSample) -> dict[str, float]:
    arrays, own = evaluation.arrays, [1, 2]
    right = arrays["tokens_right"].astype(float)
    assert sample.seen is not None
    changed, data = arrays["traversal_attributes"][..., own], sample.attributes[:, own]
    efficiency = reconstruction_efficiency(arrays["control_values"], changed)
    side = side_effect(arrays["control_values"], changed, data)
    far = reach(arrays["control_values"], changed, data)
    moved, wrong = control.moved(changed), control.wrong_way(arrays["control_values"], changed)
    assert (moved > 0).all()
    assert (moved < 1).all()
    assert (wrong > 0).all()
    found = {
        "reconstruction_accuracy": right.mean() / 24,
        "measure_accuracy": (right == 24).mean(),
        "skill": (right.mean() / 24 - 0.2) / 0.8,
        "unseen_accuracy": right[~sample.seen].mean() / 24,
        "accuracy_wrong_attributes": arrays["tokens_right_wrong_attributes"].mean() / 24,
    }
    for k, name in enumerate(IMPOSED):
        together = np.corrcoef(arrays["interpretable_codes"][:, k + 1], sample.attributes[:, k + 1])[0, 1]
        found |= {
            f"interpretability.{name}": together**2,
            f"reconstruction_efficiency.{name}": efficiency[k],
            f"side_effect.{name}": side[k],
            f"reach.{name}": far[k],
            f"moved.{name}": moved[k],
            f"wrong_way.{name}": wrong[k],
        }
    return found


def test_with_every_tune_once_they_are_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation, sample = made_up()
    for k in range(2):  # Each control does nothing in one measure, and goes the wrong way in another.
        evaluation.arrays["traversal_attributes"][0, k, :, k + 1] = 0.5
        evaluation.arrays["traversal_attributes"][1, k, :, k + 1] = -evaluation.arrays["control_values"][k]
    monkeypatch.setattr(tune_replicates, "_counts", lambda n, corpus: np.ones((1, n)))
    found = replicates_of(evaluation, sample, IMPOSED, 0.2)
    assert found is not None
    assert sample.tune is not None
    assert found.n_tunes == len(np.unique(sample.tune))
    wanted = expected(evaluation, sample)
    assert set(found.columns) == set(wanted)
    for name, value in wanted.items():
        assert found.columns[name] == pytest.approx(value, rel=1e-5), name


def test_a_tune_drawn_twice_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation, sample = made_up()
    monkeypatch.setattr(tune_replicates, "_counts", lambda n, corpus: 1.0 + (np.arange(n) == 0)[None])
    found = replicates_of(evaluation, sample, IMPOSED)
    assert found is not None
    assert sample.tune is not None
    weights = 1 + (sample.tune == sample.tune[0])
    right = evaluation.arrays["tokens_right"]
    assert found.columns["reconstruction_accuracy"] == pytest.approx(np.average(right, weights=weights) / 24)
    assert "skill" not in found.columns


def test_trials_of_a_corpus_are_resampled_together() -> None:
    evaluation, sample = made_up()
    worse = dataclasses.replace(
        evaluation, arrays=evaluation.arrays | {"tokens_right": evaluation.arrays["tokens_right"] * 0.5}
    )
    one, other = (replicates_of(each, sample, IMPOSED) for each in (evaluation, worse))
    assert one is not None
    assert other is not None
    accuracy = "reconstruction_accuracy"
    assert other.columns[accuracy] * 2 == pytest.approx(one.columns[accuracy])
    assert one.columns[accuracy].std() > 0


def test_a_control_whose_own_effect_is_not_clear_has_no_side_effect_in_resamples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tune_replicates, "_counts", lambda n, corpus: tune_counts(n, corpus, 20))
    evaluation, sample = made_up()
    moved = evaluation.arrays["traversal_attributes"].copy()
    levels = evaluation.arrays["control_values"]
    moved[:, 1, :, 2] -= 1.86 * levels[1]  # It hardly moves its attribute, but does in each resample.
    weak = dataclasses.replace(evaluation, arrays=evaluation.arrays | {"traversal_attributes": moved})
    clear, unclear = (replicates_of(each, sample, IMPOSED) for each in (evaluation, weak))
    assert clear is not None
    assert unclear is not None
    assert unclear.columns[f"reach.{IMPOSED[1]}"].min() > 0
    assert set(clear.columns) - set(unclear.columns) == {f"side_effect.{IMPOSED[1]}"}


def test_a_control_that_moves_hardly_any_measure_has_no_way_to_go_in_resamples() -> None:
    evaluation, sample = made_up()
    still = evaluation.arrays["traversal_attributes"].copy()
    still[: int(0.8 * M), 1] = 0.5
    stiff = dataclasses.replace(evaluation, arrays=evaluation.arrays | {"traversal_attributes": still})
    found = replicates_of(stiff, sample, IMPOSED)
    assert found is not None
    assert f"moved.{IMPOSED[1]}" in found.columns
    assert {name for name in found.columns if name.startswith("wrong_way")} == {f"wrong_way.{IMPOSED[0]}"}


def test_an_interval_holds_the_middle_of_the_resamples() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1000.0))
    found = Replicates(7, {"a": values, "b": np.full(999, 0.25)}).intervals()
    low, high = found["a"]
    assert ((values >= low) & (values <= high)).mean() == pytest.approx(0.95, abs=0.002)
    assert (values < low).sum() == pytest.approx((values > high).sum(), abs=1)
    assert found["b"] == (0.25, 0.25)


def test_evaluations_of_earlier_versions_have_none() -> None:
    evaluation, sample = made_up()
    assert replicates_of(evaluation, dataclasses.replace(sample, tune=None), IMPOSED) is None
    assert replicates_of(TrialEvaluation({}, {}, {}), sample, IMPOSED) is None
