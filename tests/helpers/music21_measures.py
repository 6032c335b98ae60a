"""Tokens of measures that music21 has read, for an independent check of the scores that we write."""

from fractions import Fraction
from typing import Any

from vaemusic_jax.data.bars import Bar, Drop, Event, bar_to_tokens


def tokenise(measure: Any) -> tuple[str, ...] | Drop:
    """Returns the 24 token names of a music21 measure, or the reason why it has none.

    Grace notes take no time, and gaps are rests. A note that is tied to the one before is no onset. A first note with
    an incoming tie and a hidden rest at the start continue the measure before.
    """
    signature: Any = measure.timeSignature or measure.getContextByClass("TimeSignature")
    bar = Bar(signature.ratioString if signature else "")
    if measure.hasVoices():
        bar.faults.add(Drop.OVERLAY)
    for element in measure.recurse().notesAndRests:
        if element.duration.isGrace or element.classes[0] == "ChordSymbol":
            continue
        onset = Fraction(element.offset)
        if onset < bar.length:
            bar.faults.add(Drop.OVERLAY)
        elif onset > bar.length:
            bar.events.append(Event(bar.length, None))
        bar.events.append(_event(element, onset, bar))
        bar.length = onset + Fraction(element.quarterLength)
    return bar_to_tokens(bar)


def _event(element: Any, onset: Fraction, bar: Bar) -> Event:
    if element.isRest:
        hidden = element.hasStyleInformation and element.style.hideObjectOnPrint
        return Event(onset, None, tied=onset == 0 and hidden)
    if element.isChord:
        bar.faults.add(Drop.CHORD)
        return Event(onset, None)
    if not element.quarterLength:
        bar.faults.add(Drop.NO_LENGTH)
    pitch = element.pitch.nameWithOctave
    incoming = element.tie is not None and element.tie.type in ("stop", "continue")
    return Event(onset, pitch, tied=incoming and (not bar.events or bar.events[-1].pitch == pitch))
