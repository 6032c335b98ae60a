"""Parses the ABC header fields that shape the notes: key (`K:`), metre (`M:`), unit note length (`L:`) and octave."""

from __future__ import annotations

import re
from fractions import Fraction
from math import lcm

from vaemusic_jax.music.key_signatures import altered_letters

# Sharps of the major scale on each tonic; each mode shifts along the circle of fifths.
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {"maj": 0, "ion": 0, "mix": -1, "dor": -2, "min": -3, "m": -3, "aeo": -3, "phr": -4, "loc": -5, "lyd": 1}
ALTERATIONS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}

_KEY = re.compile(r"(?P<tonic>[A-Ga-g])(?P<sign>[#b]?)\s*(?P<mode>[A-Za-z]*)(?P<rest>.*)", re.DOTALL)
_CLEF = re.compile(
    r"\b(?:clef|octave|transpose|middle|stafflines|staffscale|name|nm|snm|subname|sname|score|sound|shift|stem|gstem"
    r"|space|map|instrument|t|m)=(?:\"[^\"]*\"|\S+)"
    r"|\b(?:treble|alto|tenor|bass|perc(?:ussion)?)\d?(?:[+^_-]8)?(?!\w)",
    re.IGNORECASE,
)
_NAMED_CLEF = re.compile(
    r"\bclef=(\S+)|(?<!=)\b(treble|alto|tenor|bass|perc(?:ussion)?)\d?(?:[+^_-]8)?(?!\w)", re.IGNORECASE
)
_OCTAVE = re.compile(r"\boctave=(\S*)", re.IGNORECASE)
_ACCIDENTAL = re.compile(r"(\^{1,2}|_{1,2}|=)([A-Ga-g])")
_FRACTION = re.compile(r"(\d{1,3})\s*/\s*(\d{1,3})")
_METRE_NAMES = {"C": "4/4", "C|": "2/2", "c": "4/4", "c|": "2/2"}
# A composite metre: fractions in a sum, each with a sum above the stroke: `(3+3+2)/8`, `3+3+2/8`, `2/4+3/8`
_SUM = r"\d{1,3}(?:[ \t]*\+[ \t]*\d{1,3})*"
_TERM = rf"(?:\([ \t]*{_SUM}[ \t]*\)|{_SUM})[ \t]*/[ \t]*\d{{1,3}}"
_COMPOSITE = rf"{_TERM}(?:[ \t]*\+[ \t]*{_TERM})*"
_TERMS = re.compile(rf"(?P<above>\([^)]*\)|{_SUM})[ \t]*/[ \t]*(?P<below>\d{{1,3}})")
_LONGEST_METRE = 60
#: A metre or unit length where it starts the text, with no word after it that it could be the start of.
FIELD_START = rf"(?:{_COMPOSITE}|[Cc]\||[Cc](?![A-Za-z])|none(?![A-Za-z])|\d+)"

#: How far an accidental reaches, by the value of `propagate-accidentals`: this note; its octave; all octaves.
CARRIES = ("not", "octave", "pitch")
_CARRY = re.compile(r"[ \t]*propagate-accidentals\b[ \t]*[:=]?(?P<value>[^%]*)", re.IGNORECASE)
_CHANNEL = re.compile(r"[ \t]*MIDI[ \t]+channel[ \t]*=?[ \t]*(\d+)", re.IGNORECASE)
_PERCUSSION_CHANNEL = 10


def parse_key(text: str) -> dict[str, int] | None:
    """Parses a key; returns the alteration of each letter it alters: `D` gives {"F": 1, "C": 1}.

    Understands all modes (first three letters, any case), `exp` and added accidentals (`D mix =c ^g`), `none`, the
    empty key, and the bagpipe keys `HP` and `Hp`. Clefs are passed over: pitches are as written, and `transpose=` is
    for playback. What `octave=` among them does: `parse_octave`.

    Returns:
        None when the text says nothing about the key (a clef alone).

    Raises:
        ValueError: not a key.
    """
    text = text.split("%")[0]
    without_clef = _CLEF.sub(" ", text).strip()
    if not without_clef:
        return None if text.strip() else {}
    if without_clef == "HP" or without_clef.lower() == "none":
        return {}
    if without_clef == "Hp":
        return {"F": 1, "C": 1}
    match = _KEY.fullmatch(without_clef)
    if match is None:
        return _added_accidentals({}, without_clef)
    mode, sign = match["mode"].lower(), match["sign"]
    if mode.startswith("exp"):
        return _added_accidentals({}, match["rest"])
    if mode not in ("", "m") and mode[:3] not in _MODES:
        raise ValueError(f"{text.strip()!r} is not a key")
    fifths = _FIFTHS[match["tonic"].upper()] + {"": 0, "#": 7, "b": -7}[sign] + (_MODES[mode[:3]] if mode else 0)
    if not -7 <= fifths <= 7:
        raise ValueError(f"{text.strip()!r} has more than seven accidentals")
    return _added_accidentals(altered_letters(fifths), match["rest"])


def _added_accidentals(signature: dict[str, int], text: str) -> dict[str, int]:
    if _ACCIDENTAL.sub("", text).strip():
        raise ValueError(f"{text.strip()!r} is not part of a key")
    for sign, letter in _ACCIDENTAL.findall(text):
        signature[letter.upper()] = ALTERATIONS[sign]
    return signature


def parse_octave(text: str, otherwise: int) -> int:
    """By how many octaves `K:` or `V:` with `octave=-1` moves the notes that follow.

    Args:
        text: of the field.
        otherwise: what holds when it does not say.

    Raises:
        ValueError: no number of one digit.
    """
    match = _OCTAVE.search(re.sub(r'"[^"]*"', "", text.split("%")[0]))  # a voice may have any name
    if match is None:
        return otherwise
    if not re.fullmatch(r"[+-]?[0-9]", match[1]):
        raise ValueError(f"{match[1]!r} is no number of octaves")
    return int(match[1])


def parse_percussion(text: str, otherwise: bool) -> bool:
    """Whether `K:` or `V:` gives a staff a percussion clef.

    Args:
        text: of the field; of `V:` without the name of the voice.
        otherwise: what holds when it names no clef.
    """
    match = _NAMED_CLEF.search(re.sub(r'"[^"]*"', "", text.split("%")[0]))
    return (match[1] or match[2]).lower().startswith("perc") if match else otherwise


def parse_carry(directive: str) -> str | None:
    """The value of `propagate-accidentals not`, one of `CARRIES`; None for another directive.

    Args:
        directive: what follows `%%` or `I:`.

    Raises:
        ValueError: no such value.
    """
    match = _CARRY.match(directive)
    if match is None:
        return None
    value = match["value"].strip().lower()
    if value not in CARRIES:
        raise ValueError(f"{value!r} is not one of {', '.join(CARRIES)}")
    return value


def parse_percussion_channel(directive: str, otherwise: bool) -> bool:
    """Whether `MIDI channel 10` makes a voice one of drums; what holds, for another directive."""
    match = _CHANNEL.match(directive)
    return match[1].lstrip("0") == str(_PERCUSSION_CHANNEL) if match else otherwise


def parse_metre(text: str) -> str:
    """`C` becomes `4/4`, `C|` becomes `2/2`, fractions lose their spaces, sums are added up; else as written."""
    text = text.split("%")[0].strip()
    match = _FRACTION.fullmatch(text)
    if match:
        return f"{int(match[1])}/{int(match[2])}"
    if "+" in text or "(" in text:
        return _composite_metre(text)
    return _METRE_NAMES.get(text, text)


def _composite_metre(text: str) -> str:
    """`(3+3+2)/8` becomes `8/8`; unequal beats get the finest of their units: `2/4+3/8` becomes `7/8`."""
    if len(text) > _LONGEST_METRE or not re.fullmatch(_COMPOSITE, text):
        return text
    terms = [(sum(map(int, re.findall(r"\d+", term["above"]))), int(term["below"])) for term in _TERMS.finditer(text)]
    unit = lcm(*(below for _, below in terms))
    return f"{sum(above * unit // below for above, below in terms)}/{unit}" if unit else text


def parse_unit_length(text: str) -> Fraction:
    """The unit note length in quarters: `1/8` is 1/2.

    Raises:
        ValueError: not a fraction of a whole note.
    """
    text = text.split("%")[0].strip()
    match = _FRACTION.fullmatch("1/1" if text == "1" else text)
    if match is None or not int(match[1]) or not int(match[2]):
        raise ValueError(f"{text!r} is not a note length")
    return 4 * Fraction(int(match[1]), int(match[2]))


def default_unit_length(metre: str) -> Fraction:
    """The unit note length in quarters where no `L:` says: a sixteenth below 3/4, else an eighth."""
    match = _FRACTION.fullmatch(metre)
    if match and int(match[2]) and Fraction(int(match[1]), int(match[2])) < Fraction(3, 4):
        return Fraction(1, 4)
    return Fraction(1, 2)
