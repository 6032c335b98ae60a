"""Reads one tune in ABC notation (standard 2.1, and the older dialects that tune books are written in) into bars.

The reader never guesses: a bar with something that it cannot read is dropped, with a reason. The time it takes is
proportional to the length of the text, whatever the text.

Repeats and endings are not unfolded: bars come as written, in written order. `docs/reading.md` states every rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from vaemusic_jax.data.bars import Drop
from vaemusic_jax.data.readers.abc_book import decode, read_book, without_text_blocks
from vaemusic_jax.data.readers.abc_fields import (
    FIELD_START,
    default_unit_length,
    parse_carry,
    parse_key,
    parse_metre,
    parse_octave,
    parse_percussion,
    parse_percussion_channel,
    parse_unit_length,
)
from vaemusic_jax.data.readers.abc_macros import Macros
from vaemusic_jax.data.readers.abc_voice import LENGTH, NOTE, Voice, parse_length
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError
from vaemusic_jax.music.grid import metre_quarters

# `!trill!`; a lone `!` is an old line break, and what stands between two of those is music: so a decoration is a
# dynamic, a finger, an accent, strokes through the stem, a line to the next note, a da capo, or a word with a letter
# that is neither a note nor a rest. Words may stand between `+`, too.
_SIGN = r"[pf]{1,4}z?|[0-5]|[<>+^]|/{1,4}|[<>~-][()]|D\.?[CS]\.?"
_WORD = r"[\w().:+-]{0,30}?[h-wH-Wy][\w().:+-]{0,30}"
DECORATION = rf"!(?:{_SIGN}|{_WORD})!|\+\w{{0,30}}?[h-wH-W]\w{{0,30}}\+"
_SYMBOL = re.compile(
    rf"""
      (?P<note>{NOTE})  # first, since most symbols are notes and no other starts like one
    | (?P<space>[\s\\`$*]+ | %[^\n]* | "[^"\n]*" | {DECORATION}
        | Hx(?![\d/])    # a fermata over the barline, hung on a spacer
        | =(?:20)?[ ]*$  # a space or soft line break, as old mail programs wrote them
        | [!~.H-Wh-w()](?![:\d&]) | y\d*)
    | (?P<inline>\[(?P<letter_in>[A-Za-z]):(?P<value_in>[^\[\]\n]*)\])
    | (?P<bare>(?P<letter_bare>[ML]):[ \t]*(?P<value_bare>{FIELD_START}))
    | (?P<stray>(?P<letter_stray>[H-Wh-w]):[ \t]*[^\s|:\]\[][^\s|]*)  # a field that has no place in a line
    | (?P<bar>(?: :*\[?\|[|\]:]* | ::+ ) (?:[ \t]*\d[\d,.-]*)?)
    | (?P<ending>\[(?=[\d"])\d*[\d,.-]*)
    | (?P<grace>\{{[^{{}}\n]*\}})
    | (?P<chord>\[(?P<inside>[^\[\]|\n]*)\](?P<length_chord>{LENGTH}))
    | (?P<tuplet>\((?P<p>\d{{1,2}})(?::(?P<q>\d{{0,2}})(?::(?P<r>\d{{0,2}}))?)?)
    | (?P<broken>[<>]{{1,3}})
    | (?P<tie>-)
    | (?P<rest>[zx](?P<length_rest>{LENGTH}))
    | (?P<bars_of_rest>[ZX](?P<count>\d*))
    | (?P<overlay>\(&|&\)|&+)
    | (?P<decoration>[~.H-Wh-w()])
    | (?P<of_barline>:|[1-9][\d,.-]*)  # when it follows its barline on a new line
    | (?P<unreadable>.)
    """,
    re.VERBOSE,
)
_FIELD_LINE = re.compile(r"[ \t]*(?P<letter>[A-Zmrsw+]):(?![|:\]])(?P<value>.*)")
_FIELD_START = re.compile(rf"[ \t]*{FIELD_START}[ \t]*")


def read_abc(data: bytes, reading: Reading) -> list[Tune]:
    """Reads one tune of a tune book, with all its voices, whatever the reading says.

    Raises:
        UnreadableTuneError: no key, or a field that cannot be read.
    """
    del reading
    return [read_tune(decode(data))]


def read_tune(text: str) -> Tune:
    """Reads one tune: header fields up to `K:`, then music. Blocks of text (`%%begintext`) are passed over.

    Raises:
        UnreadableTuneError: no key, or a field that cannot be read.
    """
    lines = iter(without_text_blocks(text).split("\n"))
    title, metre, unit, carry, key, macros = "", "", "", "pitch", None, Macros()
    defined = dict[str, str]()  # the text of `V:` by voice
    voice, drums = "", set[str]()  # of drums are these voices; if the empty name is one, then all
    for line in map(str.lstrip, lines):
        letter, value = line[:2], line[2:].split("%")[0].strip()
        if letter == "T:":
            title = title or value
        elif letter == "M:":
            metre = parse_metre(value)
        elif letter == "L:":
            unit = value
        elif letter == "m:":
            macros.define(value)
        elif letter in ("%%", "I:"):
            carry = _carry(line[2:]) or carry
            if parse_percussion_channel(line[2:], False):
                drums.add(voice)
        elif letter == "V:":
            voice = _voice_name(value)
            defined[voice] = value
        elif letter == "K:":
            key = value
            break
    if key is None:
        raise UnreadableTuneError("no key field (K:)")
    first = Voice(metre, Fraction(0), {}, carry, percussion="" in drums)
    _field(first, "K", key)
    if unit:
        _field(first, "L", unit)
    else:
        first.unit = default_unit_length(metre)
    voices = _read_body(lines, first, defined, drums, macros)
    return Tune(title, tuple(tuple(voice.bars) for voice in voices if voice.bars))


def _field(voice: Voice, letter: str, value: str) -> None:
    """Applies a field that shapes the notes; any other is ignored."""
    try:
        if letter == "M":
            voice.set_metre(parse_metre(value))
        elif letter == "L":
            voice.unit = parse_unit_length(value)
        elif letter == "K":
            voice.octave = parse_octave(value, voice.octave)
            voice.set_percussion(parse_percussion(value, voice.percussion))
            signature = parse_key(value)
            voice.signature = voice.signature if signature is None else signature
        elif letter == "V":
            voice.octave = parse_octave(value, voice.octave)
            voice.set_percussion(parse_percussion(value[len(_voice_name(value)) :], voice.percussion))
    except ValueError:
        what = {"L": "unit note length", "K": "key", "V": "octave of a voice"}[letter]
        raise UnreadableTuneError(f"unreadable {what} ({letter}:)") from None


def _carry(directive: str) -> str | None:
    try:
        return parse_carry(directive)
    except ValueError:
        raise UnreadableTuneError("unreadable propagate-accidentals") from None


def _is_whole_line(value: str) -> bool:
    """Whether the text after `M:` or `L:` is the field alone; old tune books have music behind it on the line."""
    start = _FIELD_START.match(value)
    return start is None or "|" not in value[start.end() :] or value[start.end()] in "+/(0123456789"


def _voice_name(value: str) -> str:
    return (value.split(maxsplit=1) or [""])[0]


def _read_body(
    lines: Iterator[str], first: Voice, defined: dict[str, str], drums: set[str], macros: Macros
) -> list[Voice]:
    header = (first.metre, first.unit, first.signature, first.octave)
    percussion = first.percussion
    voices = {"": first}

    def to_voice(value: str) -> Voice:
        name = _voice_name(value)
        if name not in voices:
            # Fields between the header and the first voice hold for all
            started = bool(first.bars or first.bar.events)
            metre, unit, signature, octave = (
                header if started else (first.metre, first.unit, first.signature, first.octave)
            )
            drums_here = percussion or name in drums
            voices[name] = Voice(metre, unit, signature, first.carry, octave, percussion=drums_here)
            _field(voices[name], "V", defined.get(name, ""))
        _field(voices[name], "V", value)
        return voices[name]

    def obey(directive: str) -> None:
        carry = _carry(directive)
        for each in voices.values() if carry else ():
            each.set_carry(carry or "")
        voice.set_percussion(parse_percussion_channel(directive, voice.percussion))

    voice, continues_words = first, False
    for line in lines:
        match = _FIELD_LINE.match(line)
        if continues_words and not match:
            continues_words = line.rstrip().endswith("\\")
            continue
        continues_words = False
        if match and (match["letter"] not in "ML" or _is_whole_line(match["value"])):
            if match["letter"] == "V":
                voice = to_voice(match["value"])
            elif match["letter"] == "I":
                obey(match["value"])
            elif match["letter"] == "m":
                macros.define(match["value"])
            else:
                # Old books continue the words of a song so
                continues_words = match["letter"] in "wW" and line.rstrip().endswith("\\")
                _field(voice, match["letter"], match["value"])
            continue
        if line.startswith("%%"):
            obey(line[2:])
            continue
        for symbol in _SYMBOL.finditer(macros.expand(line)):
            if symbol.lastgroup == "inline" and symbol["letter_in"] == "V":
                voice = to_voice(symbol["value_in"])
            elif symbol.lastgroup == "inline" and symbol["letter_in"] == "I":
                obey(symbol["value_in"])
            elif symbol.lastgroup == "inline" and symbol["letter_in"] == "m":
                raise UnreadableTuneError("macro (m:) in the middle of a line")
            else:
                _read_symbol(voice, symbol)
    for each in voices.values():
        each.close_bar()
    if sum(each.sounds for each in voices.values()) > 1:
        for each in voices.values():
            each.make_invisible_rests_rests()
    return list(voices.values())


def _read_symbol(voice: Voice, symbol: re.Match[str]) -> None:
    match symbol.lastgroup:
        case "note":
            voice.add_note(symbol)
        case "bar":
            voice.close_bar()
        case "rest":
            # An invisible rest at the start of a bar stands for a hold, which `measures_to_abc` writes so; in a tune of
            # several voices it is taken back to a rest at the end
            voice.add(None, parse_length(symbol["length_rest"]), tied=symbol["rest"][0] == "x" and not voice.bar.events)
        case "bars_of_rest":
            whole_bar = metre_quarters(voice.metre) / voice.unit
            voice.add(None, whole_bar * min(int(symbol["count"] or 1), 999), takes_tuplet=False)
        case "tie":
            voice.tie()
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
            if symbol["overlay"] == "(&":
                voice.long_overlay = len(voice.bars)
                voice.bar.faults.add(Drop.OVERLAY)
            elif symbol["overlay"] == "&)":
                voice.end_long_overlay()
            else:
                voice.start_overlay(len(symbol["overlay"]))
        case "stray":
            if symbol["letter_stray"] in "KV":  # what follows is in a key or voice that nobody can tell
                raise UnreadableTuneError(f"{symbol['letter_stray']}: in the middle of a line, without brackets")
            voice.bar.faults.add(Drop.UNREADABLE)
        case "of_barline" if not voice.bar.events:
            pass
        case "of_barline" | "unreadable":
            voice.bar.faults.add(Drop.UNREADABLE)


READER = Reader("abc", (".abc",), read_abc, split=read_book)
