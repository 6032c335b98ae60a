"""A program is as large as the largest of its members."""

from tests.helpers import cohorts
from vaemusic_jax.models import program as programs

VOCABULARY_SIZE = 7


def test_a_program_is_as_large_as_its_largest_member() -> None:
    small = cohorts.trial("measure_vae", latent_dim=9, attributes=("note_range",))
    program = programs.program_of((small, cohorts.trial("measure_vae", latent_dim=5)), VOCABULARY_SIZE)
    assert (program.latent_dim, program.n_attributes) == (9, 4)
    assert programs.program_of((small,), VOCABULARY_SIZE) == program.sized(9, 1)
