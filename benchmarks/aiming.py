"""How near turning and aiming come to attribute values that are asked for.

    python -m benchmarks.aiming [--model MODEL] [--targets 500]

Each test measure that is drawn is asked for one attribute of another one. Printed are the correlation and the rank
correlation of what is asked with what is obtained, the change of the other attributes in standard deviations of the
data, with 95 % intervals of a bootstrap over targets, and the share of measures within a tenth of a standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tyro
from scipy.stats import spearmanr

from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.load import load
from vaemusic_jax.play.trained_model import TrainedModel

RESAMPLES = 1000


def main(model: str = "irish-measure-32", targets: int = 500, seed: int = 0) -> None:
    """Measures turning and aiming.

    Args:
        model: a model of `vaemusic models`, or a file.
        targets: the number of measures.
        seed: which measures are drawn.
    """
    trained = load(model)
    test = load_dataset(trained.trial.dataset).test
    rng = np.random.default_rng(seed)
    start, target = (rng.choice(len(test), targets) for _ in range(2))
    tokens, spread = test.tokens[start].astype(np.int32), test.attributes.std(0)
    codes, own = trained.encode(tokens), trained.own_attributes(tokens)
    for name in trained.trial.attributes:
        k, control = ATTRIBUTES.index(name), trained.control(name)
        asked = test.attributes[target, k].astype(float)
        levels = [trained.about.level_of(name, value) for value in asked]
        values = asked if trained.told else np.array([trained.about.control_at(control, level) for level in levels])
        settings = [values if each == control else None for each in range(len(trained.trial.attributes))]
        ways = {
            "turn": trained.set_controls(codes, own, settings),
            "aim": np.stack([_aimed(trained, *each, name) for each in zip(tokens, asked, strict=True)]),
        }
        for way, made in ways.items():
            got = trained.attributes(made)
            others = [column for column in range(len(ATTRIBUTES)) if column != k]
            moved = (np.abs(got - test.attributes[start])[:, others] / spread[others]).mean(1)
            near = np.abs(got[:, k] - asked) / spread[k] <= 0.1
            print(
                f"{name} {way}: correlation {_interval(_correlation, asked, got[:, k])}, "
                f"rank correlation {_interval(_rank_correlation, asked, got[:, k])}, "
                f"others moved {_interval(lambda each: float(each.mean()), moved)}, within a tenth {near.mean():.3f}"
            )


def _aimed(trained: TrainedModel, tokens: np.ndarray, value: float, name: str) -> np.ndarray:
    return trained.aim(tokens, **{name: value}).tokens


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(spearmanr(x, y).statistic)


def _interval(statistic: Callable[..., float], *columns: np.ndarray) -> str:
    """Returns a statistic of columns with its 95 % interval."""
    rng, n = np.random.default_rng(0), len(columns[0])
    values = [statistic(*(column[rows] for column in columns)) for rows in rng.integers(0, n, (RESAMPLES, n))]
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{statistic(*columns):.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    tyro.cli(main)
