"""Rules of ABC that were once broken without a sign of it: fields, ties, overlays, accidentals, drums.

Each rule is that of the standard 2.1; its section is named where there is one.
"""

import time

import pytest

from tests.data.test_abc_reader import bars
from tests.helpers.reading import book_measures, parse_tune
from vaemusic_jax.data.readers.abc_book import TuneText
from vaemusic_jax.data.readers.abc_fields import parse_metre, parse_percussion
from vaemusic_jax.music.grid import metre_quarters

HEAD = "M:4/4\nL:1/8\nK:C\n"


# Metre and unit length between the lines (3.1.6, 3.1.7)


@pytest.mark.parametrize("value", ["none", "free", "3", "waltz", "4/4 fast", "4/4 3/4", "C3", "3/4=C", "ad lib.", "Dc"])
@pytest.mark.parametrize("field", ["M:{}", "M: {} % GABc", "  M:{}", "[M:{}]"])
def test_a_metre_of_any_words_is_no_music_and_drops_what_follows(value: str, field: str) -> None:
    assert bars(f"F8|\n{field.format(value)}\nC8|D8|\nM:4/4\nE8|") == ["F4@0", "METRE", "METRE", "E4@0"]


@pytest.mark.parametrize("value", ["C", "C|", "c", "c|", "4/4", "2/2", "(3+3+2)/8", "3 + 3 + 2/8"])
@pytest.mark.parametrize("field", ["M:{}", "\tM:{}", "[M:{}]", "c8|M:{} "])
def test_a_metre_of_four_quarters_in_every_spelling_and_place(value: str, field: str) -> None:
    assert bars(f"{field.format(value)}\nF8|", metre="4/4")[-1] == "F4@0"
    if not field.startswith("c8"):
        assert bars(f"{field.format(value)}\nF8|", metre="3/4") == ["F4@0"]


def test_a_whole_number_is_a_unit_length_of_whole_notes() -> None:
    for field in ("L:1\n", "L: 1 % C\n", " L:1\n", "[L:1]", "C8|L:1 "):
        assert bars(f"{field}D|E|\nL:1/4\nF4|")[-3:] == ["D4@0", "E4@0", "F4@0"]


def test_music_may_stand_behind_a_metre_on_its_line_in_old_books() -> None:
    assert bars("M:3/4 CDE|FGA|\nM:4/4 C8|D8|\nL:1/4 E4|") == ["METRE", "METRE", "C4@0", "D4@0", "E4@0"]


def test_other_fields_inside_a_line_give_no_notes() -> None:
    assert bars("C8|Q:fast G4 A4|D8|") == ["C4@0", "UNREADABLE", "D4@0"]
    assert bars("C8|\n w:a b c\n\tK:D\nF8|") == ["C4@0", "F#4@0"]
    for stray in ("K:G GABc", "K: G G8", "V:2 C8"):
        reason = parse_tune(TuneText("t", f"X:1\n{HEAD}C8|{stray}|D8|")).failure
        assert reason == f"{stray[0]}: in the middle of a line, without brackets"


@pytest.mark.parametrize(
    ("text", "metre"),
    [
        *(("(3+3+2)/8", "8/8"), ("3+3+2/8", "8/8"), ("(2+2)/4", "4/4"), ("2+2/4", "4/4"), (" ( 2 + 3 ) / 8 ", "5/8")),
        *(("2/4+3/8", "7/8"), ("3/8+3/8+2/8", "8/8"), ("(2+1)/4 + (3+1)/16", "16/16"), ("1/4+1/6", "5/12")),
        *(("3+3+2", "3+3+2"), ("(3+3+2/8", "(3+3+2/8"), ("2+2/0", "2+2/0"), ("4/4 + x", "4/4 + x")),
    ],
)
def test_composite_metres_are_added_up_and_none_is_guessed(text: str, metre: str) -> None:
    assert parse_metre(text) == metre
    assert (metre_quarters(metre) > 0) == ("/" in metre and metre[0].isdigit() and metre[-1] not in "0x")


def test_a_composite_metre_has_the_unit_length_of_its_sum() -> None:
    tune = TuneText("t", "X:1\nM:(2+3)/8\nK:C\nCDEFG|\n[M:4/4]C16|")  # below 3/4: sixteenths
    assert [measure[0] for measure in parse_tune(tune).measures] == ["C4"]


# Overlays (7.4)


@pytest.mark.parametrize(
    "music",
    [
        "g4 f4|e8&&d8|c8|",
        "g4 f4|e8|\n&&d8|c8|",
        "g4 f4|e8 &&\\\nd8|c8|",
        "(&g4 f4|e8&d8|c8&)|",
        "g4 f4|&d8|e8|&c8|",
        "(&g4 f4|e8|d8&c8|b8|a8&)|",
        "g4 f4&d8&d8|e8&c8|",
        "g8-|e8-&&d8|c8-|",
    ],
)
def test_an_overlay_drops_the_bars_it_goes_back_to_and_its_own(music: str) -> None:
    shown = bars(f"C8|{music}D8|E8|")
    assert (shown[0], *shown[-2:]) == ("C4@0", "D4@0", "E4@0")
    assert set(shown[1:-2]) == {"OVERLAY"}
    assert len(shown) >= 5  # each dropped bar is counted


def test_an_overlay_longer_than_the_tune_and_one_never_ended_cost_no_other_bar() -> None:
    assert bars("C8|&&&&&D8|E8|F8|G8|A8|B8|") == ["OVERLAY"] * 6 + ["B4@0"]
    assert bars("C8|(&D8|E8|") == ["C4@0", "OVERLAY", "E4@0"]
    assert bars("V:1\nC8|D8|\nV:2\nE8|F8&G8|") == ["C4@0", "D4@0", "E4@0", "OVERLAY"]


# Ties (4.11, 4.17)


@pytest.mark.parametrize(
    ("before", "first"),
    [
        *(("[C4E4]4-", "C"), ("[C8E8]-", "E"), ("[C-E]8", "C"), ("[CE-]8", "E"), ("[C.-E]8", "C"), ("[CE]8.-", "E")),
        *(("[C-]8", "C"), ("[C]8-", "C"), ('[C-"x"E]8', "C"), ("C8-&E8", "C"), ("C8&E8-", "E"), ("C8-|&E8", "C")),
        *(("[C#E]8-", "E"), ("G8|C8-&&E8|F8", "C"), ("[^c-e]8", "^c"), ("(&C8-&E8&)", "C"), ("C8&[GE-]8", "E")),
    ],
)
def test_ties_out_of_chords_and_overlays_go_on(before: str, first: str) -> None:
    assert bars(f"{before}|{first}4 D4|")[-1] == "D4@12"
    assert bars(f"{before}|z2 {first}2 D4|")[-1].endswith("@6 D4@12")


@pytest.mark.parametrize("before", ["[C-E]8", "C8-&E8", "[E]8", "[C-]8", "[CE]8", "C8&E8"])
def test_a_note_without_a_tie_starts_anew(before: str) -> None:
    assert bars(f"{before}|E4 D4|")[-1] == "E4@0 D4@12"


# Accidentals (11.3)


@pytest.mark.parametrize(
    "line",
    [
        *("I: propagate-accidentals not", "%%propagate-accidentals not", "%% propagate-accidentals  not % as written"),
        *("I:propagate-accidentals:not", "I:Propagate-Accidentals NOT", "%%propagate-accidentals=not"),
    ],
)
def test_how_far_accidentals_reach_is_obeyed_in_every_place(line: str) -> None:
    music, fields = "^F2 F2 G4|", HEAD.replace("K:C\n", "")
    for book in (
        f"{line}\n\nX:1\n{HEAD}{music}",
        f"X:1\n{line}\n{HEAD}{music}",
        f"X:1\n{fields}{line}\nK:C\n{music}",
        f"X:1\n{HEAD}{line}\n{music}",
        f"X:1\n{HEAD}V:1\nz8|\n{line}\nV:2\n{music}",
    ):
        assert book_measures(book) == [["F#4 F4 G4 __"]]


def test_how_far_accidentals_reach_may_change_between_bars_alone() -> None:
    music = "^F4 F4|[I:propagate-accidentals not]^F4 F4|^F4[I:propagate-accidentals pitch]F4|^F4 F4|"
    assert bars(music) == ["F#4@0 F#4@12", "F#4@0 F4@12", "UNREADABLE", "F#4@0 F#4@12"]


@pytest.mark.parametrize("line", ["%%propagate-accidentals", "I:propagate-accidentals octaves"])
def test_an_unknown_reach_of_accidentals_is_not_guessed(line: str) -> None:
    for text in (f"X:1\n{line}\n{HEAD}C8|", f"X:1\n{HEAD}{line}\nC8|"):
        assert parse_tune(TuneText("t", text)).failure == "unreadable propagate-accidentals"


# Drums


@pytest.mark.parametrize(
    "drums",
    [
        *(
            "V:2 clef=perc\n",
            "V:2 perc\n",
            'V:2 name="Drums" clef=percussion\n',
            "V:2\nK:C clef=perc\n",
            "V:2\n[K:perc]",
        ),
        *("[V:2 clef=perc]", "V:2\n%%MIDI channel 10\n", "V:2\nI:MIDI channel 10\n", "V:2\n[I:MIDI channel 10]"),
    ],
)
def test_drums_are_left_out(drums: str) -> None:
    melody = bars("C8|x4 D4|\nV:2\nE8|")
    assert bars(f"V:1\nC8|x4 D4|\n{drums}F2c2F2c2|\nV:1\nE8|\nV:2\nF4c4|") == [melody[0], "rest@0 D4@12", "E4@0"]


def test_drums_may_be_named_in_the_header_and_stop() -> None:
    for line in ("V:2 clef=perc", "V:2\n%%MIDI channel 10", "V:2 perc\nV:3"):
        assert book_measures(f"X:1\nM:4/4\nL:1/8\nV:1\n{line}\nK:C\nV:1\nC8|\nV:2\nF8|") == [["C4 __ __ __"]]
    for line in ("K:C clef=perc", "K:none perc", "%%MIDI channel 10\nK:C"):
        tune = parse_tune(TuneText("t", f"X:1\nM:4/4\nL:1/8\n{line}\nF8|"))
        assert (tune.measures, tune.failure) == ([], "no music")
    assert bars("[K:perc]F8|[K:treble]C8|F4[K:perc]F4|F8|", key="C") == ["C4@0", "UNREADABLE"]


def test_a_voice_or_name_that_only_sounds_like_drums_is_read() -> None:
    for voice in ("V:perc", 'V:1 name="perc"', "V:1 name=perc", "V:1 clef=treble % perc", "V:1\n%%MIDI channel 1"):
        assert bars(f"{voice}\nC8|") == ["C4@0"]
    assert parse_percussion("octave=-1", otherwise=True)


@pytest.mark.parametrize("symbol", ["M:", "L:1 ", "C|&&", "C8|(&&)", "&", "T: ", "M:1+", "M: ", "\x1a", "[C-E]"])
def test_long_runs_take_time_in_proportion(symbol: str) -> None:
    start = time.process_time()
    parsed = parse_tune(TuneText("t", f"X:1\n{HEAD}C8|{symbol * (100_000 // len(symbol))}"))
    assert len(parsed.measures) + parsed.drops.total() == parsed.written
    assert time.process_time() - start < 5


def test_fields_of_a_header_may_be_indented() -> None:
    header = "  T:t\n\tM:4/4\n  L:1/4\n I:propagate-accidentals not\n  V:2 perc\n"
    for book in (
        f" X:1\n{header} K:D\n^F F G2|\nV:2\nC4|\n\nC4|",
        f" L:1/4\n\nX:1\n{header.replace('L:', 'N:')} K:D\n=F ^F G2|\n",
    ):
        assert book_measures(book)[0][0].split()[1:3] == ["F#4", "G4"]
        assert [len(tune) for tune in book_measures(book)] == [1]
