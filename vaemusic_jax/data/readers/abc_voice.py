"""Builds the bars of one voice of an ABC tune from its notes, rests, ties, tuplets and accidentals."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from vaemusic_jax.data.bars import Bar, Drop, Event
from vaemusic_jax.data.readers.abc_fields import ALTERATIONS
from vaemusic_jax.music.grid import metre_quarters
from vaemusic_jax.music.vocabulary import SEMITONES

LENGTH = r"\d*(?:/+\d*)*"
Spelled = tuple[str, int, int]  # letter, octave, alteration
NOTE = rf"(?P<sign>\^{{1,2}}|_{{1,2}}|=)?(?P<letter>[A-Ga-g])(?P<marks>[,']*)(?P<length>{LENGTH})"
_CHORD_NOTE = re.compile(NOTE)
_TIE = re.compile(r"[ \t]*\.?-")
_CHORD_REST = re.compile(r"""\s+|"[^"\n]*"|![^!\s]{1,30}!|[~.()H-Wh-w-]""")
_NOTES_IN_TIME_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # of tuplets that are the same in every metre
_BROKEN = {1: Fraction(1, 2), 2: Fraction(1, 4), 3: Fraction(1, 8)}


@dataclass
class Voice:
    """The state of reading one voice, and the bars read so far."""

    metre: str
    unit: Fraction
    signature: dict[str, int]
    carry: str
    octave: int = 0  # by how many octaves it sounds above what is written (`octave=`)
    bars: list[Bar] = field(default_factory=list)
    bar: Bar = field(default_factory=lambda: Bar(""))
    accidentals: dict[str, int] = field(default_factory=dict)  # of this bar
    lengths: list[Fraction] = field(default_factory=list)  # of the events of this bar, before they get their onsets
    last_notes: tuple[Spelled, ...] = ()  # what a tie would prolong: a note, or those of a chord
    tied: dict[tuple[str, int], int] = field(default_factory=dict)  # alteration of each note that is, by its place
    overlaid: int = 0  # bars, with this one, that an overlay still fills
    tied_under: dict[tuple[str, int], int] = field(default_factory=dict)  # the notes tied where the overlay began
    long_overlay: int | None = None  # number of the bar in which `(&` began one
    percussion: bool = False  # its staff is one of drums: its bars are left out
    drums: bool = False  # it had notes for drums
    tuplet: Fraction = Fraction(1)
    tuplet_left: int = 0
    broken: Fraction | None = None  # factor that waits for the next note

    def close_bar(self) -> None:
        """Ends the bar here and gives its events their onsets."""
        bar = self.bar
        if self.broken is not None:  # a dotted pair across a barline
            bar.faults.add(Drop.UNREADABLE)
            self.broken = None
        onset = Fraction(0)
        for event, length in zip(bar.events, self.lengths, strict=True):
            event.onset = onset
            onset += length
        bar.length = onset
        if all(event.pitch is None for event in bar.events):
            for event in bar.events:  # a bar of nothing but invisible rests is silent
                event.tied = False
        if bar.events:
            self.drums |= self.percussion
            if not self.percussion:
                self.bars.append(bar)
            if self.overlaid:
                self._close_overlaid_bar(bar)
        self.bar, self.lengths, self.accidentals = Bar(""), [], {}

    def _close_overlaid_bar(self, bar: Bar) -> None:
        bar.faults.add(Drop.OVERLAY)
        self.overlaid -= 1
        if not self.overlaid:  # the music goes on after both
            self.tied, self.tied_under = self.tied_under | self.tied, {}

    def start_overlay(self, bars: int) -> None:
        """Goes back by this many bars, which get a second voice: they are dropped, as is what is written for it."""
        earlier = bars - 1 if self.bar.events else bars  # than the one that is being read
        for bar in self.bars[max(len(self.bars) - earlier, 0) :]:
            bar.faults.add(Drop.OVERLAY)
        self.bar.faults.add(Drop.OVERLAY)
        self.overlaid = bars
        self.tied_under, self.tied, self.last_notes = self.tied_under | self.tied, {}, ()

    def end_long_overlay(self) -> None:
        """Drops all bars since `(&`."""
        self.bar.faults.add(Drop.OVERLAY)
        for bar in self.bars[self.long_overlay :] if self.long_overlay is not None else ():
            bar.faults.add(Drop.OVERLAY)
        self.long_overlay = None

    def set_percussion(self, percussion: bool) -> None:
        if percussion != self.percussion and self.bar.events:  # half a bar of drums
            self.bar.faults.add(Drop.UNREADABLE)
            self.close_bar()
        self.percussion = percussion

    def set_carry(self, carry: str) -> None:
        if carry != self.carry and (self.bar.events or self.accidentals):
            self.bar.faults.add(Drop.UNREADABLE)  # a bar under two rules
        self.carry = carry

    def tie(self) -> None:
        """Ties the last note, or all those of the last chord, to what follows."""
        self.tied = {(letter, octave): alteration for letter, octave, alteration in self.last_notes}

    @property
    def sounds(self) -> bool:
        """Whether it has a note."""
        return self.drums or any(event.pitch is not None for bar in self.bars for event in bar.events)

    def make_invisible_rests_rests(self) -> None:
        """Makes rests of the holds that invisible rests stood for: among several voices they mean silence."""
        for bar in self.bars:
            if bar.events[0].pitch is None:
                bar.events[0].tied = False

    def set_metre(self, metre: str) -> None:
        if self.bar.events and metre != self.metre:
            self.bar.faults.add(Drop.UNREADABLE)  # a bar in two metres
        self.metre = metre

    def add(self, pitch: str | None, length: Fraction | None, *, tied: bool = False, takes_tuplet: bool = True) -> None:
        """Appends a note or rest of `length` units."""
        if not self.bar.events:
            self.bar.metre = self.metre
        if not length:
            self.bar.faults.add(Drop.NO_LENGTH)
        quarters = (length or Fraction(0)) * self.unit
        if self.tuplet_left and takes_tuplet:
            quarters *= self.tuplet
            self.tuplet_left -= 1
        if self.broken is not None:
            quarters *= self.broken
            self.broken = None
        self.bar.events.append(Event(Fraction(0), pitch, tied))
        self.lengths.append(quarters)
        self.last_notes = ()
        if self.tied:
            self.tied = {}

    def add_note(self, match: re.Match[str]) -> None:
        spelled, prolongs = self.spell(match)
        if not 0 <= spelled[1] <= 9:
            self.bar.faults.add(Drop.UNREADABLE)
        self.add(pitch_name(spelled), parse_length(match["length"]), tied=prolongs)
        self.last_notes = (spelled,)

    def spell(self, match: re.Match[str]) -> tuple[Spelled, bool]:
        """(letter, octave, alteration) of a note, and whether a tie joins it to the note before."""
        letter = match["letter"].upper()
        octave = (4 if match["letter"].isupper() else 5) + match["marks"].count("'") - match["marks"].count(",")
        octave += self.octave
        place = letter if self.carry == "pitch" else f"{letter}{octave}"
        if match["sign"]:
            alteration = ALTERATIONS[match["sign"]]
            if self.carry != "not":
                self.accidentals[place] = alteration
        elif place in self.accidentals:
            alteration = self.accidentals[place]
        elif self.tied and (letter, octave) in self.tied:
            alteration = self.tied[letter, octave]  # over a barline a tie keeps the accidental, for this note alone
        else:
            alteration = self.signature.get(letter, 0)
        spelled = (letter, octave, alteration)
        prolongs = bool(self.tied) and any(
            _number((*place, altered)) == _number(spelled) for place, altered in self.tied.items()
        )
        return spelled, prolongs

    def add_chord(self, inside: str, length_text: str) -> None:
        """Adds a chord: one of a single note as that note, any other as a fault of its bar."""
        notes = list(_CHORD_NOTE.finditer(inside))
        spelled = [self.spell(note) for note in notes]
        if not notes or _CHORD_REST.sub("", _CHORD_NOTE.sub("", inside)):
            self.bar.faults.add(Drop.UNREADABLE)
            self.last_notes = tuple(note for note, _ in spelled)
            return
        chord = tuple(each for each, _ in spelled)
        first, outer = parse_length(notes[0]["length"]), parse_length(length_text)
        if len(notes) > 1:
            self.bar.faults.add(Drop.CHORD)
        if not 0 <= spelled[0][0][1] <= 9:
            self.bar.faults.add(Drop.UNREADABLE)
        name = pitch_name(spelled[0][0])
        self.add(name, first * outer if first and outer else None, tied=len(notes) == 1 and spelled[0][1])
        self.last_notes = tuple(each for each, note in zip(chord, notes, strict=True) if _TIE.match(inside, note.end()))
        self.tie()
        self.last_notes = chord

    def add_grace(self, text: str) -> None:
        """Takes in the accidentals of grace notes, which last the bar; the notes themselves take no time."""
        for note in _CHORD_NOTE.finditer(text):
            self.spell(note)

    def break_rhythm(self, marks: str) -> None:
        if not self.lengths or self.broken is not None or len(set(marks)) > 1:
            self.bar.faults.add(Drop.UNREADABLE)
            return
        short = _BROKEN[len(marks)]
        before, self.broken = (2 - short, short) if marks[0] == ">" else (short, 2 - short)
        self.lengths[-1] *= before

    def start_tuplet(self, match: re.Match[str]) -> None:
        p = int(match["p"])
        usual = _NOTES_IN_TIME_OF.get(p, 0) or (0 if p > 9 else 3 if _is_compound(self.metre) else 2)
        q, r = int(match["q"] or usual), int(match["r"] or p)
        if p < 2 or not q or not r or self.tuplet_left:
            self.bar.faults.add(Drop.UNREADABLE)
            return
        self.tuplet, self.tuplet_left = Fraction(q, p), r


def _number(spelled: Spelled) -> int:
    """The pitch in semitones, however it is spelled."""
    letter, octave, alteration = spelled
    return 12 * octave + SEMITONES[letter] + alteration


def _is_compound(metre: str) -> bool:
    """Whether beats have three parts: 6/8, 9/8, 12/8, 6/4 and so on."""
    above = int(metre.partition("/")[0]) if metre_quarters(metre) else 0
    return above > 3 and above % 3 == 0


def pitch_name(spelled: Spelled) -> str:
    """`("C", 4, 1)` is `C#4`."""
    letter, octave, alteration = spelled
    return f"{letter}{'#' * alteration}{'-' * -alteration}{octave}"


def parse_length(text: str) -> Fraction | None:
    """A written length in units: `3/2`, `/` (1/2), `//` (1/4), none (1); None for an absurd one."""
    if not text:
        return Fraction(1)
    numerator, slash, denominator = text.partition("/")
    if len(text) > 8 or "/" in denominator.lstrip("/"):
        return None
    slashes = len(slash) + len(denominator) - len(denominator.lstrip("/"))
    digits = denominator.lstrip("/")
    below = int(digits) if digits and slashes == 1 else 0 if digits else 2**slashes
    return Fraction(int(numerator or 1), below) if below else None
