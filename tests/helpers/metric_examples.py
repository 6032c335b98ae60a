"""Codes and attributes whose scores are known, for tests of metrics of the latent space."""

from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-5  # Allowed difference from published implementations, times max(1, largest value).


def perfect(n: int = 600, spare: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Returns codes (n, 3 + spare) and independent attributes (n, 3) of 6 equally frequent values.

    Attribute k is linear in dimension k but for noise of a thousandth; the spare dimensions are noise.
    """
    rng = np.random.default_rng(5)
    attributes = np.stack(np.unravel_index(rng.permutation(n) % 216, (6, 6, 6)), axis=1) / 10
    tied = 3 - 7 * attributes + 1e-3 * rng.normal(size=attributes.shape)
    return np.concatenate([tied, rng.normal(size=(n, spare))], axis=1), attributes


def independent(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Returns codes (n, 6) that are independent of the attributes (n, 3), which have 6 values."""
    return np.random.default_rng(6).normal(size=(n, 6)), perfect(n)[1]


class Published:
    """Inputs and results of the published implementations (`metrics.npz`)."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._stored, self._kind = np.load(folder / "metrics.npz"), kind
        self.codes = self._stored["latent"].astype(np.float64)
        self.attributes = self._stored[f"attributes_{kind.removesuffix('_classes')}"].astype(np.float64)
        self.dims, self.constant = self._stored["informative_dim"], int(self._stored["constant_dim"])

    def pati(self, name: str) -> np.ndarray:
        """Returns a result of the implementation of Pati & Lerch 2020 with seed 0."""
        return self._stored[f"f64/pati2020/{self._kind}/seed0/{name}"]

    def watcharasupat(self, name: str) -> np.ndarray:
        """Returns a result of the implementation of Watcharasupat & Lerch 2021 with seed 0."""
        return self._stored[f"f64/wl2021/{self._kind}/seed0/{name}"]


def assert_equal_to_published(ours: Any, published: np.ndarray) -> None:
    """Asserts that values agree within the tolerance; `pytest -s` prints the largest difference."""
    scale = max(1.0, float(np.abs(published).max()))
    print(f"largest difference {np.abs(ours - published).max():.1e}")
    np.testing.assert_allclose(ours, published, rtol=0, atol=TOLERANCE * scale)
