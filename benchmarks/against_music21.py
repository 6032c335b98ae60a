"""Compares every measure that our readers keep with what music21 reads in the same file, and lists the differences.

    python -m benchmarks.against_music21 --source FOLDER [FOLDER ...]

Compared are the onsets, lengths, ties and spelled pitches of the melody's measures in any metre: those without a fault,
as long as their metre, with a note. Where music21 reads a format wrongly, its input is rewritten or the comparison asks
less; each function below says why. Exit status 1 when a measure differs.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import tyro

from vaemusic_jax.data.bars import Bar
from vaemusic_jax.data.pieces import Piece, collect
from vaemusic_jax.data.readers.abc import read_tune
from vaemusic_jax.data.readers.midi import NAMES, read_midi
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.sources import find_files
from vaemusic_jax.data.tunes import Reading, UnreadableTuneError
from vaemusic_jax.music.grid import metre_quarters
from vaemusic_jax.support.progress import progress_bar

#: Onset in quarters, pitch (None for a rest), and whether a tie joins it to the note before or, in ABC, its length.
Notes = list[tuple[Fraction, str | None, Any]]


def is_kept(bar: Bar) -> bool:
    """Whether a bar would be kept, in some metre and on some grid."""
    sounds = any(event.pitch is not None or event.tied for event in bar.events)
    return not bar.faults and sounds and bar.length == metre_quarters(bar.metre) > 0


def without_faults_of_music21(text: str) -> str:
    """The tune in ABC with nothing left that music21 misreads, and nothing changed in pitch or rhythm.

    The faults are those of music21 10.5:

    - accidentals do not last the bar unless the file declares ABC 2.0; and those after an ornament (`~_B`) never do;
    - a dotted pair is ignored when anything stands between its notes: `A>.B`, `(A>B)`-like slurs, `A>{c}B`, `A>-B`;
    - grace notes count among the notes of a tuplet, and take the ending of a tie;
    - a note with a fermata (`Hc`) vanishes, and so do invisible rests (`x`);
    - a letter before `::` is taken for a field and swallows the line (`B::d2 e2`);
    - rests of whole bars (`Z`) vanish;
    - fields in brackets (`[L:1/16]`) are taken for empty chords and change nothing;
    - an ending inside a measure (`AB [1 cd|`) is taken for a barline;
    - a third ending `[3`, or one that starts with a word, swallows everything up to the next bracket.
    """
    header, body = re.split(r"(?<=\n)(?=K:)", text, maxsplit=1)
    lines = []
    for line in body.split("\n"):
        if re.match(r"[A-Za-z]:(?![|:])", line):
            lines.append(line)
            continue
        line = re.sub(r'\[(?=")|"[^"]*"|![^!\s]{1,20}!', "", line.split("%")[0])
        music, *fields = re.split(r"\[([KLM]:[^\]]*)\]", line)
        lines.append(_music_without_faults(music))
        for field, music in zip(fields[::2], fields[1::2], strict=True):
            lines += field, _music_without_faults(music)
    return header + "\n".join(lines)


def _music_without_faults(music: str) -> str:
    music = re.sub(r"Hx(?!\d)|=20\s*$|=\s*$", "", music)
    music = re.sub(r"(?<![|:\s])(\s*)\[[1-9][\d,.-]*", r"\1", music)
    music = re.sub(r"\{[^}]*\}|[~.H-Wh-w)\\-]|\((?!\d)", "", music)
    music = music.replace("x", "z").replace("Z", "z8").replace("::", ":| |:").replace("[|]", "|]")
    return re.sub(r"\s*([<>]+)\s*", r"\1", music)


def abc_by_music21(text: str) -> list[list[tuple[str | None, Fraction]]]:
    """The pitch, None for a rest, and length of each note of each bar that has any; chords count as rests."""
    from music21 import abcFormat, pitch

    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))
    handler.tokenize(text)
    handler.tokenProcess()
    bars: list[list[tuple[str | None, Fraction]]] = [[]]
    for token in handler.tokens:
        if isinstance(token, abcFormat.ABCBar):
            bars.append([])
        elif isinstance(token, abcFormat.ABCNote):
            length = Fraction(token.quarterLength).limit_denominator(1024)
            if token.activeTuplet is not None:
                length *= Fraction(token.activeTuplet.numberNotesNormal, token.activeTuplet.numberNotesActual)
            written = None if isinstance(token, abcFormat.ABCChord) or token.isRest else token.pitchName
            name = pitch.Pitch(written.replace("n", "")).nameWithOctave if written else None
            bars[-1].append((name, length))
    return [bar for bar in bars if bar]


def lengths_of(bar: Bar) -> list[tuple[str | None, Fraction]]:
    """The pitch and length of each event of a bar."""
    ends = [*(event.onset for event in bar.events[1:]), bar.length]
    return [(event.pitch, end - event.onset) for event, end in zip(bar.events, ends, strict=True)]


class Comparison:
    """What has been compared so far.

    Attributes:
        counts: of pieces and measures, by kind.
        differences: a line for each.
    """

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.differences: list[str] = []

    def piece(self, piece: Piece) -> None:
        """Compares one piece."""
        count = self.counts[piece.kind]
        compare: Callable[[Piece], Iterable[tuple[int, Any, Any]] | None] = {
            "abc": _abc,
            "session": _abc,
            "midi": _midi,
        }.get(piece.kind, _score)
        try:
            pairs = compare(piece)
        except UnreadableTuneError:
            count["refused by us"] += 1
            return
        except Exception as error:  # music21 raises of every kind
            count["refused by music21"] += 1
            print(f"{piece.name}: music21: {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
            return
        if pairs is None:
            count["not compared"] += 1
            return
        count["pieces"] += 1
        for number, ours, theirs in pairs:
            count["measures"] += 1
            if ours != theirs:
                count["differences"] += 1
                self.differences.append(
                    f"{piece.name} {number}\n    ours   {_shown(ours)}\n    theirs {_shown(theirs)}"
                )


def _shown(notes: Any) -> str:
    if not isinstance(notes, list):
        return str(notes)
    return " ".join("/".join(map(str, note)) for note in notes)


def _abc(piece: Piece) -> list[tuple[int, Any, Any]] | None:
    """Tunes of one voice; ties are not compared, since grace notes and bows take them from music21."""
    assert piece.text is not None
    voices = read_tune(piece.text).voices
    if len(voices) != 1:
        return None
    theirs = abc_by_music21(without_faults_of_music21(piece.text))
    if len(voices[0]) != len(theirs):
        return [(0, f"{len(voices[0])} measures", f"{len(theirs)} measures")]
    pairs = enumerate(zip(voices[0], theirs, strict=True))
    return [(number, lengths_of(bar), notes) for number, (bar, notes) in pairs if is_kept(bar)]


def _score(piece: Piece) -> list[tuple[int, Any, Any]] | None:
    """MusicXML, MXL and kern. In commas only letters and octaves are compared: music21 has quarter tones alone."""
    from music21 import converter

    (tune, *_) = READERS[piece.kind].read(piece.content(), Reading("microtonal", "melody"))
    if not tune.voices:
        return None
    (voice,) = tune.voices
    score = converter.parse(piece.path, forceSource=True, format="humdrum" if piece.kind == "kern" else None)
    parts = list(score.getElementsByClass("Part"))
    sopranos = [part for part in parts if str(part.partName or "").strip().startswith("Soprano")]
    part = (sopranos or parts)[0]
    measures = list(part.getElementsByClass("Measure"))
    if piece.kind == "kern":
        measures = [measure for measure in measures if len(list(measure.recurse().notesAndRests))]
    if len(measures) != len(voice):
        return [(0, f"{len(voice)} measures", f"{len(measures)} measures")]
    commas = any("c" in (event.pitch or "") for bar in voice for event in bar.events)

    compared = []
    for number, (bar, measure) in enumerate(zip(voice, measures, strict=True)):
        if is_kept(bar):
            ours, theirs = _events(bar), _notes(measure)
            if commas:
                ours, theirs = ([(at, _letter(name), tied) for at, name, tied in each] for each in (ours, theirs))
            compared.append((number, ours, theirs))
    return compared


def _letter(name: str | None) -> str | None:
    match = re.fullmatch(r"([A-G])[#`~-]*(?:[+-]?\d+c|c)?(\d)(?:[+-]\d+c)?", name or "")
    return f"{match[1]}{match[2]}" if match else name


def _events(bar: Bar) -> Notes:
    """A rest after a rest is left out, since how a silence is written is no music."""
    return _without_second_rests([(event.onset, event.pitch, event.tied) for event in bar.events])


def _notes(measure: Any) -> Notes:
    """The first voice of a measure of music21's. A tie to another pitch is a slur; gaps are rests."""
    voices = sorted(measure.voices, key=lambda each: (len(str(each.id)), str(each.id)))
    elements = voices[0].notesAndRests if voices else measure.notesAndRests
    notes: Notes = []
    until = Fraction(0)
    for each in elements:
        if each.duration.isGrace or each.classes[0] in ("ChordSymbol", "NoChord"):
            continue
        onset = Fraction(each.offset)
        name = None if each.isRest else each.pitches[0].nameWithOctave if each.pitches else None
        tied = each.tie is not None and each.tie.type in ("stop", "continue")
        if onset > until:
            notes.append((until, None, False))
        hidden = each.isRest and onset == 0 and each.hasStyleInformation and each.style.hideObjectOnPrint
        notes.append((onset, name, bool(hidden or (tied and (not notes or notes[-1][1] == name)))))
        until = onset + Fraction(each.quarterLength)
    length = Fraction(measure.barDuration.quarterLength)
    return _without_second_rests(notes + [(until, None, False)] * (until < length))


def _without_second_rests(notes: Notes) -> Notes:
    return [
        note
        for at, note in enumerate(notes)
        if not at or note[2] or note[1] is not None or notes[at - 1][1] is not None
    ]


def _midi(piece: Piece) -> list[tuple[int, Any, Any]] | None:
    """Onsets and pitch numbers alone: ends of notes are the reader's own rules, and MIDI has no spelling.

    music21's own measures are rounded, so that its note-ons are put into bars here: those of one track, not of its
    percussion, in the one metre of the file. Each of our measures has to be one of theirs, in their order.
    """
    from music21 import midi

    data = piece.content()
    tunes = read_midi(data, Reading("rounded", "melody"))
    if not tunes or not tunes[0].voices:
        return None
    file = midi.MidiFile()
    file.readstr(data)
    metres, lines = [], defaultdict[Any, list[tuple[int, int]]](list)
    for number, track in enumerate(file.tracks):
        tick, bent = 0, dict[int, bool]()
        event: Any
        for event in track.events:
            if isinstance(event, midi.DeltaTime):
                tick += event.time
            elif event.type == midi.MetaEvents.TIME_SIGNATURE:
                metres.append((tick, int(event.data[0]), 2 ** int(event.data[1])))
            elif event.type == midi.ChannelVoiceMessages.PITCH_BEND:
                bent[event.channel] = (event.parameter1, event.parameter2) != (0, 64)
            elif event.isNoteOn() and event.channel != 10:
                note = (tick, -1 if bent.get(event.channel) else event.pitch)  # -1: bent to another pitch
                lines[number].append(note)
                lines[number, event.channel].append(note)
    if len({metre[1:] for metre in metres}) > 1 or (metres and min(metres)[0] > 0):
        return None  # its metre changes
    above, below = metres[0][1:] if metres else (4, 4)
    bar_ticks = Fraction(4 * above * file.ticksPerQuarterNote, below)
    ours = [(number, _onsets(bar)) for number, bar in enumerate(tunes[0].voices[0]) if is_kept(bar)]
    ours = [each for each in ours if all(onset.denominator in (1, 2, 3, 4, 6, 8) for onset, _ in each[1])]
    ppq = file.ticksPerQuarterNote
    shift = _shift([tick for notes in lines.values() for tick, _ in notes], ppq)
    shifted = [[(tick - shift, pitch) for tick, pitch in notes] for notes in lines.values()]
    found = [_matched(ours, _in_bars(notes, bar_ticks, ppq)) for notes in shifted]
    best = max(found, key=lambda each: sum(matched for *_, matched in each), default=[])
    return [(number, onsets, onsets if matched else "no such measure") for number, onsets, matched in best]


def _onsets(bar: Bar) -> list[tuple[Fraction, str]]:
    return [(event.onset, event.pitch) for event in bar.events if event.pitch is not None and not event.tied]


def _shift(ticks: list[int], ppq: int) -> int:
    """By how many ticks nine notes in ten are off the beat's twelfths, up to a 48th of a quarter note."""
    off = Counter(round(tick - Fraction(round(Fraction(12 * tick, ppq)) * ppq, 12)) for tick in ticks)
    [(shift, count)] = off.most_common(1)
    return shift if 48 * abs(shift) <= ppq and 10 * count >= 9 * len(ticks) else 0


def _in_bars(notes: list[tuple[int, int]], bar: Fraction, ppq: int) -> list[list[tuple[Fraction, str]]]:
    bars: dict[int, list[tuple[Fraction, str]]] = defaultdict(list)
    for tick, pitch in sorted(set(notes)):
        number = int(tick // bar)
        bars[number].append(((tick - number * bar) / ppq, "" if pitch < 0 else NAMES[pitch]))
    return [bars[number] for number in sorted(bars)]


def _matched(ours: list[tuple[int, Any]], theirs: list[Any]) -> list[tuple[int, Any, bool]]:
    """Whether each of our measures has its own among theirs, in their order, as many as can have one."""
    best = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for at in reversed(range(len(ours))):
        for there in reversed(range(len(theirs))):
            equal = _same(ours[at][1], theirs[there])
            best[at][there] = max(best[at + 1][there], best[at][there + 1], best[at + 1][there + 1] + 1 if equal else 0)
    found, there = [], 0
    for at, (number, onsets) in enumerate(ours):
        here = next((each for each in range(there, len(theirs)) if _same(onsets, theirs[each])), None)
        is_matched = here is not None and best[at + 1][here + 1] + 1 == best[at][there]
        there = here + 1 if here is not None and is_matched else there
        found.append((number, onsets, is_matched or not onsets))
    return found


def _same(ours: list[tuple[Fraction, str]], theirs: list[tuple[Fraction, str]]) -> bool:
    """Equal, with places one rounding of ticks off; of a bent note of theirs only the place counts."""
    return len(ours) == len(theirs) and all(
        b[1] in ("", a[1]) and abs(a[0] - b[0]) <= Fraction(1, 48) for a, b in zip(ours, theirs, strict=True)
    )


def main(source: tuple[Path, ...], kinds: tuple[str, ...] = ()) -> None:
    """Compares measures with music21's.

    Args:
        source: folders with real music.
        kinds: formats to compare; all if not given.
    """
    comparison = Comparison()
    pieces = [piece for folder in source for piece in collect(find_files(folder), 64).pieces]
    pieces = [piece for piece in pieces if piece.kind in kinds or (not kinds and piece.kind != "symbtr")]
    with progress_bar("reading twice", len(pieces), "pieces") as advance:
        for piece in pieces:
            comparison.piece(piece)
            advance(1, f"{len(comparison.differences)} differences")
    for kind, counts in sorted(comparison.counts.items()):
        print(f"{kind}: " + ", ".join(f"{what} {number:,}" for what, number in sorted(counts.items())))
    print(*comparison.differences, sep="\n")
    sys.exit(bool(comparison.differences))


if __name__ == "__main__":
    tyro.cli(main)
