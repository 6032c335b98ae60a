"""Reads one tune in ABC notation (standard 2.1, and the older dialects that tune books are written in) into bars.

The reader never guesses: what it cannot read marks the bar it stands in, and the bar is dropped with a reason. It takes
time in proportion to the length of the text, whatever the text.

Repeats and endings are not unfolded: bars are as written, in written order. `docs/data.md` states every rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from vaemusic_jax.data.abc_fields import (
    ALTERATIONS,
    default_unit_length,
    is_compound,
    metre_quarters,
    parse_key,
    parse_metre,
    parse_unit_length,
)
from vaemusic_jax.data.grid import Bar, Drop, Event

_LENGTH = r"\d*(?:/+\d*)*"
_NOTE = rf"(?P<sign>\^{{1,2}}|_{{1,2}}|=)?(?P<letter>[A-Ga-g])(?P<marks>[,']*)(?P<length>{_LENGTH})"
_SYMBOL = re.compile(
    rf"""
      (?P<space>[\s\\`$*]+ | %[^\n]* | "[^"\n]*" | ![A-Za-z0-9()<>.:+-]{{1,30}}! | [!~.H-Wh-w()](?![:\d]) | y\d*)
    | (?P<inline>\[(?P<letter_in>[A-Za-z]):(?P<value_in>[^\]\n]*)\])
    | (?P<bare>(?P<letter_bare>[ML]):[ \t]*(?P<value_bare>C\|?|\d+[ \t]*/[ \t]*\d+))
    | (?P<bar>(?: :*\[?\|[|\]:]* | ::+ ) (?:[ \t]*\d[\d,.-]*)?)
    | (?P<ending>\[(?=[\d"])\d*[\d,.-]*)
    | (?P<grace>\{{[^{{}}\n]*\}})
    | (?P<chord>\[(?P<inside>[^\[\]|\n]*)\](?P<length_chord>{_LENGTH}))
    | (?P<tuplet>\((?P<p>[2-9])(?::(?P<q>\d{{0,2}})(?::(?P<r>\d{{0,2}}))?)?)
    | (?P<broken>[<>]{{1,3}})
    | (?P<tie>-)
    | (?P<rest>[zx](?P<length_rest>{_LENGTH}))
    | (?P<bars_of_rest>[ZX](?P<count>\d*))
    | (?P<overlay>&)
    | (?P<decoration>[~.H-Wh-w()])
    | (?P<note>{_NOTE})
    | (?P<unreadable>.)
    """,
    re.VERBOSE,
)
_CHORD_NOTE = re.compile(_NOTE)
_CHORD_REST = re.compile(r"""\s+|"[^"\n]*"|![^!\s]{1,30}!|[~.()H-Wh-w-]""")
_FIELD_LINE = re.compile(r"(?P<letter>[A-Zmrsw+]):(?![|:\]])(?P<value>.*)")
_BROKEN = {1: Fraction(1, 2), 2: Fraction(1, 4), 3: Fraction(1, 8)}


class UnreadableTuneError(Exception):
    """The tune as a whole cannot be used; the message is the reason under which it is counted."""


@dataclass
class _Voice:
    """Where the reading of one voice stands."""

    metre: str
    unit: Fraction
    signature: dict[str, int]
    carry: str
    bars: list[Bar] = field(default_factory=list)
    bar: Bar = field(default_factory=lambda: Bar(""))
    accidentals: dict[str, int] = field(default_factory=dict)  # of this bar
    lengths: list[Fraction] = field(default_factory=list)  # of the events of this bar, before they get their onsets
    last_note: tuple[str, int, int] | None = None  # letter, octave, alteration: what a tie would prolong
    tied: tuple[str, int, int] | None = None
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
        if bar.events:
            self.bars.append(bar)
        self.bar, self.lengths, self.accidentals = Bar(""), [], {}

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
        self.tied = self.last_note = None

    def add_note(self, match: re.Match[str]) -> None:
        spelled, prolongs = self.spell(match)
        if not -1 <= spelled[1] <= 9:
            self.bar.faults.add(Drop.UNREADABLE)
        self.add(pitch_name(spelled), _length(match["length"]), tied=prolongs)
        self.last_note = spelled

    def spell(self, match: re.Match[str]) -> tuple[tuple[str, int, int], bool]:
        """(letter, octave, alteration) of a note, and whether a tie joins it to the note before."""
        letter = match["letter"].upper()
        octave = (4 if match["letter"].isupper() else 5) + match["marks"].count("'") - match["marks"].count(",")
        place = letter if self.carry == "pitch" else f"{letter}{octave}"
        if match["sign"]:
            alteration = ALTERATIONS[match["sign"]]
            if self.carry != "not":
                self.accidentals[place] = alteration
        elif place in self.accidentals:
            alteration = self.accidentals[place]
        elif self.tied and self.tied[:2] == (letter, octave):
            alteration = self.tied[2]  # over a barline a tie keeps the accidental, for this note alone
        else:
            alteration = self.signature.get(letter, 0)
        spelled = (letter, octave, alteration)
        return spelled, self.tied == spelled

    def add_chord(self, inside: str, length_text: str) -> None:
        """A chord of one note is that note; any other marks its bar."""
        notes = list(_CHORD_NOTE.finditer(inside))
        if not notes or _CHORD_REST.sub("", _CHORD_NOTE.sub("", inside)):
            self.bar.faults.add(Drop.UNREADABLE)
            return
        spelled = [self.spell(note) for note in notes]
        first, outer = _length(notes[0]["length"]), _length(length_text)
        if len(notes) > 1:
            self.bar.faults.add(Drop.CHORD)
        name = pitch_name(spelled[0][0])
        self.add(name, first * outer if first and outer else None, tied=len(notes) == 1 and spelled[0][1])
        self.last_note = spelled[0][0] if len(notes) == 1 else None

    def add_grace(self, text: str) -> None:
        """Grace notes take no time; their accidentals last the bar like any other."""
        for note in _CHORD_NOTE.finditer(text):
            tied, self.tied = self.tied, None
            self.spell(note)
            self.tied = tied

    def break_rhythm(self, marks: str) -> None:
        if not self.lengths or self.broken is not None or len(set(marks)) > 1:
            self.bar.faults.add(Drop.UNREADABLE)
            return
        short = _BROKEN[len(marks)]
        before, self.broken = (2 - short, short) if marks[0] == ">" else (short, 2 - short)
        self.lengths[-1] *= before

    def start_tuplet(self, match: re.Match[str]) -> None:
        p = int(match["p"])
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(p, 3 if is_compound(self.metre) else 2)
        q, r = int(match["q"] or usual), int(match["r"] or p)
        if not q or not r or self.tuplet_left:
            self.bar.faults.add(Drop.UNREADABLE)
            return
        self.tuplet, self.tuplet_left = Fraction(q, p), r


def pitch_name(spelled: tuple[str, int, int]) -> str:
    """`("C", 4, 1)` is `C#4`."""
    letter, octave, alteration = spelled
    return f"{letter}{'#' * alteration}{'-' * -alteration}{octave}"


def _length(text: str) -> Fraction | None:
    """A written length in units: `3/2`, `/` (1/2), `//` (1/4), none (1); None for one that cannot be meant."""
    if not text:
        return Fraction(1)
    numerator, slash, denominator = text.partition("/")
    if len(text) > 8 or "/" in denominator.lstrip("/"):
        return None
    slashes = len(slash) + len(denominator) - len(denominator.lstrip("/"))
    digits = denominator.lstrip("/")
    below = int(digits) if digits and slashes == 1 else 0 if digits else 2**slashes
    return Fraction(int(numerator or 1), below) if below else None


@dataclass(frozen=True)
class Tune:
    """One tune as written.

    Attributes:
        title: of the first `T:` field, or empty.
        metre: of the header, such as `4/4`; empty when it has none.
        voices: the bars of each voice in written order; a tune without `V:` fields has one.
    """

    title: str
    metre: str
    voices: tuple[tuple[Bar, ...], ...]


def read_tune(text: str) -> Tune:
    """Reads one tune: header fields up to `K:`, then music.

    Raises:
        UnreadableTuneError: no key, or a field that cannot be read.
    """
    lines = iter(text.split("\n"))
    title, metre, unit, carry, key = "", "", "", "pitch", None
    for line in lines:
        letter, value = line[:2], line[2:].split("%")[0].strip()
        if letter == "T:":
            title = title or value
        elif letter == "M:":
            metre = parse_metre(value)
        elif letter == "L:":
            unit = value
        elif line.startswith(("%%propagate-accidentals", "I:propagate-accidentals")):
            carry = line.split()[1] if len(line.split()) > 1 else carry
        elif letter == "K:":
            key = value
            break
    if key is None:
        raise UnreadableTuneError("no key field (K:)")
    first = _Voice(metre, Fraction(0), {}, carry)
    _field(first, "K", key)
    if unit:
        _field(first, "L", unit)
    else:
        first.unit = default_unit_length(metre)
    voices = _read_body(lines, first)
    return Tune(title, metre, tuple(tuple(voice.bars) for voice in voices if voice.bars))


def _field(voice: _Voice, letter: str, value: str) -> None:
    """Applies a field that shapes the notes; any other is ignored."""
    try:
        if letter == "M":
            voice.set_metre(parse_metre(value))
        elif letter == "L":
            voice.unit = parse_unit_length(value)
        elif letter == "K":
            signature = parse_key(value)
            voice.signature = voice.signature if signature is None else signature
    except ValueError:
        raise UnreadableTuneError(
            {"L": "unreadable unit note length (L:)", "K": "unreadable key (K:)"}[letter]
        ) from None


def _read_body(lines: Iterator[str], first: _Voice) -> list[_Voice]:
    start = (first.metre, first.unit, first.signature, first.carry)  # what every voice starts from
    voices = {"": first}
    voice = first
    for line in lines:
        match = _FIELD_LINE.match(line)
        if match and match["letter"] not in "ML":  # these two may have music behind them on the line
            if match["letter"] == "V":
                voice = voices.setdefault((match["value"].split() or [""])[0], _Voice(*start))
            else:
                _field(voice, match["letter"], match["value"])
            continue
        for symbol in _SYMBOL.finditer(line):
            if symbol.lastgroup == "inline" and symbol["letter_in"] == "V":
                voice = voices.setdefault((symbol["value_in"].split() or [""])[0], _Voice(*start))
            else:
                _read_symbol(voice, symbol)
    for each in voices.values():
        each.close_bar()
    return list(voices.values())


def _read_symbol(voice: _Voice, symbol: re.Match[str]) -> None:
    match symbol.lastgroup:
        case "note":
            voice.add_note(symbol)
        case "bar":
            voice.close_bar()
        case "rest":
            voice.add(None, _length(symbol["length_rest"]))
        case "bars_of_rest":
            whole_bar = metre_quarters(voice.metre) / voice.unit
            voice.add(None, whole_bar * min(int(symbol["count"] or 1), 999), takes_tuplet=False)
        case "tie":
            voice.tied = voice.last_note
        case "broken":
            voice.break_rhythm(symbol["broken"])
        case "tuplet":
            voice.start_tuplet(symbol)
        case "grace":
            voice.add_grace(symbol["grace"])
        case "chord":
            voice.add_chord(symbol["inside"], symbol["length_chord"])
        case "inline":
            _field(voice, symbol["letter_in"], symbol["value_in"])
        case "bare":
            _field(voice, symbol["letter_bare"], symbol["value_bare"])
        case "overlay":
            voice.bar.faults.add(Drop.OVERLAY)
        case "unreadable":
            voice.bar.faults.add(Drop.UNREADABLE)
