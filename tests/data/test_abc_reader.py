"""Reading ABC: each rule of the notation on a bar small enough to write its tokens by hand.

Bars are written as `PITCH@TICK`, with holds everywhere else. Ticks: a quarter has six, at 0, 1/4, 1/3, 1/2, 2/3, 3/4;
so eighths are ticks 0, 3, 6, 9, ..., sixteenths 0, 1, 3, 5, and triplet eighths 0, 2, 4.
"""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.reading import parse_tune
from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.readers.abc import read_tune
from vaemusic_jax.data.readers.abc_book import TuneText
from vaemusic_jax.data.tunes import UnreadableTuneError


def bars(music: str, *, key: str = "C", metre: str = "4/4", unit: str = "1/8") -> list[str]:
    """Each bar as `PITCH@TICK ...`, or the name of the reason why it is dropped."""
    tune = read_tune(f"X:1\nT:t\nM:{metre}\nL:{unit}\nK:{key}\n{music}\n")
    shown = []
    for voice in tune.voices:
        for bar in voice:
            tokens = bar_to_tokens(bar)
            if isinstance(tokens, Drop):
                shown.append(tokens.name)
            else:
                shown.append(" ".join(f"{token}@{tick}" for tick, token in enumerate(tokens) if token != "__"))
    return shown


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C8", "C4@0"),
        ("C,D EF GA Bc", "C3@0 D4@3 E4@6 F4@9 G4@12 A4@15 B4@18 C5@21"),
        ("c'4 C,,4", "C6@0 C2@12"),
        ("C2 z2 D2 z2", "C4@0 rest@6 D4@12 rest@18"),
        ("C4 x4", "C4@0 rest@12"),
        # lengths: 3/2 and 1/2, / for /2, // for /4
        ("C3/2D1/2 E3/D/ F/G/A/B/ c4/2", "C4@0 D4@5 E4@6 D4@11 F4@12 G4@13 A4@15 B4@17 C5@18"),
        ("C7/2D// E// F4", "C4@0 D4@11 F4@12"),  # 32nds: off the grid, see below
    ],
)
def test_pitches_and_lengths(music: str, expected: str) -> None:
    if "//" in music:
        assert bars(music) == ["OFF_GRID"]
    else:
        assert bars(music) == [expected]


@pytest.mark.parametrize(
    ("metre", "kept"),
    [
        ("4/4", True),
        ("C", True),
        ("2/2", True),
        ("C|", True),
        ("8/8", True),
        ("3/4", False),
        ("none", False),
        ("", False),
    ],
)
def test_only_metres_that_fill_the_grid(metre: str, kept: bool) -> None:
    assert bars("CD EF GA Bc", metre=metre) == ["C4@0 D4@3 E4@6 F4@9 G4@12 A4@15 B4@18 C5@21" if kept else "METRE"]


@pytest.mark.parametrize(
    ("metre", "music"),
    # Without L:, the unit is 1/8 from 3/4 up and 1/16 below
    [("4/4", "C8"), ("C|", "C8"), ("2/4", "C8"), ("6/8", "C6")],
)
def test_default_unit_length(metre: str, music: str) -> None:
    (bar,) = read_tune(f"X:1\nM:{metre}\nK:C\n{music}|").voices[0]
    assert float(bar.length) == {"4/4": 4, "C|": 4, "2/4": 2, "6/8": 3}[metre]


def test_key_signature_and_accidentals_last_the_bar() -> None:
    assert bars("F2 ^G2 G2 f2|G2 F2 =F2 F2|F8", key="D") == [
        "F#4@0 G#4@6 G#4@12 F#5@18",  # the sign holds on, the signature holds in all octaves
        "G4@0 F#4@6 F4@12 F4@18",  # the barline ends it
        "F#4@0",
    ]


def test_an_accidental_holds_in_every_octave_unless_the_tune_says_otherwise() -> None:
    assert bars("^C4 c4") == ["C#4@0 C#5@12"]
    for rule, expected in (("octave", "C#4@0 C5@12 C#4@18"), ("not", "C#4@0 C5@12 C4@18")):
        tune = read_tune(f"X:1\nM:4/4\nL:1/8\nI:propagate-accidentals {rule}\nK:C\n^C4 c2 C2|")
        tokens = bar_to_tokens(tune.voices[0][0])
        assert " ".join(f"{token}@{tick}" for tick, token in enumerate(tokens) if token != "__") == expected


def test_double_accidentals_keep_their_spelling() -> None:
    assert bars("^^F2 F2 __B2 B2|_e2 =e2 e4", key="G") == ["F##4@0 F##4@6 B--4@12 B--4@18", "E-5@0 E5@6 E5@12"]


def test_accidental_of_a_grace_note_and_after_an_ornament_hold_on() -> None:
    assert bars("{^c}d4 c4|~^c4 c4") == ["D5@0 C#5@12", "C#5@0 C#5@12"]


def test_ties() -> None:
    assert bars("C2-C2 D4") == ["C4@0 D4@12"]
    # a tie to another pitch is a slur, in the manner of old tune books
    assert bars("C2-D2 E4") == ["C4@0 D4@6 E4@12"]
    # an event that ends off the grid is fine where the tied note, not an onset, begins there
    assert bars("C7/4-C/4 D2 E4") == ["C4@0 D4@6 E4@12"]
    # the tie survives a grace note and a slur, a rest ends it
    assert bars("(C2-{d}C2) C2-z2") == ["C4@0 C4@12 rest@18"]
    assert bars("C2 z2-C4") == ["C4@0 rest@6 C4@12"]


def test_a_tie_over_a_barline_makes_the_next_bar_start_with_a_hold() -> None:
    assert bars("D2F2 A4-|A4 d4-|d8-|d2 c2 B2 A2|") == ["D4@0 F4@6 A4@12", "D5@12", "", "C5@6 B4@12 A4@18"]
    # over the barline it keeps the accidental, for the tied note alone
    assert bars("^F8-|F4 F4|") == ["F#4@0", "F4@12"]
    assert bars("^F8-|=F8|") == ["F#4@0", "F4@0"]


def test_repeats_and_endings_are_bars_as_written() -> None:
    music = "AG|:FDEF A2AG|1 FDEF A2AB:|2 FDEF d4||[1 d8|[2 c8|]A8::B8:||:d8|["
    assert bars(music, key="D") == [
        "SHORT",
        "F#4@0 D4@3 E4@6 F#4@9 A4@12 A4@18 G4@21",
        "F#4@0 D4@3 E4@6 F#4@9 A4@12 A4@18 B4@21",
        "F#4@0 D4@3 E4@6 F#4@9 D5@12",
        *("D5@0", "C#5@0", "A4@0", "B4@0", "D5@0"),
    ]


def test_a_third_ending_and_text_endings_swallow_no_music() -> None:
    assert bars('C8:|3 D8|[3 E8|["last" F8|]') == ["C4@0", "D4@0", "E4@0", "F4@0"]


def test_a_barline_continued_on_the_next_line() -> None:
    assert bars("C8||\\\n:D8|\\\n1 E8:|") == ["C4@0", "D4@0", "E4@0"]
    assert bars("C4:D4|") == ["UNREADABLE"]


def test_pickups_and_short_and_long_bars_are_dropped() -> None:
    assert bars("G2|C8|C6||G2|C8 C|") == ["SHORT", "C4@0", "SHORT", "SHORT", "LONG"]


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("(3CDE F2 G4", "C4@0 D4@2 E4@4 F4@6 G4@12"),
        ("(3C2D2E2 F4", "C4@0 D4@4 E4@8 F4@12"),
        ("(3:2:2C2D F2 G4", "C4@0 D4@4 F4@6 G4@12"),
        ("(3::2C2D F2 G4", "C4@0 D4@4 F4@6 G4@12"),
        ("(3CzE F2 G4", "C4@0 rest@2 E4@4 F4@6 G4@12"),
        ("(3{d}CDE F2 G4", "C4@0 D4@2 E4@4 F4@6 G4@12"),  # a grace note is none of the three
        ('((3C.D"x"E) F2 G4', "C4@0 D4@2 E4@4 F4@6 G4@12"),
        ("(6CDECDE F2 G4", "OFF_GRID"),  # six in the time of two: twelfths of a quarter
        ("(6:4:6CDECDE G4", "C4@0 D4@2 E4@4 C4@6 D4@8 E4@10 G4@12"),
        ("(2CD E5", "C4@0 D4@5 E4@9"),  # two in the time of three: 3/4 of a quarter each
        ("(4CDEF G5", "OFF_GRID"),  # four in the time of three
        ("(5CDEFG A6", "OFF_GRID"),
        ("(3:0CDE F8", "UNREADABLE"),
    ],
)
def test_tuplets(music: str, expected: str) -> None:
    assert bars(music) == [expected]


@pytest.mark.parametrize(
    "music",
    # Whatever stands between the notes of a dotted pair, it stays a dotted pair
    [
        "C>D E2 F4",
        "C>.D E2 F4",
        "(C>D) E2 F4",
        "C> (D E2) F4",
        "(C)>D E2 F4",
        "C>{e}D E2 F4",
        'C>"4"D E2 F4',
        "C>-D E2 F4",
    ],
)
def test_dotted_pairs(music: str) -> None:
    assert bars(music) == ["C4@0 D4@5 E4@6 F4@12"]


def test_broken_rhythm_of_other_kinds() -> None:
    assert bars("C<D E2 F4|C2>D2 F4") == ["C4@0 D4@1 E4@6 F4@12", "C4@0 D4@9 F4@12"]
    assert bars("C>>D E2 F4") == ["OFF_GRID"]  # 7/8 and 1/8 of a quarter
    assert bars("C6 D>|E E6") == ["UNREADABLE", "SHORT"]
    assert bars("C>|D8") == ["UNREADABLE", "D4@0"]
    assert bars(">C8|C<>D E2 F4") == ["UNREADABLE", "UNREADABLE"]


def test_grace_notes_and_decorations_take_no_time() -> None:
    music = "{gf}d2 {A}B2 ~A4|!trill!f4 T.e2 {/c}d2|uDvEHFLG Jd4|"
    assert bars(music, key="D") == ["D5@0 B4@6 A4@12", "F#5@0 E5@12 D5@18", "D4@0 E4@3 F#4@6 G4@9 D5@12"]


def test_a_fermata_keeps_its_note_and_one_hung_on_the_barline_adds_none() -> None:
    assert bars("C4 HD4|C4 D4 Hx|C4 x4|") == ["C4@0 D4@12", "C4@0 D4@12", "C4@0 rest@12"]


def test_line_break_marks_comments_and_mail_residue_are_no_music() -> None:
    assert bars("C4 D4|!\nC4 D4|% D8|\nC4 D4|=20\nC4 D4 =\n|C4 !D4!") == ["C4@0 D4@12"] * 5


@pytest.mark.parametrize("name", ["trill", "f", "mp", "3", "D.C.", "crescendo(", "<(", "8va(", "fermata", "segno"])
def test_decorations_between_exclamation_marks(name: str) -> None:
    assert bars(f"!{name}!C4 D4|!{name}!\nC4 !{name}!D4|") == ["C4@0 D4@12"] * 2


def test_words_swallow_no_music() -> None:
    assert bars('"Am|"C4 "^segno"D4|\nw:la la|la\nN:D8|\nE8|') == ["C4@0 D4@12", "E4@0"]


def test_chords_drop_their_bar_and_a_chord_of_one_note_is_that_note() -> None:
    assert bars("[CEG]8|[C4E4] D4|[C]4 [D2]2|[Ce8|D8|") == ["CHORD", "CHORD", "C4@0 D4@12", "UNREADABLE", "D4@0"]


def test_voices_are_kept_apart() -> None:
    assert bars("V:1\nC8|D8|\nV:2\nC,8|\nV:1\nE8|\n[V:2]D,8|") == ["C4@0", "D4@0", "E4@0", "C3@0", "D3@0"]
    assert bars("C8&E8|D8") == ["OVERLAY", "D4@0"]


def test_an_invisible_rest_holds_in_a_tune_of_one_voice_and_rests_where_others_sound() -> None:
    assert bars("V:1\nC8|\nV:1\nx4 C4|\nV:2\nx8|") == ["C4@0", "C4@12", "SILENT"]
    assert bars("V:1\nC8|D8|\nV:2\nE8|x4 C4|") == ["C4@0", "D4@0", "E4@0", "rest@0 C4@12"]


@pytest.mark.parametrize(
    ("head", "music"),
    [
        ("octave=-1", "c8|"),
        ("clef=bass octave=-1", "V:1\nc8|"),
        ("C", "V:1 bass octave=-1\nc8|"),
        ("C", "[V:1 octave=-1]c8|"),
        ("C", "[K:octave=-1]c8|"),
        ("C", "V:1\nV:2\nV:1 octave=-1\nV:1\nc8|"),
        ("octave=2", 'V:1 octave=0 name="octave=1" % octave=1\nC8|'),
        ("C transpose=-12 octave=+1", "V:1 t=12\nC,8|"),
        ("C octave=1", "[C,]8|"),
    ],
)
def test_a_field_moves_the_octave(head: str, music: str) -> None:
    assert bars(music, key=head) == ["C4@0"]


def test_an_octave_holds_for_its_voice_alone_and_may_stand_in_the_header() -> None:
    tune = read_tune("X:1\nM:4/4\nL:1/8\nV:1 octave=1\nV:2\nK:C octave=-1\nV:1\nC8|\nV:2\nC8|")
    assert [voice[0].events[0].pitch for voice in tune.voices] == ["C5", "C3"]


@pytest.mark.parametrize("music", ["V:1 octave=x\nC8|", "V:1 octave=\nC8|", "[V:1 octave=99]C8|"])
def test_an_octave_that_cannot_be_read_is_not_guessed(music: str) -> None:
    with pytest.raises(UnreadableTuneError, match="octave"):
        bars(music)
    assert bars("V:1 octave=9\nC8|C,,,,8|[C]8|[C,,,,]8|") == ["UNREADABLE", "C9@0", "UNREADABLE", "C9@0"]


def test_inline_fields_change_metre_key_and_unit() -> None:
    assert bars("F8|[M:3/4]A2B2c2|[M:4/4]d4 D4|[K:G]F8|[L:1/4]C4|[r:remark]D4|") == [
        *("F4@0", "METRE", "D5@0 D4@12", "F#4@0", "C4@0", "D4@0"),
    ]
    assert bars("C4 [M:2/2] D4|") == ["UNREADABLE"]  # in two metres


def test_a_metre_in_the_middle_of_a_line_without_brackets() -> None:
    assert bars("C8|M:3/4 CDE|M:C| C8|\nM:6/8 CDE FGA|\nM:4/4\nD8|") == ["C4@0", "METRE", "C4@0", "METRE", "D4@0"]


def test_fields_between_lines() -> None:
    assert bars("F8|\nK:D\nF8|\nL:1/4\nF4|\nP:B\nF4|") == ["F4@0", "F#4@0", "F#4@0", "F#4@0"]


def test_a_note_letter_before_a_repeat_is_no_field() -> None:
    assert bars("C4 D4::E8|\nA8::\nB8|") == ["C4@0 D4@12", "E4@0", "A4@0", "B4@0"]
    assert bars("C6 CD:|\nD:|E8|")[-1] == "E4@0"


@pytest.mark.parametrize("music", ["z8|", "Z|", "z4 z4|", "Z4|", "x8|"])
def test_silence_is_dropped(music: str) -> None:
    assert bars(music) == ["SILENT"]


@pytest.mark.parametrize("music", ["C0 D8", "C1/0 D8", "C999999999999", "D/99999999999", "E" + "/" * 30, "C1/2/3 D8"])
def test_absurd_lengths(music: str) -> None:
    assert bars(music) == ["NO_LENGTH"]


@pytest.mark.parametrize("music", ["C4 # D4", "C 4 D4", "C4 ]D4", "C4 D4 \x00", "C'''''''8", "[C4D4"])
def test_a_bar_with_a_symbol_that_cannot_be_read_is_dropped_and_its_neighbours_are_kept(music: str) -> None:
    before, bar, after = bars(f"E8|{music}|F8|")
    assert (before, after) == ("E4@0", "F4@0")
    assert bar == "UNREADABLE"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("X:1\nM:4/4\nC8|", "no key field"),
        ("X:1\nM:4/4\nL:1/0\nK:C\nC8|", "unit note length"),
        ("X:1\nK:Bn\nC8|", "unreadable key"),
        ("X:1\nK:C\nC8|[K:zzz]C8|", "unreadable key"),
        ("", "no key field"),
    ],
)
def test_tunes_that_cannot_be_used(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTuneError, match=reason):
        read_tune(text)
    assert reason in parse_tune(TuneText("t", text)).failure


@given(st.text(alphabet=string.printable + "ABCDEFGabcdefgz|:[](){}<>-^_=/234\n", max_size=200))
def test_no_text_makes_it_fail_and_every_bar_is_kept_or_counted(music: str) -> None:
    parsed = parse_tune(TuneText("t", f"X:1\nM:4/4\nL:1/8\nK:D\n{music}"))
    assert len(parsed.measures) + parsed.drops.total() == parsed.written
    assert all(len(measure) == 24 for measure in parsed.measures)


@pytest.mark.parametrize(
    "symbol",
    ["[", "{", '"', "!", "(", ":", "(3ABC ", "=", "-", "A/", "^", "%\n", "\ufeff", "(&", "T:", "\\\n", "[a:", "[V:"],
)
def test_long_runs_of_one_symbol_cost_their_bar_alone(symbol: str) -> None:
    # 100,000 characters: a reader that takes quadratic time would hang here
    parsed = parse_tune(TuneText("t", f"X:1\nM:4/4\nL:1/8\nK:D\n{symbol * (100_000 // len(symbol))}|\nE8|"))
    assert parsed.measures == [("E4", *["__"] * 23)]
