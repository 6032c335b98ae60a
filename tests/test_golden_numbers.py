"""The golden numbers in the repository are those that their scripts make, and small."""

from typing import Any

import numpy as np
import pytest

from tests.fixtures.make_parity import FOLDER, compact
from tests.fixtures.plain_attributes import attributes
from tests.fixtures.plain_metrics import metrics


def assert_stored(name: str, arrays: dict[str, Any]) -> None:
    """Up to what another processor's rounding may change."""
    with np.load(FOLDER / f"{name}.npz") as file:
        stored = dict(file)
    made = compact(arrays)
    assert made.keys() == stored.keys()
    for key, values in stored.items():
        assert made[key].dtype == values.dtype, key
        if values.dtype.kind == "f":
            np.testing.assert_allclose(made[key], values, rtol=1e-6, atol=1e-6, err_msg=key)
        else:
            np.testing.assert_array_equal(made[key], values, err_msg=key)


def test_attributes_and_metrics_are_those_that_the_scripts_make() -> None:
    assert_stored("attributes", attributes())
    assert_stored("metrics", metrics())


def test_numbers_of_the_networks_are_those_that_pytorch_makes() -> None:
    pytest.importorskip("torch")
    from tests.fixtures.parity_networks import networks

    for name, arrays in networks().items():
        assert_stored(name, arrays)


def test_all_together_take_little_room() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 400_000
