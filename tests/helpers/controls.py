"""Traversals whose scores are known from how they are made."""

import numpy as np

Q = 9


def control_values(n_controls: int) -> np.ndarray:
    """(K, Q): unevenly spaced, in rising order."""
    return np.outer(np.arange(1, n_controls + 1), np.linspace(-1, 1.2, Q) ** 3)


def perfect(n_measures: int = 6, n_controls: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Control (K, Q) and changed (M, K, Q, K): each raises its own attribute, and leaves the others as they were."""
    rng = np.random.default_rng(0)
    control = control_values(n_controls)
    changed = np.broadcast_to(
        rng.uniform(size=(n_measures, 1, 1, n_controls)), (n_measures, n_controls, Q, n_controls)
    ).copy()
    for k in range(n_controls):
        changed[:, k, :, k] = np.exp(control[k])
    return control, changed


def random(seed: int, n_measures: int = 5, n_controls: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Controls that move every attribute at random, with ties."""
    rng = np.random.default_rng(seed)
    return control_values(n_controls), rng.integers(0, 5, (n_measures, n_controls, Q, n_controls)) / 4.0
