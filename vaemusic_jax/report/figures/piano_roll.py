"""The drawing of a measure as a piano roll, which replaces notation if Verovio is not installed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from vaemusic_jax.data.writers.notation import Sound, sounds, token_names
from vaemusic_jax.music.vocabulary import is_pitch, pitch_to_midi
from vaemusic_jax.report.style import BLUE, VERMILLION

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from vaemusic_jax.music.vocabulary import Vocabulary

_SEMITONES = 24  # The smallest range that is shown, so that most measures have the same vertical scale.


def piano_roll(tokens: np.ndarray, vocabulary: Vocabulary, marked: Collection[Sound] = ()) -> Figure:
    """Draws notes as bars, with time in quarter notes, marked at every beat, and pitch as MIDI numbers.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens.
        marked: the notes that have another colour.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.9, 0.9), layout="constrained")
    axes = figure.subplots()
    notes = [sound for sound in sounds(token_names(tokens, vocabulary), vocabulary.grid) if is_pitch(sound.token)]
    pitches = [float(pitch_to_midi(sound.token)) for sound in notes]
    for sound, pitch in zip(notes, pitches, strict=True):
        colour = VERMILLION if sound in marked else BLUE
        axes.broken_barh([(float(sound.onset), float(sound.length) - 0.03)], (pitch - 0.5, 1), color=colour)
    middle = (min(pitches) + max(pitches)) / 2 if pitches else 67
    half = max(_SEMITONES, max(pitches) - min(pitches) + 4 if pitches else 0) / 2
    grid, length = vocabulary.grid, float(vocabulary.grid.quarters)
    axes.set(xlim=(0, length), ylim=(middle - half, middle + half))
    axes.set_xticks([float(number * grid.beat) for number in range(grid.n_beats + 1)])
    axes.tick_params(labelsize=6)
    axes.grid(axis="x", linewidth=0.4)
    return figure
