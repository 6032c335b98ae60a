"""MusicXML scores to bars: what stands in the score."""

from fractions import Fraction

import pytest

from tests.helpers.musicxml_files import (
    DIVISIONS,
    FOUR_FOUR,
    START,
    bars,
    events,
    names,
    note,
    notes,
    read,
    score,
    wrapped,
)
from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.tunes import UnreadableTuneError


def test_a_bar_is_its_notes_with_exact_onsets() -> None:
    (bar,) = bars(score(START + notes("C:12 F#5:4 Bb3:8 z:6 Ebb2:6 G9:12")))
    assert bar.metre == "4/4"
    assert bar.length == 4
    assert bar.faults == set()
    third, half = Fraction(1, 3), Fraction(1, 2)
    assert events(bar) == [
        (0, "C4", False),
        (1, "F#5", False),
        (1 + third, "B-3", False),
        (2, None, False),
        (2 + half, "E--2", False),
        (3, "G9", False),
    ]


def test_title_and_its_white_space() -> None:
    head = "<work><work-title> Ein \n feste Burg </work-title></work>"
    assert read(score(START + notes("C:48"), head=head)).title == "Ein feste Burg"
    assert read(score(START + notes("C:48"), head="<movement-title>X</movement-title>")).title == "X"
    assert read(score(START + notes("C:48"))).title == ""


def test_a_tie_joins_within_the_bar_and_over_the_barline_and_to_another_pitch_it_is_a_slur() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    first = note("C", 24, start) + note("C", 12, stop + start) + note("D", 12, stop + start)
    second = note("D", 12, stop) + note("D", 36)
    third = note("E", 48, '<notations><tied type="stop"/></notations>')
    one, two, three = bars(score(START + first, second, third))
    assert names(one) == "C4 __ D4"
    assert names(two) == "__ D4"
    assert names(three) == "__"


def test_grace_notes_take_no_time_and_cue_notes_are_silent() -> None:
    grace = "<note><grace/><pitch><step>D</step><octave>4</octave></pitch><voice>1</voice></note>"
    (bar,) = bars(score(START + grace + note("C", 12) + note("E", 12, before="<cue/>") + grace + note("G", 24)))
    assert events(bar) == [(0, "C4", False), (1, None, False), (2, "G4", False)]
    assert bar.length == 4


def test_chords_mark_their_bar() -> None:
    chord = note("C", 24) + note("E", 24, before="<chord/>") + note("G", 24)
    one, two = bars(score(START + chord, notes("C:48")))
    assert bar_to_tokens(one) is Drop.CHORD
    assert one.length == 4
    assert two.faults == set()


@pytest.mark.parametrize("duration", ["-12", "0", "", "x", "1e3", "9" * 5000])
def test_a_note_without_a_sensible_length_marks_its_bar(duration: str) -> None:
    one, two = bars(score(START + notes("C:36") + note("D", duration), notes("C:48")))  # type: ignore[arg-type]
    assert bar_to_tokens(one) is Drop.NO_LENGTH
    assert names(two) == "C4"


def test_durations_need_divisions_but_may_be_decimal() -> None:
    without = bars(score(f"<attributes>{FOUR_FOUR}</attributes>{notes('C:48')}", START + notes("C:48")))
    assert [each.faults for each in without] == [{Drop.NO_LENGTH}, set()]
    (bar,) = bars(score(START + notes("C:1.5 D:46.5")))
    assert events(bar) == [(0, "C4", False), (Fraction(1, 8), "D4", False)]


@pytest.mark.parametrize("divisions", ["0", "-1", "", "many"])
def test_divisions_that_are_no_number_end_the_reading(divisions: str) -> None:
    with pytest.raises(UnreadableTuneError, match="divisions"):
        read(score(START.replace("12", divisions, 1) + notes("C:48")))


def test_divisions_may_change_between_measures_and_not_within() -> None:
    finer = "<attributes><divisions>24</divisions></attributes>"
    one, two, three = bars(
        score(START + notes("C:48"), finer + notes("D:48 E:48"), notes("C:48") + DIVISIONS + notes("C:24"))
    )
    assert one.length == two.length == 4
    assert (two.faults, three.faults) == (set(), {Drop.UNREADABLE})


@pytest.mark.parametrize(
    ("time", "metre"),
    [
        (FOUR_FOUR, "4/4"),
        ("<time symbol='cut'><beats>2</beats><beat-type>2</beat-type></time>", "2/2"),
        ("<time><beats>3+2</beats><beat-type>8</beat-type></time>", "5/8"),
        ("<time><beats>3</beats><beat-type>8</beat-type><beats>2</beats><beat-type>4</beat-type></time>", "7/8"),
        ("<time><senza-misura/></time>", ""),
        ("<time><beats>0</beats><beat-type>0</beat-type></time>", ""),
        ("<time><beats>4</beats><beat-type>0</beat-type></time>", ""),
        ("<time><beats>-4</beats><beat-type>4</beat-type></time>", ""),
        ("<time><beats>four</beats><beat-type>4</beat-type></time>", ""),
        ("<time><beats>3+</beats><beat-type>4</beat-type></time>", ""),
        ("", ""),
    ],
)
def test_metres(time: str, metre: str) -> None:
    (bar,) = bars(score(f"<attributes><divisions>12</divisions>{time}</attributes>{notes('C:48')}"))
    assert bar.metre == metre


def test_a_metre_holds_until_the_next_and_may_not_change_within_a_measure() -> None:
    three = FOUR_FOUR.replace("4", "3", 1)
    measures = [
        START + notes("C:48"),
        f"<attributes>{three}</attributes>{notes('C:36')}",
        notes("C:24") + f"<attributes>{FOUR_FOUR}</attributes>" + notes("C:24"),
        # at the end of a measure it is for the next one
        notes("C:48"),
    ]
    read_bars = bars(score(*measures))
    assert [bar.metre for bar in read_bars] == ["4/4", "3/4", "3/4", "4/4"]
    assert [bar.faults for bar in read_bars] == [set(), set(), {Drop.UNREADABLE}, set()]


def test_short_and_empty_measures_are_bars_too() -> None:
    read_bars = bars(score(START + notes("C:12"), "", notes("C:48"), notes("C:60")))
    assert [bar_to_tokens(bar) for bar in read_bars if bar.length != 4] == [Drop.SHORT, Drop.SILENT, Drop.LONG]


def test_voices_are_kept_apart_and_the_melody_is_the_first() -> None:
    backup, forward = (f"<{tag}><duration>24</duration></{tag}>" for tag in ("backup", "forward"))
    # voice 2 first, two quarters late; voice 1 ends early
    both = forward + note("E", 24, voice="2") + backup * 2 + note("C", 12, voice="1")
    text = score(START + both, note("D", 48, voice="1"), note("F", 48, voice="2"))
    one, two = read(text, voices="all").voices
    assert [names(bar) for bar in one] == ["C4 z", "D4", "z"]
    assert [names(bar) for bar in two] == ["z E4", "F4"]
    assert [bar.length for bar in (*one, *two)] == [4] * 5
    assert read(text).voices == (one,)


def test_a_gap_before_a_note_is_a_rest_and_one_at_the_end_is_not_written() -> None:
    forward = "<forward><duration>12</duration></forward>"
    gap, short = bars(score(START + notes("C:12") + forward + notes("D:24"), notes("C:36") + forward))
    assert names(gap) == "C4 z D4"
    assert bar_to_tokens(short) is Drop.SHORT


def test_the_first_voice_has_a_bar_for_every_measure() -> None:
    text = score(START + note("E", 48, voice="2"), note("C", 48, voice="1"), note("E", 24, voice="2"), "")
    one, two = read(text, voices="all").voices
    assert [names(bar) for bar in one] == ["z", "C4", "z", ""]
    assert [bar.length for bar in one] == [4, 4, 2, 0]
    assert [names(bar) for bar in two] == ["E4", "E4"]
    assert {bar.metre for bar in one} == {"4/4"}


def test_voices_of_rests_alone_are_none() -> None:
    text = score(
        START + note("z", 48, voice="1") + "<backup><duration>48</duration></backup>" + note("E", 48, voice="2")
    )
    assert [names(bar) for bar in bars(text)] == ["E4"]


def test_overlaps_within_one_voice_and_backups_beyond_the_start_mark_the_bar() -> None:
    back = "<backup><duration>24</duration></backup>"
    overlap, beyond = bars(score(START + notes("C:48") + back + notes("E:24"), notes("C:12") + back + notes("D:48")))
    assert overlap.faults == {Drop.OVERLAY}
    assert Drop.UNREADABLE in beyond.faults
    assert [event.onset for event in beyond.events] == [0, 0]


def test_a_hidden_rest_at_the_start_goes_on_unless_other_voices_fill_the_measure() -> None:
    hidden = note("z", 24).replace("<note>", '<note print-object="no">')
    (bar, later) = bars(score(START + hidden + notes("C:24"), notes("C:24") + hidden))
    assert names(bar) == "__ C4"
    assert names(later) == "C4 z"
    second = "<backup><duration>48</duration></backup>" + note("E", 48, voice="2")
    assert names(read(score(START + hidden + notes("C:24") + second)).voices[0][0]) == "z C4"


PARTS = "".join(
    f'<score-part id="{part}"><part-name>{name}</part-name>{rest}</score-part>'
    for part, name, rest in (
        ("D", "Drums", '<midi-instrument id="x"><midi-channel>10</midi-channel></midi-instrument>'),
        ("H", "Horn", ""),
        ("S", "Soprano\nOboe", ""),
        ("U", "Wood block", ""),
        ("C", "Cymbals", ""),
    )
)
UNPITCHED = "<note><unpitched/><duration>48</duration><voice>1</voice></note>"
CLEF = "<attributes><clef><sign>percussion</sign></clef></attributes>"


def in_parts(**measures: str) -> str:
    return wrapped(
        "".join(f'<part id="{part}"><measure>{START}{each}</measure></part>' for part, each in measures.items()),
        parts=PARTS,
    )


def test_the_melody_is_the_soprano_or_the_first_part_and_never_percussion() -> None:
    text = in_parts(D=notes("C:48"), U=UNPITCHED, C=CLEF + notes("F:48"), H=notes("D:48"), S=notes("E:48"))
    assert [names(voice[0]) for voice in read(text).voices] == ["E4"]
    assert [names(voice[0]) for voice in read(text, voices="all").voices] == ["D4", "E4"]
    text = in_parts(D=notes("C:48"), H=notes("D:48"), V=notes("E:48"))
    assert [names(voice[0]) for voice in read(text).voices] == ["D4"]


def on_staff(number: int, written: str) -> str:
    return written.replace("</note>", f"<staff>{number}</staff></note>")


def test_what_stands_under_a_percussion_clef_is_silent_and_nothing_else_is() -> None:
    clef = '<attributes><clef number="{}"><sign>{}</sign></clef></attributes>'
    drums, melody = on_staff(2, note("F", 48, voice="2")), on_staff(1, notes("C:48"))
    back = "<backup><duration>48</duration></backup>"
    lower = START + clef.format(1, "G") + clef.format(2, "percussion") + melody + back + drums
    upper = START + clef.format(2, "G") + clef.format(1, "percussion") + on_staff(1, notes("F:48")) + back
    upper += on_staff(2, note("C", 48, voice="2"))
    for text in (lower, upper):
        assert [names(voice[0]) for voice in read(score(text), voices="all").voices] == ["C4"]
    treble = "<attributes><clef><sign>G</sign></clef></attributes>"
    one, two = bars(score(START + CLEF + notes("F:24 F:24"), treble + notes("C:48")))
    assert (names(one), names(two)) == ("z z", "C4")
    chord = UNPITCHED + UNPITCHED.replace("<note>", "<note><chord/>")
    assert [bar.faults for bar in bars(score(START + chord, notes("C:48")))] == [set(), set()]


def test_a_score_without_pitches_has_no_voices() -> None:
    assert read(in_parts(U=UNPITCHED)).voices == ()
    assert read(score()).voices == ()


def test_written_pitches_of_transposing_instruments_stay_as_written() -> None:
    transpose = "<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>"
    assert names(bars(score(START + transpose + notes("C:48")))[0]) == "C4"


def test_timewise_scores_are_the_same() -> None:
    def timewise(*measures: str) -> str:
        body = "".join(
            f'<measure number="{i}"><part id="P1">{each}</part><part id="P2">{START}{notes("G:48")}</part></measure>'
            for i, each in enumerate(measures)
        )
        return f"<score-timewise><part-list/>{body}</score-timewise>"

    measures = (START + notes("C:48"), notes("D:24 E:24"))
    assert read(timewise(*measures)).voices == read(score(*measures)).voices
    assert len(read(timewise(*measures), voices="all").voices) == 2


@pytest.mark.parametrize(
    ("pitch", "fault"),
    [
        ("<step>H</step><octave>4</octave>", Drop.UNREADABLE),
        ("<octave>4</octave>", Drop.UNREADABLE),
        ("<step>C</step>", Drop.UNREADABLE),
        ("<step>C</step><octave>10</octave>", Drop.PITCH),
        ("<step>C</step><octave>-1</octave>", Drop.PITCH),
        ("<step>C</step><alter>0.5</alter><octave>4</octave>", Drop.PITCH),
        ("<step>C</step><alter>sharp</alter><octave>4</octave>", Drop.UNREADABLE),
        ("<step>C</step><alter>99999999</alter><octave>4</octave>", Drop.PITCH),
    ],
)
def test_pitches_that_have_no_name(pitch: str, fault: Drop) -> None:
    text = score(START + f"<note><pitch>{pitch}</pitch><duration>24</duration></note>" + note("C", 24))
    (bar,) = bars(text.replace("<pitch>", "<pitch>"))
    assert bar_to_tokens(bar) is fault
