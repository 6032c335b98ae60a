"""Figures, selections and music of the report: what they are drawn from, and what they must not hide."""

from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tests.helpers.evaluated_runs import VOCABULARY, config_of, corpus_of, evaluation_of
from vaemusic_jax.config.sweep import trials
from vaemusic_jax.data.writers.engraving import MARKED
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.report import examples
from vaemusic_jax.report.chapters.captions import seeds
from vaemusic_jax.report.figures.curves import learning_curves
from vaemusic_jax.report.figures.heat_maps import Matrix, heat_maps
from vaemusic_jax.report.figures.latent_size import by_latent_size
from vaemusic_jax.report.figures.piano_roll import piano_roll
from vaemusic_jax.report.figures.prior import mixture_density
from vaemusic_jax.report.figures.question import draw
from vaemusic_jax.report.figures.surfaces import Surface, surfaces
from vaemusic_jax.report.section import FigureData, Series
from vaemusic_jax.report.selection import evenly, example_trials, main_setting, most_attributes
from vaemusic_jax.report.style import applied, panels, to_png, to_svg
from vaemusic_jax.report.svg_text import compact, url_text

NAN = float("nan")

FIRST_TWO = ("rhythmic_complexity", "note_range")


def summed(**columns: list[object]) -> pd.DataFrame:
    """Rows of an aggregated table: MeasureVAE on bach with all attributes unless said."""
    n = len(next(iter(columns.values())))
    rows = {"dataset": ["bach"] * n, "model": ["measure_vae"] * n, "attributes": ["all"] * n, "mean": [0.5] * n}
    rows |= {"low": [0.4] * n, "high": [0.7] * n, "n": [3] * n, "n_seeds": [3] * n}
    return pd.DataFrame(rows | {"n_diverged": [0] * n, "n_unfinished": [0] * n} | columns)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def heights(line: Any) -> list[float]:
    return np.asarray(line.get_ydata(), float).tolist()


def test_latent_sizes_stand_in_doublings_with_a_tick_each() -> None:
    figure = by_latent_size(summed(latent_dim=[4, 16, 64]), "accuracy", {"bach": 0.25})
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert list(axes.get_xticks()) == [4, 16, 64]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "16", "64"]
    assert [0.25, 0.25] in [heights(line) for line in axes.lines]  # the baseline


def test_a_configuration_without_a_number_is_no_point() -> None:
    rows = summed(latent_dim=[4, 16], mean=[0.5, NAN], low=[0.4, NAN], high=[0.6, NAN])
    (axes,) = by_latent_size(rows, "accuracy").axes
    line = heights(axes.containers[0].lines[0])  # type: ignore[attr-defined]
    assert np.isfinite(line).tolist() == [True, False]


def test_bars_are_the_interval_though_it_is_not_symmetric() -> None:
    (axes,) = by_latent_size(summed(latent_dim=[4]), "accuracy").axes
    (bar,) = axes.containers[0].lines[2]  # type: ignore[attr-defined]
    np.testing.assert_allclose(bar.get_segments()[0][:, 1], [0.4, 0.7])


def test_models_and_attributes_differ_by_more_than_colour() -> None:
    rows = summed(
        latent_dim=[4] * 4,
        model=["measure_vae", "adversarial_vae"] * 2,
        attributes=["all", "all", "note_density", "note_density"],
    )
    (axes,) = by_latent_size(rows, "accuracy").axes
    lines = [container.lines[0] for container in axes.containers]  # type: ignore[attr-defined]
    assert len({line.get_marker() for line in lines}) == 4
    assert len(axes.containers) == 4


def test_learning_curves_are_means_over_seeds() -> None:
    shown = pd.DataFrame({"trial": ["a", "b"], "dataset": "bach", "model": "measure_vae", "latent_dim": 4})
    curves = pd.DataFrame({"trial": ["a", "b"] * 2, "step": [1, 1, 2, 2], "metric": "loss", "value": [3.0, 5, 1, 2]})
    (axes,) = learning_curves(curves, shown, "loss", "loss").axes
    assert heights(axes.lines[0]) == [4, 1.5]


def test_heat_maps_write_their_numbers_and_leave_gaps_empty() -> None:
    values = np.array([[1, 0.254], [NAN, 0]])
    marks = np.array([["*", ""], ["", ""]])
    figure = heat_maps([[Matrix("m", values, "ab", "cd", marks), None]], "R²")
    assert texts(figure) == ["1*", ".25", ".00"]


def test_the_first_control_runs_to_the_right_and_the_second_up() -> None:
    reached = np.zeros((2, 2, len(ATTRIBUTES)))
    reached[1, 0, 0] = 9  # first control at its highest, second at its lowest
    values = np.array([[0.0, 1], [0, 1]])
    (axes, *_) = surfaces([Surface("s", FIRST_TWO, values, reached, values.T)]).axes
    mesh = axes.collections[0].get_array()
    assert np.asarray(mesh).reshape(2, 2).tolist() == [[0, 9], [0, 0]]  # rows are drawn from the bottom up


def test_a_surface_that_is_flat_has_no_scale_but_its_value() -> None:
    reached = np.full((2, 2, len(ATTRIBUTES)), 0.25)
    reached[1, :, 1] = 0.75
    values = np.array([[0.0, 1], [0, 1]])
    flat, other, *scales = surfaces([Surface("s", FIRST_TWO, values, reached, values.T)]).axes
    assert flat.get_title().endswith("s: 0.25 everywhere")
    assert other.get_title().endswith("s")
    assert len(scales) == 1


def test_a_posterior_like_the_prior_has_its_density() -> None:
    z = np.linspace(-6, 6, 401)
    density = mixture_density(z, np.zeros(5), np.ones(5))
    np.testing.assert_allclose(density[200], 0.398942, rtol=1e-5)  # 1/sqrt(2 pi)
    two = mixture_density(z, np.array([-2.0, 2.0]), np.array([0.5, 0.0]))
    assert np.trapezoid(two, z) == pytest.approx(1, abs=0.01)  # even where a measure is sharper than the grid


@pytest.mark.parametrize("kind", ["lines", "scatter"])
def test_plain_figure_data_are_drawn_as_they_are(kind: str) -> None:
    series = Series("a", (1.0, 2.0), (3.0, 4.0), (2.5, NAN), (3.5, NAN), ("p", "q") if kind == "scatter" else ())
    data = FigureData("f", kind, "c", "x", "y", log_x=True, series=(series,))  # type: ignore[arg-type]
    (axes,) = draw(data).axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("x", "y", "log")
    assert heights(axes.lines[0]) == [3, 4]
    assert [text.get_text() for text in axes.texts] == list(series.names)


def test_a_plain_heat_map_leaves_gaps_empty() -> None:
    figure = draw(
        FigureData("f", "heatmap", "c", "x", "y", x=(0.1, 1), y=(3, 10), z=((0.5, NAN), (0.25, 1)), z_label="z")
    )
    assert texts(figure) == ["0.500", "0.250", "1.000"]
    assert figure.axes[0].get_ylim()[0] < figure.axes[0].get_ylim()[1]  # larger values are higher up


def test_a_figure_is_the_same_bytes_each_time() -> None:
    def files() -> tuple[str, bytes]:
        with applied():
            figure, axes = panels(1, 1)
            axes[0, 0].plot([1, 2], [1, 2], marker="o")
        return to_svg(figure), to_png(figure)

    assert files() == files()


def test_captions_count_seeds_and_what_is_missing() -> None:
    assert seeds(summed(latent_dim=[4, 8])) == "n = 3 seeds"
    some = summed(latent_dim=[4, 8, 16], n=[1, 3, 0], n_diverged=[1, 0, 3], n_unfinished=[1, 0, 0])
    assert seeds(some) == "n = 1 to 3 seeds, without 4 diverged and 1 unfinished trials"
    unmeasured = summed(latent_dim=[4], n=[2])  # of one of the three there is no value
    assert seeds(unmeasured) == "n = 2 seeds"
    assert seeds(unmeasured, "n_seeds") == "n = 3 seeds"


def test_evenly_keeps_both_ends() -> None:
    assert evenly(range(9), 5) == [0, 2, 4, 6, 8]
    assert evenly([1, 2], 5) == [1, 2]


def table(**fields: object) -> pd.DataFrame:
    rows = pd.DataFrame([{"trial": trial.id, **trial.row()} for trial in trials(config_of(**fields))])
    return rows.assign(status="done", reconstruction_accuracy=0.5, validation_accuracy=0.5)


def test_like_is_compared_with_like() -> None:
    several = pd.concat([table(gamma=1.0, latent_dim=[4, 8]), table(gamma=2.0, latent_dim=4)])
    kept, said = main_setting(several.reset_index(drop=True))
    assert set(kept.loc[kept["model"] == "measure_vae", "gamma"]) == {1.0}
    assert "MeasureVAE with gamma 1." in said
    assert "AdversarialVAE" not in said  # it has no gamma
    assert main_setting(table())[1] == ""


def test_a_setting_that_diverged_is_not_the_one_that_is_shown() -> None:
    rows = table(learning_rate=[9.0, 0.01])
    rows.loc[rows["learning_rate"] == 9.0, "status"] = "diverged: loss is not finite"
    kept, said = main_setting(rows)
    assert set(kept["learning_rate"]) == {0.01}
    assert "learning rate 0.01" in said


def test_examples_are_the_best_on_validation_among_those_with_most_attributes() -> None:
    rows = table(latent_dim=[4, 8], seed=0)
    rows["validation_accuracy"] = [
        0.9 if choice != "all" else 0.1 * n for choice, n in rows[["attributes", "latent_dim"]].to_numpy()
    ]
    chosen = example_trials(rows)
    assert chosen[["model", "attributes", "latent_dim"]].to_numpy().tolist() == [
        ["measure_vae", "all", 8],
        ["adversarial_vae", "all", 8],
    ]
    assert set(most_attributes(rows)["attributes"]) == {"all"}
    rows.loc[rows["latent_dim"] == 8, "reconstruction_accuracy"] = NAN  # these have not been evaluated
    assert set(example_trials(rows)["latent_dim"]) == {4}
    assert len(example_trials(rows.drop(columns="validation_accuracy"))) == 2  # as in runs of earlier versions


def test_notation_has_every_note_of_a_measure() -> None:
    tokens = np.zeros(24, np.uint8)
    tokens[[0, 6, 15]] = [2, 5, 7]
    assert examples.draw(tokens, VOCABULARY).count('class="note"') == 3


def test_a_piano_roll_is_as_long_as_its_measure() -> None:
    for metre, length, beats in (("3/4", 3.0, [0, 1, 2, 3]), ("9/8", 4.5, [0, 1.5, 3, 4.5])):
        vocabulary = Vocabulary(("__", "rest", "C4"), metre)
        [axes] = piano_roll(np.full(vocabulary.grid.n_ticks, 2), vocabulary).axes
        assert axes.get_xlim() == (0, length)
        assert axes.get_xticks().tolist() == beats


def test_without_verovio_there_are_piano_rolls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "has_notation", lambda: False)
    tokens = np.zeros(24, np.uint8)
    assert "matplotlib" in examples.draw(tokens, VOCABULARY)  # a measure without notes has one as well
    tokens[[0, 6]] = [2, 5]
    assert "matplotlib" in examples.draw(tokens, VOCABULARY)


def test_examples_show_what_was_given_what_came_back_and_every_control() -> None:
    (trial, *_) = trials(config_of(attributes="all"))
    corpus = corpus_of("irish_folk")
    evaluation = evaluation_of(trial, {})
    evaluation.arrays["reconstruction"][:] = corpus.tokens
    given, back = (strip.measures for strip in examples.reconstructions(corpus, evaluation).strips)
    assert [one.svg for one in given] == [one.svg for one in back]
    assert {(one.words, one.change) for one in back} == {("24 of 24 tokens right", "unchanged")}
    turned = examples.traversals(trial, corpus, evaluation).strips
    assert [strip.label for strip in turned] == [f"Turning {name.replace('_', ' ')}" for name in ATTRIBUTES]
    settings = [f"control at {z:.2f}" for z in (-1.5, -0.75, 0, 0.75, 1.5)]
    assert [one.words for one in turned[0].measures] == ["control left alone", *settings]
    decoded, midi = evaluation.arrays["traversal_tokens"][0, 2], corpus.vocabulary.midi  # note density of measure 1
    for one, tokens in zip(turned[2].measures[1:], decoded[::2], strict=True):
        assert dict(value[:2] for value in one.values)["note density"] == f"{(tokens > 1).sum() / 24:.2f}".rstrip("0")
        assert [name for name, _, own in one.values if own] == ["note density"]
        assert [float(note.split(",")[2]) for note in one.notes.split()] == midi[tokens[tokens > 1]].tolist()


def test_notes_that_are_not_in_the_measure_before_are_marked() -> None:
    before, after = np.zeros(24, np.uint8), np.zeros(24, np.uint8)
    before[[0, 6, 12, 18]] = [2, 3, 4, 5]
    after[[0, 6, 15]] = [2, 4, 5]  # the second has another pitch and length, the third another place, one is gone
    one = examples.measure(after, VOCABULARY, "turned", before=before)
    assert one.change == "2 of 3 notes changed, 2 gone"
    svg = ElementTree.fromstring(one.svg)
    drawn = [each.get("color") for each in svg.iter() if "note" in (each.get("class") or "").split()]
    assert drawn[0] is None
    assert set(drawn[1:]) == {MARKED}  # a note may be drawn as several that are tied


def test_a_shortened_svg_has_the_same_elements_texts_and_references() -> None:
    figure, _ = panels(1, 1)
    figure.axes[0].set(xlabel="0.8765 of all", xticks=[0.123456])
    figure.axes[0].plot([0, 1], [0.12345, 0.5], marker="o")
    tokens = np.zeros(24, np.uint8)
    tokens[[0, 6]] = [2, 5]
    for svg in (to_svg(figure), examples.draw(tokens, VOCABULARY)):
        short = unquote(url_text(compact(svg)))
        before, after = ElementTree.fromstring(svg), ElementTree.fromstring(short)
        shapes = ("path", "use", "text", "polygon", "rect")
        counts = [
            [sum(each.tag.endswith(f"}}{shape}") for each in root.iter()) for shape in shapes]
            for root in (before, after)
        ]
        assert counts[0] == counts[1]
        assert [each.text for each in before.iter() if each.tag.endswith("}text")] == [
            each.text for each in after.iter() if each.tag.endswith("}text")
        ]
        ids = {each.get("id") for each in after.iter()}
        links = [value for each in after.iter() for key, value in each.items() if key.rpartition("}")[2] == "href"]
        assert links
        assert {link.removeprefix("#") for link in links} <= ids
        assert len(short) < 0.8 * len(svg)


def test_a_png_is_for_print_whether_or_not_it_was_drawn_as_svg_before() -> None:
    sizes = []
    for drawn_before in (False, True):
        figure, _ = panels(1, 2)
        if drawn_before:
            to_svg(figure)
        sizes.append(tuple(np.frombuffer(to_png(figure)[16:24], ">u4").tolist()))  # width and height in a PNG's header
    assert sizes[0] == sizes[1]
    assert sizes[0][0] >= 200 * 4  # dots per inch, of at least four inches
