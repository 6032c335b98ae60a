"""Chooses the tracks of a MIDI file that are read: the melody, or every line of single notes.

The melody is chosen by these questions, each asked only where those before leave several parts:

1. Never percussion: channel 10, and those that `midi_drums` finds; on any channel General MIDI's programs 116 to 128
   (woodblock to gunshot), which have no pitch; and in a file of several tracks a part whose name has only words for
   percussion (`Drums`, `Kick 2`), for the name of an only track is a title. Of parts with the same notes at the same
   times the first stays, for doubling adds nothing.
2. Parts that play: with at least a tenth of the onset times of the part that has most.
3. By name: `melody`, `vocal`, `voice`, `vox`, `sing...`, `lyric` before `lead` or `solo`, before all others. A name
   that speaks of an accompaniment (`backing`, `bass`, `chord`, `choir`, `pad`...) counts as no name, and so does any
   name of a part that has single notes at less than half of its onset times.
4. By monophony: a single note at nine onset times in ten, before half of them, before less.
5. By range: the median pitch at G3 or above.
6. By activity: more distinct onset times.
7. The earlier part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_MELODY = re.compile(r"melod|vocal|voice|\bvox|\bvoc\b|\bsing|\bsang|\bsung|\bcant|lyric", re.IGNORECASE)
_LEAD = re.compile(r"\blead|\bsolo", re.IGNORECASE)
_ACCOMPANIMENT = re.compile(
    r"back|bass|drum|perc|choir|chord|accomp|\bpad|string|harmon|counter|bridge|rhythm|synth voice", re.IGNORECASE
)
_PERCUSSION = re.compile(
    r"[\W\d_]*(?:(?:bass ?drum|drum ?(?:kit|set|s)?|perc(?:ussions?)?|kick|snare|hi-?hats?|cymbals?|toms?|bongos?"
    r"|congas?|timbales|tambourine|shaker|maracas|cowbell|claves|hand ?claps?|claps?)(?:[\W\d_]+|$))+",
    re.IGNORECASE,
)
_LONGEST_NAME = 40  # of a part for percussion
_NO_PITCH = range(115, 128)  # programs, counted from 0
_LOW = 55  # G3
MOSTLY = 0.5  # a part with at least this share of single notes is a line of single notes


@dataclass(frozen=True, eq=False)
class Part:
    """The notes of one instrument, by onset and then pitch.

    Attributes:
        name: of its track.
        onset, end: in ticks, int64; an `end` before the onset says that the note is never ended.
        pitch: MIDI numbers as they sound, bent and rounded; int64.
        spelled: a name for each note; empty where the pitch has none.
        ended_by_next: notes without a note-off that the next onset of their pitch ends.
    """

    name: str
    onset: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    spelled: list[str]
    ended_by_next: int = 0


def no_pitch(program: int) -> bool:
    """Whether a program, counted from 0, is percussion or a noise in General MIDI. Steel drums and timpani are not."""
    return program in _NO_PITCH


def without_drums_by_name(parts: list[Part]) -> list[Part]:
    """The parts whose name does not say that they are percussion and nothing else."""
    return [part for part in parts if len(part.name) > _LONGEST_NAME or not _PERCUSSION.fullmatch(part.name)]


def chosen(parts: list[Part], voices: str, legato: int) -> list[Part]:
    """The parts to read, in the order of the file.

    Args:
        parts: pitched parts.
        voices: `melody` for the one melody; `all` for every part with single notes at half of its onset times or more.
        legato: overlaps up to this many ticks are none.
    """
    parts = _without_doubles(parts)
    alone = [share_alone(part, legato) for part in parts]
    if voices == "all":
        return [part for part, share in zip(parts, alone, strict=True) if share >= MOSTLY]
    if not parts:
        return []
    onsets = [len(np.unique(part.onset)) for part in parts]

    def merit(at: int) -> tuple[bool, int, int, bool, int, int]:
        part = parts[at]
        clarity = 2 if alone[at] >= 0.9 else 1 if alone[at] >= MOSTLY else 0
        named = _name_rank(part.name) if clarity else 0
        return 10 * onsets[at] >= max(onsets), named, clarity, bool(np.median(part.pitch) >= _LOW), onsets[at], -at

    return [parts[max(range(len(parts)), key=merit)]]


def share_alone(part: Part, legato: int) -> float:
    """Share of a part's onset times at which one note starts and no other sounds."""
    crowded = np.zeros(len(part.onset), dtype=bool)
    crowded[1:] = np.maximum.accumulate(part.end)[:-1] > part.onset[1:] + legato
    times, first, notes = np.unique(part.onset, return_index=True, return_counts=True)
    return 1.0 - float((crowded[first] | (notes > 1)).mean()) if len(times) else 0.0


def _without_doubles(parts: list[Part]) -> list[Part]:
    first: dict[bytes, Part] = {}
    for part in parts:
        first.setdefault(part.onset.tobytes() + part.pitch.tobytes(), part)
    return list(first.values())


def _name_rank(name: str) -> int:
    if _ACCOMPANIMENT.search(name):
        return 0
    return 2 if _MELODY.search(name) else 1 if _LEAD.search(name) else 0
