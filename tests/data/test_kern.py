"""Humdrum kern to bars, by hand and against music21's own reader on the scores of its corpus."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vaemusic_jax.data.bars import Bar, Drop, bar_to_tokens
from vaemusic_jax.data.readers.kern import read_kern
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError, Voices


def kern(*lines: str) -> bytes:
    """Lines with spaces for tabs, and `,` for the spaces within a chord."""
    return "\n".join(line if "!" in line else line.translate({32: "\t", 44: " "}) for line in lines).encode()


def read(*lines: str, voices: Voices = "melody") -> Tune:
    (tune,) = read_kern(kern(*lines), Reading(voices=voices))
    return tune


def names(bar: Bar) -> str:
    return " ".join("__" if event.tied else event.pitch or "z" for event in bar.events)


def melody(*lines: str) -> list[str]:
    """The bars of one spine in 4/4."""
    (voice,) = read("**kern", "*M4/4", *lines, "*-").voices
    return [names(bar) for bar in voice]


def test_notes_rests_and_barlines() -> None:
    tune = read(
        "!!!OTL@@DE:  Ein Lied",
        "**kern",
        "*M4/4",
        "!! a comment",
        "=1",
        "4c",
        "! another",
        "8.CC#L",
        "16BB-J",
        "4r",
        "12ccc",
        "12een",
        ".",
        "12f##",
        "==",
        "*-",
    )
    ((bar,),) = tune.voices
    assert tune.title == "Ein Lied"
    assert bar.metre == "4/4"
    assert bar.length == 4
    third = Fraction(1, 3)
    assert [(event.onset, event.pitch) for event in bar.events] == [
        (0, "C4"),
        (1, "C#2"),
        (Fraction(7, 4), "B-2"),
        (2, None),
        (3, "C6"),
        (3 + third, "E5"),
        (3 + 2 * third, "F##4"),
    ]


@pytest.mark.parametrize(
    ("note", "length"),
    [
        ("1c", 4),
        ("0c", 8),
        ("00c", 16),
        ("2..c", Fraction(7, 2)),
        ("20c", Fraction(1, 5)),
        ("3%2c", Fraction(8, 3)),
        ("c4", 1),
    ],
)
def test_lengths(note: str, length: Fraction | int) -> None:
    ((bar,),) = read("**kern", "*M4/4", note, "*-").voices
    assert bar.length == length


def test_ties_grace_notes_and_signs_that_say_nothing_of_pitch_or_time() -> None:
    assert melody("[2c", "8ddqq", "4qe", "2c_", "=", "[4c]", "4c]", "(2d;/TL)", "=:|!", "4e") == [
        "C4 __",
        "__ __ D4",
        "E4",
    ]


def test_chords_mark_their_bar() -> None:
    (voice,) = read("**kern", "*M4/4", "2c,2e", "2d", "=", "1c", "*-").voices
    assert [bar.faults for bar in voice] == [{Drop.CHORD}, set()]
    assert voice[0].length == 4


@pytest.mark.parametrize(
    ("note", "fault"),
    [
        ("c", Drop.NO_LENGTH),
        ("4", Drop.UNREADABLE),
        ("4h", Drop.UNREADABLE),
        ("4ccccccccc", Drop.PITCH),
        ("4CCCCCC", Drop.PITCH),
        ("0%0c", Drop.NO_LENGTH),
        ("9999%9999c", None),
    ],
)
def test_notes_that_cannot_be_read_mark_their_bar(note: str, fault: Drop | None) -> None:
    (voice,) = read("**kern", "*M4/4", "4c", note, "=", "1c", "*-").voices
    assert voice[0].faults == ({fault} if fault else set())
    assert voice[1].faults == set()


def test_the_melody_is_the_rightmost_kern_spine_and_other_kinds_are_passed_over() -> None:
    lines = ["**kern **silbe **kern **dynam", "*M4/4 * *M4/4 *", "1C a 2c f", ". . 2d .", "*- *- *- *-"]
    assert [names(bar) for bar in read(*lines).voices[0]] == ["C4 D4"]
    assert [names(voice[0]) for voice in read(*lines, voices="all").voices] == ["C4 D4", "C3"]


def test_percussion_is_left_out() -> None:
    for clef, note in (("*clefX", "1e"), ("*clefX5", "1e"), ("*", "1eR"), ("*", "1eRR"), ("*clefX", "1eR")):
        lines = ["**kern **kern", "*M4/4 *M4/4", f"* {clef}", f"1C {note}", "*- *-"]
        assert [names(voice[0]) for voice in read(*lines, voices="all").voices] == ["C3"]
        assert [names(voice[0]) for voice in read(*lines).voices] == ["C3"]


def test_unpitched_notes_among_others_are_silent_and_no_chord() -> None:
    (voice,) = read(
        "**kern", "*M4/4", "2c", "2eR", "=", "1gR,1e", "=", "*clefX", "1e,1g", "=", "*clefG2", "1d", "*-"
    ).voices
    assert [names(bar) for bar in voice] == ["C4 z", "E4", "z", "D4"]
    assert not any(bar.faults for bar in voice)


@pytest.mark.parametrize(
    ("columns", "paths"),
    [
        ("**kern **kern", "*v *v"),
        ("**kern **text", "*v *v"),
        ("**kern **kern **text", "*v * *v"),
        ("**kern **kern", "* *v"),
        ("**text **text **kern", "*v *v *"),
    ],
)
def test_a_spine_that_joins_another_is_refused_by_that_reason(columns: str, paths: str) -> None:
    n = len(columns.split())
    with pytest.raises(UnreadableTuneError, match="joins another"):
        read(columns, " ".join(["4c"] * n), paths, " ".join(["4c"] * (n - 1)))


def test_spines_side_by_side_that_each_join_stay_two() -> None:
    for one, other in (("**kern", "**text"), ("**text", "**dynam"), ("**kern", "**kern")):
        lines = [f"{one} {other} **kern", "*M4/4 *M4/4 *M4/4", "*^ *^ *", "1c 1c 1d 1d 1e", "*v *v *v *v *"]
        assert read(*lines, "= = =", "1c 1d 1f", "*- *- *-").voices[0][1].events[0].pitch == "F4"


def test_a_split_spine_has_voices_of_its_own_for_as_long_as_it_is_split() -> None:
    lines = [
        "**kern **kern",
        "*M4/4 *M4/4",
        "1C 1c",
        "= =",
        "2C 2c",
        "* *^",
        "2D 2e 2g",
        "* *v *v",
        "= =",
        "1E 1f",
        "*- *-",
    ]
    top, second, bottom = read(*lines, voices="all").voices
    assert [names(bar) for bar in top] == ["C4", "C4 E4", "F4"]
    assert [names(bar) for bar in second] == ["z G4"]
    assert [names(bar) for bar in bottom] == ["C3", "C3 D3", "E3"]
    assert read(*lines).voices == (top,)
    assert not any(bar.faults for voice in (top, second, bottom) for bar in voice)


def test_parts_of_a_spine_that_disagree_on_the_time_mark_the_bar() -> None:
    for end in ("*v *v", "= ="):
        (voice, *_) = read(
            "**kern", "*M4/4", "*^", "1c 2e", end, *(["*v *v"] if "=" in end else ["="]), "1d", "*-"
        ).voices
        assert [bar.faults for bar in voice] == [{Drop.UNREADABLE}, set()], end


def test_spines_change_places_come_and_go() -> None:
    lines = [
        "**kern **kern",
        "*M4/4 *M4/4",
        "1C 1c",
        "= =",
        "*x *x",
        "1d 1D",
        "= =",
        "* *+",
        "* * **kern",
        "1e 1E 1g",
        "*- * *",
        "1F 1a",
        "*- *-",
    ]
    voices = [[names(bar) for bar in voice] for voice in read(*lines, voices="all").voices]
    assert voices == [["G4 A4"], ["C4", "D4", "E4"], ["C3", "D3", "E3 F3"]]


def test_metres_change_per_bar() -> None:
    (voice,) = read(
        "**kern", "*M3+2/8", "2c", "8d", "=", "*M2/2", "1c", "=", "2c", "*M3/4", "2c", "=", "*MX", "*MM120", "4c", "*-"
    ).voices
    assert [bar.metre for bar in voice] == ["5/8", "2/2", "3/4", ""]
    assert [bar.faults for bar in voice] == [set(), set(), {Drop.UNREADABLE}, set()]


def test_spines_may_have_barlines_at_different_times() -> None:
    lines = [
        "**kern **kern",
        "*M3/4 *M4/4",
        "2.C 2.c",
        "= .",
        "4D 4d",
        ". =",
        "2E 2.e",
        "= .",
        "4F .",
        "2F 4f",
        "*- *-",
    ]
    upper, lower = read(*lines, voices="all").voices
    assert [names(bar) for bar in upper] == ["C4 D4", "E4 F4"]
    assert [names(bar) for bar in lower] == ["C3", "D3 E3", "F3 F3"]
    assert not any(bar.faults for bar in (*upper, *lower))


@pytest.mark.parametrize("metre", ["*M4/3%2", "*M4/4:3/4", "*M2/4|3/4", "*M7", "*M3/4*"])
def test_a_metre_that_cannot_be_read_is_unknown(metre: str) -> None:
    (voice,) = read("**kern", "*M4/4", "1c", "=", metre, "1c", "=", "*MM60", "*M4/4", "1c", "*-").voices
    assert [bar.metre for bar in voice] == ["4/4", "", "4/4"]


def test_cue_notes_are_silent() -> None:
    assert melody("2c", "*cue", "4d", "*Xcue", "4e", "=", "*cue", "1d", "=", "*Xcue", "1e") == ["C4 z E4", "z", "E4"]


def test_a_tie_joins_two_spellings_of_one_pitch() -> None:
    assert melody("[2g#", "2a-]", "=", "[2b", "4cc-]", "4cc") == ["G#4 __", "B4 __ C5"]


def test_pieces_that_follow_each_other_are_tunes() -> None:
    piece = ["**kern", "*M4/4", "1c", "*-"]
    assert len(read_kern(kern(*piece, *piece), Reading())) == 2


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "no .*kern"),
        (["**dynam", "f", "*-"], "no .*kern"),
        (["4c"], "columns"),
        (["**kern", "4c 4d"], "columns"),
        (["**kern **kern", "4c"], "columns"),
        (["**kern", "*-", "4c"], "columns"),
        (["**kern", "*x"], "places"),
        (["**kern", *(" ".join(["*^"] * 2**n) for n in range(9))], "spines"),
    ],
)
def test_files_that_are_refused(lines: list[str], reason: str) -> None:
    with pytest.raises(UnreadableTuneError, match=reason):
        read(*lines)


def test_absurd_lengths_take_no_time() -> None:
    (voice,) = read("**kern", "*M4/4", *(f"{n}c" for n in range(1000, 9000)), "*-").voices
    assert bar_to_tokens(voice[0]) is Drop.NO_LENGTH


def corpus() -> list[Path]:
    import music21

    folder = Path(music21.__file__).parent / "corpus"
    palestrina = sorted((folder / "palestrina").glob("*.krn"))
    return [*sorted((folder / "bach").glob("*.krn")), folder / "beethoven/opus18no1/movement1.krn", *palestrina[7::260]]


@pytest.mark.parametrize("file", corpus(), ids=lambda path: path.stem)
def test_music21_reads_the_same(file: Path) -> None:
    from music21 import converter

    def theirs(measure: Any) -> list[tuple[Fraction, str | None, bool]]:
        return [
            (
                Fraction(each.offset),
                None if each.isRest else each.pitches[0].nameWithOctave,
                each.tie is not None and each.tie.type != "start",
            )
            for each in measure.notesAndRests
            if not each.duration.isGrace
        ]

    (tune,) = read_kern(file.read_bytes(), Reading(voices="all"))
    score = converter.parse(file, format="humdrum", forceSource=True)
    parts = list(score.getElementsByClass("Part"))
    assert len(tune.voices) == len(parts)
    for voice, part in zip(tune.voices, parts, strict=True):
        measures = [measure for measure in part.getElementsByClass("Measure") if len(measure.notesAndRests)]
        assert len(measures) == len(voice)
        for bar, measure in zip(voice, measures, strict=True):
            if Drop.CHORD not in bar.faults:
                assert [(event.onset, event.pitch, event.tied) for event in bar.events] == theirs(measure)
                assert bar.faults == set()
