"""A run from a stranger is refused in one line, or read; nothing in it is executed, obeyed or written elsewhere."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers import hostile, sweeps
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.data.dataset import Dataset, open_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support import arrays_file


@pytest.fixture
def copied(finished_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


def refusal(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    capsys.readouterr()
    assert vaemusic([str(arg) for arg in args]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "\x1b" not in captured.err
    return captured.err


@pytest.mark.parametrize("name", ['"><svg onload=alert(2)>', "a/../../../../ESCAPED", "\x1b[2J", "=1+1", "a[/x]b", ""])
@pytest.mark.parametrize("command", ["status", "report", "tensorboard"])
def test_a_name_that_is_none_is_refused(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    made = hostile.with_dataset(finished_run, tmp_path / "in" / "run", name)
    before = sweeps.all_bytes(tmp_path)
    assert "is not a usable name" in refusal(capsys, command, made)
    (made / "config.yaml").write_bytes((finished_run / "config.yaml").read_bytes())  # the name in the table is enough
    assert "is not a usable name" in refusal(capsys, command, made)
    assert {*sweeps.all_bytes(tmp_path)} == {*before}


def edit_trials(**columns: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        table = pd.read_csv(run / "trials.csv").assign(**columns)
        table.to_csv(run / "trials.csv", index=False)

    return edit


def cut(run: Path) -> None:
    (run / "trials.csv").write_bytes((run / "trials.csv").read_bytes()[:420])


def without(name: str, column: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        pd.read_parquet(run / name).drop(columns=column).to_parquet(run / name)

    return edit


def with_text(name: str, column: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        pd.read_parquet(run / name).assign(**{column: "<b>"}).to_parquet(run / name)

    return edit


def twice(run: Path) -> None:
    table = pd.read_parquet(run / "results.parquet")
    pd.concat([table, table]).to_parquet(run / "results.parquet")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, ("trials.csv", "not as many cells")),
        (edit_trials(cohort="x"), ("trials.csv", "share")),
        (edit_trials(cohort="../../up"), ("trials.csv", "not a usable name")),
        (edit_trials(status="\x1b[2J"), ("trials.csv", "has the status")),
        (without("curves.parquet", "metric"), ("curves.parquet", "no column metric")),
        (with_text("curves.parquet", "value"), ("curves.parquet", "value holds")),
        (without("results.parquet", "reconstruction_accuracy"), ("results.parquet", "evaluate")),
        (with_text("results.parquet", "loss"), ("results.parquet", "loss holds")),
        (twice, ("results.parquet", "rows")),
    ],
    ids=["cut", "cohort", "cohort_path", "status", "no_metric", "text_value", "no_accuracy", "text_loss", "twice"],
)
def test_damaged_tables_are_one_line_that_names_the_file(
    copied: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    damage(copied)
    said = refusal(capsys, "report", copied)
    assert [word for word in words if word not in said] == []


def test_a_status_is_shown_and_not_obeyed(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.read_csv(copied / "trials.csv")
    table.loc[0, "status"] = "waiting: \x1b]52;c;ZXZpbA==\x07[red]"
    table.to_csv(copied / "trials.csv", index=False)
    assert vaemusic(["status", str(copied)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b]52;c;ZXZpbA==\\x07[red]" in shown


@pytest.mark.parametrize(("claimed", "real"), [(6 * 2**30, 2**20), (2**20, 2**21), (6 * 2**40, 6)])
def test_an_array_that_is_not_as_its_header_says_is_never_made(tmp_path: Path, claimed: int, real: int) -> None:
    hostile.bomb(tmp_path / "a.npz", claimed, real)
    with pytest.raises(UserError, match="does not hold what its header says"):
        arrays_file.read(tmp_path / "a.npz", "delete it")


def test_arrays_that_unpack_to_too_much_are_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays_file.write(tmp_path / "a.npz", {"a": np.zeros(2**20)}, {}, compressed=True)
    assert arrays_file.read(tmp_path / "a.npz", "")[0]["a"].shape == (2**20,)
    monkeypatch.setattr(arrays_file, "MOST_BYTES", 2**20)
    with pytest.raises(UserError, match=r"its arrays would take 8.0 MiB, of which .* KiB are in the file"):
        arrays_file.read(tmp_path / "a.npz", "delete it")


def test_evaluations_of_other_shapes_are_left_out_of_a_report(copied: Path) -> None:
    from vaemusic_jax.runs.evaluations import EvaluationStore

    trial = next(trial for trial in RunDirectory.read(copied).trials if EvaluationStore(copied).trial(trial.id))
    path = copied / "evaluation" / "trials" / f"{trial.id}.npz"
    arrays, facts = arrays_file.read(path, "")
    for changed, told in (
        (arrays, {"x": 1}),
        (arrays, facts | {"families": {"latent": {"mig.mean": "<b>"}}}),
        (arrays | {"reconstruction": arrays["reconstruction"][:, :3]}, facts),
        (arrays | {"traversal_tokens": arrays["traversal_tokens"].astype(float)}, facts),
    ):
        arrays_file.write(path, changed, told)
        with pytest.raises(UserError, match="holds something else than was written"):
            EvaluationStore(copied).trial(trial.id)


@pytest.mark.parametrize("source", [3, {"origin": "x"}, {"origin": [], "files": 1, "bytes": 1, "sha256": ""}])
def test_a_data_sets_files_are_as_written_or_damaged(copied: Path, source: object) -> None:
    from vaemusic_jax.runs.evaluations import EvaluationStore

    name = RunDirectory.read(copied).trials[0].dataset
    path = copied / "evaluation" / "corpora" / f"{name}.npz"
    arrays, facts = arrays_file.read(path, "")
    arrays_file.write(path, arrays, facts | {"source": source})
    with pytest.raises(UserError, match="holds something else than was written"):
        EvaluationStore(copied).corpus(name)


def test_tokens_that_are_not_in_the_vocabulary_are_left_out_of_a_report(copied: Path) -> None:
    from vaemusic_jax.report.joined_runs import JoinedRuns
    from vaemusic_jax.runs.evaluations import EvaluationStore

    store = EvaluationStore(copied)
    trial = next(trial for trial in RunDirectory.read(copied).trials if store.trial(trial.id))
    path = copied / "evaluation" / "trials" / f"{trial.id}.npz"
    corpus, (arrays, facts) = store.corpus(trial.dataset), arrays_file.read(path, "")
    assert corpus
    assert JoinedRuns([copied]).evaluation(trial.id)
    for name in ("reconstruction", "traversal_tokens"):
        tokens = arrays[name].astype(np.int32)
        for wrong in (len(corpus.vocabulary), -1):
            tokens.flat[0] = wrong
            arrays_file.write(path, arrays | {name: tokens}, facts)
            assert JoinedRuns([copied]).evaluation(trial.id) is None
    of_tokens = {name: array for name, array in arrays.items() if name == "reconstruction" or name.endswith("_tokens")}
    arrays_file.write(path, arrays | {name: array[..., :-1] for name, array in of_tokens.items()}, facts)
    assert JoinedRuns([copied]).evaluation(trial.id) is None  # measures of 23 ticks


def test_a_run_directory_may_be_a_link_itself(copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link").symlink_to(copied)
    for args in (["status"], ["report"]):
        assert vaemusic([*args, str(tmp_path / "link")]) == 0
    with RunDirectory.reopen(tmp_path / "link") as run:
        assert run.trials
    assert (copied / "report" / "index.html").exists()


def test_a_page_of_a_data_set_holds_no_script(tmp_path: Path, small_irish_folk: Dataset) -> None:
    from vaemusic_jax.commands.inspection_page import write_page
    from vaemusic_jax.data.statistics import statistics_of

    reading = "<script>alert(1)</script>"
    foreign = dataclasses.replace(small_irish_folk, report=small_irish_folk.report | {"reading": reading})
    write_page(tmp_path / "page.html", foreign, statistics_of(foreign), 0)
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_nothing_is_written_through_a_link_of_a_run(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name in ("report", "tensorboard"):
        (copied / name).symlink_to(tmp_path / "elsewhere")
        assert "leads out of" in refusal(capsys, name, copied)
        (copied / name).unlink()
    (copied / ".lock").unlink()
    (copied / ".lock").symlink_to(tmp_path / "elsewhere" / "lock")
    assert "leads out of" in refusal(capsys, "evaluate", copied)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_results_hold_no_formulas(copied: Path) -> None:
    with RunDirectory.reopen(copied) as run:
        table = run.results
        assert table is not None
        run.write_results(table.assign(**{"=1+1": "@SUM(A1)"}))
        again = run.results
        assert again is not None
        pd.testing.assert_frame_equal(again[table.columns], table)
    written = pd.read_csv(copied / "results.csv")
    assert list(written["'=1+1"]) == ["'@SUM(A1)"] * len(table)


def test_prepared_data_of_other_content_is_damaged(irish_folk: Dataset, tmp_path: Path) -> None:
    arrays, metadata = arrays_file.read(irish_folk.path, "")
    for name, wrong in {"test_tokens": 255, "train_tune": 2**30}.items():
        changed = arrays | {name: np.full_like(arrays[name][:9], wrong)}
        arrays_file.write(tmp_path / "a.npz", changed, metadata)
        with pytest.raises(UserError, match="holds something else than was written"):
            open_dataset("a", tmp_path / "a.npz")


def test_an_edited_configuration_is_told_apart_from_changed_recipes(copied: Path) -> None:
    honest = RunDirectory.read(copied)
    text = (copied / "config.yaml").read_text()
    assert "latent_dim: 8" in text
    (copied / "config.yaml").write_text(text.replace("latent_dim: 8", "latent_dim: 9"))
    for config in (honest.config, RunDirectory.read(copied).config):
        with pytest.raises(UserError, match=r"config.yaml: was edited after the run was started.* latent_dim; restore"):
            RunDirectory.open(copied, config, honest.trials, honest.cohorts)
    (copied / "config.yaml").write_text(text)
    RunDirectory.open(copied, honest.config, honest.trials, honest.cohorts).close()
