"""Writes measures as MusicXML.

The law of this module: `read_musicxml` gives back the same tokens. So each event has its exact duration. A length that
no single note shape has is written as several notes tied together, or several rests in a row. A hold at the first tick
is written as a note tied to the measure before. Where no written note sounds there, it is a hidden rest, and where that
would leave the measure silent, a tied note of any pitch. A hidden rest is never cut into several; it may lack a shape.

music21 is not used for this: its exporter has no accidentals in commas and takes seconds to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from vaemusic_jax.data.holdrian import COMMAS_OF_ACCIDENTAL
from vaemusic_jax.data.writers.notation import HELD, Sound, sounds, token_names
from vaemusic_jax.music.vocabulary import (
    HOLD_NAME,
    REST_NAME,
    Vocabulary,
    comma_spelling,
    has_commas,
    is_pitch,
    spelling,
)

if TYPE_CHECKING:
    import numpy as np

#: Written into scores whose accidentals count commas, so that a plain sharp is not taken for a semitone.
COMMA_SOFTWARE = "vaemusic_jax, accidentals in Holdrian commas"

_DIVISIONS = 12  # of a quarter: every tick of the grid is a whole number of them
_TRIPLET = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
_KINDS = {Fraction(4): "whole", Fraction(2): "half", Fraction(1): "quarter", Fraction(1, 2): "eighth"}
_KINDS |= {Fraction(1, 4): "16th", Fraction(1, 8): "32nd"}
#: Length in quarters of the note shapes that fit the grid, with the elements that stand for them, before and after the
#: accidental.
_SHAPES = {
    length * factor: (f"<type>{kind}</type>{'<dot/>' * dots}", tuplet)
    for length, kind in _KINDS.items()
    for factor, dots, tuplet in ((Fraction(2, 3), 0, _TRIPLET), (Fraction(3, 2), 1, ""), (Fraction(1), 0, ""))
    if (length * factor * _DIVISIONS).denominator == 1
}
_ACCIDENTALS = {commas: name for name, commas in reversed(COMMAS_OF_ACCIDENTAL.items()) if commas}


def measures_to_musicxml(
    measures: Sequence[Sequence[int]] | np.ndarray, vocabulary: Vocabulary, *, title: str = ""
) -> bytes:
    """Consecutive measures as an uncompressed MusicXML score of one part, in 4/4.

    Args:
        measures: (N, 24) token indices.
        vocabulary: of the tokens. Pitches of a microtonal one get the accidentals of Turkish music.
        title: of the work.

    Raises:
        ValueError: a microtonal pitch for which there is no accidental: other than 1, 4, 5, 8 or 9 commas, or one in
            twelve tones among them.
    """
    names = [token_names(tokens, vocabulary) for tokens in measures]
    written, sounding = [], ""
    for number, bar in enumerate(names, start=1):
        goes_on = number < len(names) and names[number][0] == HOLD_NAME
        notes = []
        events = sounds(bar)
        if bar[0] == HOLD_NAME and sounding in ("", REST_NAME) and not any(map(is_pitch, bar)):
            sounding = HELD
        for event in events:
            last = event is events[-1]
            from_before = event.token == HOLD_NAME
            sounding = sounding if from_before else event.token
            if sounding in ("", REST_NAME):
                notes.append(_rest(event, hidden=from_before))
            else:
                ties = (from_before, last and goes_on)
                notes.append(_note(event, _pitch(sounding, vocabulary.microtonal), ties))
        written.append(f'<measure number="{number}">{_attributes(number)}{"".join(notes)}</measure>')
    software = COMMA_SOFTWARE if vocabulary.microtonal else "vaemusic_jax"
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
            '"http://www.musicxml.org/dtds/partwise.dtd">',
            f'<score-partwise version="4.0"><work><work-title>{_text(title)}</work-title></work>',
            f"<identification><encoding><software>{software}</software></encoding></identification>",
            '<part-list><score-part id="P1"><part-name>Melody</part-name></score-part></part-list>',
            '<part id="P1">',
            *written,
            "</part></score-partwise>\n",
        ]
    ).encode()


def _attributes(number: int) -> str:
    if number > 1:
        return ""
    time = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    return f"<attributes><divisions>{_DIVISIONS}</divisions>{time}</attributes>"


def _text(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return escape("".join(each for each in text if each.isprintable()))


def _rest(event: Sound, hidden: bool) -> str:
    start = '<note print-object="no">' if hidden else "<note>"
    rests = []
    for length in [event.length] if hidden else _notatable(event.length):
        shape, tuplet = _SHAPES.get(length, ("", ""))
        rests.append(f"{start}<rest/>{_duration(length)}<voice>1</voice>{shape}{tuplet}</note>")
    return "".join(rests)


def _note(event: Sound, pitch: tuple[str, str], ties: tuple[bool, bool]) -> str:
    """The notes of one sound; `ties` says whether it is tied to what comes before and to what comes after."""
    written, accidental = pitch
    lengths = _notatable(event.length)
    notes = []
    for index, length in enumerate(lengths):
        kinds = ["stop"] * (ties[0] or index > 0) + ["start"] * (ties[1] or index < len(lengths) - 1)
        tie = "".join(f'<tie type="{kind}"/>' for kind in kinds)
        tied = "".join(f'<tied type="{kind}"/>' for kind in kinds)
        shape, tuplet = _SHAPES[length]
        notations = f"<notations>{tied}</notations>" if tied else ""
        notes.append(
            f"<note>{written}{_duration(length)}{tie}<voice>1</voice>{shape}{accidental}{tuplet}{notations}</note>"
        )
    return "".join(notes)


def _notatable(length: Fraction) -> list[Fraction]:
    """Lengths of note shapes that add up to `length`, the longest first."""
    lengths = []
    while length:
        lengths.append(max(each for each in _SHAPES if each <= length))
        length -= lengths[-1]
    return lengths


def _duration(length: Fraction) -> str:
    return f"<duration>{int(length * _DIVISIONS)}</duration>"


def _pitch(name: str, microtonal: bool) -> tuple[str, str]:
    """The `pitch` and the `accidental` element of a pitch."""
    if has_commas(name):
        letter, octave, commas = comma_spelling(name)
        if commas not in _ACCIDENTALS:
            raise ValueError(f"{name!r}: MusicXML has no accidental for {abs(commas)} commas")
        accidental = f"<accidental>{_ACCIDENTALS[commas]}</accidental>"
        alter = f"{12 * commas / 53:.3f}"
    else:
        letter, octave, semitones = spelling(name)
        if microtonal and semitones:
            raise ValueError(f"{name!r} stands among pitches in commas; MusicXML's accidentals are in one or the other")
        accidental, alter = "", str(semitones or "")
    altered = f"<alter>{alter}</alter>" if alter else ""
    return f"<pitch><step>{letter}</step>{altered}<octave>{octave}</octave></pitch>", accidental
