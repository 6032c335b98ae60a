"""Made-up traversals, whose scores are known from their construction."""

import numpy as np

Q = 9


def control_values(n_controls: int) -> np.ndarray:
    """Returns the values of controls (K, Q), which rise at uneven distances."""
    return np.outer(np.arange(1, n_controls + 1), np.linspace(-1, 1.2, Q) ** 3)


def perfect(n_measures: int = 6, n_controls: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Returns control (K, Q) and changed (M, K, Q, K); each control raises its own attribute and no other."""
    rng = np.random.default_rng(0)
    control = control_values(n_controls)
    changed = np.broadcast_to(
        rng.uniform(size=(n_measures, 1, 1, n_controls)), (n_measures, n_controls, Q, n_controls)
    ).copy()
    for k in range(n_controls):
        changed[:, k, :, k] = np.exp(control[k])
    return control, changed


def random(seed: int, n_measures: int = 5, n_controls: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Returns control (K, Q) and changed (M, K, Q, K); each control moves every attribute at random, with ties."""
    rng = np.random.default_rng(seed)
    return control_values(n_controls), rng.integers(0, 5, (n_measures, n_controls, Q, n_controls)) / 4.0
