"""What the explorer's scripts are told about the music of a model, for tests without a model."""

from __future__ import annotations

from typing import Any

from vaemusic_jax.data.writers.midi import PPQ
from vaemusic_jax.data.writers.tuning import concert_pitches
from vaemusic_jax.music.vocabulary import REST, Vocabulary


def spec_of_music(vocabulary: Vocabulary) -> dict[str, Any]:
    """Returns the part of a spec that writers, notation and sound use, as what JSON can hold."""
    grid = vocabulary.grid
    sounding = [pitch if token > REST else -1.0 for token, pitch in enumerate(concert_pitches(vocabulary).tolist())]
    return {
        "grid": {
            "metre": grid.metre,
            "ppq": PPQ,
            "onsets": [int(onset * PPQ) for onset in grid.onset_of_tick],
            "length": int(grid.quarters * PPQ),
            "beat": int(grid.beat * PPQ),
            "divisions": grid.divisions,
        },
        "tokens": list(vocabulary.tokens),
        "microtonal": vocabulary.microtonal,
        "sounding": sounding,
    }
