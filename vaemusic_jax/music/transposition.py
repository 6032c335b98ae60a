"""Transposition of training measures, on the device: each is moved by a random interval whenever it is drawn.

All notes of a measure move by one interval on the line of fifths, so their intervals and the logic of their spelling
stay: D major goes up a semitone as E flat major, not as D sharp major. An interval of s semitones is one of two moves
on that line, 7s mod 12 fifths up or the rest of the twelve down; from any key of up to seven accidentals one of them
leads to the simplest spelling there is. Of the two, the one that leaves the measure with fewer sharps and flats is
taken, among those whose notes are all in the vocabulary; at a tie the shorter move. A measure that would leave the
vocabulary either way stays where it is. Rhythm and all four attributes stay the same.

Shapes: V tokens, S = 2K + 1 shifts from -K to K semitones, D = 2 moves, B batch, T ticks.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vaemusic_jax.music.vocabulary import SEMITONES, Vocabulary, spelling

STREAM = 2**31 - 2  # folded into the seed to draw shifts with; no training step has this number
OUTSIDE = 1000  # accidentals of a pitch that the vocabulary does not have: more than any measure can have

FIFTHS = "FCGDAEB"  # F, one fifth below C, is at -1 on the line; a sharp is seven fifths up


class Transposition(NamedTuple):
    """Where every token goes at every shift."""

    token: jax.Array | np.ndarray  # (D, S, V) uint8 what it becomes; itself where there is no such pitch
    accidentals: jax.Array | np.ndarray  # (D, S, V) int16 how many sharps or flats that has, OUTSIDE if there is none

    @property
    def widest(self) -> int:
        """K, the largest shift in semitones."""
        return self.token.shape[1] // 2


def moves(semitones: int) -> tuple[int, int]:
    """The two intervals of that many semitones, in fifths, the shorter first; at six, the sharper one."""
    up = 7 * semitones % 12
    if up == 0:
        return 0, 0
    return (up, up - 12) if up <= 6 else (up - 12, up)


def moved_pitch(name: str, semitones: int, fifths: int) -> tuple[str, int]:
    """A spelled pitch after an interval given in both units, and how many accidentals it has."""
    letter, octave, alteration = spelling(name)
    above_c0 = 12 * octave + SEMITONES[letter] + alteration + semitones
    place = FIFTHS.index(letter) + 7 * alteration + fifths
    letter, alteration = FIFTHS[place % 7], place // 7
    octave = (above_c0 - alteration) // 12  # the letter's
    return f"{letter}{('#' if alteration > 0 else '-') * abs(alteration)}{octave}", abs(alteration)


def transposition_table(vocabulary: Vocabulary, widest: int) -> Transposition:
    """All shifts up to `widest` semitones either way, as numpy arrays."""
    n_tokens, n_shifts = len(vocabulary), 2 * widest + 1
    token = np.tile(np.arange(n_tokens, dtype=np.uint8), (2, n_shifts, 1))
    accidentals = np.zeros((2, n_shifts, n_tokens), np.int16)  # none on holds and rests
    for row, semitones in enumerate(range(-widest, widest + 1)):
        for move, fifths in enumerate(moves(semitones)):
            for index, name in enumerate(vocabulary.tokens[2:], start=2):
                moved, n_accidentals = moved_pitch(name, semitones, fifths)
                if moved in vocabulary:
                    token[move, row, index] = vocabulary.index(moved)
                    accidentals[move, row, index] = n_accidentals
                else:
                    accidentals[move, row, index] = OUTSIDE
    return Transposition(token, accidentals)


def transpose(table: Transposition, tokens_BxT: jax.Array, semitones_B: jax.Array) -> jax.Array:
    """Measures moved by so many semitones each, |semitones| <= K, spelled as said above: (B, T) of their own type."""
    row_Bx1 = (semitones_B + table.widest)[:, None]
    index_BxT = tokens_BxT.astype(jnp.int32)
    accidentals_DxB = jnp.asarray(table.accidentals)[:, row_Bx1, index_BxT].astype(jnp.int32).sum(-1)
    moved_DxBxT = jnp.asarray(table.token)[:, row_Bx1, index_BxT].astype(tokens_BxT.dtype)
    first_Bx1 = (accidentals_DxB[0] <= accidentals_DxB[1])[:, None]
    stays_Bx1 = (accidentals_DxB.min(0) >= OUTSIDE)[:, None]
    return jnp.where(stays_Bx1, tokens_BxT, jnp.where(first_Bx1, moved_DxBxT[0], moved_DxBxT[1]))


def draw_shifts(seed: jax.Array, step: jax.Array, widest: jax.Array, batch_size: int) -> jax.Array:
    """Semitones from -widest to widest for every measure of a step's batch, (B,): of seed and step alone."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), STREAM), step)
    return jax.random.randint(key, (batch_size,), -widest, widest + 1)
