"""Tuplets of MusicXML whose durations are rounded to whole divisions: the written ratio is the truth."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.musicxml_files import FOUR_FOUR, bars, names, note, read, score
from vaemusic_jax.data.bars import Drop, bar_to_tokens

DIVISIONS = 256
START = f"<attributes><divisions>{DIVISIONS}</divisions>{FOUR_FOUR}</attributes>"
OTHER = note("z", 768)


def in_tuplet(
    pitch: str, duration: int, kind: str = "eighth", actual: int = 3, normal: int = 2, dots: int = 0, voice: str = "1"
) -> str:
    ratio = f"<actual-notes>{actual}</actual-notes><normal-notes>{normal}</normal-notes>"
    written = f"<type>{kind}</type>{'<dot/>' * dots}<time-modification>{ratio}</time-modification>"
    return note(pitch, duration, written, voice)


def onsets(measure: str) -> list[Fraction]:
    (bar,) = bars(score(START + measure))
    assert bar.faults == set()
    assert bar.length == 4
    return [event.onset for event in bar.events]


@pytest.mark.parametrize("durations", [(85, 86, 85), (86, 85, 85), (85, 85, 86), (85, 85, 85)])
def test_triplets_are_thirds_however_they_are_rounded(durations: tuple[int, ...]) -> None:
    measure = "".join(map(in_tuplet, "CDE", durations)) + OTHER
    assert onsets(measure) == [0, Fraction(1, 3), Fraction(2, 3), 1]


def test_dots_and_other_types_count() -> None:
    uneven = in_tuplet("C", 128, dots=1) + in_tuplet("D", 43, "16th") + in_tuplet("E", 85) + OTHER
    assert onsets(uneven) == [0, Fraction(1, 2), Fraction(2, 3), 1]
    wide = in_tuplet("C", 341, "half") + in_tuplet("D", 171, "quarter") + note("E", 512)
    assert onsets(wide) == [0, Fraction(4, 3), 2]


@given(st.integers(1, 64), st.sampled_from([(3, 2), (5, 4), (6, 4), (7, 4)]))
def test_tuplets_come_out_exact_at_any_resolution(divisions: int, ratio: tuple[int, int]) -> None:
    actual, normal = ratio
    places = [round(Fraction(4 * divisions * n, actual)) for n in range(actual + 1)]
    kind = {2: "half", 4: "quarter"}[normal]
    if 0 in (durations := [after - before for before, after in pairwise(places)]):
        return
    start = f"<attributes><divisions>{divisions}</divisions>{FOUR_FOUR}</attributes>"
    measure = "".join(in_tuplet("C", duration, kind, actual, normal) for duration in durations)
    (bar,) = bars(score(start + measure))
    assert [event.onset for event in bar.events] == [Fraction(4 * n, actual) for n in range(actual)]


@pytest.mark.parametrize(
    "first",
    [
        note("C", 85, "<type>eighth</type>"),  # no ratio
        in_tuplet("C", 84),  # more than a division away
        in_tuplet("C", 85, "quarter"),
        in_tuplet("C", 85, "none"),
        in_tuplet("C", 85, actual=0),
        in_tuplet("C", 85, normal=0),
        in_tuplet("C", 85, dots=9),
    ],
)
def test_else_the_duration_counts(first: str) -> None:
    (bar,) = bars(score(START + first + note("D", 128) + note("E", 1024)))
    assert bar.events[1].onset == Fraction(84 if "<duration>84<" in first else 85, DIVISIONS)
    assert bar_to_tokens(bar) is Drop.LONG


def test_a_second_voice_starts_where_the_notes_of_the_first_do() -> None:
    def back(duration: int, tag: str = "backup") -> str:
        return f"<{tag}><duration>{duration}</duration></{tag}>"

    triplet = "".join(map(in_tuplet, "CDE", (85, 86, 85)))
    whole = triplet + note("F", 768) + back(1024) + note("G", 1024, voice="2")
    partly = triplet + note("F", 768) + back(939) + in_tuplet("G", 86, voice="2") + note("A", 853, voice="2")
    forward = triplet + note("F", 768) + back(1024) + back(85, "forward") + note("G", 939, voice="2")
    for measure, onset in ((whole, 0), (partly, Fraction(1, 3)), (forward, Fraction(1, 3))):
        _, (second,) = read(score(START + measure), voices="all").voices
        assert [event.onset for event in second.events if event.pitch == "G4"] == [onset]


def test_files_in_utf_16_too() -> None:
    text = score(START + "".join(map(in_tuplet, "CDE", (85, 86, 85))) + OTHER)
    text = text.replace('version="1.0"', 'version="1.0" encoding="UTF-16"')
    (bar,) = bars(text.encode("utf-16"))
    assert names(bar) == "C4 D4 E4 z"
    assert bar.events[1].onset == Fraction(1, 3)
