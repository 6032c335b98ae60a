"""Reads standard MIDI files into tunes: symusic reads the notes of each track, `midi_bars` makes bars of them.

- Which parts are read: `midi_tracks`; which channels are of percussion: `midi_drums`. symusic makes a part of every
  channel and program of a track, by rising channel and program. Where all those of one track have rising programs and
  never sound together, they are taken for one part that changes its instrument.
- Pitches have no spelling in MIDI. Black keys are C# E- F# G# B-. The pitch wheel counts as it stands when a note
  starts, over the range that registered parameter 0 sets before the first note (else 2 semitones): the sounding pitch
  is rounded to the nearest of 53 commas to the octave (A4, 440 Hz, is comma 305), and then to the nearest of twelve
  tones, or in a part with any bent note named as `commas.comma_name` does.
- Tempo and pedals do not matter: times are ticks. Time signatures of all tracks count for all.
- Grid shift: if at least nine onsets in ten stand off the grid of twelfths of a quarter note by the same number of
  ticks, no more than 1/48 of a quarter note, all notes are shifted back by it. A larger shift says nothing about where
  the beat is, and nothing is shifted.
- If nine in ten of at least 32 onsets on sixteenths fall on the second or fourth of a beat, the beat is not where the
  file says it is, and the file is refused. A file with a track that is cut off is refused, too.
- A note ends with the first note-off of its pitch, or where its pitch starts again. A note-off that comes no more than
  an eighth of a quarter note after such a start is that of the note before, if there is another one for the note that
  starts. `All notes off` and `all sound off` end every note of their channel. To find notes that are never ended,
  every pitch of every channel is ended after the end of each track, as often as notes of it are still on: a library
  gives each note-off to the oldest note, and would lose one that gets none. `midi_bars` says what length a note is
  written with.
- Counted as repaired in the parts that are read: notes without a note-off that the next onset of their pitch ends, and
  notes that nothing ends.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
from symusic.core import ScoreTick, TrackTick

from vaemusic_jax.data.holdrian import comma_name, midi_number
from vaemusic_jax.data.readers.midi_bars import part_to_bars
from vaemusic_jax.data.readers.midi_chunks import tracks_of
from vaemusic_jax.data.readers.midi_drums import with_drums_on_channel_10
from vaemusic_jax.data.readers.midi_events import notes_left_on
from vaemusic_jax.data.readers.midi_grid import MidiGrid
from vaemusic_jax.data.readers.midi_tracks import Part, chosen, no_pitch, without_drums_by_name
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError

MOST_NOTES = 1_000_000

#: Names of the twelve tones where no spelling is known, C4 = 60; empty outside the octaves 0 to 9.
TONES = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "G#", "A", "B-", "B")
NAMES = tuple(f"{TONES[number % 12]}{number // 12 - 1}" if number >= 12 else "" for number in range(128))

_A4 = (69, 305)  # as MIDI number, and in commas
_END_OF_TRACK = b"\xff\x2f\x00"
_TICK = (1 << 33) - 1
# Replaces the end of a track: one tick later a marker, which tells the tick, and note-offs for every pitch
_MARKER = b"\xff\x01\x00" + b"\x01\xff\x06\x01e"
_NOTE_OFFS = b"".join(
    b"\x00" + bytes([0x80 | channel, 0, 64]) + b"".join(bytes([0, pitch, 64]) for pitch in range(1, 128))
    for channel in range(16)
)
_NOTES_OFF_CONTROLS = (120, 123, 124, 125, 126, 127)  # all sound off, all notes off, and the modes that imply it

ENDED_BY_NEXT = "note without a note-off, ended by the next onset of its pitch"
NEVER_ENDED = "note that nothing ends"


def read_midi(data: bytes, reading: Reading) -> list[Tune]:
    """Reads a MIDI file.

    Args:
        data: the file's bytes.
        reading: which parts, and how pitches are named.

    Returns:
        One tune, its title the track's name where there is one track; none when no part can be read.

    Raises:
        UnreadableTuneError: no standard MIDI file, not whole, or without a beat in quarter notes.
    """
    ppq, tracks = tracks_of(data)
    tracks = with_drums_on_channel_10(tracks)
    parts: list[Part] = []
    signatures: list[tuple[int, int, int]] = []
    names = []
    for track in tracks:
        score, end = _parse(ppq, track)
        signatures += [(each.time, each.numerator, each.denominator) for each in score.time_signatures]
        pitched = [each for each in score.tracks if len(each.notes) and not each.is_drum and not no_pitch(each.program)]
        names += [_clean(each.name) for each in pitched[:1]]
        found = [_part(each, end, ppq, reading) for each in pitched]
        changes_program = all(a.program < b.program for a, b in pairwise(pitched))
        parts += _one_if_never_together(found) if changes_program else found
    if sum(len(part.onset) for part in parts) > MOST_NOTES:
        raise UnreadableTuneError(f"more than {MOST_NOTES:,} notes")
    if not parts:
        return []
    grid = MidiGrid(signatures, ppq, reading.grid)
    parts = _on_the_beat(parts, grid)
    parts = without_drums_by_name(parts) if len(tracks) > 1 else parts
    read = chosen(parts, reading.voices, ppq // 8)
    voices = [part_to_bars(part, grid) for part in read]
    title = names[0] if len(tracks) == 1 else ""
    repaired = Counter({ENDED_BY_NEXT: sum(part.ended_by_next for part in read)})
    repaired[NEVER_ENDED] = sum(int((part.end < part.onset).sum()) for part in read)
    return [Tune(title, tuple(voice for voice in voices if voice), +repaired)]


def _parse(ppq: int, track: bytes) -> tuple[ScoreTick, int]:
    """Parses one track with symusic; returns it, and the tick at which notes end that the file never ends."""
    if not track.endswith(_END_OF_TRACK):
        raise UnreadableTuneError("track without an end")
    body = track[: -len(_END_OF_TRACK)] + _MARKER + _NOTE_OFFS
    score = _symusic(ppq, body)
    end = score.markers[-1].time
    if any(each.end() >= end for each in score.tracks):  # its last note is ended here alone
        left_on = notes_left_on(track)
        if left_on is None:
            raise UnreadableTuneError("MIDI events that cannot be read")
        missing = b"".join(bytes([0, 0x80 | key[0], key[1], 64]) * (n - 1) for key, n in left_on.items())
        score = _symusic(ppq, body + missing) if missing else score
    return score, end


def _symusic(ppq: int, body: bytes) -> ScoreTick:
    """Parses one track, given without its end."""
    track = body + b"\x00" + _END_OF_TRACK
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, ppq)
    try:
        score = ScoreTick.from_midi(header + b"MTrk" + struct.pack(">I", len(track)) + track)
    except Exception as error:
        raise UnreadableTuneError("MIDI events that cannot be read") from error
    if not len(score.markers) or any(each.denominator <= 0 or each.numerator <= 0 for each in score.time_signatures):
        raise UnreadableTuneError("MIDI events that cannot be read")
    return score


def _part(track: TrackTick, track_end: int, ppq: int, reading: Reading) -> Part:
    notes = {key: values.astype(np.int64) for key, values in track.notes.numpy().items()}
    sounds = notes["duration"] != 0
    onset, pitch = notes["time"][sounds], notes["pitch"][sounds]
    end = onset + notes["duration"][sounds]
    if (onset < 0).any() or (end > track_end).any() or track_end < 0:
        raise UnreadableTuneError("longer than 2^31 ticks")
    end, ended_by_next = _ended_at_once(onset, end, pitch, track_end, ppq // 8, _all_notes_off(track))
    end[end == track_end] = -1
    spelled = None
    bent = _bends(track, onset)
    if bent.any():
        commas = np.rint(_A4[1] + (pitch + bent - _A4[0]) * 53 / 12).astype(int).tolist()
        pitch = np.array([midi_number(comma) for comma in commas], dtype=np.int64)
        if reading.pitch == "microtonal":
            spelled = [comma_name(comma) if 53 <= comma < 583 else "" for comma in commas]
    order = np.lexsort((pitch, onset))
    pitch = pitch[order]
    if spelled is None and len(pitch) and pitch.min() >= 0 and pitch.max() < 128:
        names = [NAMES[number] for number in pitch.tolist()]
    elif spelled is None:
        names = [NAMES[number] if 0 <= number < 128 else "" for number in pitch.tolist()]
    else:
        names = [spelled[at] for at in order.tolist()]
    return Part(_clean(track.name), onset[order], end[order], pitch, names, ended_by_next)


def _all_notes_off(track: TrackTick) -> np.ndarray:
    """The ticks (N,) at which all notes of the part are ended at once, in order."""
    if not len(track.controls):
        return np.zeros(0, dtype=np.int64)
    controls = track.controls.numpy()
    number = controls["number"]
    if number.max() < min(_NOTES_OFF_CONTROLS):
        return np.zeros(0, dtype=np.int64)
    return np.sort(controls["time"][np.isin(number, _NOTES_OFF_CONTROLS)].astype(np.int64))


def _ended_at_once(
    onset: np.ndarray, end: np.ndarray, pitch: np.ndarray, track_end: int, legato: int, all_off: np.ndarray
) -> tuple[np.ndarray, int]:
    """The end of each note where the first note-off of its pitch ends it, or its next onset, or `all_off` (N,).

    Returns:
        The ends, and how many notes were ended by the next onset of their pitch alone.

    symusic gives the first note-off to the oldest note of its pitch: one that is never ended would put off the ends of
    all that follow. Up to `legato` ticks after an onset the note-off may be that of the note before.
    """
    keyed = pitch << 33  # times are below: `_TICK`
    (onsets, of_onset, notes), ends = np.unique(keyed + onset, return_inverse=True, return_counts=True), keyed + end
    ends = np.append(np.sort(ends), np.iinfo(np.int64).max)
    first = np.searchsorted(ends, onsets, side="right")  # of the ends
    again = np.append(onsets[1:], np.iinfo(np.int64).max)
    late = _late_offs(onsets, notes, ends, first, track_end, legato)
    off = ends[first + late]
    if len(all_off):
        at = np.searchsorted(all_off, onsets & _TICK, side="right")
        at_once = np.append(all_off, _TICK)[at]
        off = np.minimum(off, (onsets & ~_TICK) + at_once)
    # The note-off of a note that overlaps the next one a little comes late, but it comes
    by_next = (off > again)[:-1] & (onsets[1:] >> 33 == onsets[:-1] >> 33) & (late[1:] == 0)
    ended_by_next = int(np.count_nonzero(by_next))
    ended: np.ndarray = np.minimum(off, again)[of_onset] - keyed
    return ended, ended_by_next


def _late_offs(
    onsets: np.ndarray, notes: np.ndarray, ends: np.ndarray, first: np.ndarray, track_end: int, legato: int
) -> np.ndarray:
    """Whether the first note-off after each onset is that of the note before, played legato.

    It is if the note before is still on, the note-off comes within `legato` ticks, and all adds up: the note itself has
    another one before the pitch starts again, or soon after, as has the note that starts there, and so on. A note that
    is never ended leaves the last of them without.
    """
    late = np.zeros(len(onsets), dtype=np.int64)
    offs = np.append(np.diff(first), len(ends) - 1 - first[-1])  # before the next onset, be it of another pitch
    same = np.append(False, onsets[1:] >> 33 == onsets[:-1] >> 33)
    soon = same & (ends[first] - onsets <= legato) & (offs > 0)
    after_open = np.append(False, offs[:-1] < notes[:-1])
    until = -1
    for start in np.flatnonzero(soon & after_open).tolist():
        at = start
        if start <= until:
            continue
        while offs[at] == 1 and at + 1 < len(onsets) and soon[at + 1]:
            at += 1
        until = at
        if offs[at] > 1 and ends[first[at] + 1] & _TICK != track_end:
            late[start : at + 1] = 1
    return late


def _bends(track: TrackTick, onset: np.ndarray) -> np.ndarray:
    """By how many semitones each note is bent when it starts."""
    wheel = track.pitch_bends.numpy()
    if not len(wheel["time"]) or not wheel["value"].any():
        return np.zeros(len(onset))
    at = np.searchsorted(wheel["time"], onset, side="right") - 1
    value = np.where(at >= 0, wheel["value"][np.maximum(at, 0)], 0)
    return value / 8192 * _bend_range(track, int(onset.min()))


def _bend_range(track: TrackTick, until: int) -> float:
    """How many semitones a full turn of the pitch wheel bends by, at the first note."""
    semitones, cents, parameter = 2, 0, [127, 127]
    controls = track.controls.numpy()
    for time, number, value in zip(*(controls[key].tolist() for key in ("time", "number", "value")), strict=True):
        if time > until:
            break
        if number in (100, 101):
            parameter[number - 100] = value
        elif number in (98, 99):
            parameter = [127, 127]  # what follows sets another kind of parameter
        elif number == 6 and parameter == [0, 0]:
            semitones = value
        elif number == 38 and parameter == [0, 0]:
            cents = value
    return semitones + cents / 100


def _one_if_never_together(parts: list[Part]) -> list[Part]:
    if len(parts) < 2:
        return parts
    onset, end, pitch = (np.concatenate([getattr(part, key) for part in parts]) for key in ("onset", "end", "pitch"))
    owner = np.repeat(np.arange(len(parts)), [len(part.onset) for part in parts])
    order = np.lexsort((pitch, onset))
    onset, end, pitch, owner = onset[order], end[order], pitch[order], owner[order]
    # One part may be a chord with itself: only notes of two parts must not touch
    turns = np.flatnonzero(np.diff(owner))
    if (np.maximum.accumulate(end)[turns] > onset[turns + 1]).any():
        return parts
    spelled = [name for part in parts for name in part.spelled]
    ended_by_next = sum(part.ended_by_next for part in parts)
    return [Part(parts[0].name, onset, end, pitch, [spelled[at] for at in order.tolist()], ended_by_next)]


def _on_the_beat(parts: list[Part], grid: MidiGrid) -> list[Part]:
    """Shifts the parts to the grid where all of them stand off it alike."""
    ppq = grid.ppq
    onsets = grid.since_metre(np.concatenate([part.onset for part in parts]))
    off = onsets - np.rint(np.rint(onsets * 12 / ppq) * ppq / 12).astype(np.int64)
    [(shift, count)] = Counter(off.tolist()).most_common(1)
    if shift and 48 * abs(shift) <= ppq and 10 * count >= 9 * len(off):
        onsets = onsets - shift
        parts = [
            replace(
                part,
                onset=np.maximum(part.onset - shift, 0),
                end=np.where(part.end < part.onset, -1, part.end - shift),
            )
            for part in parts
        ]
    sixteenth, rest = np.divmod(onsets * 4, ppq)
    between = sixteenth[rest == 0] % 2
    if len(between) >= 32 and 10 * between.sum() >= 9 * len(between):
        raise UnreadableTuneError("beat elsewhere than the file says")
    return parts


def _clean(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


READER = Reader("midi", (".mid", ".midi", ".kar", ".rmi"), read_midi)
