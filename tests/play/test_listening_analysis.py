"""The analysis finds what simulated listeners were given, tells both claims apart, and says what it left out."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tests.helpers.listening import design_of
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.analyse import analyse, choices_of, rank_correlation, verdict
from vaemusic_jax.play.listening.answers import Answers
from vaemusic_jax.play.listening.findings import figure_of, markdown_of
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
        found = psychometric_slopes(choices, Lapses(0), 100)
        errors.append((found.error / found.slope, mixed_slopes(choices, Lapses(0))))
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


def test_answers_that_are_all_right_have_slopes_that_are_not_known_exactly() -> None:
    choices = made_up(20, 2.0, 0.0, 0)
    choices = dataclasses.replace(choices, difference=np.full(400, 1.5), is_right=np.ones(400, bool))
    for found in (psychometric_slopes(choices, Lapses(0), 50), mixed_slopes(choices, Lapses(0))):
        assert 1 < found.slope[0] < 40
        assert found.high[0] - found.low[0] > 2
    wrong = mixed_slopes(dataclasses.replace(choices, is_right=np.zeros(400, bool)), Lapses(0))
    np.testing.assert_allclose(wrong.slope, -found.slope, rtol=0.05)


def test_one_key_for_everything_in_one_order_has_no_slope_of_the_mixed_model() -> None:
    choices = made_up(2, 1.0, 0.0, 0)
    same = dataclasses.replace(choices, is_right=np.ones(40, bool), order=np.ones(40))
    assert np.isnan(mixed_slopes(same, Lapses(0)).slope).all()


def test_the_mixed_model_is_the_same_whichever_way_choices_are_written() -> None:
    """A slope of choices of the one with more is that of choices of the one with less, of the negative differences."""
    choices = made_up(20, 1.0, 0.0, 1)
    turned = dataclasses.replace(
        choices, is_right=~choices.is_right, difference=-choices.difference, order=-choices.order
    )
    first, second = (mixed_slopes(each, Lapses(0)) for each in (choices, turned))
    for field in ("slope", "low", "high"):
        np.testing.assert_allclose(getattr(first, field), getattr(second, field), rtol=0.02)


def test_lapses_widen_the_intervals_of_steep_slopes_of_the_mixed_model() -> None:
    """They hide most where nearly all answers are right, and nothing where people guess."""
    widths = {}
    for slope in (0.0, 2.0):
        choices = made_up(20, slope, 0.0, 0)
        few, many = (mixed_slopes(choices, lapses) for lapses in (Lapses(0), Lapses(0.05, 0.02)))
        assert few.slope[0] == many.slope[0]  # also since nothing in the fit is random
        widths[slope] = (many.high[0] - many.low[0]) / (few.high[0] - few.low[0])
    assert 1 <= widths[0.0] < 1.02
    assert widths[2.0] > 1.2


def test_a_rank_correlation_of_four_cells_is_never_sure() -> None:
    found, low, high, p = rank_correlation([1, 2, 3, 4], [10, 20, 40, 80])
    assert found == 1
    assert p == pytest.approx(2 / 24)  # one of all 24 orders is as extreme, and one in the other direction
    assert low < 0.5
    assert high < 1
    turned = rank_correlation([1, 2, 3, 4], [-10, -20, -40, -80])
    assert turned == pytest.approx((-1, -high, -low, p))
    mixed = rank_correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    assert mixed[0] == pytest.approx(spearmanr([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]).statistic)
    assert mixed[1] < mixed[0] < mixed[2]


def test_what_cannot_be_known_is_a_dash_and_names_are_shown_as_they_are() -> None:
    """Of one listener who hears nothing there is no share of the ceiling, and a name with signs breaks no figure."""
    odd = {name: "corpus" if name == "corpus" else "_odd $\\frac$ name" for name in DESIGN.sources}
    items = tuple(dataclasses.replace(item, source=odd[item.source]) for item in DESIGN.items)
    sources = {odd[name]: about for name, about in DESIGN.sources.items()}
    design = dataclasses.replace(DESIGN, sources=sources, items=items)
    rows = simulate(design, Listeners({"note_density": 0.0}), 1, seed=4)
    rows.loc[rows["kind"] == "catch", "is_right"] = True
    found = analyse(design, Answers(rows, ()), resamples=20)
    assert found.notes[-1] == "one listener is left: the intervals say nothing about others"
    assert found.cells["of_ceiling"].isna().all()
    assert "nan" not in markdown_of(design, found)
    assert "_odd $" in figure_of(design, found).decode()
    assert verdict(pd.Series({"asked.low": np.nan, "asked.high": np.nan}), "asked") == "-"


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
