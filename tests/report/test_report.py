"""The report on a run: one page that needs nothing else, with what there is and without what there is not."""

import dataclasses
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.helpers.columns import family_columns
from tests.helpers.evaluated_runs import config_of, corpus_of, write_run
from vaemusic_jax.cli import run
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.report import examples, write
from vaemusic_jax.report.answer import NOTHING
from vaemusic_jax.report.chapters.answer import answer
from vaemusic_jax.report.chapters.controls import control_matrices
from vaemusic_jax.report.chapters.single_trials import attribute_surfaces, music
from vaemusic_jax.report.chapters.sweeps import latent_sizes, learning
from vaemusic_jax.report.evidence import evidence_of
from vaemusic_jax.report.joined_runs import JoinedRuns
from vaemusic_jax.report.page import Banner, Drawing, Gallery, Svg
from vaemusic_jax.report.sound import SCRIPT
from vaemusic_jax.report.write import write_report
from vaemusic_jax.runs.directory import RunDirectory, State
from vaemusic_jax.runs.evaluations import EvaluationStore

ALL = config_of(attributes="all")
TINY = config_of(attributes="note_density", latent_dim=4, seed=0, model="measure_vae")
DIVERGED, RUNNING = 0, 5  # positions of trials: MeasureVAE, 4 dimensions, seed 0; AdversarialVAE, 4 dimensions, seed 1


@pytest.fixture(scope="module", autouse=True)
def quick_figures() -> Iterator[None]:
    """Figures for print have a test of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "to_png", lambda figure: b"PNG")
        yield


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with both models; not to be written to but for its report."""
    status = {DIVERGED: ("diverged", "loss is not finite"), RUNNING: ("running", "")}
    return write_run(tmp_path_factory.mktemp("evaluated") / "run", ALL, status)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def page(evaluated: Path) -> str:
    return write_report([evaluated]).page.read_text()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_run(tmp_path / "tiny", TINY)


def elements(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def section(page: str, name: str) -> str:
    """Text of a chapter."""
    found = elements(page).find(f".//section[@id='chapter-{name}']")
    assert found is not None
    return " ".join(found.itertext())


def test_the_page_is_well_formed_and_fetches_nothing(page: str) -> None:
    every = list(elements(page).iter())
    assert all(element.get("src", "data:").startswith("data:") for element in every)
    assert all(element.get("href", "#").startswith("#") for element in every)
    assert not {"link", "iframe", "object"} & {element.tag for element in every}
    assert [element.text for element in every if element.tag == "script"] == [SCRIPT]
    written = re.sub(r'src="[^"]*"|http-equiv', "", page)
    assert not re.search(r"http|@import|url\(", written)


def test_images_within_the_page_fetch_nothing_either(page: str) -> None:
    for element in elements(page).iter("img"):
        svg = unquote(element.attrib["src"].partition(",")[2])
        root = ElementTree.fromstring(svg)
        links = [value for each in root.iter() for key, value in each.items() if key.rpartition("}")[2] == "href"]
        assert all(link.startswith(("#", "data:")) for link in links)
        assert element.attrib["alt"]


def test_the_contents_name_every_chapter(page: str) -> None:
    root = elements(page)
    ids = [element.attrib["id"] for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    links = [element.attrib["href"].removeprefix("#chapter-") for element in root.findall(".//nav//a")]
    assert [f"chapter-{link}" for link in links] == [each.attrib["id"] for each in root.iter("section")]
    known = {"about", "findings", "tables", "latent_size", "learning", "control", "surfaces", "prior", "music"}
    assert known <= set(links)


def test_every_figure_says_what_it_shows_of_how_many_seeds(evaluated: Path, page: str) -> None:
    figures = list(elements(page).iter("figure"))
    for figure in figures:
        caption = "".join(figure.itertext())
        assert re.search(r"n = \d", caption) or "over seeds" in caption
        assert re.search(r"split|trial|data", caption)
        for ending in ("png", "svg"):
            assert (evaluated / "report" / "figures" / f"{figure.attrib['id']}.{ending}").is_file()
    assert len(figures) >= 12
    assert len(list((evaluated / "report" / "figures").iterdir())) == 2 * len(figures)


def test_every_table_is_there_for_latex_and_spreadsheets(evaluated: Path, page: str) -> None:
    tables = {table.attrib["id"].removeprefix("table-") for table in elements(page).iter("table") if table.get("id")}
    assert {"accuracy", "loss", "control", "findings", "trials", "data"} <= tables
    tables = {name for name in tables if not re.search(r"-\d$", name)}  # the pieces of the folded one
    files = {path.name for path in (evaluated / "report" / "tables").iterdir()}
    folded = {"attributes"}  # some thirty columns, which no page holds
    assert files == {f"{name}.csv" for name in tables} | {f"{name}.tex" for name in tables - folded}


def test_trials_without_numbers_are_named_with_the_reason(page: str) -> None:
    about = section(page, "about")
    assert "diverged: loss is not finite" in about
    diverged = next(table for table in elements(page).iter("table") if table.get("id") == "table-not_done")
    assert len(diverged.findall(".//tbody/tr")) == 2


def test_data_sets_are_described_with_how_they_were_read(page: str) -> None:
    about = section(page, "about")
    assert "pitches rounded to twelve tones, the melody of each piece" in about
    assert "0.12" in about  # seen in training
    assert re.search(r"80\s*10\s*10\s*800\s*100\s*60", about)  # tunes and measures
    assert "latent_dim: [4, 16]" in about  # the configuration


@pytest.fixture(scope="module")
def tiny_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one trial with one attribute."""
    path = write_run(tmp_path_factory.mktemp("tiny") / "run", TINY)
    return write_report([path]).page.parent


def test_one_attribute_one_size_and_one_seed_are_enough(tiny_report: Path) -> None:
    page = (tiny_report / "index.html").read_text()
    assert "one latent size only" in section(page, "latent_size")
    assert "No surfaces of irish_folk" in section(page, "surfaces")
    assert "n = 1 seed" in section(page, "control")


def test_the_same_run_gives_the_same_bytes_wherever_they_are_written(
    tiny_report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "elsewhere"
    assert run(["report", str(tiny_report.parent), "--out", str(out)]) == 0
    n_figures, n_tables = len(list(out.rglob("*.png"))), len(list(out.rglob("*.csv")))
    assert f"Report: {out / 'index.html'}; beside it {n_figures} figures as PNG and SVG" in capsys.readouterr().out
    ours = {path.relative_to(out): path.read_bytes() for path in out.rglob("*.*")}
    assert ours == {path.relative_to(tiny_report): path.read_bytes() for path in tiny_report.rglob("*.*")}
    assert len(ours) == 1 + 2 * n_figures + 2 * n_tables - 1


def test_a_trial_in_two_runs_counts_once_and_the_evaluated_one_counts(tmp_path: Path) -> None:
    both = config_of(attributes="note_density", latent_dim=4, seed=[0, 1], model="measure_vae")
    one = write_run(tmp_path / "one", both, {0: ("running", "")})
    other = write_run(tmp_path / "other", TINY, metrics={"reconstruction_accuracy": 0.5})
    trial = RunDirectory.read(other).trials[0].id
    for paths in ([one, other], [other, one], [one, other, one]):
        runs = JoinedRuns(paths)
        assert len(runs.results) == 2
        first = runs.results.set_index("trial").loc[trial]
        assert first["status"] == "done"
        assert first["reconstruction_accuracy"] == 0.5
        assert not runs.curves.duplicated(["trial", "step", "split", "metric"]).any()
        assert runs.evaluation(trial) is not None
    assert JoinedRuns([one]).results["reconstruction_accuracy"].isna().sum() == 1


def test_a_run_that_has_learned_nothing_says_so_first(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", TINY, metrics={"reconstruction_accuracy": 0.715, "tick_baseline": 0.71})
    runs = JoinedRuns([path])
    banner, sentence, drawing = answer(runs, evidence_of(runs)).parts
    assert isinstance(banner, Banner)
    assert "MeasureVAE has learned nothing here" in banner.text
    assert sentence == NOTHING
    assert isinstance(drawing, Drawing)


def test_numbers_from_before_a_run_was_started_anew_do_not_count(tiny: Path) -> None:
    with RunDirectory.reopen(tiny) as opened:
        opened.set_status([opened.trials[0].id], "running")
    with pytest.raises(UserError, match="no trial has been evaluated"):
        JoinedRuns([tiny])


def test_a_damaged_evaluation_is_left_out_and_said(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (damaged,) = (tiny / "evaluation" / "trials").iterdir()
    damaged.write_bytes(damaged.read_bytes()[:-50])
    monkeypatch.setattr(write, "_svg", lambda figure: Svg("<svg/>", 4))
    page = write_report([tiny]).page.read_text()
    assert "Left out" in section(page, "answer")
    assert page.count(damaged.name) == 1  # though several chapters would read it
    assert "there are no traversals" in section(page, "control")
    assert "accuracy" in section(page, "tables")


def test_runs_on_different_data_of_one_name_are_not_compared_silently(tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny, other)
    EvaluationStore(other).save_corpus(corpus_of("irish_folk", digest="abcdefabcd"))
    runs = JoinedRuns([tiny, other])
    first = runs.corpus("irish_folk")
    assert first
    assert first.facts["digest"] == corpus_of("irish_folk").facts["digest"]
    assert "different data under the name irish_folk" in runs.faults[0]
    assert runs.corpus("bach") is None


def test_what_has_not_been_measured_is_said_and_the_rest_of_the_report_made(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_svg", lambda figure: Svg("<svg/>", 4))
    store, (trial,) = EvaluationStore(tiny), RunDirectory.read(tiny).trials
    measured = store.trial(trial.id)
    assert measured
    # `evaluate --metrics reconstruction`
    store.save_trial(trial.id, dataclasses.replace(measured, arrays={}))
    with RunDirectory.reopen(tiny) as opened:
        results = opened.results
        assert results is not None
        scores = [name for name in map(str, results) if name.startswith("interpretability")]
        opened.write_results(results.assign(**dict.fromkeys(scores)).astype(results.dtypes))
    page = write_report([tiny]).page.read_text()
    assert "No interpretability of irish_folk" in section(page, "control")
    assert "there are no traversals" in section(page, "control")
    assert "No examples of irish_folk" in section(page, "music")


def with_vocabulary(run: Path, vocabulary: Vocabulary, shift: int = 0) -> None:
    """Gives the sample and the decoded measures of a run another vocabulary, of tokens moved up by `shift`."""
    store, (trial,) = EvaluationStore(run), RunDirectory.read(run).trials
    sample, measured = store.corpus("irish_folk"), store.trial(trial.id)
    assert sample
    assert measured
    sample.facts["vocabulary"] = list(vocabulary.tokens)
    store.save_corpus(dataclasses.replace(sample, tokens=sample.tokens % len(vocabulary)))
    arrays = {
        name: array % len(vocabulary) + shift if name == "reconstruction" or name.endswith("_tokens") else array
        for name, array in measured.arrays.items()
    }
    store.save_trial(trial.id, dataclasses.replace(measured, arrays=arrays))


@pytest.mark.parametrize("pitch", ["B4-4c", "B-4"])
def test_notation_says_where_it_rounds_pitches(pitch: str, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "draw", lambda tokens, vocabulary, marked: "<svg/>")
    vocabulary = Vocabulary.from_pitches(["A4", pitch], room=False)
    with_vocabulary(tiny, vocabulary)
    said = " ".join(part for part in music(JoinedRuns([tiny])).parts if isinstance(part, str))
    assert ("as the nearest of twelve tones" in said) == vocabulary.microtonal == (pitch == "B4-4c")


def test_decoded_measures_of_another_vocabulary_are_left_out_and_named(tiny: Path) -> None:
    with_vocabulary(tiny, Vocabulary.from_pitches(["A4", "B-4"], room=False), shift=1)
    runs = JoinedRuns([tiny])
    assert any("No examples of irish_folk" in part for part in music(runs).parts if isinstance(part, str))
    (fault,) = runs.faults
    assert runs.trials.popitem()[0] in fault
    assert "a token is not in the vocabulary of its data set" in fault


def test_a_run_of_an_earlier_version_has_fewer_columns(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_svg", lambda figure: Svg("<svg/>", 4))
    shutil.rmtree(tiny / "evaluation")
    with RunDirectory.reopen(tiny) as opened:
        results = opened.results
        assert results is not None
        later = [*family_columns("control"), *family_columns("training"), "interpretability.mean", "leakage_mlp.mean"]
        opened.write_results(results.drop(columns=later))
    page = write_report([tiny]).page.read_text()
    assert "The results have no such column; run `vaemusic evaluate`." in section(page, "tables")
    assert "There is no sample of irish_folk" in section(page, "about")


def test_a_size_at_which_no_trial_of_a_model_is_done_is_an_empty_column(tmp_path: Path) -> None:
    config = config_of(attributes="all", seed=0)
    runs = JoinedRuns([write_run(tmp_path / "run", config, {0: ("diverged", "loss is not finite")})])
    drawing = next(part for part in control_matrices(runs).parts if isinstance(part, Drawing))
    panels = {axes.get_title(): len(axes.texts) for axes in drawing.figure.axes}
    assert panels["MeasureVAE"] == len(ATTRIBUTES)
    assert panels["AdversarialVAE"] == 2 * len(ATTRIBUTES)


def test_matrices_are_of_the_attributes_that_are_controlled(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", config_of(attributes="average_interval_jump+note_density"))
    with RunDirectory.reopen(path) as opened:
        results = opened.results
        assert results is not None
        results.loc[0, "interpretability.note_density.is_regularised"] = False  # in one seed of two
        opened.write_results(results)
        wide = [trial.id for trial in opened.trials if trial.latent_dim == 16]
    store, sample = EvaluationStore(path), corpus_of("irish_folk")
    sample.attributes[:, 3] = -sample.attributes[:, 2]
    store.save_corpus(sample)
    for trial in wide:
        measured = store.trial(trial)
        assert measured
        measured.arrays["traversal_attributes"][:] = 0.5
        store.save_trial(trial, measured)
    score, control = (part.figure for part in control_matrices(JoinedRuns([path])).parts if isinstance(part, Drawing))
    marked = {axes.get_title(): [text.get_text().endswith("*") for text in axes.texts] for axes in score.axes}
    assert marked["MeasureVAE"][-2:] == [True, True]  # 4 and 16 dimensions
    assert marked["MeasureVAE"][4:6] == [False, True]
    sizes = [[f"{model}\nlatent size {n}" for n in (4, 16)] for model in ("MeasureVAE", "AdversarialVAE")]
    titles = [axes.get_title() for axes in control.axes]
    assert titles[:6] == [*sizes[0], "natural,\nnot a model", *sizes[1], ""]
    for axes in (control.axes[0], control.axes[3]):
        first, beside, below, second = (float(text.get_text()) for text in axes.texts)
        assert min(first, second) > 0.7 > max(beside, below)
    assert {text.get_text() for text in control.axes[1].texts} == {"0.0"}
    first, beside, below, second = (float(text.get_text()) for text in control.axes[2].texts)
    assert first == second == -beside == -below > 1  # each is the opposite of the other in these data


def test_curves_are_of_what_is_done_and_held_out(evaluated: Path) -> None:
    runs = JoinedRuns([evaluated])
    drawing = next(part.drawings[0] for part in learning(runs).parts if isinstance(part, Gallery))
    (alone,) = (t for t in runs.trials.values() if (t.model, t.latent_dim, t.seed) == ("measure_vae", 4, 1))
    rows = runs.curves[(runs.curves["trial"] == alone.id) & (runs.curves["split"] == "validation")]  # seed 0 diverged
    expected = rows.loc[rows["metric"] == "reconstruction_accuracy", "value"].to_numpy()
    np.testing.assert_allclose(np.asarray(drawing.figure.axes[0].lines[0].get_ydata(), float), expected)
    (gallery,) = (part for part in latent_sizes(runs).parts if isinstance(part, Gallery))
    dotted = [drawing.name for drawing in gallery.drawings if "Dotted" in drawing.caption]
    assert dotted == ["accuracy_by_latent_size", "side_effect_by_latent_size"]


def test_surfaces_lie_over_the_codes_or_what_the_model_is_told(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", config_of(attributes="all", latent_dim=4, seed=0))
    (drawing,) = (part for part in attribute_surfaces(JoinedRuns([path])).parts if isinstance(part, Drawing))
    least = [float(np.min(axes.collections[1].get_offsets())) for axes in (drawing.figure.axes[i] for i in (0, 2))]
    assert least[0] < 0 < least[1]  # no attribute is below 0
    store = EvaluationStore(path)
    for trial in RunDirectory.read(path).trials:
        measured = store.trial(trial.id)
        assert measured
        measured.arrays["surface_values"][1] = 0.5  # as of whole notes
        store.save_trial(trial.id, measured)
    assert "No surfaces of irish_folk" in str(attribute_surfaces(JoinedRuns([path])).parts)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (("done", ""), "run `vaemusic evaluate {path}` first"),
        (("running", ""), r"none has finished \(running\); run `vaemusic sweep` on it again"),
        (("diverged", "a loss of nan"), "since all 1 have diverged; the first: diverged: a loss of nan"),
    ],
)
def test_why_there_is_nothing_to_report_on(state: tuple[State, str], said: str, tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", TINY, {0: state}, evaluated=False)
    with pytest.raises(UserError, match=said.format(path=path)):
        JoinedRuns([path])


@pytest.mark.parametrize("is_run", [True, False])
def test_nothing_to_report_on_is_one_line(is_run: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    if is_run:
        write_run(path, TINY, evaluated=False)
    assert run(["report", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"error: {path}: ")
    assert (f"run `vaemusic evaluate {path}` first" if is_run else "is no run directory") in said
    assert not (path / "report").exists()


def test_a_report_that_cannot_be_written_is_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_report([tiny], tmp_path / "file")
