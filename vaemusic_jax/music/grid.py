"""The grid of a measure: 4 beats of 6 ticks each.

A beat is a quarter note. Its ticks lie at 0, 1/4, 1/3, 1/2, 2/3 and 3/4 of it, so that sixteenths and triplets both
have a place.
"""

from fractions import Fraction

N_BEATS = 4  # quarter notes in a measure, so that measures in 4/4, 2/2 and 8/8 fill the grid
TICKS_OF_BEAT = tuple(Fraction(n, 12) for n in (0, 3, 4, 6, 8, 9))  # where the ticks of a beat lie, in beats
TICKS_PER_BEAT = len(TICKS_OF_BEAT)
N_TICKS = N_BEATS * TICKS_PER_BEAT
ONSET_OF_TICK = tuple(beat + at for beat in range(N_BEATS) for at in TICKS_OF_BEAT)  # in beats from the measure's start
