"""The grids of the six metres: where their ticks lie, which measures they take, and how an onset weighs on them."""

from fractions import Fraction

import numpy as np
import pytest

from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes, onset_weights
from vaemusic_jax.music.grid import GRIDS, Grid
from vaemusic_jax.music.vocabulary import HOLD, Vocabulary

every_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))


def test_the_sizes_of_the_grids() -> None:
    sizes = {
        name: (grid.n_beats, grid.ticks_per_beat, grid.n_ticks, float(grid.quarters)) for name, grid in GRIDS.items()
    }
    assert sizes == {
        "4/4": (4, 6, 24, 4.0),
        "3/4": (3, 6, 18, 3.0),
        "2/4": (2, 12, 24, 2.0),
        "6/8": (2, 12, 24, 3.0),
        "9/8": (3, 12, 36, 4.5),
        "12/8": (4, 12, 48, 6.0),
    }


@every_grid
def test_a_grid_holds_beats_sixteenths_and_the_parts_of_its_beats(grid: Grid) -> None:
    onsets = grid.onset_of_tick
    assert onsets[0] == 0
    assert list(onsets) == sorted(set(onsets))
    assert onsets[-1] < grid.quarters
    parts = {"simple": (1, 2, 3, 4), "compound": (1, 2, 3, 4, 6, 12)}[
        "compound" if grid.metre.endswith("8") else "simple"
    ]
    for part in parts:
        n = grid.n_beats * part
        assert {grid.quarters * k / n for k in range(n)} <= set(onsets)
    assert {Fraction(k, 4) for k in range(int(4 * grid.quarters))} <= set(onsets)
    assert all(grid.tick_of_onset[onset] == tick for tick, onset in enumerate(onsets))


def test_which_written_metres_belong_on_which_grid() -> None:
    written = (
        "4/4",
        "2/2",
        "8/8",
        "3/4",
        "6/8",
        "2/4",
        "4/8",
        "9/8",
        "12/8",
        "6/4",
        "3/2",
        "5/4",
        "3/8",
        "",
        "none",
        "4/0",
    )
    taken = {name: [metre for metre in written if grid.takes(metre)] for name, grid in GRIDS.items()}
    assert taken == {
        "4/4": ["4/4", "2/2", "8/8"],
        "3/4": ["3/4"],
        "2/4": ["2/4", "4/8"],
        "6/8": ["6/8"],
        "9/8": ["9/8"],
        "12/8": ["12/8"],
    }


@pytest.mark.parametrize(
    ("metre", "weights"),
    [
        ("4/4", [w for beat in (20, 67, 25, 67) for w in (beat, 100, 200, 50, 200, 100)]),  # as published
        ("3/4", [w for beat in (20, 67, 67) for w in (beat, 100, 200, 50, 200, 100)]),
        ("2/4", [w for beat in (20, 67) for w in (beat, 200, 200, 100, 200, 200, 50, 200, 200, 100, 200, 200)]),
        ("9/8", [w for beat in (20, 67, 67) for w in (beat, 200, 100, 200, *(50, 200, 100, 200) * 2)]),
        ("12/8", [w for beat in (20, 67, 25, 67) for w in (beat, 200, 100, 200, *(50, 200, 100, 200) * 2)]),
    ],
)
def test_the_weights_of_onsets(metre: str, weights: list[int]) -> None:
    assert list(onset_weights(GRIDS[metre])) == weights


@every_grid
def test_attributes_of_full_and_empty_measures(grid: Grid) -> None:
    vocabulary = Vocabulary(("__", "rest", "C4", "D5"), grid.metre)
    full, empty = np.full(grid.n_ticks, 2), np.full(grid.n_ticks, HOLD)
    steps = np.where(np.arange(grid.n_ticks) % 2, 2, 3)
    found = compute_attributes([full, empty, steps], vocabulary.midi, vocabulary.grid)
    names = list(ATTRIBUTES)
    complexity, span, density, jump = (found[:, names.index(name)] for name in names)
    np.testing.assert_allclose(complexity, [1, 0, 1], rtol=1e-6)
    np.testing.assert_allclose(density, [1, 0, 1], rtol=1e-6)
    np.testing.assert_allclose(span, [0, 0, 14 / 26], rtol=1e-6)
    np.testing.assert_allclose(jump, [0, 0, 14], rtol=1e-6)


@every_grid
def test_a_vocabulary_keeps_its_metre_when_written_and_read(grid: Grid) -> None:
    vocabulary = Vocabulary(("__", "rest", "C4"), grid.metre)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert (vocabulary == Vocabulary(("__", "rest", "C4"))) == (grid.metre == "4/4")


def test_a_metre_without_a_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="metre '5/4' is none of 4/4, 3/4"):
        Vocabulary(("__", "rest"), "5/4")
