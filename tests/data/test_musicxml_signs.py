"""MusicXML 4.0: elements that say that notes are not, or not only, what their pitch says; and metres of staves."""

import pytest

from tests.helpers.musicxml_files import START, bars, names, note, notes, read, score
from vaemusic_jax.data.bars import Drop

SLASH = "<notehead{}>slash</notehead>"
STYLE = "<attributes><measure-style{}>{}</measure-style></attributes>"


def faults(*measures: str) -> list[set[Drop]]:
    return [bar.faults for bar in bars(score(*measures))]


@pytest.mark.parametrize("attributes", ["", ' filled="no" parentheses="no"'])
def test_a_slash_for_a_head_is_no_pitch(attributes: str) -> None:
    slash = note("B", 12, SLASH.format(attributes))
    assert faults(START + notes("C:36") + slash, notes("C:48")) == [{Drop.UNREADABLE}, set()]
    assert faults(START + note("C", 48, "<notehead>x</notehead>"), notes("C:48")) == [set(), set()]


@pytest.mark.parametrize("kind", ["slash", "beat-repeat"])
def test_slashes_and_repeated_beats_hold_until_they_stop(kind: str) -> None:
    start = STYLE.format("", f'<{kind} type="start"><slash-type>quarter</slash-type></{kind}>')
    stop = STYLE.format("", f'<{kind} type="stop"/>')
    assert faults(START + notes("C:48"), start + notes("C:48"), notes("C:12 z:36"), stop + notes("C:48")) == [
        *(set(), {Drop.UNREADABLE}, {Drop.UNREADABLE}, set()),
    ]
    other = STYLE.format(' number="2"', f'<{kind} type="start"/>')
    assert faults(START + other + notes("C:48")) == [set()]
    text = score(START + start + notes("C:48")).encode("utf-16")
    assert [bar.faults for bar in bars(text)] == [{Drop.UNREADABLE}]


def test_a_sign_that_repeats_a_measure_or_rests_for_several_gives_no_notes() -> None:
    for kind in ("measure-repeat", "multiple-rest"):
        style = STYLE.format("", f'<{kind} type="start">2</{kind}>')
        one, two = bars(score(START + notes("C:48"), style + notes("z:48")))
        assert (names(one), names(two)) == ("C4", "z")


INSTRUMENTS = (
    '<score-part id="P1"><part-name>M</part-name>'
    '<score-instrument id="I1"/><score-instrument id="I2"/>'
    '<midi-instrument id="I1"><midi-channel>{}</midi-channel></midi-instrument>'
    '<midi-instrument id="I2"><midi-channel>10</midi-channel></midi-instrument></score-part>'
)


def test_of_a_part_of_several_instruments_only_those_on_the_percussion_channel_are_silent() -> None:
    body = START + note("C", 24, '<instrument id="I1"/>') + note("D", 24, '<instrument id="I2"/>')
    both = note("E", 24, '<instrument id="I1"/>') + note("D", 24, '<instrument id="I2"/>', before="<chord/>")
    voice = bars(score(body, both + notes("F:24"), parts=INSTRUMENTS.format(1)))
    assert [names(bar) for bar in voice] == ["C4 z", "E4 F4"]
    assert [bar.faults for bar in voice] == [set(), set()]
    assert read(score(body, parts=INSTRUMENTS.format(10))).voices == ()


def test_notes_that_are_not_printed_sound() -> None:
    hidden = note("C", 24).replace("<note>", '<note print-object="no">')
    assert names(bars(score(START + hidden + notes("D:24")))[0]) == "C4 D4"


def test_a_tie_joins_two_spellings_of_one_pitch() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    assert names(bars(score(START + note("G#", 24, start) + note("Ab", 24, stop)))[0]) == "G#4 __"
    assert names(bars(score(START + note("B3", 24, start) + note("Cb", 24, stop)))[0]) == "B3 __"
    assert names(bars(score(START + note("G#", 24, start) + note("Bb", 24, stop)))[0]) == "G#4 B-4"


def time(staff: int | None, beats: int) -> str:
    number = "" if staff is None else f' number="{staff}"'
    return f"<time{number}><beats>{beats}</beats><beat-type>4</beat-type></time>"


@pytest.mark.parametrize(
    ("times", "metre"),
    [
        (time(1, 4) + time(2, 4), "4/4"),
        (time(1, 4) + time(2, 3), ""),
        (time(2, 3) + time(1, 4), ""),
        (time(1, 3) + time(2, 4) + time(None, 4), "4/4"),
    ],
)
def test_staves_in_different_metres_have_none_that_is_known(times: str, metre: str) -> None:
    (bar,) = bars(score(START + f"<attributes>{times}</attributes>" + notes("C:48")))
    assert bar.metre == metre
