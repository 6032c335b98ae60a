"""The grid of the study, that of 4/4, which benchmarks use."""

from vaemusic_jax.music.grid import COMMON, GRIDS

GRID = GRIDS[COMMON]
N_BEATS, TICKS_PER_BEAT, N_TICKS = GRID.n_beats, GRID.ticks_per_beat, GRID.n_ticks
