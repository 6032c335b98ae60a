"""Reads values of MusicXML: numbers, metres and key signatures."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from vaemusic_jax.music.key_signatures import altered_letters

_NUMBER = re.compile(r"\s*([+-]?\d{1,9}(?:\.\d{1,6})?)\s*")
_ZERO = Fraction(0)


def number(text: str | None) -> Fraction | None:
    """A decimal number as MusicXML writes them, or None for anything else."""
    match = _NUMBER.fullmatch(text or "")
    return Fraction(match[1]) if match else None


def letters_altered_by(key: Element) -> set[str]:
    """The letters that a key signature alters."""
    fifths = int(number(key.findtext("fifths")) or 0)
    letters = set(altered_letters(fifths))
    letter = ""
    for element in key:
        text = (element.text or "").strip()
        if element.tag == "key-step":
            letter = text
        elif (element.tag == "key-alter" and number(text) != 0) or (
            element.tag == "key-accidental" and text != "natural"
        ):
            letters.add(letter)
    return letters


def metre_of(time: Element) -> str:
    """`4/4`; the sum of composite metres, 3+2 eighths or 3/8 + 2/4; empty when there is none or it cannot be read."""
    total, unit, beats = _ZERO, 1, _ZERO
    for element in time:
        if element.tag == "beats":
            numbers = [number(each) for each in (element.text or "").split("+")]
            beats = sum((each for each in numbers if each), _ZERO) if None not in numbers else _ZERO
        elif element.tag == "beat-type":
            kind = number(element.text)
            if kind is None or kind.denominator != 1 or not 0 < kind <= 256 or beats <= 0:
                return ""
            total, unit = total + beats / kind, max(unit, int(kind))
    count = total * unit
    return f"{count}/{unit}" if count and count.denominator == 1 else ""
