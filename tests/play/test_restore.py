"""A restored model is the one that was trained and measured."""

import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import vaemusic_jax
from tests.helpers import sweeps
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.evaluation.corpus_sample import drawn, others
from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes
from vaemusic_jax.play.restore import TrainedModel, restore
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.evaluations import EvaluationStore

CHOICES: dict[str, dict[str, Any]] = {
    "padded measure_vae": {"model": "measure_vae", "latent_dim": 4, "learning_rate": 0.03},
    "widest measure_vae": {"model": "measure_vae", "attributes": "note_density+rhythmic_complexity"},
    "padded adversarial_vae": {"model": "adversarial_vae", "latent_dim": 4, "attributes": "all"},
    "widest adversarial_vae": {"model": "adversarial_vae", "attributes": ("note_density", "rhythmic_complexity")},
}


@pytest.fixture(scope="module")
def loud_run(finished_run: Path, small_irish_folk: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run with larger weights, evaluated anew: the trained ones decode nearly nothing but holds.

    Larger ones to the standard deviations would make some of them 0.
    """

    def louder(path: Any, leaf: np.ndarray) -> np.ndarray:
        return leaf if "log_std" in jax.tree_util.keystr(path) else 4 * leaf

    copy = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("loud") / "run"))
    for cohort in RunDirectory.read(copy).cohorts:
        store = CheckpointStore(copy / "cohorts" / cohort.id)
        arrays = store.arrays()
        train = arrays["state"]["train"]
        train["params"] = jax.tree_util.tree_map_with_path(louder, train["params"])
        store.save(61, arrays, store.owner())
    with pytest.MonkeyPatch.context() as patch:
        sweeps.use_data(patch, small_irish_folk)
        sweeps.evaluate_and_save(copy)
    return copy


@pytest.fixture(scope="module")
def models(loud_run: Path) -> dict[str, TrainedModel]:
    return {name: restore(loud_run, **which) for name, which in CHOICES.items()}


@pytest.fixture(params=CHOICES)
def model(request: pytest.FixtureRequest, models: dict[str, TrainedModel]) -> TrainedModel:
    return models[request.param]


@pytest.fixture(scope="module")
def results(loud_run: Path) -> dict[str, dict[str, Any]]:
    table = pd.read_csv(loud_run / "results.csv").set_index("trial")
    return {trial: dict(table.loc[trial]) for trial in table.index}


def conditions(model: TrainedModel, tokens: np.ndarray) -> np.ndarray | None:
    """What the model is told of these measures."""
    if model.trial.model == "measure_vae":
        return None
    return model.attributes(tokens)[:, [ATTRIBUTES.index(name) for name in model.trial.attributes]]


def test_fields_choose_the_trial(finished_run: Path, models: dict[str, TrainedModel]) -> None:
    for name, model in models.items():
        assert (model.trial.model, model.trial.latent_dim) == (name.split()[1], 4 if "padded" in name else 8)
        assert model.trial.learning_rate == 0.03
    for trial in RunDirectory.read(finished_run).trials[:2]:
        assert vaemusic_jax.restore(finished_run, id=trial.id).trial == trial


def test_a_diverged_model_comes_with_a_warning(finished_run: Path) -> None:
    (trial,) = [t for t in RunDirectory.read(finished_run).trials if t.learning_rate == sweeps.DIVERGING_RATE]
    said = f"{finished_run}: trial {trial.id} diverged at step \\d+; this is the model before that step"
    with pytest.warns(UserWarning, match=said) as warned:
        assert restore(finished_run, id=trial.id).trial == trial
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (
            {"latent": 4},
            r"latent is no field of a trial \(did you mean latent_dim\?\); use one of dataset, .*, size or id$",
        ),
        ({"latent_dim": 5}, r"0 of 5 trials have latent_dim=5; they have latent_dim \(4, 8\), model "),
        (
            {"id": "abc"},
            r"0 of 5 trials have id='abc'; they have id \(\w{10}, \w{10}, \w{10}, \w{10}, \w{10}\), model ",
        ),
        ({"seed": None}, r"0 of 5 trials have seed=None; they have seed \(0\), model "),
        ({"size": ["small"]}, r"0 of 5 trials have size=\['small'\]; they have size \(12\), model "),
        ({"attributes": 5}, "attributes: 5 is neither a text nor a list of names"),
        ({"attributes": ["swing"]}, "attributes: 'swing' is no attribute"),
        (
            {"model": "adversarial_vae"},
            r"2 of 5 trials have model='adversarial_vae'; they differ in attributes \(all, .*\), latent_dim \(4, 8\)",
        ),
        (
            {},
            r"5 of 5 trials have no field given; they differ in model \(measure_vae, adversarial_vae\), ",
        ),
        ({"latent_dim": "four"}, "latent_dim: 'four' is no number"),
    ],
)
def test_what_does_not_name_one_trial_is_refused(which: dict[str, Any], words: str, finished_run: Path) -> None:
    with pytest.raises(UserError, match=words) as refused:
        restore(finished_run, **which)
    assert str(refused.value).startswith(f"{finished_run}: ")
    assert "\n" not in str(refused.value)


def test_values_are_accepted_as_configurations_write_them(finished_run: Path) -> None:
    chosen = {"model": "adversarial_vae", "latent_dim": 4}
    trial = restore(finished_run, **chosen).trial
    for same in (
        {"latent_dim": "4"},
        {"attributes": "all"},
        {"attributes": ["all"]},
        {"size": 12, "latent_dim": 4.0},
        {"size": "12", "seed": "0"},
    ):
        assert restore(finished_run, **(chosen | same)).trial == trial
    assert restore(finished_run, id=trial.id).trial == trial
    with pytest.raises(UserError, match="0 of 5 trials have size='small'"):
        restore(finished_run, size="small")


def test_an_unknown_attribute_is_refused(finished_run: Path) -> None:
    with pytest.raises(UserError, match="attributes: 'swing' is no attribute"):
        restore(finished_run, attributes="note_density+swing")


def test_without_run_or_checkpoint_there_is_nothing_to_restore(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run directory"):
        restore(tmp_path, latent_dim=4)
    copy = shutil.copytree(finished_run, tmp_path / "copy", ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(UserError, match="holds no checkpoint; run the sweep first"):
        restore(copy, **CHOICES["padded measure_vae"])


def test_checkpoints_of_other_trials_are_refused(finished_run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    first, second = (copy / "cohorts" / cohort.id for cohort in RunDirectory.read(copy).cohorts)
    shutil.rmtree(first)
    shutil.copytree(second, first)
    with pytest.raises(UserError, match="holds other trials than this run's cohort"):
        restore(copy, **CHOICES["padded measure_vae"])


def test_measures_go_to_codes_and_back(model: TrainedModel, small_irish_folk: Dataset) -> None:
    tokens, n_latent = small_irish_folk.test.tokens[:5], model.trial.latent_dim
    codes = model.encode(tokens)
    assert codes.shape == (5, n_latent)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(model.encode(tokens[3]), codes[3:4], rtol=1e-4, atol=1e-5)
    decoded = model.decode(codes, conditions(model, tokens))
    assert decoded.shape == (5, 24)
    assert decoded.dtype == np.int32
    sampled = model.sample(3, seed=1, attributes=conditions(model, tokens[:3]))
    assert sampled.shape == (3, 24)
    for measures in (decoded, sampled):
        assert 0 <= measures.min() <= measures.max() < len(model.vocabulary)
    np.testing.assert_array_equal(sampled, model.sample(3, seed=1, attributes=conditions(model, tokens[:3])))
    assert model.vocabulary == small_irish_folk.vocabulary
    expected = compute_attributes(tokens, model.vocabulary.midi, model.vocabulary.grid)
    np.testing.assert_allclose(model.attributes(tokens), expected, rtol=1e-6)


def test_traversals_are_what_the_restored_model_makes_of_moved_controls(
    model: TrainedModel, loud_run: Path, small_irish_folk: Dataset
) -> None:
    store, test = EvaluationStore(loud_run), small_irish_folk.test.tokens
    found, sample = store.trial(model.trial.id), store.corpus("irish_folk")
    assert found
    assert sample
    tokens, arrays, n_controls = sample.tokens, found.arrays, len(model.trial.attributes)
    assert len(tokens) == sweeps.N_TRAVERSED
    own = [ATTRIBUTES.index(name) for name in model.trial.attributes]
    moves = {"traversal": "control_values", "span": "span_values"}
    if model.trial.model == "measure_vae":
        moves["prior"] = "prior_values"
        codes = model.encode(test)[:, :n_controls]
        np.testing.assert_allclose(arrays["codes"], codes, rtol=1e-4, atol=1e-5)
        assert (arrays["code_stds"] > 0).all()
    training = small_irish_folk.train.tokens
    if "prior" in moves:
        set_to = model.encode(training[drawn(len(training), sweeps.N_ENCODED)])[:, :n_controls]
    else:
        set_to = model.attributes(training)[:, own]
    expected = np.quantile(set_to, (np.arange(9) + 0.5) / 9, axis=0).T
    np.testing.assert_allclose(arrays["control_values"], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(
        arrays["reconstruction"], model.decode(model.encode(tokens), conditions(model, tokens))
    )
    for prefix, name in moves.items():
        played = arrays[f"{prefix}_tokens"]
        assert played.shape == (len(tokens), n_controls, len(arrays[name][0]), 24)
        np.testing.assert_array_equal(
            model.attributes(played.reshape(-1, 24)), arrays[f"{prefix}_attributes"].reshape(-1, 4)
        )
        for k, values in enumerate(arrays[name]):
            for q, value in enumerate(values):
                codes, told = model.encode(tokens), conditions(model, tokens)
                if told is None:
                    codes[:, k] = value
                else:
                    told[:, k] = value
                np.testing.assert_array_equal(played[:, k, q], model.decode(codes, told))
    assert len(np.unique(arrays["traversal_tokens"].reshape(-1, 24), axis=0)) > 5  # the law is not of silence
    values, surface = arrays["surface_values"], arrays["surface_tokens"]
    codes = np.zeros((1, model.trial.latent_dim), np.float32)
    for i, j in ((0, 0), (3, 14), (14, 2)):
        told = None
        if model.trial.model == "measure_vae":
            codes[0, :2] = values[0, i], values[1, j]
        else:
            told = model.attributes(small_irish_folk.train.tokens).mean(0, keepdims=True)[:, own]
            told[0, :2] = values[0, i], values[1, j]
        np.testing.assert_array_equal(surface[i, j], model.decode(codes, told)[0])


def test_a_restored_model_reconstructs_what_the_results_say(
    model: TrainedModel, results: dict[str, dict[str, Any]], loud_run: Path, small_irish_folk: Dataset
) -> None:
    tokens = small_irish_folk.test.tokens
    row = results[model.trial.id]
    near = 2 / len(tokens)  # in another batch a tie may fall the other way, and what follows in its measure with it
    right = model.decode(model.encode(tokens), conditions(model, tokens)) == tokens
    stored = EvaluationStore(loud_run).trial(model.trial.id)
    assert stored
    assert (stored.arrays["tokens_right"] == right.sum(1)).mean() > 1 - 4 * near
    assert stored.arrays["tokens_right"].mean() / 24 == pytest.approx(row["reconstruction_accuracy"], abs=near)
    onset = model.vocabulary.midi[tokens] >= 0
    assert right.mean() == pytest.approx(row["reconstruction_accuracy"], rel=0, abs=near)
    assert right[onset].mean() == pytest.approx(row["onset_accuracy"], rel=0, abs=near)
    assert right.all(1).mean() == pytest.approx(row["measure_accuracy"], rel=0, abs=near)
    assert abs(row["reconstruction_accuracy"] - row["majority_baseline"]) > 3 * near  # so these are not all holds


def test_codes_explain_the_attributes_as_the_results_say(
    model: TrainedModel, results: dict[str, dict[str, Any]], loud_run: Path, small_irish_folk: Dataset
) -> None:
    """The score of each attribute is its squared correlation with the named dimension, whose codes are kept."""
    tokens, row = small_irish_folk.test.tokens, results[model.trial.id]
    codes, values = model.encode(tokens), model.attributes(tokens)
    stored = EvaluationStore(loud_run).trial(model.trial.id)
    assert stored
    for k, name in enumerate(ATTRIBUTES):
        dimension = int(row[f"interpretability.{name}.dimension"])
        is_tied = model.trial.model == "measure_vae" and name in model.trial.attributes
        own = is_tied and model.trial.attributes.index(name) == dimension
        assert row[f"interpretability.{name}.is_regularised"] == own
        score = np.corrcoef(codes[:, dimension], values[:, k])[0, 1] ** 2
        assert score == pytest.approx(row[f"interpretability.{name}"], rel=1e-3, abs=1e-5)
        kept = stored.arrays["interpretable_codes"][:, k]
        np.testing.assert_allclose(kept, codes[:, dimension], rtol=1e-4, atol=1e-5)


def test_conditions_are_for_all_codes_or_one_for_each(models: dict[str, TrainedModel]) -> None:
    model = models["widest adversarial_vae"]
    codes = np.random.default_rng(0).standard_normal((40, 8))
    once, each = model.decode(codes, [0.2, 0.5]), model.decode(codes, [[0.2, 0.5]] * 40)
    np.testing.assert_array_equal(once, each)
    assert (model.decode(codes, [-1.0, -1.0]) != model.decode(codes, [2.0, 2.0])).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.encode(np.zeros((2, 23), int)), r"tokens have shape \(2, 23\)"),
        (lambda m: m.encode(np.zeros((2, 24))), "type float64; they need"),
        (lambda m: m.encode(np.full((1, 24), 62)), r"tokens reach 62\.\.\.62; the vocabulary has 62"),
        (lambda m: m.encode(np.full((1, 24), -1)), r"tokens reach -1\.\.\.-1"),
        (lambda m: m.attributes(np.zeros((2, 25), int)), r"tokens have shape \(2, 25\)"),
        (lambda m: m.decode(np.zeros((2, 7)), [0, 0]), r"codes have shape \(2, 7\); this model needs \(N, 8\)"),
        (lambda m: m.decode(np.zeros((1, 2, 8)), [0, 0]), r"codes have shape \(1, 2, 8\)"),
        (lambda m: m.decode(np.zeros((2, 8))), "decodes for given attributes: pass values of .*'note_density'"),
        (lambda m: m.decode(np.zeros((2, 8)), [0.0]), r"attributes have shape \(1, 1\); 2 codes need \(2, 2\)"),
        (lambda m: m.sample(3, attributes=np.zeros((2, 2))), r"attributes have shape \(2, 2\); 3 codes need \(3, 2\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(call: Any, words: str, models: dict[str, TrainedModel]) -> None:
    with pytest.raises(ValueError, match=words):
        call(models["widest adversarial_vae"])


def test_told_the_attributes_of_another_measure_it_reconstructs_as_if_they_were_its_own(
    models: dict[str, TrainedModel], loud_run: Path, small_irish_folk: Dataset
) -> None:
    tokens = small_irish_folk.test.tokens
    told, alone = models["widest adversarial_vae"], models["widest measure_vae"]
    other = others(len(tokens))
    assert sorted(other) == list(range(len(tokens)))
    assert (other != np.arange(len(tokens))).all()
    kept = EvaluationStore(loud_run).trial(told.trial.id)
    without = EvaluationStore(loud_run).trial(alone.trial.id)
    assert kept
    assert without
    told_of_others = conditions(told, tokens[other])
    right = (told.decode(told.encode(tokens), told_of_others) == tokens).sum(1)
    assert (kept.arrays["tokens_right_wrong_attributes"] == right).mean() > 1 - 8 / len(tokens)
    assert "tokens_right_wrong_attributes" not in without.arrays
