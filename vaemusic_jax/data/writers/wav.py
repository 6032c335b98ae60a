"""Writes measures as sound: a WAV file made by adding up harmonics, for which no synthesiser or soundfont is needed.

A hold at the first tick continues the note of the measure before. Where no note sounds there, it is silent, because
nobody knows which note it holds.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from vaemusic_jax.data.writers.tuning import concert_pitches
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary

SAMPLE_RATE = 22_050  # samples a second
_LOUDEST = 0.8  # of full scale
_HARMONICS = np.array([1.0, 0.5, 0.25, 0.12, 0.06])  # amplitudes at the onset, of a sound like a plucked string's
_DECAY = 1.5  # seconds until the fundamental is down to 1/e; the k-th harmonic takes a k-th of it
_ATTACK, _RELEASE = 0.005, 0.02  # seconds


def measures_to_wav(
    measures: Sequence[Sequence[int]] | np.ndarray,
    vocabulary: Vocabulary,
    *,
    tempo: float = 120.0,
    sample_rate: int = SAMPLE_RATE,
) -> bytes:
    """Consecutive measures as a WAV file: one channel, 16 bits, equal bytes for equal arguments.

    Args:
        measures: (N, T) token indices. One of four quarters lasts 240 / tempo seconds.
        vocabulary: of the tokens, with the grid of the measures. A4 is 440 Hz, also in a vocabulary in commas.
        tempo: quarters a minute.
        sample_rate: samples a second. Harmonics above half of it are left out.

    Raises:
        ValueError: a measure of another number of tokens, a token that the vocabulary does not have, a pitch above half
            the sample rate, or a tempo or sample rate out of range.
    """
    if not 4 <= tempo <= 1000 or not 4000 <= sample_rate <= 192_000:
        raise ValueError(
            f"tempo {tempo}, sample rate {sample_rate}: tempo is 4 to 1000 quarters a minute, a rate 4000 to 192000 Hz"
        )
    per_quarter, quarters = sample_rate * 60 / tempo, float(vocabulary.grid.quarters)
    sound = np.zeros(round(len(measures) * quarters * per_quarter))
    pitches = concert_pitches(vocabulary)
    for onset, end, token in _notes(measures, vocabulary):
        frequency = 440 * 2 ** ((pitches[token] - 69) / 12)
        if frequency >= sample_rate / 2:
            raise ValueError(f"{vocabulary.tokens[token]} is above half the sample rate of {sample_rate}")
        first, last = round(onset * per_quarter), round(end * per_quarter)
        sound[first:last] = _tone(frequency, last - first, sample_rate)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        out.writeframes(np.round(sound * (2**15 - 1)).astype("<i2").tobytes())
    return file.getvalue()


def _notes(
    measures: Sequence[Sequence[int]] | np.ndarray, vocabulary: Vocabulary
) -> Iterator[tuple[float, float, int]]:
    """(onset, end, token) of every note, in quarters from the start."""
    grid, n_tokens = vocabulary.grid, len(vocabulary)
    events: list[tuple[float, int]] = [(0.0, REST)]
    for number, measure in enumerate(measures):
        if len(measure) != grid.n_ticks:
            raise ValueError(f"{len(measure)} tokens; a measure in {grid.metre} has {grid.n_ticks}")
        for at, token in zip(grid.onset_of_tick, map(int, measure), strict=True):
            if not 0 <= token < n_tokens:
                raise ValueError(f"token {token}; the vocabulary has {n_tokens}")
            if token != HOLD:
                events.append((float(number * grid.quarters + at), token))
    events.append((float(len(measures) * grid.quarters), REST))
    for (onset, token), (end, _) in pairwise(events):
        if token != REST:
            yield onset, end, token


def _tone(frequency: float, n_samples: int, sample_rate: int) -> np.ndarray:
    """A decaying tone that starts and ends at zero, so that any two may follow each other without a click."""
    seconds = np.arange(n_samples) / sample_rate
    k = np.arange(1, len(_HARMONICS) + 1)[:, None]
    heard = (k * frequency < sample_rate / 2) * _HARMONICS[:, None]
    tone = (heard * np.exp(-seconds * k / _DECAY) * np.sin(2 * np.pi * k * frequency * seconds)).sum(0)
    # The shortest notes have no time for more than half of attack and release.
    length = n_samples / sample_rate
    attack = _rise(seconds / min(_ATTACK, length / 2))
    release = _rise((length - seconds) / min(_RELEASE, length / 2))
    return _LOUDEST / _HARMONICS.sum() * tone * attack * release


def _rise(position: np.ndarray) -> np.ndarray:
    """Rises smoothly from 0 at 0 to 1 at 1, and stays there."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(position, 0, 1))
