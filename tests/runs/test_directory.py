"""A run directory belongs to one configuration, resumes after any interruption and never loses what it held."""

import csv
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.config.sweep import SweepConfig, trials
from vaemusic_jax.config.trial import Trial, cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs import curves, trials_table
from vaemusic_jax.runs.curves import CURVE_COLUMNS
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.runs.table_file import write_table
from vaemusic_jax.support import atomic
from vaemusic_jax.training.loop import record_outcome


def config_of(**fields: Any) -> SweepConfig:
    base = {
        "name": "law",
        "dataset": "irish_folk",
        "model": ["measure_vae", "adversarial_vae"],
        "attributes": ["all", "note_density+note_range"],
        "latent_dim": [4, 8],
        "learning_rate": 1 / 3,
        "steps": 100,
        "eval_every": 10,
    }
    return SweepConfig.model_validate(base | fields)


def start(path: Path, config: SweepConfig | None = None) -> RunDirectory:
    config = config or config_of()
    return RunDirectory.open(path, config, trials(config), cohorts(trials(config)))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with start(tmp_path / "run") as run:
        yield run


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def curve(trial: str, steps: range, metric: str = "loss") -> pd.DataFrame:
    rows = [(trial, step, "validation", metric, step / 7) for step in steps]
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def test_what_is_started_is_what_is_read(run: RunDirectory) -> None:
    config = config_of()
    for seen in (run, RunDirectory.read(run.path)):
        assert seen.config == config
        assert seen.trials == trials(config)
        assert seen.cohorts == cohorts(trials(config))
        assert set(seen.status().values()) == {"pending"}
        assert seen.curves.empty
        assert seen.results is None
    assert [run.cohort_path(c) for c in run.cohorts] == [run.path / "cohorts" / c.id for c in run.cohorts]


def test_a_new_run_directory_holds_its_documented_files_only(run: RunDirectory) -> None:
    assert set(content(run.path)) == {".lock", "config.yaml", "trials.csv"}


def test_files_may_be_read_by_whom_the_user_lets(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with start(tmp_path / "run") as run:
            assert {
                path.name: path.stat().st_mode & 0o777 for path in run.path.glob("*.*") if path.name != ".lock"
            } == {
                "config.yaml": 0o644,
                "trials.csv": 0o644,
            }
    finally:
        os.umask(before)


def test_trials_csv_names_every_field_cohort_and_status(run: RunDirectory) -> None:
    table = pd.read_csv(run.path / "trials.csv")
    expected = [{"trial": t.id, **t.row(), "cohort": c.id, "status": "pending"} for c in run.cohorts for t in c.trials]
    assert table.to_dict("records") == expected
    pd.testing.assert_frame_equal(run.trials_table, table)


def test_opening_again_resumes_and_changes_nothing(run: RunDirectory) -> None:
    done, diverged = run.trials[0].id, run.trials[1].id
    run.set_status([done], "done")
    run.set_status([diverged], "diverged", "loss was nan\nat step 40")
    run.set_status([run.trials[2].id], "waiting", "data set 'bach' is not prepared")
    run.append_curves(curve(done, range(10, 40, 10)))
    run.write_results(pd.DataFrame({"trial": [done], "loss": [0.1]}))
    run.close()
    before = content(run.path)
    again = start(run.path)
    assert content(run.path) == before
    assert again.status() == run.status()
    assert again.status()[diverged] == "diverged: loss was nan at step 40"
    assert again.status()[run.trials[2].id] == "waiting: data set 'bach' is not prepared"
    assert again.unfinished() == run.trials[2:]
    pd.testing.assert_frame_equal(again.curves, run.curves)
    assert again.results is not None
    assert again.results.to_dict("records") == [{"trial": done, "loss": 0.1}]


def test_a_resumed_run_goes_on_with_the_cohorts_it_was_started_with(tmp_path: Path) -> None:
    config = config_of()
    single = [c for trial in trials(config) for c in cohorts([trial])]
    RunDirectory.open(tmp_path / "run", config, trials(config), single).close()
    with start(tmp_path / "run", config) as again:
        assert again.cohorts == tuple(single)


def test_another_configuration_is_refused_with_the_difference_and_nothing_is_written(run: RunDirectory) -> None:
    run.close()
    before = content(run.path)
    with pytest.raises(UserError, match=r"differs in latent_dim: \[4, 8\] -> \[4, 16\]; beta: nothing -> 0.5; choose"):
        start(run.path, config_of(latent_dim=[4, 16], beta=0.5))
    assert content(run.path) == before
    start(run.path).close()  # and the refusal kept no lock


def test_a_run_keeps_its_trials_where_recipes_have_changed_since(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    run.close()
    config = config_of()
    changed = [t.model_copy(update={"beta": 0.123}) for t in trials(config)]
    with RunDirectory.open(run.path, config, changed, cohorts(changed)) as resumed:
        assert (resumed.trials, resumed.cohorts) == (run.trials, run.cohorts)
    assert capsys.readouterr().err.count("goes on with those that it was started with") == 1
    start(run.path).close()
    assert not capsys.readouterr().err


def test_another_place_is_no_other_configuration(tmp_path: Path) -> None:
    start(tmp_path / "a", config_of(out=str(tmp_path / "a"))).close()
    assert str(tmp_path) not in (tmp_path / "a" / "config.yaml").read_text()
    (tmp_path / "a").rename(tmp_path / "b")
    start(tmp_path / "b", config_of(out=str(tmp_path / "b"))).close()


def test_a_folder_or_file_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"is no run directory but holds thesis.txt; choose a new folder with --out"):
        start(tmp_path)
    with pytest.raises(UserError, match=r"thesis.txt: is a file; choose a folder with --out"):
        start(tmp_path / "thesis.txt")
    assert content(tmp_path) == {"thesis.txt": b"mine"}


@pytest.mark.parametrize("make", [RunDirectory.read, RunDirectory.reopen])
def test_what_is_no_run_cannot_be_read(tmp_path: Path, make: Any) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match=r"is no run directory, for it has no config.yaml"):
            make(path)
    assert content(tmp_path) == {}


def test_a_run_killed_while_it_was_created_starts_anew(run: RunDirectory) -> None:
    run.close()
    whole = content(run.path)
    (run.path / "trials.csv").unlink()
    (run.path / ".trials.csv.x1.tmp").write_text("hal")
    start(run.path).close()
    assert content(run.path) == whole
    (run.path / "config.yaml").unlink()
    (run.path / "trials.csv").unlink()
    (run.path / ".config.yaml.x1.tmp").write_text("hal")
    start(run.path).close()
    assert content(run.path) == whole


def test_a_second_process_is_kept_out_until_the_first_is_done(run: RunDirectory) -> None:
    program = "import sys; from vaemusic_jax.runs.directory import RunDirectory; RunDirectory.reopen(sys.argv[1])"
    command = [sys.executable, "-c", program, str(run.path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"BusyError: {run.path}: another process is working on this run" in refused.stderr
    run.close()
    assert subprocess.run(command, check=False).returncode == 0


def test_reading_needs_no_lock_and_writes_nothing(run: RunDirectory) -> None:
    before = content(run.path)
    view = RunDirectory.read(run.path)
    for write in (
        lambda: view.set_status([run.trials[0].id], "done"),
        lambda: view.append_curves(curve(run.trials[0].id, range(1))),
        lambda: view.truncate_curves([run.trials[0].id], 0),
        lambda: view.write_results(pd.DataFrame({"trial": ["x"]})),
    ):
        with pytest.raises(RuntimeError, match="reading only"):
            write()
    assert content(run.path) == before


def test_reopening_needs_no_configuration(run: RunDirectory) -> None:
    run.close()
    with RunDirectory.reopen(run.path) as again:
        again.set_status([run.trials[0].id], "running")
    assert RunDirectory.read(run.path).status()[run.trials[0].id] == "running"


def test_measurements_of_the_same_thing_are_replaced_never_doubled(run: RunDirectory) -> None:
    a, b = run.trials[0].id, run.trials[1].id
    run.append_curves(curve(b, range(10, 40, 10)))
    run.append_curves(curve(a, range(10, 40, 10)))
    run.append_curves(curve(a, range(30, 60, 10)).assign(value=-1.0))
    found = RunDirectory.read(run.path).curves
    assert list(found.columns) == list(CURVE_COLUMNS)
    assert list(zip(found["trial"], found["step"], strict=True)) == [
        *((a, step) for step in (10, 20, 30, 40, 50)),
        *((b, step) for step in (10, 20, 30)),
    ]
    assert found["value"].tolist()[:5] == [10 / 7, 20 / 7, -1, -1, -1]


def test_what_is_written_of_curves_does_not_grow_with_their_square(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 64 validations a row is written at most 7 times, and not 32 times on average."""
    written: list[int] = []

    def note(path: Path, table: pd.DataFrame) -> None:
        written.append(len(table))
        write_table(path, table)

    monkeypatch.setattr(curves, "write_table", note)
    for step in range(64):
        run.append_curves(curve(run.trials[0].id, range(step, step + 1)))
        assert len(RunDirectory.read(run.path).curves) == step + 1
    assert sum(written) <= 7 * 64
    assert len(list(run.path.rglob("*.parquet"))) < 7


def test_parts_of_curves_survive_a_kill_at_any_moment(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed process has not removed is read once, and the newest value of each measurement counts."""
    ids = [trial.id for trial in run.trials]
    for step in range(11):
        run.append_curves(curve(ids[0], range(step, step + 1)).assign(value=float(step)))
    run.append_curves(curve(ids[0], range(3, 4)).assign(value=-1.0))
    expected = run.curves
    assert expected["value"].tolist() == [0, 1, 2, -1, *range(4, 11)]
    monkeypatch.setattr(Path, "unlink", lambda *args, **kwargs: None)
    monkeypatch.setattr(Path, "rmdir", lambda *args: None)
    run.gather_curves()
    monkeypatch.undo()
    assert list(run.path.glob("curves/*.parquet"))
    run.close()
    again = RunDirectory.reopen(run.path)
    pd.testing.assert_frame_equal(again.curves, expected)
    again.gather_curves()
    assert not (run.path / "curves").exists()
    pd.testing.assert_frame_equal(pd.read_parquet(run.path / "curves.parquet"), expected)


def test_an_outcome_of_many_trials_is_written_once(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr(trials_table, "write_atomically", lambda path, content: written.append(path))
    n = len(run.trials)
    second = np.arange(n) == 1
    record_outcome(run, [t.id for t in run.trials], np.where(second, 7, -1), second.astype(int))
    assert len(written) == 1
    assert run.status()[run.trials[1].id] == "diverged: gradient not finite at step 7"
    assert list(run.status().values()).count("done") == n - 1


def test_an_interrupted_run_leaves_the_same_curves_file(tmp_path: Path) -> None:
    first, second = start(tmp_path / "a"), start(tmp_path / "b")
    a, b = first.trials[0].id, first.trials[1].id
    for step in (10, 20, 30):
        for run in (first, second):
            run.append_curves(pd.concat([curve(t, range(step, step + 1), m) for t in (a, b) for m in ("loss", "kl")]))
    second.truncate_curves([a, b], after_step=10)
    assert second.curves["step"].max() == 10
    second.truncate_curves([a], after_step=0)
    assert set(second.curves["trial"]) == {b}
    for t, steps in ((b, (20, 30)), (a, (10, 20, 30))):
        for step in steps:
            second.append_curves(pd.concat([curve(t, range(step, step + 1), m) for m in ("loss", "kl")]))
    for run in (first, second):
        run.close()
        assert not (run.path / "curves").exists()
    assert content(second.path)["curves.parquet"] == content(first.path)["curves.parquet"]


def test_curves_of_unknown_trials_are_a_mistake_of_ours(run: RunDirectory) -> None:
    with pytest.raises(ValueError, match="trials of this run"):
        run.append_curves(curve("deadbeef00", range(1)))


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunDirectory]:
    with start(tmp_path_factory.mktemp("run")) as run:
        yield run


@given(values=st.lists(st.floats(allow_nan=False) | st.none(), min_size=1, max_size=5))
def test_results_come_back_exactly(shared_run: RunDirectory, values: list[float | None]) -> None:
    table = pd.DataFrame({"trial": [f"a{i}" for i in range(len(values))], "loss": np.array(values, float)})
    shared_run.write_results(table)
    again = shared_run.results
    assert again is not None
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    with (shared_run.path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == table["trial"].to_list()
    assert [float(row["loss"]) if row["loss"] else None for row in rows] == values


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_is_one_line_and_leaves_the_old_file(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    before = content(run.path)

    def fail(*args: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic.os, step, fail)
    with pytest.raises(UserError) as refused:
        run.set_status([run.trials[0].id], "done")
    reason = os.strerror(code).lower()
    hint = "free the disk or " if code == errno.ENOSPC else ""
    assert str(refused.value) == (f"{run.path / 'trials.csv'}: cannot be written: {reason}; {hint}choose another place")
    assert content(run.path) == before


def test_a_place_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/run: cannot be written: not a directory; choose"):
        start(tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("trials.csv", "trial,dataset\n", "trials.csv: cannot be read: it holds no trials"),
        ("trials.csv", "trial,dataset\na,b\n", "trials.csv: cannot be read: "),
        ("config.yaml", "name: [", "config.yaml, line 1: "),
        ("curves.parquet", "PAR1", "curves.parquet: cannot be read: "),
        ("results.parquet", "PAR1", "results.parquet: cannot be read: "),
    ],
)
def test_a_damaged_file_is_named(run: RunDirectory, name: str, damage: str, message: str) -> None:
    run.close()
    (run.path / name).write_text(damage)

    def read_all() -> None:
        view = RunDirectory.read(run.path)
        _ = view.curves, view.results

    with pytest.raises(UserError) as refused:
        read_all()
    assert str(refused.value).startswith(f"{run.path}/{message}")


def test_a_run_of_a_version_with_fewer_fields_is_one_line(run: RunDirectory) -> None:
    run.close()
    path = run.path / "trials.csv"
    pd.read_csv(path).drop(columns="transpose").to_csv(path, index=False)
    for use in (RunDirectory.read, RunDirectory.reopen, start):
        with pytest.raises(UserError, match=r"trials.csv: cannot be read: it has no column transpose, as of another "):
            use(run.path)


class TrialOfALaterVersion(Trial):
    """A trial with one more field, which has a default."""

    dropout: float = 0.25


def test_a_run_from_before_a_field_with_a_default_existed_goes_on(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.set_status([run.trials[0].id], "done")
    run.close()
    status = run.status()
    monkeypatch.setattr(trials_table, "Trial", TrialOfALaterVersion)
    with RunDirectory.reopen(run.path) as later:
        assert later.trials_table["dropout"].to_list() == [0.25] * len(run.trials)
        assert later.status() == status
        assert [cohort.id for cohort in later.cohorts] == [cohort.id for cohort in run.cohorts]
        later.set_status([run.trials[1].id], "running")
    path = run.path / "trials.csv"
    assert pd.read_csv(path)["dropout"].to_list() == [0.25] * len(run.trials)
    path.write_text(path.read_text().replace(",0.25,", ",0.5,"))  # now that there is a column, it counts
    with pytest.raises(UserError, match="have been changed"):
        RunDirectory.read(run.path)


def test_a_column_that_is_no_field_is_not_looked_at(run: RunDirectory) -> None:
    path = run.path / "trials.csv"
    pd.read_csv(path).assign(note="mine").to_csv(path, index=False)
    assert RunDirectory.read(run.path).trials == run.trials


def test_values_edited_in_trials_csv_are_noticed(run: RunDirectory) -> None:
    run.close()
    path = run.path / "trials.csv"
    path.write_text(path.read_text().replace(",100,", ",200,"))
    with pytest.raises(UserError, match=r"trials.csv: cannot be read: the values of trial \w+ have been changed"):
        RunDirectory.read(run.path)
