"""Transposition of training measures on the device: each measure is moved by a random interval whenever it is drawn.

All notes of a measure move by one interval on the line of fifths, which keeps their intervals and the logic of their
spelling: D major moves up a semitone to E flat major, not to D sharp major. An interval of s semitones is one of two
moves on that line, up by 7s mod 12 fifths or down by 12 minus that number. From any key of up to seven accidentals, one
of the two leads to the simplest possible spelling. Only moves whose notes are all in the vocabulary are considered, and
of these the one that leaves the measure with fewer sharps and flats is chosen, at a tie the shorter one. A measure that
would leave the vocabulary either way is not moved. Rhythm and all four attributes stay the same.

Shapes: V tokens, S = 2K + 1 shifts from -K to K semitones, D = 2 moves, B batch, T ticks.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vaemusic_jax.music.key_signatures import FIFTHS
from vaemusic_jax.music.vocabulary import SEMITONES, Vocabulary, spelling
from vaemusic_jax.support.jax_settings import random_key

STREAM = 2**31 - 2  # folded into the seed for the key of the shifts; no training step has this number
OUTSIDE = 1000  # counts as the accidentals of a pitch outside the vocabulary: more than any measure can have


class Transposition(NamedTuple):
    """The transposition of every token by every shift.

    Attributes:
        token: (D, S, V) uint8, the token that each token becomes; the token itself if that pitch is not in the
            vocabulary.
        accidentals: (D, S, V) int16, the number of sharps or flats of the new token; OUTSIDE if it is not in the
            vocabulary.
    """

    token: jax.Array | np.ndarray
    accidentals: jax.Array | np.ndarray

    @property
    def widest(self) -> int:
        """K, the largest shift in semitones."""
        return self.token.shape[1] // 2


def moves(semitones: int) -> tuple[int, int]:
    """Returns the two moves of an interval in semitones, in fifths; the shorter first, at six semitones the upward one.

    The interval of no semitones has one move, which is returned twice.
    """
    up = 7 * semitones % 12
    if up == 0:
        return 0, 0
    return (up, up - 12) if up <= 6 else (up - 12, up)


def moved_pitch(name: str, semitones: int, fifths: int) -> tuple[str, int]:
    """Transposes a spelled pitch by an interval that is given in both units.

    Args:
        name: a spelled pitch in twelve tones, such as "B-4".
        semitones: the interval in semitones.
        fifths: the same interval on the line of fifths.

    Returns:
        The spelled pitch that results and the number of its accidentals.

    Raises:
        ValueError: `name` is not a spelled pitch.
    """
    letter, octave, alteration = spelling(name)
    above_c0 = 12 * octave + SEMITONES[letter] + alteration + semitones
    # On the line of fifths F is at 0, C at 1; a sharp is seven fifths up.
    place = FIFTHS.index(letter) + 7 * alteration + fifths
    letter, alteration = FIFTHS[place % 7], place // 7
    octave = (above_c0 - alteration) // 12  # of the letter without its accidentals
    return f"{letter}{('#' if alteration > 0 else '-') * abs(alteration)}{octave}", abs(alteration)


def transposition_table(vocabulary: Vocabulary, widest: int) -> Transposition:
    """Builds the table of all shifts of a vocabulary from -`widest` to `widest` semitones, as numpy arrays.

    Raises:
        ValueError: the vocabulary is microtonal.
    """
    n_tokens, n_shifts = len(vocabulary), 2 * widest + 1
    token = np.tile(np.arange(n_tokens, dtype=np.uint8), (2, n_shifts, 1))
    accidentals = np.zeros((2, n_shifts, n_tokens), np.int16)  # holds and rests have none
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
    """Transposes each measure by its own number of semitones, spelled as the module's docstring says.

    Args:
        table: the shifts of the measures' vocabulary.
        tokens_BxT: the measures.
        semitones_B: the shift of each measure, -K to K.

    Returns:
        The transposed measures, (B, T) of the type of `tokens_BxT`.
    """
    row_Bx1 = (semitones_B + table.widest)[:, None]
    index_BxT = tokens_BxT.astype(jnp.int32)
    accidentals_DxB = jnp.asarray(table.accidentals)[:, row_Bx1, index_BxT].astype(jnp.int32).sum(-1)
    moved_DxBxT = jnp.asarray(table.token)[:, row_Bx1, index_BxT].astype(tokens_BxT.dtype)
    first_Bx1 = (accidentals_DxB[0] <= accidentals_DxB[1])[:, None]
    stays_Bx1 = (accidentals_DxB.min(0) >= OUTSIDE)[:, None]
    return jnp.where(stays_Bx1, tokens_BxT, jnp.where(first_Bx1, moved_DxBxT[0], moved_DxBxT[1]))


def draw_shifts(seed: jax.Array, step: jax.Array, widest: jax.Array, batch_size: int) -> jax.Array:
    """Draws a shift from -widest to widest semitones for every measure of a batch, (B,) int32.

    The shifts depend on the seed and the step alone.
    """
    key = jax.random.fold_in(jax.random.fold_in(random_key(seed), STREAM), step)
    return jax.random.randint(key, (batch_size,), -widest, widest + 1)
