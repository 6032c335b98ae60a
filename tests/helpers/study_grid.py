"""The grid of the study, that of 4/4, which most tests use."""

from vaemusic_jax.music.grid import COMMON, GRIDS

GRID = GRIDS[COMMON]
N_BEATS, TICKS_PER_BEAT, N_TICKS = GRID.n_beats, GRID.ticks_per_beat, GRID.n_ticks
ONSET_OF_TICK, TICK_OF_ONSET = GRID.onset_of_tick, GRID.tick_of_onset
