"""Measures in a row as one tune: of the candidates for each measure, one that keeps the key, and at the end comes home.

A key is the seven pitch classes of a major scale here. Modes and natural minor keys have those of a major scale, too.

Shapes: N measures, T ticks, S start measures, C candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.music.vocabulary import REST, Vocabulary
from vaemusic_jax.play import steer

if TYPE_CHECKING:
    from vaemusic_jax.play.trained_model import TrainedModel

_C_MAJOR = [1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1]  # whether it has each pitch class
_SCALES = np.array([np.roll(_C_MAJOR, tonic) for tonic in range(12)])


def compose(
    model: TrainedModel,
    n: int,
    *,
    starts: NDArray[np.int32] | None = None,
    context: NDArray[np.int32] | None = None,
    asked: Mapping[str, float] | None = None,
    candidates: int = steer.CANDIDATES,
    seed: int = 0,
    temperature: float | None = None,
) -> NDArray[np.int32]:
    """Makes measures one after the other that are of one key and end on the pitch class that they begin with.

    Of the candidates for a measure the one is kept with the fewest notes out of the key, where an end on another pitch
    class counts as one more, as does a measure without a note; among equals the one that is nearest to what was asked
    for. So a tune may still leave its key, where each of the candidates does.

    Args:
        model: the model.
        n: the number of measures.
        starts: (S, T) measures to start from, one for each measure and again from the first; None for random ones.
        context: (M, T) measures whose key it is, such as the whole tune that the starts are from; without them it is
            that of most of its own notes.
        asked: values of attributes that each measure is asked for, as in `steer.aim`.
        candidates: the number of measures that are decoded for each one.
        seed: the seed of everything that is drawn.
        temperature: as in `TrainedModel.sample`, if nothing is asked for.

    Returns:
        The tokens of the measures, (N, T).

    Raises:
        ValueError: as in `steer.aim`, `steer.draw` and `steer.vary`.
    """
    vocabulary, made = model.vocabulary, np.empty((0, model.vocabulary.grid.n_ticks), np.int32)
    around = pitch_classes(vocabulary, [] if context is None else context)
    for number in range(n):
        start = None if starts is None else starts[number % len(starts)]
        decoded, cost = _candidates(model, start, asked or {}, candidates, seed + number, temperature)
        faults = np.zeros(len(decoded))
        for i, measure in enumerate(decoded):
            tune = pitch_classes(vocabulary, np.append(made, measure))
            faults[i] = len(tune) - n_in_key(tune, around) + (not any(measure > REST))
            faults[i] += number == n - 1 and len(tune) > 0 and tune[-1] != tune[0]
        made = np.append(made, decoded[[np.lexsort((cost, faults))[0]]], axis=0)
    return made


def pitch_classes(vocabulary: Vocabulary, tokens: ArrayLike) -> NDArray[np.int64]:
    """Returns the pitch class, 0 to 11, of each note of measures in order; pitches in commas are rounded."""
    found = np.ravel(np.asarray(tokens, np.int64))
    return np.round(vocabulary.midi[found[found > REST]]).astype(np.int64) % 12


def n_in_key(pitches: NDArray[np.int64], context: NDArray[np.int64]) -> int:
    """Returns how many notes are of the major scale that most notes of a context are of.

    Of several such scales it is the one that most of the notes are of; without a context it is one of all twelve.
    """
    within, around = (_within_scales(each) for each in (pitches, context))
    return int(within[around == around.max()].max())


def _within_scales(pitches: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns how many of the notes are of each of the major scales, (12,), by the pitch class of its tonic."""
    return _SCALES @ np.bincount(pitches, minlength=12)


def _candidates(
    model: TrainedModel,
    start: NDArray[np.int32] | None,
    asked: Mapping[str, float],
    n: int,
    seed: int,
    temperature: float | None,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Returns candidates for one measure, (C, T), and how far each is from what was asked for, (C,)."""
    if asked:
        found = steer.candidates_for(model, start, asked, n, seed=seed)
        return found.tokens, found.cost
    if start is None:
        decoded = steer.draw(model, n, seed, temperature)
    else:
        decoded = steer.vary(model, start, n, seed, temperature)
    return decoded, np.zeros(len(decoded))
