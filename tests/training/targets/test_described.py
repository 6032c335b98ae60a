"""A tiny cohort is compiled for a device that is not here, where its compiler is installed."""

from pathlib import Path

import pytest

from tests.helpers import cohorts
from vaemusic_jax.config.trial import Cohort
from vaemusic_jax.training.targets import plan
from vaemusic_jax.training.targets.described import Sizes
from vaemusic_jax.training.targets.target import TARGETS, NotInstalledError


@pytest.mark.parametrize("name", ["h100", "v5e-4"])
def test_a_tiny_cohort_is_divided_by_its_compiled_programs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TARGETS[name]
    try:
        devices = target.devices()
    except NotInstalledError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("VAEMUSIC_CACHE", str(tmp_path))
    group = Cohort(tuple(cohorts.trial("adversarial_vae", seed=seed) for seed in range(4)))
    found = plan.divided(group, target, devices, Sizes(20, 500, 2))
    assert isinstance(found, plan.Division)
    assert found.n_devices * found.at_once == 4
    assert found.turns == 1
    assert 0 < found.memory < 1e8
    assert min(found.step[:3]) > 0
    assert min(found.validation[:3]) > 0
    assert len(list((tmp_path / "plans").iterdir())) == 2
    assert plan.divided(group, target, devices, Sizes(20, 500, 2)) == found
