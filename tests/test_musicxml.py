"""MusicXML scores to bars: what stands in the score, what is refused, and which accidentals count commas."""

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from vaemusic_jax.data.grid import Bar, Drop, bar_to_tokens
from vaemusic_jax.data.readers import musicxml_tree
from vaemusic_jax.data.readers.musicxml import read_musicxml, read_mxl
from vaemusic_jax.data.readers.musicxml_part import MOST_VOICES
from vaemusic_jax.data.tune import Pitch, Reading, Tune, UnreadableTuneError, Voices
from vaemusic_jax.data.writers.musicxml import COMMA_SOFTWARE

FOUR_FOUR = "<time><beats>4</beats><beat-type>4</beat-type></time>"
DIVISIONS = "<attributes><divisions>12</divisions></attributes>"
START = f"<attributes><divisions>12</divisions>{FOUR_FOUR}</attributes>"


def note(pitch: str, duration: float, inside: str = "", voice: str = "1", before: str = "") -> str:
    """A note; `C`, `Bb3`, `F##5`, or `z` for a rest; 12 is a quarter."""
    if pitch == "z":
        what = "<rest/>"
    else:
        octave = pitch[-1] if pitch[-1].isdigit() else "4"
        alter = pitch.count("#") - pitch[1:].count("b")
        altered = f"<alter>{alter}</alter>" if alter else ""
        what = f"<pitch><step>{pitch[0]}</step>{altered}<octave>{octave}</octave></pitch>"
    return f"<note>{before}{what}<duration>{duration}</duration><voice>{voice}</voice>{inside}</note>"


def notes(text: str) -> str:
    """`C:12 D:24`."""
    return "".join(note(*each.split(":")) for each in text.split())  # type: ignore[arg-type]


def score(
    *measures: str, head: str = "", parts: str = '<score-part id="P1"><part-name>M</part-name></score-part>'
) -> str:
    written = "".join(f'<measure number="{i}">{each}</measure>' for i, each in enumerate(measures, 1))
    return wrapped(f'<part id="P1">{written}</part>', head, parts)


def wrapped(body: str, head: str = "", parts: str = "") -> str:
    return (
        '<?xml version="1.0"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://unreachable.invalid/partwise.dtd">'
        f"<score-partwise>{head}<part-list>{parts}</part-list>{body}</score-partwise>"
    )


def read(text: str | bytes, pitch: Pitch = "rounded", voices: Voices = "melody") -> Tune:
    (tune,) = read_musicxml(text if isinstance(text, bytes) else text.encode(), Reading(pitch, voices))
    return tune


def bars(text: str | bytes, pitch: Pitch = "rounded") -> tuple[Bar, ...]:
    (voice,) = read(text, pitch).voices
    return voice


def events(bar: Bar) -> list[tuple[Fraction | int, str | None, bool]]:
    return [(event.onset, event.pitch, event.tied) for event in bar.events]


def names(bar: Bar) -> str:
    """`C4 z __`: events in order, ties as holds."""
    return " ".join("__" if event.tied else event.pitch or "z" for event in bar.events)


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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not well-formed"),
        ("<score-partwise>", "not well-formed"),
        ("<score-partwise/><x/>", "not well-formed"),
        ("<?xml version='1.0' encoding='no-such'?><score-partwise/>", "not well-formed"),
        ("<html/>", "not a MusicXML score"),
        ("<opus/>", "not a MusicXML score"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><score-partwise>&a;</score-partwise>', "entity"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><score-partwise/>', "entity"),
        ('<!DOCTYPE x [<!ENTITY % a SYSTEM "http://unreachable.invalid/">%a;]><score-partwise/>', "entity"),
        ("<score-partwise>" + "<part>" * 200, "nested"),
        ("<score-partwise>" + "<lyric>" * 200, "nested"),
    ],
)
def test_other_files_are_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTuneError, match=reason):
        read(text)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    text = score(START + "".join(note("C", 1, voice=str(i)) for i in range(MOST_VOICES + 1)))
    with pytest.raises(UnreadableTuneError, match="voices"):
        read(text)
    text = score(START + notes("C:48"))
    monkeypatch.setattr(musicxml_tree, "MOST_ELEMENTS", 15)
    with pytest.raises(UnreadableTuneError, match="more than 15 elements"):
        read(text)
    monkeypatch.setattr(musicxml_tree, "MOST_BYTES", 100)
    with pytest.raises(UnreadableTuneError, match="larger"):
        read(text)
    with pytest.raises(UnreadableTuneError, match=r"larger than .* when unpacked"):
        read_mxl(packed({"score.xml": text}), Reading())


def test_encodings() -> None:
    text = score(START + notes("C:48"), head="<movement-title>Hüseynî</movement-title>")
    expected = read(text)
    assert expected.title == "Hüseynî"
    assert read(text.replace('version="1.0"', 'version="1.0" encoding="UTF-16"').encode("utf-16")) == expected
    assert read(b"\xef\xbb\xbf" + text.encode()) == expected
    assert read(text.replace('version="1.0"', 'version="1.0" encoding="latin-1"').encode("latin-1")) == expected


CONTAINER = '<container><rootfiles><rootfile full-path="{}"/></rootfiles></container>'


def packed(members: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_container_names_the_score_else_it_is_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = (score(START + notes(each)) for each in ("C:48", "D:48"))
    container = {"META-INF/container.xml": CONTAINER.format("b.xml")}

    def melody(members: dict[str, str]) -> str:
        (tune,) = read_mxl(packed(members), Reading())
        return names(tune.voices[0][0])

    assert melody({**container, "a.xml": one, "b.xml": two}) == "D4"
    assert melody({**container, "a.musicxml": one, "c.xml": two}) == "C4"  # what it names is not there
    assert melody({"readme.txt": "", "META-INF/x.xml": "", "a.XML": one, "b.xml": two}) == "C4"
    outside = "../../outside.xml"
    assert melody({"META-INF/container.xml": CONTAINER.format(outside), outside: two}) == "D4"
    assert list(tmp_path.iterdir()) == []


def test_damaged_packages_are_refused_with_a_reason() -> None:
    whole = packed({"a.xml": score(START + notes("C:48") * 50)})
    reason = "damaged|well-formed|no score|another way"
    for at in range(0, len(whole), 7):
        with pytest.raises(UnreadableTuneError, match=reason):
            read_mxl(whole[:at], Reading())
    for data in (b"PK", packed({"a.txt": ""}), packed({"a.xml": "<score-partwise/>"}, zipfile.ZIP_LZMA)):
        with pytest.raises(UnreadableTuneError, match=reason):
            read_mxl(data, Reading())
    flipped = bytearray(whole)
    flipped[60] ^= 255
    with pytest.raises(UnreadableTuneError, match=reason):
        read_mxl(bytes(flipped), Reading())


# What the files of the folder `bad_input` are, and what is to be made of them, stands in its README
BAD_INPUT = {
    "entity_bomb.musicxml": "entity",
    "external_entity.musicxml": "entity",
    "remote_dtd.musicxml": [24],
    "not_well_formed.musicxml": "not well-formed",
    "divisions_zero.musicxml": "divisions",
    "time_zero_over_zero.musicxml": [Drop.METRE],
    "negative_duration.musicxml": [Drop.NO_LENGTH, 24],
    "slash_flat_key.musicxml": [24],
    "nested_ten_thousand.musicxml": "nested",
    "utf16.musicxml": [24],
    "path_traversal.mxl": [24],
    "million_notes.mxl": "larger than 32 MiB when unpacked",
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input(name: str, shared_data: Path) -> None:
    data = (shared_data / "bad_input" / name).read_bytes()
    reader = read_mxl if name.endswith(".mxl") else read_musicxml
    expected = BAD_INPUT[name]
    for pitch in ("rounded", "microtonal"):
        if isinstance(expected, str):
            with pytest.raises(UnreadableTuneError, match=expected):
                reader(data, Reading(pitch))
            continue
        (tune,) = reader(data, Reading(pitch))
        tokens = [bar_to_tokens(bar) for bar in tune.voices[0]]
        assert [each if isinstance(each, Drop) else len(each) for each in tokens] == expected
        assert "LEAK" not in repr(tune)
        if name == "slash_flat_key.musicxml" and pitch == "microtonal":
            assert names(tune.voices[0][0]) == "B4-4c B4-1c F4+4c F4+5c"
