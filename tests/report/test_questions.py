"""A section for each open question that a run can say something about, with words and drawings from its numbers."""

import math
from typing import Any

import numpy as np
import pytest

from tests.helpers.synthetic_results import FACTS, results_of
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.questions import open_questions
from vaemusic_jax.report.section import FigureData, Section, varied

MEASURES = ("reconstruction_accuracy", "reconstruction_efficiency.mean", "interpretability.mean")
STATISTICS = {
    name: facts
    | {
        "attribute_mean": dict.fromkeys(ATTRIBUTES, 0.5),
        "attribute_std": {one: 0.1 * (i + 1) * (k + 1) for k, one in enumerate(ATTRIBUTES)},
    }
    for i, (name, facts) in enumerate(FACTS.items())
}


def same(trial: Trial) -> dict[str, Any]:
    return dict.fromkeys((*MEASURES, *(f"interpretability.{name}" for name in ATTRIBUTES)), 0.5)


def names(sections: tuple[Section, ...]) -> list[str]:
    return [section.name for section in sections]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, None),
        ({"attributes": ["note_density", "note_range"]}, None),
        ({"attributes": ["note_density", "all"]}, "regularised-attributes"),
        ({"data_fraction": [0.5, 1]}, "data-size"),
        ({"transpose": [0, 5]}, "data-size"),
        ({"dataset": ["irish_folk", "bach"]}, "corpus-features"),
        ({"dataset": ["irish_folk", "bach"], "model": "adversarial_vae"}, None),
        ({"gamma": [0.1, 1]}, "regularisation-strength"),
        ({"delta": [3, 10], "model": "measure_vae"}, "regularisation-strength"),
    ],
)
def test_a_section_is_there_only_where_the_run_varies_the_thing(fields: dict[str, Any], name: str | None) -> None:
    results = results_of(same, **fields)
    assert names(open_questions(results, STATISTICS)) == ([name] if name else [])
    assert open_questions(results_of(same, lambda trial: "running", **fields), STATISTICS) == ()
    assert open_questions(results.iloc[:0], STATISTICS) == ()


def test_figures_hold_what_a_drawing_needs() -> None:
    axes: dict[str, Any] = {"attributes": ["note_density", "all"], "data_fraction": [0.5, 1], "gamma": [0.1, 1]}
    sections = open_questions(results_of(same, dataset=["irish_folk", "bach"], seed=[0, 1], **axes), STATISTICS)
    assert len(sections) == 4
    figures = [figure for section in sections for figure in section.figures]
    assert len({figure.name for figure in figures}) == len(figures)
    for section in sections:
        (seeds,) = (i for i, column in enumerate(section.table.columns) if column.name == "n_seeds")
        assert {row[seeds] for row in section.table.rows} == {2}
    for figure in figures:
        if figure.kind == "heatmap":
            assert (len(figure.z), {len(row) for row in figure.z}) == (len(figure.y), {len(figure.x)})
        for series in figure.series:
            assert len(series.x) == len(series.y) > 0
            assert not any(map(math.isnan, (*series.x, *series.y)))
            assert list(series.x) == sorted(series.x) or figure.kind == "scatter"
            assert len(series.low) == len(series.high) == (0 if figure.kind == "scatter" else len(series.x))
        assert figure.x_label
        assert figure.y_label
        assert figure.caption.endswith(".")


def test_only_trials_with_a_counterpart_are_compared() -> None:
    both = results_of(same, model="measure_vae", transpose=[0, 5])
    other = results_of(same, model="measure_vae", transpose=0, steps=50)
    together = both.iloc[:0].merge(other, how="outer").merge(both, how="outer")
    assert len(together) == len(both) + len(other)
    assert set(varied(together, "transpose")["trial"]) == set(both["trial"])
    assert varied(together, "gamma").empty


def test_attributes_cost_what_the_text_says() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        cost = 0.1 * len(trial.attributes)
        return same(trial) | {
            "reconstruction_accuracy": 1 - cost - trial.seed / 100,
            "interpretability.note_density": cost,
        }

    choices = ["note_density", "note_density+note_range", "all"]
    results = results_of(metrics, model="measure_vae", attributes=choices, latent_dim=[32, 4])
    (section,) = open_questions(results, {})
    assert "imposes 1, 2, 4 attributes" in section.text
    assert "all instead of ND" in section.text
    assert "accuracy -0.300" in section.text
    assert "interpretability of note density +0.300" in section.text
    accuracy = section.figures[0]
    assert {series.label: series.y for series in accuracy.series}["ND+NR"] == pytest.approx((0.79, 0.79))
    assert accuracy.series[0].x == (4, 32)


def test_data_and_transposition_are_told_apart() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        help_of_moving = 0.05 * (trial.transpose > 0) * (trial.data_fraction < 1)
        return {"reconstruction_accuracy": 0.5 + 0.25 * trial.data_fraction + help_of_moving}

    results = results_of(metrics, model="measure_vae", data_fraction=[0.5, 1], transpose=[0, 5], latent_dim=4)
    (section,) = open_questions(results, {})
    assert "1 instead of 0.5 of the training tunes: accuracy +0.100" in section.text
    assert "up to 5 semitones instead of 0: accuracy +0.025" in section.text
    assert "fraction 0.5 +0.050" in section.text
    assert len(section.table.rows) == 4
    (figure,) = section.figures
    assert figure.log_x
    assert [series.y for series in figure.series] == [pytest.approx((0.625, 0.75)), pytest.approx((0.675, 0.75))]


def test_correlations_over_data_sets_follow_the_numbers_and_give_n() -> None:
    level = {"irish_folk": 0.3, "bach": 0.2, "my_tunes": 0.1}

    def metrics(trial: Trial) -> dict[str, Any]:
        return {f"interpretability.{name}": level[trial.dataset] for name in ATTRIBUTES}

    axes: dict[str, Any] = {"model": "measure_vae", "attributes": "note_density+note_range"}
    (section,) = open_questions(results_of(metrics, dataset=list(level), **axes), STATISTICS)
    assert "note density, 3 data sets, -1.00" in section.text
    assert "over all 6 points" in section.text
    (figure,) = section.figures
    assert [series.label for series in figure.series] == ["note range", "note density"]
    assert figure.series[0].names == ("irish_folk", "bach", "my_tunes")
    assert figure.series[0].x == pytest.approx((0.4, 0.8, 1.2))
    (two,) = open_questions(results_of(metrics, dataset=["irish_folk", "bach"], **axes), STATISTICS)
    assert "3 data sets are needed" in two.text


def test_a_corpus_is_not_judged_by_latent_sizes_that_another_lacks() -> None:
    def status(trial: Trial) -> str:
        return "diverged: early" if trial.dataset == "bach" and trial.latent_dim == 4 else "done"

    def metrics(trial: Trial) -> dict[str, Any]:
        return {"interpretability.note_range": 0.9 if trial.latent_dim == 32 else 0.1}

    (section,) = open_questions(results_of(metrics, status, dataset=list(FACTS), seed=0), STATISTICS)
    assert [series.y for series in section.figures[0].series] == [(0.9, 0.9, 0.9)]


def test_strengths_are_a_map_with_its_best_place_and_the_recipes_own() -> None:
    def metrics(trial: Trial) -> dict[str, Any]:
        return {"reconstruction_accuracy": 0.9 - trial.gamma / 10 - trial.delta / 100, "interpretability.mean": np.nan}

    def status(trial: Trial) -> str:
        return "diverged: early" if (trial.gamma, trial.delta) == (1, 3) else "done"

    results = results_of(metrics, status, model="measure_vae", gamma=[1, 0.2], delta=[3, 10])
    (section,) = open_questions(results, {})
    (figure,) = section.figures
    assert isinstance(figure, FigureData)
    assert (figure.x, figure.y) == ((0.2, 1.0), (3.0, 10.0))
    assert np.array(figure.z) == pytest.approx(np.array([[0.85, np.nan], [0.78, 0.7]]), nan_ok=True)
    assert "Accuracy is 0.700 to 0.850, best at gamma 0.2, delta 3" in section.text
    assert "0.700 at the reference recipe's 1 and 10" in section.text
    assert "0.850 at the fast recipe's 0.2 and 3" in section.text
    assert "1 combinations have no finished trial" in section.text
