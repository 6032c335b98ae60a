"""A data set in 9/8 from its book to the report: every part of the package follows the grid of its measures.

In 9/8 a measure has 36 ticks, so that a part that takes it for one of 24 fails.
"""

import dataclasses
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers import sweeps
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.data.names import look_up
from vaemusic_jax.data.prepare import prepare_dataset
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.play.restore import restore
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training.start_weights import source_of

METRE, N_TICKS = "9/8", 36
GROUPS = ("{}3", "{}2{}", "{}{}{}", "{}{}/{}/{}", "{}/{}/{}{}/{}/")  # lengths of a dotted quarter in units of 1/8


def tune(number: int, metre: str = METRE) -> str:
    rng = random.Random(number)
    bars = []
    for _ in range(10):
        groups = [rng.choice(GROUPS) for _ in range(int(metre.partition("/")[0]) // 3)]
        bars.append(" ".join(group.format(*(rng.choice("DEFGABcde") for _ in range(5))) for group in groups))
    return f"X:{number}\nT:Tune {number}\nM:{metre}\nL:1/8\nK:D\n{'|'.join(bars)}|\n"


@pytest.fixture(scope="module")
def slip_jigs(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Forty tunes in 9/8 and five in 6/8."""
    folder = tmp_path_factory.mktemp("slip_jigs")
    book = folder / "book.abc"
    book.write_text("\n".join([tune(n) for n in range(40)] + [tune(n, "6/8") for n in range(40, 45)]))
    reading = Reading(metre=METRE)
    made = prepare_dataset(
        "slip_jigs", source=book, reading=reading, workers=1, cache_dir=folder / "cache", progress=no_progress
    ).dataset
    again = load_dataset("slip_jigs", cache_dir=folder / "cache", progress=no_progress)
    made.path.unlink()
    reads_again = load_dataset("slip_jigs", cache_dir=folder / "cache", progress=no_progress)
    assert made.digest == again.digest == reads_again.digest
    entry = look_up("slip_jigs", folder / "cache")
    assert entry is not None
    assert entry.reading == reading
    return made


def test_measures_of_the_metre_are_used_and_others_counted(slip_jigs: Dataset) -> None:
    measures = slip_jigs.report["measures"]
    assert measures["kept"] == 400
    assert (measures["dropped"], measures["other_metres"]) == ({"another metre": 50}, {"6/8": 50})
    assert slip_jigs.report["reading"].endswith("measures in 9/8")
    vocabulary = slip_jigs.vocabulary
    assert (vocabulary.metre, slip_jigs.test.tokens.shape[1]) == (METRE, N_TICKS)
    # The first tune again, by hand: a dotted quarter has twelve ticks, an eighth four.
    starts = dict(zip(GROUPS, ([0], [0, 8], [0, 4, 8], [0, 4, 6, 8], [0, 2, 4, 8, 10]), strict=True))
    rng = random.Random(0)
    expected = []
    for beat in range(3):
        group = rng.choice(GROUPS)
        expected += [12 * beat + start for start in starts[group]]
    is_first = [name.endswith("#0") for name in slip_jigs.tune_names]
    place = is_first.index(True)
    split = next(each for each in map(slip_jigs.split, ("train", "validation", "test")) if place in each.tune)
    row = split.tokens[np.flatnonzero(split.tune == place)[0]]
    assert np.flatnonzero(row).tolist() == expected


def test_a_corpus_has_its_own_metre_unless_another_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "book.abc").write_text("\n".join(tune(n, "6/8") for n in range(12)))
    options = {"source": tmp_path / "book.abc", "workers": 1, "cache_dir": tmp_path / "cache", "progress": no_progress}
    made = prepare_dataset("irish_jigs", **options)  # type: ignore[arg-type]
    assert made.dataset.vocabulary.metre == "6/8"
    with pytest.raises(UserError, match="another metre: 12"):
        prepare_dataset("irish_folk", **options)  # type: ignore[arg-type]


def test_a_metre_without_a_grid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book.abc").write_text(tune(0))
    with pytest.raises(UserError, match=r"^metre: '5/4' is none of 4/4, 3/4, 2/4, 6/8, 9/8, 12/8$"):
        prepare_dataset("fives", source=tmp_path, reading=Reading(metre="5/4"), cache_dir=tmp_path)


@pytest.fixture(scope="module")
def run(slip_jigs: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of both models, one of them with the steering term and transposition, trained and evaluated."""
    path = tmp_path_factory.mktemp("run") / "slip_jigs"
    grids = [
        {"model": "measure_vae", "latent_dim": 4, "attributes": "all", "steering_weight": 0.3, "transpose": 2},
        {"model": "adversarial_vae", "latent_dim": 4, "attributes": "all"},
    ]
    with pytest.MonkeyPatch.context() as patch:
        sweeps.use_data(patch, slip_jigs)
        config = sweeps.config_of(path, dataset="slip_jigs", steps=12, eval_every=12, grids=grids)
        sweeps.run(config)
        sweeps.evaluate_and_save(path)
    return path


def test_results_are_of_the_whole_measure(run: Path, slip_jigs: Dataset) -> None:
    results = pd.read_csv(run / "results.csv")
    model = restore(run, model="measure_vae")
    assert model.vocabulary == slip_jigs.vocabulary
    back = model.decode(model.encode(slip_jigs.test.tokens))
    assert back.shape == slip_jigs.test.tokens.shape
    own = results[results["model"] == "measure_vae"]["reconstruction_accuracy"].item()
    assert own == pytest.approx((back == slip_jigs.test.tokens).mean(), abs=1e-6)
    seen = slip_jigs.is_seen_in_training
    unseen = (back == slip_jigs.test.tokens)[~seen].mean()
    row = results[results["model"] == "measure_vae"]
    assert row["unseen_accuracy"].item() == pytest.approx(unseen, abs=1e-6)
    expected = compute_attributes(back, slip_jigs.vocabulary.midi, slip_jigs.vocabulary.grid)
    np.testing.assert_array_equal(model.attributes(back), expected)
    with pytest.raises(ValueError, match=r"they need \(N, 36\) integers"):
        model.encode(np.zeros((2, 24), int))


def test_the_report_says_the_metre(run: Path) -> None:
    page = write_report([run]).page.read_text()
    assert "measures in 9/8" in page


def test_a_model_of_one_metre_starts_no_model_of_another(run: Path, slip_jigs: Dataset) -> None:
    trial = next(t for t in RunDirectory.read(run).trials if t.model == "measure_vae")
    going_on = trial.model_copy(update={"init_from": str(run)})
    assert source_of(going_on, slip_jigs.vocabulary)
    other = dataclasses.replace(slip_jigs.vocabulary, metre="4/4")
    with pytest.raises(UserError, match="trained on measures in 9/8; those of data set 'slip_jigs' are in 4/4"):
        source_of(going_on, other)
