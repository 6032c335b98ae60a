"""The benchmark compiles cohorts for devices that are not here."""

import pytest

from benchmarks import accelerators
from vaemusic_jax.training.targets.target import NotInstalledError


@pytest.mark.parametrize(("target", "most"), [("h100", 560), ("v5e-4", 5000)])
def test_a_small_cohort_compiles_for_a_device_that_is_not_here(target: str, most: int) -> None:
    options = accelerators.Options(target=target, hidden_size=8, members=4, batch_size=8, programs=("train",))
    try:
        (row,) = accelerators.rows(options)
    except NotInstalledError as error:
        pytest.skip(str(error))
    assert row.collectives == 0
    assert 0 < row.matmuls < row.launches <= most
    assert 0 < row.intermediates_gb + row.arguments_gb < 0.1
