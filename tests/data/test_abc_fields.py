"""Key, metre and unit length fields of ABC."""

from fractions import Fraction

import pytest

from vaemusic_jax.data.readers.abc_fields import default_unit_length, parse_key, parse_metre, parse_unit_length
from vaemusic_jax.music.grid import metre_quarters

FLATS, SHARPS = "BEADGCF", "FCGDAEB"


def signature(fifths: int) -> dict[str, int]:
    """`fifths` sharps, or flats if negative."""
    return dict.fromkeys(SHARPS[:fifths], 1) if fifths >= 0 else dict.fromkeys(FLATS[:-fifths], -1)


@pytest.mark.parametrize(
    ("text", "fifths"),
    [
        *(("C", 0), ("G", 1), ("D", 2), ("F", -1), ("Bb", -2), ("Eb", -3), ("F#", 6), ("C#", 7), ("Cb", -7)),
        *(("Am", 0), ("A minor", 0), ("Amin", 0), ("Em", 1), ("Gm", -2), ("GM", -2), ("F#m", 3), ("Cm", -3)),
        *(("Ador", 1), ("A Dorian", 1), ("Edor", 2), ("Dmix", 1), ("D Mixolydian", 1), ("AMix", 2), ("Gmix", 0)),
        *(("Bphr", 1), ("Dlyd", 3), ("Glydian", 2), ("Bloc", 0), ("Aaeo", 0), ("Dion", 2), ("D Major", 2), ("Dmaj", 2)),
        *(("g", 1), ("G % comment", 1), ("D clef=bass", 2), ("D treble-8", 2), ("Am bass", 0), ("HP", 0), ("Hp", 2)),
        *(("none", 0), ("", 0), ("Dmixm", 1)),
    ],
)
def test_keys(text: str, fifths: int) -> None:
    assert parse_key(text) == signature(fifths)


def test_added_accidentals() -> None:
    assert parse_key("Dmix=c ^g") == {"F": 1, "C": 0, "G": 1}
    assert parse_key("D exp _b ^f") == {"B": -1, "F": 1}
    assert parse_key("^f_b") == {"F": 1, "B": -1}


@pytest.mark.parametrize("text", ["clef=bass", "treble", "bass octave=-1"])
def test_a_clef_alone_leaves_the_key(text: str) -> None:
    assert parse_key(text) is None


@pytest.mark.parametrize("text", ["Bn", "H", "Gfoo", "G#dor#", "Fbm", "D =", "7"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|accidentals"):
        parse_key(text)


@pytest.mark.parametrize(
    ("text", "metre"),
    [("C", "4/4"), ("C|", "2/2"), ("4/4", "4/4"), (" 6 / 8 ", "6/8"), ("C % x", "4/4"), ("none", "none"), ("", "")],
)
def test_metres(text: str, metre: str) -> None:
    assert parse_metre(text) == metre


def test_lengths() -> None:
    assert [parse_unit_length(text) for text in ("1/8", "1/16", "1/4 % x", "1")] == [
        Fraction(1, 2),
        Fraction(1, 4),
        1,
        4,
    ]
    for text in ("1/0", "0/8", "1", "x", "1/8x", ""):
        if text != "1":
            with pytest.raises(ValueError, match="not a note length"):
                parse_unit_length(text)
    assert [default_unit_length(metre) for metre in ("4/4", "3/4", "2/4", "6/8", "", "none", "1/0")] == [
        Fraction(1, 2 if metre != "2/4" else 4) for metre in ("4/4", "3/4", "2/4", "6/8", "", "none", "1/0")
    ]
    assert [metre_quarters(metre) for metre in ("4/4", "2/2", "6/8", "none", "1/0")] == [4, 4, 3, 0, 0]
