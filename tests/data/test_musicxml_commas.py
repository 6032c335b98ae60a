"""Which MusicXML scores count commas, and what their accidentals are."""

import pytest

from tests.helpers.musicxml_files import START, bars, names, note, notes, score
from vaemusic_jax.data.bars import Drop
from vaemusic_jax.data.writers.musicxml import COMMA_SOFTWARE


def in_commas(*accidentals: str, head: str = "", key: str = "") -> str:
    """One F, and its accidental, after another."""
    written = "".join(note("F", 12, f"<accidental>{each}</accidental>" if each else "") for each in accidentals)
    return score(f"<attributes>{key}</attributes>{START}{written}", head=head)


SYMBTR = "<identification><encoding><software>https://x/MusicXMLConverter</software></encoding></identification>"
OURS = SYMBTR.replace("https://x/MusicXMLConverter", COMMA_SOFTWARE)
KEY = "<key><key-step>F</key-step><key-alter>2</key-alter><key-accidental>slash-quarter-sharp</key-accidental></key>"
FIFTHS = "<key><fifths>1</fifths></key>"
UNALTERED = "<key><key-step>F</key-step><key-alter>0</key-alter><key-accidental>natural</key-accidental></key>"


@pytest.mark.parametrize(
    ("signs", "key", "read_as"),
    [
        (("", "slash-flat"), "", "F4 F4-4c"),
        (("", "slash-flat"), KEY, None),
        (("", "slash-flat"), FIFTHS, None),
        (("", "slash-flat"), FIFTHS.replace("1", "-6"), "F4 F4-4c"),
        (("", "slash-flat"), FIFTHS.replace("1", "-7"), None),
        (("", "slash-flat"), UNALTERED, "F4 F4-4c"),
        (("slash-flat", ""), "", None),
        (("slash-flat", "natural", ""), KEY, "F4-4c F4 F4"),
        (("natural", "slash-flat", ""), "", None),
    ],
)
def test_a_note_without_a_sign_is_no_natural_where_one_before_it_may_hold(
    signs: tuple[str, ...], key: str, read_as: str | None
) -> None:
    (bar,) = bars(in_commas(*signs, key=key), "microtonal")
    assert bar.faults == (set() if read_as else {Drop.UNREADABLE})
    assert read_as in (None, names(bar))
    # These two write a sign at every altered note
    for software in (SYMBTR, OURS):
        assert bars(in_commas(*signs, key=key, head=software))[0].faults == set()


def test_a_sign_holds_in_its_measure_and_octave_and_that_of_a_silent_note_too() -> None:
    signed = note("F", 12, "<accidental>slash-flat</accidental>")
    grace = signed.replace("<note>", "<note><grace/>").replace("<duration>12</duration>", "")
    cue = signed.replace("<note>", "<note><cue/>")
    read_bars = bars(
        score(START + signed + notes("F5:36"), notes("F:48"), grace + notes("F:48"), cue + notes("F:36")), "microtonal"
    )
    assert [bar.faults for bar in read_bars] == [set(), set(), {Drop.UNREADABLE}, {Drop.UNREADABLE}]
    stated = note("F", 36).replace("<octave>", "<alter>0</alter><octave>")
    assert names(bars(score(START + signed + stated), "microtonal")[0]) == "F4-4c F4"


def test_comma_accidentals_go_by_their_names() -> None:
    text = in_commas("slash-flat", "quarter-flat", "sharp", "slash-quarter-sharp", "slash-sharp", "natural", "flat", "")
    text = text.replace("<score-partwise>", f"<score-partwise>{SYMBTR}")
    assert names(bars(text, "microtonal")[0]) == "F4-4c F4-1c F4+4c F4+5c F4+8c F4 F4-5c F4"
    assert names(bars(text, "rounded")[0]) == "F-4 F4 F#4 F#4 F##4 F4 F-4 F4"


def test_which_scores_count_commas() -> None:
    key = "<key><key-step>B</key-step><key-alter>-2</key-alter><key-accidental>slash-flat</key-accidental></key>"
    for text in (
        in_commas("sharp", head=SYMBTR),
        in_commas("sharp", key=key),
        in_commas("sharp", "slash-flat"),
        in_commas("sharp", "quarter-flat"),
    ):
        assert names(bars(text, "microtonal")[0]).startswith("F4+4c")
    # In other scores a sharp is a semitone and a quarter tone has no name
    sharp = note("F#", 12, "<accidental>sharp</accidental>")
    assert names(bars(score(START + sharp), "microtonal")[0]) == "F#4"
    quarter = note("F", 12, "<accidental>quarter-flat</accidental>").replace("<octave>", "<alter>-0.5</alter><octave>")
    western = score(f"<attributes><key><fifths>1</fifths></key></attributes>{START}{sharp}{quarter}")
    (bar,) = bars(western, "microtonal")
    assert bar.events[0].pitch == "F#4"
    assert bar.faults == {Drop.PITCH}


def test_in_a_score_of_commas_nothing_is_guessed() -> None:
    altered = note("F#", 12)  # by a semitone, or by what?
    other = note("F", 12, "<accidental>three-quarters-flat</accidental>")
    for strange in (altered, other):
        one, two = bars(score(START + strange, note("B", 48, "<accidental>slash-flat</accidental>")))
        assert (one.faults, two.faults) == ({Drop.UNREADABLE}, set())
