"""Attributes: values by hand, parity with the original functions, exact ties."""

import hashlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.study_grid import GRID
from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes
from vaemusic_jax.music.vocabulary import Vocabulary

#: The published weights, times 100.
WEIGHTS = [w for beat in (20, 67, 25, 67) for w in (beat, 100, 200, 50, 200, 100)]
VOCABULARY = Vocabulary.from_pitches(["C3", "C4", "D4", "E4", "G4", "C5", "D6"], room=False)


def measure(events: dict[int, str]) -> np.ndarray:
    """Tokens with these names at these ticks and holds elsewhere."""
    tokens = np.zeros(24, np.uint8)
    for tick, name in events.items():
        tokens[tick] = VOCABULARY.index(name)
    return tokens


def attributes_of(events: dict[int, str]) -> list[float]:
    return np.asarray(compute_attributes(measure(events), VOCABULARY.midi, VOCABULARY.grid)).tolist()


# All by hand. Weights in hundredths: 20 at tick 0, 67 at 6, 25 at 12, 67 at 18; within each quarter then
# 100, 200, 50, 200, 100. They add up to 4 * 650 + 179 = 2779.
@pytest.mark.parametrize(
    ("events", "complexity", "span", "density", "jump"),
    [
        ({}, 0, 0, 0, 0),  # only holds: the measure before goes on
        ({0: "rest"}, 0, 0, 0, 0),
        ({0: "C4"}, 20 / 2779, 0, 1 / 24, 0),
        ({0: "C4", 12: "D4"}, 45 / 2779, 2 / 26, 2 / 24, 2),
        # rests are no onsets, and the interval leaps over them
        ({0: "C4", 6: "rest", 12: "G4"}, 45 / 2779, 7 / 26, 2 / 24, 7),
        ({0: "rest", 3: "G4", 9: "C4", 12: "G4", 18: "rest"}, (50 + 50 + 25) / 2779, 7 / 26, 3 / 24, 7),
        # repeated notes: intervals of nothing
        ({0: "E4", 6: "E4", 12: "E4", 18: "E4"}, 179 / 2779, 0, 4 / 24, 0),
        # up and down count alike: 2 + 2 + 12 over three intervals
        ({0: "C4", 6: "D4", 12: "C4", 18: "C5"}, 179 / 2779, 12 / 26, 4 / 24, 16 / 3),
        # wider than two octaves and a tone: the range exceeds 1
        ({0: "C3", 2: "D6"}, 220 / 2779, 38 / 26, 2 / 24, 38),
        # a hold first is silence
        ({6: "C4", 8: "E4"}, (67 + 200) / 2779, 4 / 26, 2 / 24, 4),
        (dict.fromkeys(range(24), "C4"), 1, 0, 1, 0),
    ],
)
def test_values_by_hand(events: dict[int, str], complexity: float, span: float, density: float, jump: float) -> None:
    assert attributes_of(events) == pytest.approx([complexity, span, density, jump], abs=1e-6)


def test_canonical_order() -> None:
    assert tuple(ATTRIBUTES) == ("rhythmic_complexity", "note_range", "note_density", "average_interval_jump")


def test_equal_to_the_original_functions(parity: Path) -> None:
    stored = np.load(parity / "attributes.npz")
    ours = compute_attributes(stored["tokens"], stored["midi"], GRID)
    names = ("rhythmic_complexity", "note_range", "note_density", "average_interval")
    for column, name in enumerate(names):
        np.testing.assert_allclose(ours[:, column], stored[name], rtol=0, atol=1e-6, err_msg=name)


tokens_lists = st.lists(st.integers(0, len(VOCABULARY) - 1), min_size=24, max_size=24)


def exactly(tokens: list[int]) -> tuple[Fraction, ...]:
    """The four attributes as exact fractions, from their definition, one note after another."""
    onsets = [(tick, int(VOCABULARY.midi[token])) for tick, token in enumerate(tokens) if token >= 2]
    pitches = [pitch for _, pitch in onsets]
    weights = Fraction(sum(WEIGHTS[tick] for tick, _ in onsets), sum(WEIGHTS))
    if len(onsets) < 2:
        return weights, Fraction(0), Fraction(len(onsets), 24), Fraction(0)
    jumps = [abs(b - a) for a, b in pairwise(pitches)]
    return (
        weights,
        Fraction(max(pitches) - min(pitches), 26),
        Fraction(len(onsets), 24),
        Fraction(sum(jumps), len(jumps)),
    )


@given(st.lists(tokens_lists, min_size=6, max_size=6))
def test_the_order_of_any_two_measures_is_exact_ties_included(measures: list[list[int]]) -> None:
    values = np.asarray(compute_attributes(np.array(measures), VOCABULARY.midi, VOCABULARY.grid))
    fractions = [exactly(tokens) for tokens in measures]
    for k in range(4):
        for i in range(len(measures)):
            for j in range(i):
                difference = fractions[i][k] - fractions[j][k]
                assert np.sign(values[i, k] - values[j, k]) == (difference > 0) - (difference < 0)


def test_measures_of_equal_complexity_tie_although_their_weights_differ() -> None:
    # 50 + 50 = 100 and 20 + 20 + ... : sums of float weights would round differently in different orders
    ties = [{3: "C4", 9: "C4"}, {1: "C4"}, {5: "C4"}, {15: "C4", 21: "C4"}, {23: "C4"}]
    values = np.asarray(
        compute_attributes(np.stack([measure(events) for events in ties]), VOCABULARY.midi, VOCABULARY.grid)
    )
    assert len(set(values[:, 0].tolist())) == 1


# Of each attribute: version and digest of its values. Where a formula changes, give its row in `ATTRIBUTES` the next
# version and store the new digest here: data sets prepared before hold the old values under the old version.
GOLDEN = {
    "rhythmic_complexity": (1, "d798b7d8c2338359"),
    "note_range": (1, "376a4c6b6dff1c5e"),
    "note_density": (1, "eb64c1b0693e5c32"),
    "average_interval_jump": (1, "13178a663d32298a"),
}


def test_a_formula_that_changes_has_a_new_version() -> None:
    commas = Vocabulary.from_pitches(["C4", "B4-1c", "E4-5c", "F4+4c", "G4"], room=False)
    i, t = np.ogrid[:300, :24]
    values = [compute_attributes((i * (t + 3) ** 2) // 7 % len(v), v.midi, v.grid) for v in (VOCABULARY, commas)]
    digests = [hashlib.sha256(column.astype("<f4").tobytes()).hexdigest()[:16] for column in np.concatenate(values).T]
    found = {row.name: (row.version, digest) for row, digest in zip(ATTRIBUTES.values(), digests, strict=True)}
    assert found == GOLDEN, "bump the version of the attribute whose values changed, and store the new digest"


def test_any_batch_axes_and_any_integer_type_agree() -> None:
    tokens = np.random.default_rng(0).integers(0, len(VOCABULARY), (3, 5, 24))
    whole = compute_attributes(tokens, VOCABULARY.midi, VOCABULARY.grid)
    assert whole.shape == (3, 5, 4)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, compute_attributes(tokens.astype(np.uint8), VOCABULARY.midi, VOCABULARY.grid))
    one_by_one = [[compute_attributes(measure, VOCABULARY.midi, VOCABULARY.grid) for measure in row] for row in tokens]
    np.testing.assert_array_equal(whole, one_by_one)


def test_another_number_of_ticks_is_refused() -> None:
    with pytest.raises(ValueError, match="24 ticks"):
        compute_attributes(np.zeros((2, 23), int), VOCABULARY.midi, VOCABULARY.grid)
