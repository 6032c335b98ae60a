"""Writes measures as a MIDI file.

The law of this module: a file written here and read again by `midi.read_midi` has the same rhythm and the same pitch
numbers in every measure with a note. Spelling is not in MIDI, and neither is where one rest ends and the next starts.

A hold at the first tick lengthens the note of the measure before. Where no note sounds there (the first measure, or
after a rest), nobody knows which note it holds. Then a bar of 1/64 is put before the measure, in which a note of the
least velocity starts, on the next pitch of the measure, and is held into it. It can hardly be heard, and is read again
as a hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from symusic.core import (
    ControlChangeTick,
    KeySignatureTick,
    NoteTick,
    PitchBendTick,
    ScoreTick,
    TempoTick,
    TimeSignatureTick,
    TrackTick,
)

from vaemusic_jax.data.writers.key_signature import key_signature
from vaemusic_jax.data.writers.tuning import concert_pitches
from vaemusic_jax.music.grid import Grid
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary

if TYPE_CHECKING:
    import numpy as np

PPQ = 480  # every place of every grid is a whole number of them
_LEAD_IN = PPQ // 16  # a bar of 1/64
_VELOCITY, _INAUDIBLE = 80, 1
_MIDDLE_C = 60.0
_BEND_RANGE = 2  # semitones


def measures_to_midi(
    measures: Sequence[Sequence[int]] | np.ndarray, vocabulary: Vocabulary, *, tempo: float = 120.0, program: int = 0
) -> bytes:
    """Consecutive measures as a MIDI file of one track, of 480 ticks a quarter, with metre and key signature.

    Pitches of a vocabulary in commas are bent by the pitch wheel, over 2 semitones, with A4 at 440 Hz; they get no key
    signature.

    Args:
        measures: (N, T) token indices.
        vocabulary: of the tokens, with the grid of the measures.
        tempo: quarters a minute.
        program: General MIDI instrument, 0 to 127.

    Raises:
        ValueError: a measure of another number of tokens, or a pitch, tempo or program that MIDI does not have.
    """
    if not 4 <= tempo <= 1000 or not 0 <= program <= 127:
        raise ValueError(
            f"tempo {tempo}, program {program}: MIDI has 4 to 1000 quarters a minute and programs 0 to 127"
        )
    score = ScoreTick(PPQ)
    score.tempos.append(TempoTick(0, tempo))
    score.time_signatures.append(_time_signature(0, vocabulary.grid))
    track = TrackTick("", program, False)
    pitches = concert_pitches(vocabulary).tolist()
    if not vocabulary.microtonal:
        named = ([vocabulary.tokens[int(token)] for token in measure] for measure in measures)
        score.key_signatures.append(KeySignatureTick(0, key_signature(named), 0))
    else:
        for number, value in ((101, 0), (100, 0), (6, _BEND_RANGE), (38, 0)):
            track.controls.append(ControlChangeTick(0, number, value))
    for onset, end, pitch, velocity in _notes(measures, pitches, score, vocabulary.grid):
        number = round(pitch)
        if not 0 <= number <= 127:
            raise ValueError(f"a pitch of MIDI number {number}; MIDI has 0 to 127")
        track.notes.append(NoteTick(onset, end - onset, number, velocity))
        if vocabulary.microtonal:
            track.pitch_bends.append(PitchBendTick(onset, round((pitch - number) / _BEND_RANGE * 8192)))
    score.tracks.append(track)
    return bytes(score.dumps_midi())


def _time_signature(time: int, grid: Grid) -> TimeSignatureTick:
    above, below = map(int, grid.metre.split("/"))
    return TimeSignatureTick(time, above, below)


def _notes(
    measures: Sequence[Sequence[int]] | np.ndarray, pitches: Sequence[float], score: ScoreTick, grid: Grid
) -> list[tuple[int, int, float, int]]:
    """(onset, end, pitch, velocity) of every note; time signatures that they need are added to the score."""
    events: list[tuple[int, float | None, int]] = []  # onset, pitch or None for a rest, velocity
    ticks, start = [int(onset * PPQ) for onset in grid.onset_of_tick], 0
    for measure in measures:
        if len(measure) != grid.n_ticks:
            raise ValueError(f"{len(measure)} tokens; a measure in {grid.metre} has {grid.n_ticks}")
        tokens = [int(token) for token in measure]
        if tokens[0] == HOLD and (not events or events[-1][1] is None):
            following = next((pitches[token] for token in tokens if token not in (HOLD, REST)), _MIDDLE_C)
            score.time_signatures.append(TimeSignatureTick(start, 1, 64))
            score.time_signatures.append(_time_signature(start + _LEAD_IN, grid))
            if start == 0:
                score.time_signatures.pop(0)  # 1/64 takes its place
            events.append((start, following, _INAUDIBLE))
            start += _LEAD_IN
        for tick, token in zip(ticks, tokens, strict=True):
            if token == REST:
                events.append((start + tick, None, 0))
            elif token != HOLD:
                events.append((start + tick, pitches[token], _VELOCITY))
        start += int(grid.quarters * PPQ)
    events.append((start, None, 0))
    return [
        (onset, end, pitch, velocity) for (onset, pitch, velocity), (end, _, _) in pairwise(events) if pitch is not None
    ]
