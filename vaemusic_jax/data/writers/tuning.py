"""Computes how high the pitches of a vocabulary sound."""

from __future__ import annotations

import numpy as np

from vaemusic_jax.music.vocabulary import Vocabulary, pitch_in_53rds


def concert_pitches(vocabulary: Vocabulary) -> np.ndarray:
    """MIDI number at which every token sounds, with A4 at 69 (440 Hz) in either tuning.

    A vocabulary in commas counts from C, so that its A4 lies 6 cents above 69; all of it is moved down by that.

    Returns:
        (V,) float64; for hold and rest a number without meaning.
    """
    midi = vocabulary.midi.astype(np.float64)
    return midi + 69 - pitch_in_53rds("A4") / 53 if vocabulary.microtonal else midi
