"""MusicXML scores in short notation for tests, and the reader's results in short form."""

from fractions import Fraction

from vaemusic_jax.data.bars import Bar
from vaemusic_jax.data.readers.musicxml import read_musicxml
from vaemusic_jax.data.tunes import Pitch, Reading, Tune, Voices

FOUR_FOUR = "<time><beats>4</beats><beat-type>4</beat-type></time>"
DIVISIONS = "<attributes><divisions>12</divisions></attributes>"
START = f"<attributes><divisions>12</divisions>{FOUR_FOUR}</attributes>"


def note(pitch: str, duration: float, inside: str = "", voice: str = "1", before: str = "") -> str:
    """Returns a note element. Pitches are `C`, `Bb3` or `F##5`, and `z` is a rest; a duration of 12 is a quarter."""
    if pitch == "z":
        what = "<rest/>"
    else:
        octave = pitch[-1] if pitch[-1].isdigit() else "4"
        alter = pitch.count("#") - pitch[1:].count("b")
        altered = f"<alter>{alter}</alter>" if alter else ""
        what = f"<pitch><step>{pitch[0]}</step>{altered}<octave>{octave}</octave></pitch>"
    return f"<note>{before}{what}<duration>{duration}</duration><voice>{voice}</voice>{inside}</note>"


def notes(text: str) -> str:
    """Returns the note elements of a text such as `C:12 D:24`, which gives pitches and durations."""
    return "".join(note(*each.split(":")) for each in text.split())  # type: ignore[arg-type]


def score(
    *measures: str, head: str = "", parts: str = '<score-part id="P1"><part-name>M</part-name></score-part>'
) -> str:
    """Returns a score of one part with these measures, each given as its inner XML."""
    written = "".join(f'<measure number="{i}">{each}</measure>' for i, each in enumerate(measures, 1))
    return wrapped(f'<part id="P1">{written}</part>', head, parts)


def wrapped(body: str, head: str = "", parts: str = "") -> str:
    """Returns a score with this body after the head and the list of parts."""
    return (
        '<?xml version="1.0"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://unreachable.invalid/partwise.dtd">'
        f"<score-partwise>{head}<part-list>{parts}</part-list>{body}</score-partwise>"
    )


def read(text: str | bytes, pitch: Pitch = "rounded", voices: Voices = "melody") -> Tune:
    """Reads the one tune of a score."""
    (tune,) = read_musicxml(text if isinstance(text, bytes) else text.encode(), Reading(pitch, voices))
    return tune


def bars(text: str | bytes, pitch: Pitch = "rounded") -> tuple[Bar, ...]:
    """Reads the bars of a score of one voice."""
    (voice,) = read(text, pitch).voices
    return voice


def events(bar: Bar) -> list[tuple[Fraction | int, str | None, bool]]:
    """Returns onset, pitch and whether it is tied, for each event of a bar."""
    return [(event.onset, event.pitch, event.tied) for event in bar.events]


def names(bar: Bar) -> str:
    """Returns the events of a bar in a text such as `C4 z __`: `z` is a rest and `__` a tied note."""
    return " ".join("__" if event.tied else event.pitch or "z" for event in bar.events)
