"""Writes measures as MusicXML.

The law of this module: `read_musicxml` gives back the same tokens. So each event has its exact duration. A length that
no single note shape has is written as several notes tied together, or several rests in a row. A hold at the first tick
is written as a note tied to the measure before. Where no written note sounds there, it is a hidden rest, and where that
would leave the measure silent, a tied note of any pitch. A hidden rest is never cut into several; it may lack a shape.

Notes are beamed by the beat of the metre. In twelve tones there is a key signature, and a note shows its accidental
where that, or the one before it in the measure at its octave, says otherwise.

music21 is not used for this: its exporter has no accidentals in commas and takes seconds to start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import lcm
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from vaemusic_jax.data.holdrian import COMMAS_OF_ACCIDENTAL
from vaemusic_jax.data.writers.key_signature import key_signature
from vaemusic_jax.data.writers.notation import HELD, note_lengths, sounds, token_names, triplet_length
from vaemusic_jax.music.grid import Grid
from vaemusic_jax.music.key_signatures import altered_letters
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

_TRIPLET = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
_KINDS = ("whole", "half", "quarter", "eighth", "16th", "32nd", "64th")
_BEAMS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
_OF_COMMAS = {commas: name for name, commas in reversed(COMMAS_OF_ACCIDENTAL.items()) if commas}
_OF_SEMITONES = {0: "natural", 1: "sharp", 2: "double-sharp", 3: "triple-sharp"}
_OF_SEMITONES |= {-1: "flat", -2: "flat-flat", -3: "triple-flat"}


@dataclass
class _Written:
    """One written note or rest.

    Attributes:
        onset, length: in quarters.
        pitch: its name, empty for a rest.
        hidden: it is a rest that is not shown.
        ties: `stop` if it is tied to what comes before, `start` if to what comes after.
        accidental: the sign that it shows; empty for none.
        beams: what each of its beams does, from the eighths' on.
        brackets: `start` if a triplet starts with it, `stop` if one ends.
    """

    onset: Fraction
    length: Fraction
    pitch: str = ""
    hidden: bool = False
    ties: tuple[str, ...] = ()
    accidental: str = ""
    beams: tuple[str, ...] = ()
    brackets: tuple[str, ...] = ()


def measures_to_musicxml(
    measures: Sequence[Sequence[int]] | np.ndarray, vocabulary: Vocabulary, *, title: str = "", key: bool = True
) -> bytes:
    """Consecutive measures as an uncompressed MusicXML score of one part, with the signature of `key_signature`.

    Args:
        measures: (N, T) token indices.
        vocabulary: of the tokens, with the grid of the measures. Pitches of a microtonal one get the accidentals of
            Turkish music and no key signature.
        title: of the work.
        key: whether to choose a key signature.

    Raises:
        ValueError: a measure of another number of tokens, or a microtonal pitch for which there is no accidental: other
            than 1, 4, 5, 8 or 9 commas, or one in twelve tones among them.
    """
    names = [token_names(tokens, vocabulary) for tokens in measures]
    microtonal, grid = vocabulary.microtonal, vocabulary.grid
    fifths = None if microtonal or not key else key_signature(names)
    altered = altered_letters(fifths or 0)
    measure_texts, sounding = [], ""
    for number, bar in enumerate(names, start=1):
        goes_on = number < len(names) and names[number][0] == HOLD_NAME
        notes, sounding = _written(bar, grid, sounding, goes_on)
        if not microtonal:
            _show_accidentals(notes, altered)
        _beam(notes, grid)
        _bracket(notes, grid)
        texts = [_note(note, grid, microtonal) for note in notes]
        attributes = _attributes(grid, fifths) if number == 1 else ""
        measure_texts.append(f'<measure number="{number}">{attributes}{"".join(texts)}</measure>')
    software = COMMA_SOFTWARE if microtonal else "vaemusic_jax"
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
            '"http://www.musicxml.org/dtds/partwise.dtd">',
            f'<score-partwise version="4.0"><work><work-title>{_text(title)}</work-title></work>',
            f"<identification><encoding><software>{software}</software></encoding></identification>",
            '<part-list><score-part id="P1"><part-name print-object="no">Melody</part-name></score-part></part-list>',
            '<part id="P1">',
            *measure_texts,
            "</part></score-partwise>\n",
        ]
    ).encode()


@cache
def _divisions(grid: Grid) -> int:
    """The number of units in a quarter, by which every tick of the grid is a whole number of them."""
    return lcm(*(onset.denominator for onset in grid.onset_of_tick))


@cache
def _shapes(grid: Grid) -> dict[Fraction, tuple[str, int, bool]]:
    """The note shapes that fit the grid, by their length in quarters: name, number of dots, whether in a triplet."""
    shapes = {}
    for power, kind in enumerate(_KINDS):
        for factor, dots, in_triplet in (
            (Fraction(2, 3), 0, True),
            (Fraction(3, 2), 1, False),
            (Fraction(1), 0, False),
        ):
            length = factor * 4 / 2**power
            if (length * _divisions(grid)).denominator == 1:
                shapes[length] = (kind, dots, in_triplet)
    return shapes


def _attributes(grid: Grid, fifths: int | None) -> str:
    above, below = grid.metre.split("/")
    key = "" if fifths is None else f"<key><fifths>{fifths}</fifths></key>"
    time = f"<time><beats>{above}</beats><beat-type>{below}</beat-type></time>"
    clef = "<clef><sign>G</sign><line>2</line></clef>"
    return f"<attributes><divisions>{_divisions(grid)}</divisions>{key}{time}{clef}</attributes>"


def _text(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return escape("".join(each for each in text if each.isprintable()))


def _written(bar: Sequence[str], grid: Grid, sounding: str, goes_on: bool) -> tuple[list[_Written], str]:
    """The written notes and rests of a measure, and what sounds at its end.

    Args:
        bar: the names of its tokens.
        grid: of the measure.
        sounding: what sounds before it: a pitch, `rest`, or nothing that is known.
        goes_on: whether the next measure starts with a hold.
    """
    notes: list[_Written] = []
    events = sounds(bar, grid)
    if bar[0] == HOLD_NAME and sounding in ("", REST_NAME) and not any(map(is_pitch, bar)):
        sounding = HELD
    for event in events:
        from_before = event.token == HOLD_NAME
        sounding = sounding if from_before else event.token
        pitch = "" if sounding in ("", REST_NAME) else sounding
        hidden = from_before and not pitch
        lengths, onset = [event.length] if hidden else note_lengths(event, grid, _shapes(grid)), event.onset
        for index, length in enumerate(lengths):
            to_before = from_before or index > 0
            to_after = index < len(lengths) - 1 or (goes_on and event is events[-1])
            ties = ("stop",) * to_before + ("start",) * to_after
            notes.append(_Written(onset, length, pitch, hidden, ties if pitch else ()))
            onset += length
    return notes, sounding


def _show_accidentals(notes: Iterable[_Written], altered: dict[str, int]) -> None:
    """Gives each note of a measure in twelve tones the sign that it needs; a note tied to the one before needs none."""
    in_force: dict[tuple[str, int], int] = {}
    for note in notes:
        if note.pitch and "stop" not in note.ties:
            letter, octave, alteration = spelling(note.pitch)
            if in_force.get((letter, octave), altered.get(letter, 0)) != alteration:
                note.accidental = _OF_SEMITONES.get(alteration, "")
            in_force[letter, octave] = alteration


def _beam(notes: Sequence[_Written], grid: Grid) -> None:
    """Beams the notes of a measure: those that have flags and stand next to each other in one beat."""
    n_beams = [_BEAMS.get(_shapes(grid)[note.length][0], 0) if note.pitch else 0 for note in notes]
    beat = [note.onset // grid.beat for note in notes]

    def joined(one: int, other: int, level: int) -> bool:
        inside = one >= 0 and other < len(notes)
        return inside and beat[one] == beat[other] and min(n_beams[one], n_beams[other]) >= level

    for at, note in enumerate(notes):
        before, after = joined(at - 1, at, 1), joined(at, at + 1, 1)
        for level in range(1, n_beams[at] + 1 if before or after else 1):
            match joined(at - 1, at, level), joined(at, at + 1, level):
                case True, True:
                    does = "continue"
                case True, False:
                    does = "end"
                case False, True:
                    does = "begin"
                case _:
                    does = "backward hook" if before else "forward hook"
            note.beams += (does,)


def _bracket(notes: Sequence[_Written], grid: Grid) -> None:
    """Joins neighbours in triplets to one bracket, up to where a whole one ends."""
    length = triplet_length(grid)
    in_triplet = [note.length in _shapes(grid) and _shapes(grid)[note.length][2] for note in notes]
    for at, note in enumerate(notes):
        if in_triplet[at]:
            starts = at == 0 or not in_triplet[at - 1] or not note.onset % length
            stops = at == len(notes) - 1 or not in_triplet[at + 1] or not notes[at + 1].onset % length
            note.brackets = ("start",) * starts + ("stop",) * stops


def _note(note: _Written, grid: Grid, microtonal: bool) -> str:
    start = '<note print-object="no">' if note.hidden else "<note>"
    what, accidental = _pitch(note, microtonal) if note.pitch else ("<rest/>", "")
    duration = f"<duration>{int(note.length * _divisions(grid))}</duration>"
    ties = "".join(f'<tie type="{kind}"/>' for kind in note.ties)
    tied = "".join(f'<tied type="{kind}"/>' for kind in note.ties)
    brackets = "".join(f'<tuplet type="{kind}"/>' for kind in note.brackets)
    notations = f"<notations>{tied}{brackets}</notations>" if tied or brackets else ""
    kind, dots, in_triplet = _shapes(grid).get(note.length, ("", 0, False))
    shape = f"<type>{kind}</type>{'<dot/>' * dots}" if kind else ""
    beams = "".join(f'<beam number="{level}">{does}</beam>' for level, does in enumerate(note.beams, start=1))
    accidental = f"<accidental>{accidental}</accidental>" if accidental else ""
    triplet = _TRIPLET if in_triplet else ""
    return f"{start}{what}{duration}{ties}<voice>1</voice>{shape}{accidental}{triplet}{beams}{notations}</note>"


def _pitch(note: _Written, microtonal: bool) -> tuple[str, str]:
    """The `pitch` element of a note, and the name of the accidental that it shows, if it shows any."""
    name = note.pitch
    if has_commas(name):
        letter, octave, commas = comma_spelling(name)
        if commas not in _OF_COMMAS:
            raise ValueError(f"{name!r}: MusicXML has no accidental for {abs(commas)} commas")
        accidental, alter = _OF_COMMAS[commas], f"{12 * commas / 53:.3f}"
    else:
        letter, octave, semitones = spelling(name)
        if microtonal and semitones:
            raise ValueError(f"{name!r} stands among pitches in commas; MusicXML's accidentals are in one or the other")
        accidental, alter = note.accidental, str(semitones or "")
    altered = f"<alter>{alter}</alter>" if alter else ""
    return f"<pitch><step>{letter}</step>{altered}<octave>{octave}</octave></pitch>", accidental
