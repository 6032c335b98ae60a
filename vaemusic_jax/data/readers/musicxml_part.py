"""Reads one part of a MusicXML score into the bars of its voices.

Each `voice` of a part is read on its own; the first one that has notes gets a bar for every measure, the others
for those they are written in. Pitches are as written: of a transposing instrument they are the
written ones. Notes count with their `duration`, whatever their type and dots say, but for tuplets that the divisions
cannot express: where a note has a `time-modification`, and its type, dots and that ratio say a length less than one
division away, it has that length, and a `backup` or `forward` to where such a note starts leads there. Notes that are
not printed count. Grace notes take no time; cue notes take theirs and are silent. So do unpitched notes, notes of an
instrument on the percussion channel, and all notes of a staff while it has a percussion clef, whatever pitch they are
written at. Slashes, as heads of notes or in place of what is written (`measure-style`), cost the measure, and so do
signs that repeat a beat. Where staves have different metres, the metre is unknown. A hidden rest at the start of a
measure, in a part of one voice, stands for a hold: `measures_to_musicxml` writes a hold so where there is no note to
tie it to.

In a score in commas the sign says how far a note is altered. One without a sign, and without `alter`, is a natural, but
where the key signature alters its letter, or a sign before it in the measure its pitch, it costs the measure: programs
differ in whether they repeat the sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from xml.etree.ElementTree import Element

from vaemusic_jax.data.bars import Bar, Drop, Event
from vaemusic_jax.data.holdrian import COMMAS_OF_ACCIDENTAL, written_name
from vaemusic_jax.data.readers.musicxml_values import letters_altered_by, metre_of, number
from vaemusic_jax.data.readers.voice_builder import VoiceBuilder
from vaemusic_jax.data.tunes import Pitch, UnreadableTuneError

MOST_VOICES = 32  # of one part

_ZERO = Fraction(0)
_NAMES = ("maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th", "256th")
_QUARTERS = {name: Fraction(32) / 2**at for at, name in enumerate(_NAMES)}  # of each `type`
_DOTS = [2 - Fraction(1, 2**dots) for dots in range(5)]


class PartReader:
    """Reads the measures of one part, in order.

    Attributes:
        voices: by their `voice` text.
    """

    def __init__(
        self, counts_commas: bool, pitch: Pitch, *, repeats_signs: bool = False, drums: frozenset[str] = frozenset()
    ) -> None:
        """
        Args:
            counts_commas: accidentals are those of Turkish music (`data/commas.py`), else semitones.
            pitch: how to name pitches in commas.
            repeats_signs: every altered note has its sign: without one it is a natural, whatever stands before.
            drums: instruments of percussion, where the part has others too: their notes are silent.
        """
        self.voices: dict[str, VoiceBuilder] = {}
        self._counts_commas, self._pitch, self._repeats_signs = counts_commas, pitch, repeats_signs
        self._key = set[str]()  # letters it alters
        self._signs: dict[tuple[str, str], str] = {}  # of this measure, by letter and octave
        self._percussion = set[str]()  # staves that have a percussion clef
        self._drums = drums
        self._slashes = dict[str, set[str]]()  # kinds of slashes now, by staff; `""` for all staves
        self._metre_of_staff = dict[str, str]()
        self._divisions: Fraction | None = None
        self._metre = ""
        self._measures: list[tuple[str, Fraction, set[Drop]]] = []  # metre, length and faults of each so far

    def read(self, measures: Iterable[Iterable[Element]]) -> list[tuple[Bar, ...]]:
        """The bars of each voice that has a note, in the order of their numbers.

        Args:
            measures: the elements of each measure.

        Raises:
            UnreadableTuneError: divisions of a quarter that are no positive number, or too many voices.
        """
        for elements in measures:
            self._read_measure(elements)
        sounding = sorted((text for text in self.voices if self.voices[text].sounds), key=_voice_order)
        if len(sounding) > 1:
            for voice in self.voices.values():
                _make_hidden_rests_rests(voice.bars)
        bars = [tuple(self.voices[text].bars) for text in sounding]
        return [self._with_silent_measures(self.voices[sounding[0]]), *bars[1:]] if bars else []

    def _with_silent_measures(self, voice: VoiceBuilder) -> tuple[Bar, ...]:
        """The bars of a voice and one for each measure in which it is not written."""
        bars = []
        written = dict(zip(voice.numbers, voice.bars, strict=True))
        for at, measure in enumerate(self._measures):
            if at in written:
                bars.append(written[at])
            else:
                silent = VoiceBuilder()
                silent.end_bar(*measure)
                bars += silent.bars
        return tuple(bars)

    def _read_measure(self, elements: Iterable[Element]) -> None:
        at = chord_at = end = _ZERO
        rounded: Fraction | int = 0  # how far `at` is from the sum of the durations, which may be rounded
        exact: dict[Fraction, Fraction] = {}  # such a sum -> the place that it stands for
        faults: set[Drop] = set()
        self._signs.clear()
        lengths: dict[str | None, Fraction | None] = {}  # by their text, until the divisions change
        metre, divisions = None, self._divisions  # of the first note
        for element in elements:
            tag = element.tag
            if tag == "attributes":
                self._read_attributes(element)
                lengths.clear()
                continue
            if tag not in ("note", "backup", "forward"):
                continue
            metre, divisions = (self._metre, self._divisions) if metre is None else (metre, divisions)
            if metre != self._metre or divisions != self._divisions:
                faults.add(Drop.UNREADABLE)  # a measure in two metres or two units of time
                continue
            if element.find("grace") is not None:
                self._remember_sign(element)
                continue
            text = element.findtext("duration")
            if text not in lengths:
                lengths[text] = self._length(text)
            length = lengths[text]
            if length is None:
                faults.add(Drop.NO_LENGTH)
                continue
            if tag == "note":
                written = self._in_tuplet(element, length)
                if element.find("chord") is None:
                    chord_at, at = at, at + written
                    end = max(end, at)
                    if rounded or written is not length:
                        rounded += written - length
                        exact[at - rounded] = at
                self._read_note(element, chord_at, written)
                continue
            # At the end of a measure `forward` does not make that longer: nothing is written there
            at = at + length if tag == "forward" else at - length
            if exact:
                place = at - rounded
                at = exact.get(place, place)
                rounded = at - place
            if at < 0:
                faults.add(Drop.UNREADABLE)
                at, rounded = _ZERO, 0
        metre = self._metre if metre is None else metre
        for voice in self.voices.values():
            if voice.bar.events or voice.bar.faults:
                voice.end_bar(metre, end, faults, len(self._measures))
        self._measures.append((metre, end, faults))

    def _length(self, text: str | None) -> Fraction | None:
        """A duration in quarters; None for a missing or absurd one."""
        duration = number(text)
        return duration / self._divisions if duration is not None and duration > 0 and self._divisions else None

    def _in_tuplet(self, note: Element, length: Fraction) -> Fraction:
        """The length that a note of a tuplet is written with, if its duration is that, rounded; else its duration."""
        ratio = note.find("time-modification")
        if ratio is None or not self._divisions:
            return length
        actual, normal = number(ratio.findtext("actual-notes")), number(ratio.findtext("normal-notes"))
        kind = _QUARTERS.get((note.findtext("type") or "").strip())
        dots = len(note.findall("dot"))
        if not actual or not normal or kind is None or dots >= len(_DOTS):
            return length
        written = kind * _DOTS[dots] * normal / actual
        return written if written > 0 and abs(written - length) * self._divisions < 1 else length

    def _read_attributes(self, attributes: Element) -> None:
        keys = attributes.findall("key")
        if keys:
            self._key = set[str]().union(*map(letters_altered_by, keys))
        for element in attributes:
            if element.tag == "divisions":
                divisions = number(element.text)
                if divisions is None or divisions <= 0:
                    raise UnreadableTuneError("divisions of a quarter note that are no positive number")
                self._divisions = divisions
            elif element.tag == "time":
                self._set_metre(element.get("number"), metre_of(element))
            elif element.tag == "measure-style":
                for kind in element:  # `slash` or `beat-repeat`
                    kinds = self._slashes.setdefault(element.get("number", ""), set())
                    (kinds.discard if kind.get("type") == "stop" else kinds.add)(kind.tag)
            elif element.tag == "clef":
                is_percussion = (element.findtext("sign") or "").strip() == "percussion"
                (self._percussion.add if is_percussion else self._percussion.discard)(element.get("number", "1"))

    def _set_metre(self, staff: str | None, metre: str) -> None:
        """Sets the metre; it is unknown where staves are given different ones."""
        if staff is None:
            self._metre_of_staff = {}
        else:
            self._metre_of_staff[staff] = metre
        self._metre = metre if set(self._metre_of_staff.values()) <= {metre} else ""

    def _voice(self, text: str) -> VoiceBuilder:
        voice = self.voices.get(text)
        if voice is None:
            if len(self.voices) == MOST_VOICES:
                raise UnreadableTuneError(f"more than {MOST_VOICES} voices in one part")
            voice = self.voices[text] = VoiceBuilder()
        return voice

    def _read_note(self, note: Element, onset: Fraction, length: Fraction) -> None:
        pitch, accidental, chord, rest, ties = None, None, False, False, set[str | None]()
        text = staff = "1"
        slash = drum = False
        for child in note:
            tag = child.tag
            if tag == "pitch":
                pitch = child
            elif tag == "accidental":
                accidental = (child.text or "").strip()
            elif tag == "voice":
                text = (child.text or "").strip()
            elif tag == "rest":
                rest = True
            elif tag == "chord":
                chord = True
            elif tag == "tie":
                ties.add(child.get("type"))
            elif tag == "notations":
                ties.update(tied.get("type") for tied in child if tied.tag == "tied")
            elif tag == "staff":
                staff = (child.text or "").strip()
            elif tag == "cue":
                self._remember_sign(note)
                return  # its time passes; the voice rests
            elif tag == "notehead":
                slash = (child.text or "").strip() == "slash"
            elif tag == "instrument" and child.get("id") in self._drums:
                drum = True
        voice = self._voice(text)
        if slash or (self._slashes and (self._slashes.get("") or self._slashes.get(staff))):
            voice.bar.faults.add(Drop.UNREADABLE)  # it stands for other notes, which the player chooses or repeats
        unpitched = drum or staff in self._percussion or (pitch is None and note.find("unpitched") is not None)
        if chord:
            if not unpitched:
                voice.bar.faults.add(Drop.CHORD)
        elif rest:
            hidden = note.get("print-object") == "no" and not onset and not voice.bar.events
            voice.add(onset, length, None, tied=hidden)
        elif pitch is None or unpitched:
            if not unpitched:
                voice.bar.faults.add(Drop.UNREADABLE)
            voice.add(onset, length, None)
        else:
            name = self._name(pitch, accidental)
            self._remember_sign(note)
            if isinstance(name, Drop):
                voice.bar.faults.add(name)
                name = "C4"  # holds the place in a bar that is dropped
            voice.add(onset, length, name, tied=not ties.isdisjoint(("stop", "continue")))

    def _name(self, pitch: Element, accidental: str | None) -> str | Drop:
        letter = (pitch.findtext("step") or "").strip()
        octave = number(pitch.findtext("octave"))
        altered = pitch.findtext("alter")
        alter = _ZERO if altered is None else number(altered)
        if letter not in tuple("ABCDEFG") or octave is None or octave.denominator != 1 or alter is None:
            return Drop.UNREADABLE
        if not 0 <= octave <= 9:
            return Drop.PITCH
        if self._counts_commas:
            # Here `alter` is rounded, or missing: the sign itself says how far
            if accidental is None and (alter or (altered is None and self._may_be_altered(pitch))):
                return Drop.UNREADABLE
            commas = 0 if accidental is None else COMMAS_OF_ACCIDENTAL.get(accidental)
            return Drop.UNREADABLE if commas is None else written_name(letter, int(octave), commas, self._pitch)
        if alter.denominator != 1 or abs(alter) > 4:
            return Drop.PITCH  # a quarter tone, for one
        semitones = int(alter)
        return f"{letter}{'#' * semitones}{'-' * -semitones}{octave}"

    def _remember_sign(self, note: Element) -> None:
        sign, pitch = note.findtext("accidental"), note.find("pitch")
        if self._counts_commas and sign is not None and pitch is not None:
            self._signs[_place(pitch)] = sign.strip()

    def _may_be_altered(self, pitch: Element) -> bool:
        """Whether a note that shows no sign is altered by one that stands before."""
        place = _place(pitch)
        return not self._repeats_signs and (
            self._signs[place] != "natural" if place in self._signs else place[0] in self._key
        )


def _place(pitch: Element) -> tuple[str, str]:
    return (pitch.findtext("step") or "").strip(), (pitch.findtext("octave") or "").strip()


def _voice_order(text: str) -> tuple[bool, int, str]:
    return (False, int(text), "") if re.fullmatch(r"[0-9]{1,9}", text) else (True, 0, text)


def _make_hidden_rests_rests(bars: list[Bar]) -> None:
    for bar in bars:
        if bar.events and bar.events[0].pitch is None:
            bar.events[0] = Event(bar.events[0].onset, None)
