"""The analysis finds what simulated listeners were given, tells both claims apart, and says what it left out."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.listening import design_of
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.analyse import analyse, choices_of, verdict
from vaemusic_jax.play.listening.answers import Answers
from vaemusic_jax.play.listening.mixed import mixed_slopes
from vaemusic_jax.play.listening.psychometric import Choices, Lapses, lapse_rate, psychometric_slopes
from vaemusic_jax.play.listening.simulate import Listeners, simulate

pytest.importorskip("statsmodels", reason="needs the extra listening")

DESIGN = design_of("adversarial_vae", groups=4, trials=12, ratings=True)


def made_up(n: int, slope: float, lapse: float, seed: int) -> Choices:
    """Answers of n listeners to 20 pairs each, without variation."""
    rng = np.random.default_rng(seed)
    listener, item = (each.ravel() for each in np.meshgrid(np.arange(n), np.arange(20), indexing="ij"))
    difference = np.linspace(-1, 4, 20)[item]
    chance = lapse / 2 + (1 - lapse) / (1 + np.exp(-slope * difference))
    order = np.where((listener + item) % 2, 1.0, -1.0)
    return Choices(difference, rng.uniform(size=len(item)) < chance, order, np.zeros_like(item), listener, item)


def test_a_slope_is_found_with_its_lapses() -> None:
    choices = made_up(300, slope=1.5, lapse=0.06, seed=0)
    lapses = lapse_rate(choices, resamples=10)
    assert lapses.rate == pytest.approx(0.06, abs=0.021)
    found = psychometric_slopes(choices, lapses, resamples=20)
    assert found.low[0] < 1.5 < found.high[0]
    assert found.slope[0] == pytest.approx(1.5, abs=0.15)
    assert psychometric_slopes(choices, Lapses(0), resamples=2).slope[0] < 1.35  # lapses make it look flatter


def test_the_error_without_variation_is_that_of_independent_answers() -> None:
    """Only the variance of single answers is left, where listeners and pairs are alike; the bootstraps add none."""
    estimates = [psychometric_slopes(made_up(20, 1.0, 0.0, seed), Lapses(0), 100) for seed in range(12)]
    spread = np.std([each.slope[0] for each in estimates], ddof=1)
    assert np.mean([each.error[0] for each in estimates]) == pytest.approx(spread, rel=0.5)


def test_intervals_widen_with_the_variation_of_listeners() -> None:
    design, errors = DESIGN, []
    for variation in (0.0, 1.0):
        people = Listeners({"note_density": 1.5}, listener_variation=variation, item_variation=0, lapses=0)
        rows = simulate(design, people, 16, seed=0)
        choices = choices_of(design, rows[rows["kind"] == "main"], "obtained")
        errors.append((psychometric_slopes(choices, Lapses(0), 100).error, mixed_slopes(choices)))
    (error_alike, alike), (error_unlike, unlike) = errors
    assert error_unlike.mean() > error_alike.mean()
    assert unlike.over_listeners > 2 * alike.over_listeners


def test_what_is_put_in_comes_out_and_the_two_claims_are_apart() -> None:
    """People hear what came out of a control that gives more and less by turns, whatever it is asked for."""
    items = [
        dataclasses.replace(item, asked=1.0 + item.id % 3, changes={**item.changes, "note_density": each})
        if (item.arm, item.kind) == ("told", "main")
        else item
        for item, each in zip(DESIGN.items, np.tile([1.5, -1.5], len(DESIGN.items)), strict=False)
    ]
    design = dataclasses.replace(DESIGN, items=tuple(items))
    rows = simulate(design, Listeners({"note_density": 1.5}), 20, seed=2)
    found = analyse(design, Answers(rows, ("a.csv: left out: broken",)), resamples=100)
    real, told = (found.cells[found.cells["arm"] == arm].iloc[0] for arm in ("real", "told"))
    for cell, claim in ((real, "computed"), (real, "asked"), (told, "computed")):
        assert cell[f"{claim}.low"] < 1.5 < cell[f"{claim}.high"]
        assert cell[f"{claim}.mixed_low"] < 1.5 < cell[f"{claim}.mixed_high"]
        assert verdict(cell, claim) == "yes"
    assert verdict(told, "asked") == "open"
    assert abs(told["of_ceiling"]) < 0.3
    assert real["of_ceiling"] == 1
    assert found.notes[0] == "a.csv: left out: broken"
    assert (found.ratings["rank_correlation"] > 0.3).all()
    assert found.agreement["rank_correlation"].isna().all()  # of one cell


def test_nobody_left_is_one_line() -> None:
    rows = simulate(DESIGN, Listeners({"note_density": 0.0}, guessers=1.0), 2, seed=0)
    with pytest.raises(UserError, match="no listener is left to analyse: listener s0n0: left out"):
        analyse(DESIGN, Answers(rows[rows["kind"] != "catch"], ()))


def test_the_command_writes_page_table_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "design.json").write_text(json.dumps(DESIGN.to_plain()))
    options = ["--listeners", "9", "--sensitivity", "2", "--guessers", "0.2"]
    assert vaemusic(["listen", "simulate", str(tmp_path), *options]) == 0
    (tmp_path / "simulated" / "other.csv").write_text("study\n1\n")
    assert vaemusic(["listen", "analyse", str(tmp_path), str(tmp_path / "simulated")]) == 0
    said = capsys.readouterr().out
    assert "other.csv: left out: it has other columns" in said
    page = (tmp_path / "analysis" / "analysis.md").read_text()
    for words in ("## Do choices follow the computed attribute?", "## Exclusions", "other.csv", DESIGN.study):
        assert words in page
    assert (tmp_path / "analysis" / "cells.csv").read_text().count("\n") == 1 + len(DESIGN.cells)
    assert "note density" in (tmp_path / "analysis" / "psychometric.svg").read_text()
