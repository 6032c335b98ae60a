"""SymbTr's text files: what stands in them, and that they give the measures of the same pieces in MusicXML."""

from fractions import Fraction
from pathlib import Path

import pytest

from vaemusic_jax.data.bars import Bar, Drop, bar_to_tokens
from vaemusic_jax.data.readers.musicxml import read_musicxml
from vaemusic_jax.data.readers.symbtr_text import is_symbtr_text, read_symbtr_text
from vaemusic_jax.data.tunes import Pitch, Reading, UnreadableTuneError

HEADER = "Sira\tKod\tNota53\tNotaAE\tKoma53\tKomaAE\tPay\tPayda\tMs\tLNS\tBas\tSoz1\tOffset"


def table(*rows: str) -> bytes:
    """A piece; each row is Kod, NotaAE, KomaAE, Pay, Payda, Offset, with a full stop for an empty cell."""
    lines = [HEADER]
    for number, row in enumerate(rows, start=1):
        kod, nota, koma, pay, payda, offset = (cell.removesuffix(".") for cell in row.split())
        lines.append(f"{number}\t{kod}\t\t{nota}\t\t{koma}\t{pay}\t{payda}\t0\t95\t96\t\t{offset}")
    return "\n".join([*lines, ""]).encode("utf-8-sig")


def bars(*rows: str, pitch: Pitch = "microtonal") -> tuple[Bar, ...]:
    (tune,) = read_symbtr_text(table(*rows), Reading(pitch))
    (voice,) = tune.voices
    return voice


def names(bar: Bar) -> str:
    return " ".join(event.pitch or "z" for event in bar.events)


USUL = "51 . 0 4 4 0"
WHOLE = "9 C5 318 1 1 {}"


def test_rows_become_notes_and_lengths_bars() -> None:
    one, two = bars(
        USUL,
        "9 A4 305 1 4 0.25",
        "9 B4b4 310 1 8 0.375",
        "8 F5 340 0 0 0.375",  # a grace note
        "12 F5#4 344 1 12 0.458333333333",  # a trill
        "9 Es -1 13 24 1.0",
        "53 . . . . 1.0",  # the end of a phrase
        WHOLE.format("2.0"),
    )
    assert [(event.onset, event.pitch) for event in one.events] == [
        (0, "A4"),
        (1, "B4-4c"),
        (Fraction(3, 2), "F5+4c"),
        (Fraction(11, 6), None),
    ]
    assert names(two) == "C5"
    assert one.metre == two.metre == "4/4"
    assert one.length == two.length == 4
    assert one.faults == two.faults == set()


def test_rounded_pitches_keep_their_letter() -> None:
    (bar,) = bars(USUL, "9 B4b4 310 1 4 0.25", "9 B4b1 313 1 4 0.5", "9 F4#5 292 1 2 1.0", pitch="rounded")
    assert names(bar) == "B-4 B4 F#4"


def test_the_usul_may_change_and_be_none() -> None:
    read = bars(USUL, WHOLE.format("1"), "51 . 0 9 8 1", "9 D5 327 9 8 2", "51 . 0 0 0 2", WHOLE.format("2"))
    assert [(bar.metre, bar.length) for bar in read] == [("4/4", 4), ("9/8", Fraction(9, 2)), ("", 4)]
    assert all(bar.faults == set() for bar in read)


def test_a_usul_that_changes_within_a_measure_marks_it() -> None:
    one, two = bars(USUL, "9 C5 318 1 2 0.5", "51 . 0 4 4 0.5", WHOLE.format("1.5"))
    assert Drop.UNREADABLE in one.faults
    # the position in the piece no longer agrees with the measures
    assert Drop.UNREADABLE in two.faults


def test_a_note_over_the_barline_marks_both_measures() -> None:
    one, two, three = bars(USUL, "9 C5 318 5 4 1.25", "9 D5 327 3 4 2", WHOLE.format("3"))
    assert bar_to_tokens(one) is Drop.LONG
    assert bar_to_tokens(two) is Drop.UNREADABLE
    assert names(three) == "C5"
    assert three.faults == set()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("9 H5 318 1 1 1", Drop.UNREADABLE),
        ("9 C5 319 1 1 1", Drop.UNREADABLE),  # the comma number of another pitch
        ("9 C5# 318 1 1 1", Drop.UNREADABLE),
        ("9 . 318 1 1 1", Drop.UNREADABLE),
        ("9 C5 318 1 1 1.25", Drop.UNREADABLE),  # an offset that is not the sum of the lengths
        ("9 C5 318 1 1 x", Drop.UNREADABLE),
        ("9 C5 318 1 1 nan", Drop.UNREADABLE),
        ("9 C5 318 1 0 1", Drop.NO_LENGTH),
        ("9 C5 318 -1 1 1", Drop.NO_LENGTH),
        ("9 C5 318 1 99999999 1", Drop.NO_LENGTH),
        ("9 C5 318 . . 1", Drop.NO_LENGTH),
    ],
)
def test_what_cannot_be_read_marks_its_bar(row: str, fault: Drop) -> None:
    bar = bars(USUL, row, WHOLE.format("1"))[0]
    assert fault in bar.faults


def test_rows_with_too_few_cells_mark_their_bar() -> None:
    lines = table(USUL, WHOLE.format("1"), WHOLE.format("2")).decode("utf-8").split("\n")
    (tune,) = read_symbtr_text("\n".join([*lines[:2], "3\t9\tDo5", *lines[2:]]).encode(), Reading())
    assert [bar.faults for bar in tune.voices[0]] == [{Drop.UNREADABLE}, set()]


def test_absurd_lengths_take_no_time() -> None:
    rows = [f"9 C5 318 1 {payda} 0" for payda in range(1000, 9000)]
    assert {Drop.NO_LENGTH} < bars(USUL, *rows)[0].faults
    assert len(bars(USUL, "9 C5 318 9999 1 9999", "9 C5 318 1 1 10000")) == 2


def test_only_symbtr_tables_are_read() -> None:
    assert is_symbtr_text(table())
    assert is_symbtr_text(table().replace(b"\n", b"\r\n"))
    for other in (b"", b"X:1\nK:C\n", b"\xff\xfe\x00", HEADER.replace("KomaAE", "x").encode()):
        assert not is_symbtr_text(other)
        with pytest.raises(UnreadableTuneError, match="SymbTr"):
            read_symbtr_text(other, Reading())
    assert read_symbtr_text(table(), Reading())[0].voices == ()


# Where the two formats of the collection differ. In the first two the converter to MusicXML split a note of 5/8 in two
# without a tie; the other two have no metre in the text, and a made-up one or one measure a phrase in MusicXML.
DIFFERENT = {
    "huzzam_icedid--ilahi--duyek--goster_bize--huseyin_sadettin_arel": (21, 1),
    "segah--sarki--musemmen--gozlerinden_icti--sukru_senozan": (43, 3),
    "muhayyer--bozlak--serbest--havayi_da--asaf_guven": (7, 7),
    "saba--miraciye--serbest--pes_heman--nayi_osman_dede": (0, 0),
}


def usable(bars: tuple[Bar, ...]) -> list[tuple[str, ...]]:
    return [tokens for tokens in map(bar_to_tokens, bars) if not isinstance(tokens, Drop)]


@pytest.mark.parametrize("pitch", ["rounded", "microtonal"])
def test_text_and_musicxml_of_a_piece_give_the_same_measures(pitch: Pitch, shared_data: Path) -> None:
    folder = shared_data / "turkish_makam"
    files = sorted((folder / "txt").glob("*.txt"))
    assert files
    for file in files:
        (text,) = read_symbtr_text(file.read_bytes(), Reading(pitch))
        (score,) = read_musicxml((folder / "MusicXML" / f"{file.stem}.xml").read_bytes(), Reading(pitch))
        ours, theirs = usable(text.voices[0]), usable(score.voices[0])
        if file.stem in DIFFERENT:
            different = sum(a != b for a, b in zip(ours, theirs, strict=False)) + abs(len(ours) - len(theirs))
            assert (len(theirs), different) == DIFFERENT[file.stem], file.stem
        else:
            assert ours == theirs, file.stem
            # and the measures that are not usable are the same too, but for empty ones at the end of the score
            assert [bar.length for bar in text.voices[0]] == [bar.length for bar in score.voices[0] if bar.length]
