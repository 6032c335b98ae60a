"""The 24-tick grid."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.study_grid import ONSET_OF_TICK, TICK_OF_ONSET
from vaemusic_jax.data.bars import Bar, Drop, Event, bar_to_tokens

QUARTER = Fraction(1)


def bar(*onsets: Fraction, length: Fraction = 4 * QUARTER, metre: str = "4/4", faults: tuple[Drop, ...] = ()) -> Bar:
    return Bar(metre, [Event(onset, "C4") for onset in onsets], length, set(faults))


def test_ticks_of_a_quarter() -> None:
    assert [12 * onset for onset in ONSET_OF_TICK[:6]] == [0, 3, 4, 6, 8, 9]
    assert len(ONSET_OF_TICK) == 24
    assert all(ONSET_OF_TICK[tick] == ONSET_OF_TICK[tick - 6] + 1 for tick in range(6, 24))


@given(st.fractions(0, 4, max_denominator=48))
def test_an_onset_is_on_the_grid_or_its_bar_is_dropped(onset: Fraction) -> None:
    tokens = bar_to_tokens(bar(Fraction(0), onset) if onset else bar(onset))
    twelfths = onset * 12 % 12
    if onset < 4 and twelfths in (0, 3, 4, 6, 8, 9):
        assert isinstance(tokens, tuple)
        assert tokens[TICK_OF_ONSET[onset]] == "C4"
    else:
        assert tokens is Drop.OFF_GRID


@pytest.mark.parametrize("metre", ["4/4", "2/2", "8/8"])
def test_metres_of_four_quarters_fill_the_grid(metre: str) -> None:
    assert bar_to_tokens(bar(Fraction(0), metre=metre)) == ("C4", *["__"] * 23)


def test_reasons_in_their_order() -> None:
    assert bar_to_tokens(bar(Fraction(0), metre="6/8", faults=(Drop.CHORD,))) is Drop.METRE
    assert bar_to_tokens(bar(Fraction(0), faults=(Drop.CHORD, Drop.UNREADABLE))) is Drop.UNREADABLE
    assert bar_to_tokens(bar(Fraction(0), faults=(Drop.CHORD,), length=QUARTER)) is Drop.CHORD
    assert bar_to_tokens(Bar("4/4", [Event(Fraction(0), None)], QUARTER)) is Drop.SILENT
    assert bar_to_tokens(bar(Fraction(1, 7), length=3 * QUARTER)) is Drop.SHORT
    assert bar_to_tokens(bar(Fraction(0), length=5 * QUARTER)) is Drop.LONG


def test_a_tied_event_is_no_onset_and_may_lie_off_the_grid() -> None:
    events = [Event(Fraction(0), "C4", tied=True), Event(Fraction(1, 7), "C4", tied=True), Event(Fraction(2), "D4")]
    assert bar_to_tokens(Bar("4/4", events, Fraction(4))) == (*["__"] * 12, "D4", *["__"] * 11)


def test_a_rest_after_a_rest_goes_on() -> None:
    quarters = [Event(Fraction(n), pitch) for n, pitch in enumerate(["C4", None, None, "D4"])]
    written_once = [Event(Fraction(n), pitch) for n, pitch in ((0, "C4"), (1, None), (3, "D4"))]
    assert bar_to_tokens(Bar("4/4", quarters, Fraction(4))) == bar_to_tokens(Bar("4/4", written_once, Fraction(4)))
    # silence may be written off the grid; a rest after what goes on from the bar before is one of its own
    third = [Event(Fraction(0), "C4"), Event(Fraction(1), None), Event(Fraction(6, 5), None)]
    assert isinstance(bar_to_tokens(Bar("4/4", third, Fraction(4))), tuple)
    held = [Event(Fraction(0), None, tied=True), Event(Fraction(2), None), Event(Fraction(3), "C4")]
    tokens = bar_to_tokens(Bar("4/4", held, Fraction(4)))
    assert (tokens[0], tokens[12], tokens[18]) == ("__", "rest", "C4")
