"""Evaluation computes what is missing, keeps what it has, and says what it leaves out."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers import sweeps
from tests.helpers.columns import family_columns
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.data.load import NotReadyError
from vaemusic_jax.data.statistics import statistics_of
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation import evaluate
from vaemusic_jax.evaluation.corpus_sample import sample_of, token_entropy
from vaemusic_jax.metrics.registry import FAMILIES, METRICS, Columns, Metric, all_columns, families_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import EvaluationStore, TrialEvaluation
from vaemusic_jax.support import arrays_file
from vaemusic_jax.support.progress import no_progress


@pytest.fixture(autouse=True)
def small_data(monkeypatch: pytest.MonkeyPatch, small_irish_folk: Dataset) -> None:
    sweeps.use_data(monkeypatch, small_irish_folk)


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path) -> Path:
    """The finished run, to be spoilt."""
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Trial, frozenset[str]]]:
    """Every trial that an evaluation computes anything of, with the families it asked for."""
    found: list[tuple[Trial, frozenset[str]]] = []
    compute = evaluate.measure_members

    def spy(owner: Any, checkpoint: Any, members: list[int], dataset: Any, families: set[str]) -> Any:
        found.extend((owner.trials[i], frozenset(families)) for i in members)
        return compute(owner, checkpoint, members, dataset, families)

    monkeypatch.setattr(evaluate, "measure_members", spy)
    return found


def results_of(path: Path, families: tuple[str, ...] = FAMILIES) -> pd.DataFrame:
    with RunDirectory.reopen(path) as run:
        return evaluate.evaluate_run(run, families, progress=no_progress)


def done(path: Path) -> list[Trial]:
    run = RunDirectory.read(path)
    return [trial for trial in run.trials if run.status()[trial.id] == "done"]


def test_what_has_been_computed_is_not_computed_again(
    copy: Path, measured: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "load_dataset", lambda name: pytest.fail("the data set is not needed"))
    before = RunDirectory.read(copy).results
    assert before is not None
    pd.testing.assert_frame_equal(results_of(copy), before, check_exact=True)
    assert measured == []


@pytest.mark.parametrize("first", [0, 1])
def test_only_missing_trials_are_computed_and_come_out_the_same(first: int, copy: Path, measured: list[Any]) -> None:
    lost = [trial for cohort in RunDirectory.read(copy).cohorts for trial in cohort.trials if trial in done(copy)][
        first::2
    ]
    before = RunDirectory.read(copy).results
    for trial in lost:
        (copy / "evaluation" / "trials" / f"{trial.id}.npz").unlink()
    after = results_of(copy)
    assert {trial for trial, _ in measured} == set(lost)
    assert before is not None
    pd.testing.assert_frame_equal(after, before, rtol=1e-5, atol=1e-6)


def test_families_are_computed_one_after_the_other(copy: Path, measured: list[Any]) -> None:
    whole = RunDirectory.read(copy).results
    shutil.rmtree(copy / "evaluation")
    some = results_of(copy, ("reconstruction", "training"))
    others = [column for family in ("latent", "control") for column in family_columns(family)]
    assert some["reconstruction_accuracy"].notna().sum() == len(done(copy))
    assert some[others].isna().all(axis=None)
    asked = len(measured)
    after = results_of(copy)
    assert {families for _, families in measured[asked:]} == {frozenset({"latent", "control"})}
    assert whole is not None
    pd.testing.assert_frame_equal(after, whole, rtol=1e-5, atol=1e-6)


def test_a_further_family_leaves_the_arrays_of_the_others(copy: Path) -> None:
    trial, store = done(copy)[0], EvaluationStore(copy)
    kept = store.trial(trial.id)
    assert kept
    families = {name: columns for name, columns in kept.families.items() if name != "training"}
    store.save_trial(trial.id, dataclasses.replace(kept, families=families))
    results_of(copy)
    again = store.trial(trial.id)
    assert again
    assert again.families.keys() == kept.families.keys()
    assert again.arrays.keys() == kept.arrays.keys() > {"traversal_tokens"}


def test_an_interrupted_evaluation_goes_on_with_the_next_trial(
    copy: Path, measured: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copy / "evaluation")
    save = EvaluationStore.save_trial
    saved: list[str] = []

    def interrupt(store: EvaluationStore, trial_id: str, evaluation: Any) -> None:
        if len(saved) == 1:
            raise KeyboardInterrupt
        saved.append(trial_id)
        save(store, trial_id, evaluation)

    monkeypatch.setattr(EvaluationStore, "save_trial", interrupt)
    with pytest.raises(KeyboardInterrupt):
        results_of(copy, ("training",))
    monkeypatch.setattr(EvaluationStore, "save_trial", save)
    measured.clear()
    results_of(copy, ("training",))
    assert {trial.id for trial, _ in measured} == {trial.id for trial in done(copy)} - set(saved)


def test_a_new_metric_is_computed_for_a_run_that_has_been_evaluated(
    copy: Path, measured: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row of the registry is all that a metric takes: evaluated, in results.csv, on the report's page."""
    before = RunDirectory.read(copy).results
    assert before is not None
    monkeypatch.setitem(METRICS, "width", Metric("width", "latent", "width of the space", lambda x: x.codes.shape[1]))
    lilt = Metric(
        "lilt",
        "control",
        "lilt of the control",
        lambda x: x.spread(x.control.argmax(1)),
        Columns.PER_ATTRIBUTE_AND_MEAN,
    )
    monkeypatch.setitem(METRICS, "lilt", lilt)
    results = results_of(copy)
    is_done = results["status"] == "done"
    assert results.loc[is_done, "width"].tolist() == results.loc[is_done, "latent_dim"].tolist()
    assert results.loc[~is_done, "width"].isna().all()
    regularised = results[is_done & (results["model"] == "measure_vae")]
    assert (regularised["lilt.note_density"] == 8).all()  # the last of nine levels is the highest
    assert (regularised["lilt.mean"] == 8).all()
    assert results["lilt.note_range"].isna().tolist() == (~is_done | (results["attributes"] != "all")).tolist()
    saved = pd.read_csv(copy / "results.csv")
    pd.testing.assert_frame_equal(saved[["width", "lilt.mean"]], results[["width", "lilt.mean"]])
    pd.testing.assert_frame_equal(results[list(before.columns)], before, check_exact=True)
    assert {trial for trial, _ in measured} == set(done(copy))
    assert {families for _, families in measured} == {frozenset({"latent"})}  # the controls were moved before
    page = write_report([copy]).page.read_text()
    assert "width of the space" in page
    assert "lilt of the control" in page


@pytest.mark.parametrize("column", ["mig.mean", "loss", "linearity.note_range", "training_efficiency.area"])
def test_an_evaluation_that_lacks_a_column_is_stale_in_its_family_only(
    column: str, copy: Path, measured: list[Any]
) -> None:
    (family,) = families_of(column)
    trial, store = done(copy)[1], EvaluationStore(copy)
    kept, before = store.trial(trial.id), RunDirectory.read(copy).results
    assert kept
    fewer = {name: value for name, value in kept.families[family].items() if name != column}
    families = kept.families | {family: fewer}
    # Such as earlier versions wrote: with the number of a format.
    store.save_trial(trial.id, TrialEvaluation(families, kept.arrays, kept.made_of | {"format": 1}))
    results_of(copy, tuple(name for name in FAMILIES if name != family))
    assert measured == []
    results = results_of(copy)
    assert measured == [(trial, frozenset({family} - {"control"}))]  # its arrays are there
    assert before is not None
    pd.testing.assert_frame_equal(results, before, rtol=1e-5, atol=1e-6)
    again = store.trial(trial.id)
    assert again
    assert again.families.keys() == kept.families.keys()
    assert again.families[family].keys() == kept.families[family].keys()


@pytest.mark.parametrize("other", [{"step": 1}, {"weights": "0123456789abcdef"}])
def test_numbers_of_other_weights_are_stale(copy: Path, measured: list[Any], other: dict[str, Any]) -> None:
    trial = done(copy)[0]
    store = EvaluationStore(copy)
    kept = store.trial(trial.id)
    assert kept
    path = copy / "evaluation" / "trials" / f"{trial.id}.npz"
    arrays_file.write(path, {}, {"families": {"training": {}}, "made_of": kept.made_of | other})
    results_of(copy, ("training",))
    assert [trial for trial, _ in measured] == [trial]
    again = store.trial(trial.id)
    assert again
    assert again.made_of == kept.made_of


def test_numbers_of_an_earlier_formula_of_an_attribute_are_stale(
    copy: Path, measured: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_all(store: EvaluationStore) -> Any:
        sample = store.corpus("irish_folk")
        assert sample
        return sample.facts["revised"]

    store = EvaluationStore(copy)
    assert of_all(store) == {}
    monkeypatch.setitem(ATTRIBUTES, "note_range", dataclasses.replace(ATTRIBUTES["note_range"], version=2))
    results_of(copy, ("training",))
    assert {trial.id for trial, _ in measured} == {trial.id for trial in done(copy)}
    assert of_all(store) == {"note_range": 2}
    results_of(copy, ("training",))
    assert len(measured) == len(done(copy))  # fresh now


def test_stale_numbers_are_not_reported_where_they_cannot_be_made_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(name: str) -> Dataset:
        raise NotReadyError(f"{name}: is gone")

    first, *others = done(copy)
    store = EvaluationStore(copy)
    kept = store.trial(first.id)
    assert kept
    store.save_trial(first.id, dataclasses.replace(kept, made_of=kept.made_of | {"step": 1}))
    monkeypatch.setattr(evaluate, "load_dataset", gone)
    results = results_of(copy).set_index("trial")["reconstruction_accuracy"]
    assert np.isnan(results[first.id])
    assert results[[trial.id for trial in others]].notna().all()
    assert capsys.readouterr().err == "left out: irish_folk: is gone\n"


def test_an_outdated_evaluation_keeps_all_its_families_where_one_is_asked_for(copy: Path) -> None:
    trial, store = done(copy)[0], EvaluationStore(copy)
    kept = store.trial(trial.id)
    assert kept
    store.save_trial(trial.id, dataclasses.replace(kept, made_of=kept.made_of | {"definitions": 1}))
    results_of(copy, ("training",))
    again = store.trial(trial.id)
    assert again
    assert not again.is_of_earlier_definitions
    assert again.families.keys() == kept.families.keys() == set(FAMILIES)


def test_a_damaged_file_is_computed_again(copy: Path, measured: list[Any]) -> None:
    trial = done(copy)[0]
    path = copy / "evaluation" / "trials" / f"{trial.id}.npz"
    path.write_bytes(path.read_bytes()[:100])
    results = results_of(copy).set_index("trial")
    assert [trial for trial, _ in measured] == [trial]
    assert results.loc[[trial.id for trial in done(copy)], "reconstruction_accuracy"].notna().all()


def test_a_data_set_that_is_gone_leaves_its_trials_out(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(name: str) -> Dataset:
        raise NotReadyError(f"{name}: is gone")

    first, *others = done(copy)
    monkeypatch.setattr(evaluate, "load_dataset", gone)
    (copy / "evaluation" / "trials" / f"{first.id}.npz").unlink()
    results = results_of(copy).set_index("trial")["reconstruction_accuracy"]
    assert np.isnan(results[first.id])
    assert results[[trial.id for trial in others]].notna().all()
    assert capsys.readouterr().err == "left out: irish_folk: is gone\n"
    shutil.rmtree(copy / "evaluation")
    with pytest.raises(UserError, match=r"^irish_folk: is gone$"):
        results_of(copy)


def test_too_few_test_measures_leave_the_latent_space_out(
    copy: Path, small_irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = sweeps.first_of(small_irish_folk, len(small_irish_folk.train), 4)
    monkeypatch.setattr(type(few), "digest", small_irish_folk.digest)
    shutil.rmtree(copy / "evaluation")
    sweeps.use_data(monkeypatch, few)
    results = results_of(copy, ("latent", "reconstruction"))
    assert results[list(family_columns("latent"))].isna().all(axis=None)
    assert results["reconstruction_accuracy"].notna().sum() == len(done(copy))
    assert capsys.readouterr().err == (
        "irish_folk: has 4 test measures; interpretability and the other metrics of the latent space need 5 and are "
        "left empty\n"
    )


def test_names_of_metrics() -> None:
    assert [families_of(name) for name in ("latent", "mig", "mig.mean", "reconstruction_efficiency", "loss")] == [
        ("latent",),
        ("latent",),
        ("latent",),
        ("control",),
        ("reconstruction",),
    ]
    assert {family for column in all_columns() for family in families_of(column)} == set(FAMILIES)
    with pytest.raises(
        ValueError,
        match=r"'mi' is no metric \(did you mean mig\?\); use reconstruction, .*, training, or one of",
    ):
        families_of("mi")


def test_a_sample_says_what_the_data_set_is(small_irish_folk: Dataset) -> None:
    sample = sample_of(small_irish_folk)
    test = small_irish_folk.test
    assert len(sample.tokens) == sweeps.N_TRAVERSED
    assert {row.tobytes() for row in sample.tokens} <= {row.tobytes() for row in test.tokens}
    assert sample.attributes.shape == (len(test), 4)
    assert sample.vocabulary == small_irish_folk.vocabulary
    assert sample.chosen is not None
    assert sample.seen is not None
    np.testing.assert_array_equal(sample.tokens, test.tokens[sample.chosen])
    np.testing.assert_array_equal(sample.tune, test.tune)
    assert sample.facts["seen_in_training"] == sample.seen.mean()
    assert sample.facts["measures"] == {"train": 1000, "validation": 250, "test": 250}
    known = statistics_of(small_irish_folk)
    training = [row.tobytes() for row in small_irish_folk.train.tokens]
    assert sample.facts["distinct"] == len(set(training)) / 1000
    assert sample.facts["majority_baseline"] == pytest.approx(known.baseline)
    assert sample.facts["seen_in_training"] == np.mean([row.tobytes() in training for row in test.tokens])
    assert sum(sample.facts["tunes"].values()) == len(
        {t for name in SPLITS for t in small_irish_folk.split(name).tune.tolist()}
    )
    for name, column in zip(ATTRIBUTES, known.attributes.T, strict=True):
        assert sample.facts["attribute_mean"][name] == pytest.approx(column.mean(dtype=float))
        assert sample.facts["attribute_std"][name] == pytest.approx(column.std(dtype=float))
    shares = np.bincount(small_irish_folk.train.tokens.ravel()) / (24 * 1000)
    assert 2 ** -sample.facts["token_entropy"] < shares.max()  # of the commonest: entropy is at least its surprise
    assert token_entropy(np.array([[0, 1, 2, 3], [0, 1, 2, 3]])) == 2
    assert token_entropy(np.zeros((3, 24), int)) == 0
