"""Files of answers: those of simulated listeners are like those of the page, and every fault is one line."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.listening import design_of
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.play.listening.answers import read_answers, to_csv
from vaemusic_jax.play.listening.exclusions import apply_rules
from vaemusic_jax.play.listening.simulate import Listeners, simulate

DESIGN = design_of("adversarial_vae", groups=2, trials=10, ratings=True)
GOOD = Listeners({"note_density": 2.0})


def written(folder: Path, rows: pd.DataFrame) -> list[Path]:
    paths = []
    for listener, own in rows.groupby("listener", sort=False):
        paths.append(folder / f"{listener}.csv")
        paths[-1].write_text(to_csv(DESIGN, own), encoding="utf-8")
    return paths


def test_what_simulated_listeners_answer_is_read_back(tmp_path: Path) -> None:
    rows = simulate(DESIGN, GOOD, 3, seed=1)
    answers = read_answers(DESIGN, written(tmp_path, rows))
    assert answers.notes == ()
    pd.testing.assert_frame_equal(answers.rows, rows, check_exact=False, atol=1e-3)
    assert len(rows) == 3 * (len(DESIGN.groups[0]) + 6)


def test_simulated_listeners_hear_as_well_as_they_are_said_to() -> None:
    """At 1 standard deviation a slope of 2 is right in 88 % of the answers, and lapses are right in half."""
    chances = {}
    for slope, lapses in ((2.0, 0.0), (2.0, 0.5), (0.0, 0.0)):
        people = Listeners({"note_density": slope}, listener_variation=0, item_variation=0, lapses=lapses)
        rows = simulate(DESIGN, people, 80, seed=0)
        main = rows[rows["kind"] == "main"]
        expected = lapses / 2 + (1 - lapses) / (1 + np.exp(-slope * main["obtained"].astype(float)))
        chances[slope, lapses] = float(main["is_right"].mean())
        assert chances[slope, lapses] == pytest.approx(expected.mean(), abs=3 * 0.5 / np.sqrt(len(main)))
    assert chances[0.0, 0.0] < chances[2.0, 0.5] < chances[2.0, 0.0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: "", "it is no CSV file in UTF-8"),
        (lambda text: text.replace("seconds,", "minutes,"), "other columns"),
        (lambda text: text.splitlines()[0] + "\n", "it has no answers"),
        (lambda text: text.replace(DESIGN.study, "0123456789"), "it is of study '0123456789', not"),
        (lambda text: text.replace(",headphones\n", ",ears\n"), "device"),
        (lambda text: text + text.splitlines()[-1] + "\n", "was answered before"),
        (lambda text: text.replace(",1,practice,", ",2,practice,"), "trial 2 of group 1 is another one"),
        (lambda text: _with(text, "answer", "9"), "answer '9' is no whole number from 1 to 3"),
        (lambda text: _with(text, "seconds", "nan"), "seconds 'nan' is no number from 0"),
        (lambda text: _with(text, "trial", "-1"), "trial '-1' is no whole number"),
        (lambda text: _with(text, "listener", "=1+1"), "several values of listener"),
        (lambda text: text.replace("s1n0", "=cmd()"), "listener '=cmd()' is no code"),
        (lambda text: text.replace(",", ";"), "it is separated by semicolons"),
        (lambda text: text + text.splitlines()[-1].rsplit(",", 5)[0] + "\n", "several values of device"),
        (lambda text: _with(text, "trial", "9" * 5000), f"trial '{'9' * 40}...' is no whole number"),
        (lambda text: text.replace(DESIGN.study, "x" * 5000, 1), f"it is of study '{'x' * 40}...', not"),
    ],
)
def test_a_fault_is_one_line_and_the_rest_is_read(tmp_path: Path, change, problem: str) -> None:
    paths = written(tmp_path, simulate(DESIGN, GOOD, 3, seed=1))
    text = paths[0].read_text()
    paths[0].write_text(change(text.replace("loudspeakers", "headphones")))
    answers = read_answers(DESIGN, [*paths, tmp_path / "absent.csv"])
    assert problem in answers.notes[0]
    assert answers.notes[0].startswith(f"{paths[0]}: left out: ")
    assert answers.notes[1] == f"{tmp_path / 'absent.csv'}: left out: no such file or directory"
    assert answers.rows["listener"].nunique() == 2


def test_what_is_no_file_is_not_waited_for_and_a_name_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    (tmp_path / "a\n# heading.csv").write_text("x")
    notes = read_answers(DESIGN, sorted(tmp_path.glob("*.csv"))).notes
    assert [note.rsplit("/", 1)[-1] for note in notes] == [
        "a\\n# heading.csv: left out: it has other columns than the file of a listening test",
        *(f"{name}.csv: left out: it is no file" for name in ("endless", "folder", "pipe")),
    ]


@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_other_ends_of_lines_and_a_mark_of_their_order_change_nothing(tmp_path: Path, change) -> None:
    (path,) = written(tmp_path, simulate(DESIGN, GOOD, 1, seed=1))
    before = read_answers(DESIGN, [path]).rows
    path.write_bytes(change(path.read_text()).encode())
    answers = read_answers(DESIGN, [path])
    assert answers.notes == ()
    pd.testing.assert_frame_equal(answers.rows, before)


def _with(text: str, column: str, value: str) -> str:
    """Puts a value into the first row."""
    head, first, *rest = text.splitlines()
    cells = first.split(",")
    cells[head.split(",").index(column)] = value
    return "\n".join([head, ",".join(cells), *rest]) + "\n"


def test_the_longer_of_two_files_of_a_listener_counts_and_unfinished_ones_are_told(tmp_path: Path) -> None:
    (path,) = written(tmp_path, simulate(DESIGN, GOOD, 1, seed=1))
    lines = path.read_text().splitlines(keepends=True)
    for name, kept in (("a.csv", lines[:12]), ("b.csv", lines[:20]), ("c.csv", lines[:20])):
        (tmp_path / name).write_text("".join(kept))
    answers = read_answers(DESIGN, [tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"])
    a, b, c = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    assert answers.notes[0] == f"{a}: left out: listener s1n0 has other answers in {b}"
    assert answers.notes[1] == f"{c}: left out: the same answers as {b}"
    assert answers.notes[2] == f"{b}: unfinished: {19 - 6} of {len(DESIGN.groups[0])} answers"
    assert len(answers.rows) == 19


def test_rules_leave_out_who_breaks_them_and_nobody_else() -> None:
    people = simulate(DESIGN, Listeners({"note_density": 4.0}, lapses=0), 6, seed=5)
    names = people["listener"].unique()
    is_main = people["kind"] == "main"

    def of(index: int) -> pd.Series:
        return people["listener"] == names[index]

    people.loc[of(0) & (people["kind"] == "catch"), "is_right"] = False
    people.loc[of(1) & is_main, "answer"] = 2
    people.loc[of(2) & is_main, "seconds"] = 0.1
    people = people[~(of(3) & is_main & (people["trial"] > 10))].reset_index(drop=True)
    late = people.index[(people["listener"] == names[4]) & (people["kind"] == "main")][0]
    people.loc[late, "seconds"] = 61.0
    kept, notes = apply_rules(DESIGN, people)
    assert set(kept["listener"]) == {names[4], names[5]}
    assert [note.split(": ", 2)[2].split(" ")[0] for note in notes[:4]] == ["was", "gave", "took", "answered"]
    assert notes[4] == "1 answers left out: later than 60 s"
    assert len(kept) == (people["listener"].isin(kept["listener"])).sum() - 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["simulate", "absent"], "design.json: no such file"),
        (["simulate", "{}", "--sensitivity", "note_range=1"], "the test asks about note_density"),
        (["simulate", "{}", "--sensitivity", "much"], "'much' is neither a number nor"),
        (["simulate", "{}", "--lapses", "2"], "--lapses: 2.0 is not from 0 to 1"),
        (["analyse", "{}", "{}"], "holds no CSV files"),
    ],
)
def test_commands_say_in_one_line_what_is_wrong(
    arguments: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "design.json").write_text(json.dumps(DESIGN.to_plain()))
    assert vaemusic(["listen", *(each.format(tmp_path) for each in arguments)]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1


def test_without_statsmodels_the_analysis_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.genmod.bayes_mixed_glm", None)
    (tmp_path / "design.json").write_text(json.dumps(DESIGN.to_plain()))
    (path,) = written(tmp_path, simulate(DESIGN, GOOD, 1, seed=1))
    assert vaemusic(["listen", "analyse", str(tmp_path), str(path)]) == 2
    error = capsys.readouterr().err
    assert "pip install 'vaemusic-jax[listening]'" in error
    assert error.count("\n") == 1


DESCRIBED = json.dumps(DESIGN.to_plain())


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"version": 1}', '{"version": 2}'),
        DESCRIBED.replace("note_density", "loudness"),
        DESCRIBED.replace('"main"', '"<b>"'),
        DESCRIBED.replace('"arm": "real"', '"arm": "virtual"'),
    ],
)
def test_a_damaged_design_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "design.json").write_text(content)
    assert vaemusic(["listen", "simulate", str(tmp_path)]) == 2
    assert "is no design of a listening test" in capsys.readouterr().err
