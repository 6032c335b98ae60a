"""Steering decoded measures with a trained model: turning one control, aiming at attribute values, and going between.

*Turning* sets a control and decodes once. It shows what the control does. *Aiming* decodes several candidates, with the
controls near where the training measures with the asked values have them and the rest of the code varied, and keeps
the one that comes nearest. It gets closer to what was asked; docs/choices.md says by how much.

Shapes: N measures, T ticks, Z latent, K the model's controls, A all attributes, C candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.music.attributes import ATTRIBUTES

if TYPE_CHECKING:
    from vaemusic_jax.play.about import About
    from vaemusic_jax.play.trained_model import TrainedModel

CANDIDATES = 48
NOISE = 1.0  # of the free part of the code in the last candidate, in its standard deviations in training measures
JITTER = 0.15  # of the controls, in quantiles of the training measures
VARIATION = 0.3  # of codes around that of a measure, in standard deviations of training measures
OTHERS = 0.1  # the weight of the attributes that were not asked for


@dataclass(frozen=True)
class Aimed:
    """What aiming has found.

    Attributes:
        tokens: (T,) the measure.
        asked: the values that were asked for, by attribute.
        obtained: the values of all attributes of the measure, by name.
        start: those of the start measure; None if there was none.
        distance: the root of the mean square of asked less obtained, in standard deviations of the training measures.
    """

    tokens: NDArray[np.int32]
    asked: Mapping[str, float]
    obtained: Mapping[str, float]
    start: Mapping[str, float] | None
    distance: float


def turn(
    model: TrainedModel, tokens: ArrayLike, attribute: str, value: float | None = None, *, level: float | None = None
) -> NDArray[np.int32]:
    """Decodes measures again with one control set to a new value.

    Args:
        model: the model.
        tokens: (N, T) or (T,) the measures to start from.
        attribute: the attribute whose control is set.
        value: the value of the control: of dimension k of a MeasureVAE's code, or the attribute value that an
            AdversarialVAE is told.
        level: instead of a value, the quantile, from 0 to 1, of the values that the control has in training measures.

    Returns:
        The tokens of the measures, (N, T).

    Raises:
        ValueError: the model has no such control, the tokens are wrong, or not exactly one of `value` and `level` is
            given, or it is no number in its range.
    """
    k = model.control(attribute)
    if (value is None) == (level is None):
        raise ValueError("give either the value of the control or its level")
    if level is not None:
        if not 0 <= level <= 1:
            raise ValueError(f"level {level}; it needs a number from 0 to 1")
        value = model.about.control_at(k, level)
    if value is None or not np.isfinite(value):
        raise ValueError(f"{attribute} {value}; it needs a finite number")
    values = [None] * len(model.trial.attributes)
    values[k] = value  # type: ignore[call-overload]
    return model.set_controls(model.encode(tokens), model.own_attributes(tokens), values)


def aim(
    model: TrainedModel,
    tokens: ArrayLike | None = None,
    *,
    candidates: int = CANDIDATES,
    noise: float = NOISE,
    seed: int = 0,
    **asked: float,
) -> Aimed:
    """Finds a measure whose attributes are near what is asked for.

        model.aim(note_density=0.4)
        model.aim(tokens, note_density=0.4, average_interval_jump=3.0)

    Args:
        model: the model.
        tokens: (T,) the measure to start from, which the result resembles; None for a random one.
        candidates: the number of measures that are decoded.
        noise: how much the part of the code is varied that is no control, if there is a measure to start from: not at
            all in the first candidate, rising to this many standard deviations of training measures in the last.
        seed: the seed of the variations.
        asked: values of attributes that the model has controls of, in the units of `model.attributes`.

    Raises:
        ValueError: nothing is asked for, a value is no number or has no control, or the tokens are wrong.
    """
    found = candidates_for(model, tokens, asked, candidates, noise, seed)
    best = int(found.cost.argmin())
    return Aimed(found.tokens[best], asked, _named(found.obtained[best]), found.start, float(found.distance[best]))


@dataclass(frozen=True)
class Candidates:
    """Measures that are near what is asked for.

    Attributes:
        tokens: (C, T) the measures.
        obtained: (C, A) their attributes.
        distance: (C,) how far they are from what is asked for, as `Aimed.distance`.
        cost: (C,) the same, and with less weight how far the other attributes have moved.
        start: the attributes of the start measure; None if there was none.
    """

    tokens: NDArray[np.int32]
    obtained: NDArray[np.float32]
    distance: NDArray[np.float64]
    cost: NDArray[np.float64]
    start: Mapping[str, float] | None


def candidates_for(
    model: TrainedModel,
    tokens: ArrayLike | None,
    asked: Mapping[str, float],
    n: int = CANDIDATES,
    noise: float = NOISE,
    seed: int = 0,
) -> Candidates:
    """Decodes the measures of which `aim` keeps the one of least cost. Arguments and errors are those of `aim`."""
    if not asked:
        raise ValueError(f"ask for values of some of {', '.join(model.trial.attributes)}")
    for name, value in asked.items():
        model.control(name)
        if not np.isfinite(value):
            raise ValueError(f"{name} {value}; it needs a finite number")
    if n < 1:
        raise ValueError(f"{n} candidates; at least 1 is needed")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise {noise}; it needs a number from 0")
    about, rng = model.about, np.random.default_rng(seed)
    z, own, start = _starts(model, tokens, n, noise, rng)
    shift = rng.normal(scale=JITTER, size=(n, len(asked)))
    shift[0] = 0
    values: list[ArrayLike | None] = [None] * len(model.trial.attributes)
    for column, (name, value) in enumerate(asked.items()):
        levels = np.clip(about.level_of(name, value) + shift[:, column], 0, 1)
        k = model.control(name)
        values[k] = np.array([about.control_at(k, level) for level in levels])
        if model.told:  # the first candidate is told exactly what is asked for
            values[k][0] = value  # type: ignore[index]
    decoded = model.set_controls(z, own, values)
    obtained = model.attributes(decoded)
    distance = off(obtained, asked, about)
    kept = {name: value for name, value in (start or {}).items() if name not in asked}
    return Candidates(decoded, obtained, distance, distance + OTHERS * off(obtained, kept, about), start)


def interpolate(model: TrainedModel, first: ArrayLike, last: ArrayLike, steps: int = 8) -> NDArray[np.int32]:
    """Decodes evenly spaced points between the codes of two measures, both of which are decoded too.

    Args:
        model: the model.
        first, last: (T,) the two measures.
        steps: the number of measures to return, at least 2.

    Returns:
        The tokens of the measures, (steps, T).

    Raises:
        ValueError: the tokens are wrong, or there are too few steps.
    """
    if steps < 2:
        raise ValueError(f"{steps} steps; at least 2 are needed")
    ends = np.stack([_one(model, first), _one(model, last)])
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    z, own = model.encode(ends), model.own_attributes(ends)
    return model.decode(z[0] + share * (z[1] - z[0]), own[0] + share * (own[1] - own[0]))


def draw(model: TrainedModel, n: int, seed: int = 0, temperature: float | None = None) -> NDArray[np.int32]:
    """Decodes codes like those of training measures: each dimension has their mean and spread.

    A decoder that is told attribute values is told values that occur in training, each at random.

    Args:
        model: the model.
        n: the number of measures.
        seed: the seed of the draws.
        temperature: as in `TrainedModel.sample`.

    Returns:
        The tokens of the measures, (n, T).

    Raises:
        ValueError: the temperature is not above 0.
    """
    rng = np.random.default_rng(seed)
    z, own, _ = _starts(model, None, n, 1.0, rng)
    return model.decode_at(z, own, rng, temperature)


def vary(
    model: TrainedModel, tokens: ArrayLike, n: int, seed: int = 0, temperature: float | None = None
) -> NDArray[np.int32]:
    """Decodes codes near that of a measure.

    Args:
        model: the model.
        tokens: (T,) the measure.
        n: the number of measures.
        seed: the seed of the variations, of VARIATION standard deviations of the codes of training measures.
        temperature: as in `TrainedModel.sample`.

    Returns:
        The tokens of the measures, (n, T).

    Raises:
        ValueError: the tokens are wrong, or the temperature is not above 0.
    """
    one, rng = _one(model, tokens), np.random.default_rng(seed)
    shift = rng.standard_normal((n, model.trial.latent_dim)) * model.about.code_std
    return model.decode_at(model.encode(one) + VARIATION * shift, model.own_attributes(one), rng, temperature)


def _starts(
    model: TrainedModel, tokens: ArrayLike | None, n: int, noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], Mapping[str, float] | None]:
    """Returns codes (C, Z) and attribute values (C, K) to start from, and the start measure's attributes, if any."""
    about, n_own = model.about, len(model.trial.attributes)
    draws = rng.standard_normal((n, model.trial.latent_dim)).astype(np.float32) * about.code_std
    if tokens is None:
        names = model.trial.attributes
        levels = rng.uniform(size=(n, n_own))
        own = [[about.attribute_at(name, at) for name, at in zip(names, row, strict=True)] for row in levels]
        return about.code_mean + draws, np.reshape(own, (n, n_own)).astype(np.float32), None
    one = _one(model, tokens)
    draws *= np.linspace(0, noise, n, dtype=np.float32)[:, None]
    if not model.told:
        draws[:, :n_own] = 0  # what was not asked for stays as it is
    return model.encode(one) + draws, np.repeat(model.own_attributes(one), n, axis=0), _named(model.attributes(one)[0])


def _one(model: TrainedModel, tokens: ArrayLike) -> NDArray[np.int32]:
    """Returns one measure as (T,) tokens. Raises ValueError for several."""
    found = np.asarray(tokens)
    if found.ndim == 2 and len(found) == 1:
        found = found[0]
    if found.ndim != 1:
        raise ValueError(f"tokens have shape {found.shape}; they need to be one measure")
    return found


def off(obtained_CxA: np.ndarray, asked: Mapping[str, float], about: About) -> np.ndarray:
    """Returns how far attributes are from what is asked, (C,): the root mean square in standard deviations.

    Args:
        obtained_CxA: the attributes of measures.
        asked: the values asked for, by attribute; the others do not count.
        about: facts about the training measures, whose standard deviations are used.
    """
    columns = [(obtained_CxA[:, ATTRIBUTES.index(name)] - value) / about.spread(name) for name, value in asked.items()]
    return np.sqrt(np.mean(np.square(columns), axis=0)) if columns else np.zeros(len(obtained_CxA))


def _named(values_A: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(ATTRIBUTES, values_A, strict=True)}
