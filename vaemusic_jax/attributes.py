"""The four musical attributes of a measure, as pure functions of its tokens.

Only note onsets count: rests and holds are silence to all four, and so is a hold at the first tick (the event of the
measure before goes on). Every function works in integers up to one final division, so measures with equal attributes
get bit-equal values; the attribute regulariser depends on that, because it takes the sign of their difference.

Pitches of a microtonal vocabulary are counted in 53rds of a semitone, in which a comma is 12 whole units.

Shapes: T = 24 ticks, V = vocabulary size, `...` any batch axes.

Source: the attribute definitions of Pati & Lerch, "Attribute-based regularization of latent spaces for variational
auto-encoders" (2021), with the rhythmic-complexity weights of Toussaint's metrical hierarchy as published there.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from vaemusic_jax.trial import ATTRIBUTES

TICKS = 24
RANGE_SEMITONES = 26  # the published unit of note range
MICROTONAL_UNIT = 53  # of a semitone; a Holdrian comma is 12/53 of one

# Weight of an onset at each tick, times 100 to stay in integers: the off-beats weigh most, the downbeat least.
ONSET_WEIGHTS = tuple(w for first in (20, 67, 25, 67) for w in (first, 100, 200, 50, 200, 100))


def _pitches(tokens: ArrayLike, midi: ArrayLike) -> tuple[jax.Array, int]:
    """Pitch of each token as a whole number, negative for hold and rest, and how many of its units make a semitone."""
    indices = jnp.asarray(tokens).astype(jnp.int32)
    if indices.shape[-1:] != (TICKS,):
        raise ValueError(f"tokens have shape {indices.shape}; the last axis must be the {TICKS} ticks of a measure")
    midi = jnp.asarray(midi)
    unit = MICROTONAL_UNIT if jnp.issubdtype(midi.dtype, jnp.floating) else 1
    return jnp.round(midi * unit).astype(jnp.int32)[indices], unit


def note_density(tokens: ArrayLike, midi: ArrayLike) -> jax.Array:
    """Share of the 24 ticks that are note onsets.

    Args:
        tokens: (..., 24) token indices.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest.

    Returns:
        (...) float32 in [0, 1].
    """
    onsets = (_pitches(tokens, midi)[0] >= 0).sum(-1)
    return onsets.astype(jnp.float32) / TICKS


def note_range(tokens: ArrayLike, midi: ArrayLike) -> jax.Array:
    """(highest - lowest onset pitch) / 26 semitones; 0 with fewer than two onsets; may exceed 1.

    Args and shapes as for `note_density`.
    """
    pitches, unit = _pitches(tokens, midi)
    onset = pitches >= 0
    span = pitches.max(-1) - jnp.where(onset, pitches, jnp.iinfo(jnp.int32).max).min(-1)
    return jnp.where(onset.sum(-1) >= 2, span, 0).astype(jnp.float32) / (RANGE_SEMITONES * unit)


def rhythmic_complexity(tokens: ArrayLike, midi: ArrayLike) -> jax.Array:
    """Weight of the onset ticks over the weight of all ticks; 1 when every tick is an onset.

    Args and shapes as for `note_density`.
    """
    onset = _pitches(tokens, midi)[0] >= 0
    weight = (onset.astype(jnp.int32) @ jnp.asarray(ONSET_WEIGHTS, jnp.int32)).astype(jnp.float32)
    return weight / sum(ONSET_WEIGHTS)


def average_interval_jump(tokens: ArrayLike, midi: ArrayLike) -> jax.Array:
    """Mean absolute interval between successive onsets, in semitones; rests in between are ignored.

    0 with fewer than two onsets. Args and shapes as for `note_density`.
    """
    pitches, unit = _pitches(tokens, midi)
    onset = pitches >= 0
    ticks = jnp.broadcast_to(jnp.arange(TICKS, dtype=jnp.int32), pitches.shape)
    last_onset = jax.lax.cummax(jnp.where(onset, ticks, -1), axis=pitches.ndim - 1)
    # the onset before each tick: what was last one tick earlier, nothing at the first tick
    before = jnp.concatenate([jnp.full_like(last_onset[..., :1], -1), last_onset[..., :-1]], axis=-1)
    previous = jnp.take_along_axis(pitches, jnp.maximum(before, 0), axis=-1)
    jumps = jnp.where(onset & (before >= 0), jnp.abs(pitches - previous), 0).sum(-1)
    intervals = jnp.maximum(onset.sum(-1) - 1, 1)
    return jumps.astype(jnp.float32) / (intervals * unit).astype(jnp.float32)


def compute_attributes(tokens: ArrayLike, midi: ArrayLike) -> jax.Array:
    """All four attributes in the order of `trial.ATTRIBUTES`; jittable, and equal measures get equal values.

    Args:
        tokens: (..., 24) token indices, any integer type.
        midi: (V,) MIDI pitch of each token, -1 for hold and rest (`Vocabulary.midi`): integers, or floats that are
            multiples of 1/53, the fractional semitones of a microtonal vocabulary.

    Returns:
        (..., 4) float32.

    Raises:
        ValueError: the last axis of `tokens` is not the 24 ticks.
    """
    functions = {
        "rhythmic_complexity": rhythmic_complexity,
        "note_range": note_range,
        "note_density": note_density,
        "average_interval_jump": average_interval_jump,
    }
    return jnp.stack([functions[name](tokens, midi) for name in ATTRIBUTES], axis=-1)
