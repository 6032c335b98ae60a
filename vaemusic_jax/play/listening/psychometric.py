"""Psychometric slopes: logistic functions with lapses, with intervals over listeners and over items.

A choice of the measure that should have more has the probability

    lapse / 2 + (1 - lapse) * logistic(slope * difference + bias * order)

with a slope and a bias for each cell, and one lapse rate for all. The variance of a slope is that over listeners plus
that over items less that over single answers, which both of them contain (Cameron, Gelbach & Miller, "Robust inference
with multiway clustering", 2011), each of a bootstrap of its own. It is no less than that of independent answers, by
their Fisher information: a bootstrap of answers that are all right gives the same slope each time.

Shapes: N answers, R resamples, C cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t as student

_LAPSES = np.linspace(0, 0.1, 11)
_STEP = 0.01
_PRIOR_SD = 5.0  # of slopes and biases: a weak prior, so that a cell without errors has a finite slope
_ITERATIONS = 25

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choices:
    """Answers to pairs.

    Attributes:
        difference: (N,) the difference of the measure that should have more and the other one.
        is_right: (N,) whether it was chosen.
        order: (N,) 1 if it was second, else -1.
        cell, listener, item: (N,) numbers from 0.
    """

    difference: Floats
    is_right: NDArray[np.bool_]
    order: Floats
    cell: NDArray[np.intp]
    listener: NDArray[np.intp]
    item: NDArray[np.intp]


@dataclass(frozen=True)
class Slopes:
    """Slopes of cells.

    Attributes:
        slope, low, high: (C,) the slopes and their 95 % intervals; NaN where a cell has no answers.
        error: (C,) the standard errors.
    """

    slope: Floats
    low: Floats
    high: Floats
    error: Floats


@dataclass(frozen=True)
class Lapses:
    """The likeliest lapse rate, from 0 to 0.1, and its standard error over listeners."""

    rate: float
    error: float = 0.0


def lapse_rate(choices: Choices, resamples: int = 50, seed: int = 0) -> Lapses:
    """Estimates the lapse rate, with a slope and a bias for each cell.

    Args:
        choices: the answers; catch trials, too, in the cells of their kind.
        resamples: the number of resamples of listeners, for the error.
        seed: the seed of the resamples.
    """
    rng, n = np.random.default_rng(seed), len(choices.difference)
    drawn = _drawn(choices.listener, np.zeros(choices.listener.max() + 1, int), resamples, rng)
    weights = np.concatenate([np.ones((1, n)), drawn])
    likeliest = _LAPSES[np.argmax([_fit(choices, weights, lapse)[1] for lapse in _LAPSES], axis=0)]
    return Lapses(float(likeliest[0]), float(likeliest[1:].std(ddof=1)))


def psychometric_slopes(choices: Choices, lapses: Lapses, resamples: int = 400, seed: int = 0) -> Slopes:
    """Fits the slopes of all cells.

    Args:
        choices: the answers.
        lapses: the lapse rate; its error widens the intervals by as much as the slopes depend on it.
        resamples: the number of resamples of each of the three bootstraps.
        seed: the seed of the resamples.
    """
    rng, n = np.random.default_rng(seed), len(choices.difference)
    lapse, ones = lapses.rate, np.ones((1, n))
    fitted = _fit(choices, ones, lapse)
    slope, of_information = fitted[0][0], fitted[2][0]
    by_lapse = (_fit(choices, ones, lapse + _STEP)[0][0] - slope) / _STEP
    by_listener = _drawn(choices.listener, np.zeros(choices.listener.max() + 1, int), resamples, rng)
    cell_of_item = np.zeros(choices.item.max() + 1, int)
    cell_of_item[choices.item] = choices.cell
    by_item = _drawn(choices.item, cell_of_item, resamples, rng)
    by_answer = _drawn(np.arange(n), choices.cell, resamples, rng)
    over_listeners, over_items, over_answers = (
        _fit(choices, weights, lapse)[0].var(0, ddof=1) for weights in (by_listener, by_item, by_answer)
    )
    n_listeners, n_items = (
        np.array([max(len(np.unique(each[choices.cell == cell])), 2) for cell in range(len(slope))])
        for each in (choices.listener, choices.item)
    )
    over_listeners *= n_listeners / (n_listeners - 1)
    over_items *= n_items / (n_items - 1)
    least = np.maximum(np.maximum(over_listeners, over_items), of_information)
    variance = np.maximum(over_listeners + over_items - over_answers, least)
    error = np.sqrt(variance + (by_lapse * lapses.error) ** 2)
    wide = student.ppf(0.975, np.minimum(n_listeners, n_items) - 1) * error
    return Slopes(slope, slope - wide, slope + wide, error)


def lapse_effect(choices: Choices, lapses: Lapses) -> Floats:
    """Returns by how much the slopes (C,) of all cells are steeper with lapses than without, as steep as may be.

    The rate is taken as high as the likeliest one and its error together make it.
    """
    ones = np.ones((1, len(choices.difference)))
    with_lapses, without = (_fit(choices, ones, rate)[0][0] for rate in (np.hypot(lapses.rate, lapses.error), 0.0))
    return with_lapses - without


def _drawn(member: NDArray[np.intp], stratum: NDArray[np.intp], n: int, rng: np.random.Generator) -> Floats:
    """Returns how often each answer is in each of n resamples, (R, N): whole members, as many of each stratum."""
    counts = np.zeros((n, len(stratum)))
    for each in np.unique(stratum):
        members = np.flatnonzero(stratum == each)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=n)
    return counts[:, member]


def _fit(choices: Choices, weights_RxN: Floats, lapse: float) -> tuple[Floats, Floats, Floats]:
    """Returns the likeliest slopes (R, C) of weighted answers, the log likelihoods (R,), and variances (R, C).

    The variances are those of the slopes of independent answers. The fit is Fisher scoring in two parameters, for all
    resamples of a cell at once.
    """
    n_cells = int(choices.cell.max()) + 1
    slopes, variances = np.full((2, len(weights_RxN), n_cells), np.nan)
    log_likelihood = np.zeros(len(weights_RxN))
    for cell in range(n_cells):
        rows = choices.cell == cell
        if not rows.any():
            continue
        x, order, y = choices.difference[rows], choices.order[rows], choices.is_right[rows].astype(float)
        w = weights_RxN[:, rows]
        slope, bias = np.zeros((len(w), 1)), np.zeros((len(w), 1))
        for _ in range(_ITERATIONS):
            inner = expit(slope * x + bias * order)
            p = lapse / 2 + (1 - lapse) * inner
            steepness = (1 - lapse) * inner * (1 - inner)
            per_answer = w * steepness / np.clip(p * (1 - p), 1e-9, None)
            score = per_answer * (y - p)
            information = per_answer * steepness
            a = (information * x * x).sum(1, keepdims=True) + _PRIOR_SD**-2
            b = (information * x * order).sum(1, keepdims=True)
            c = (information * order * order).sum(1, keepdims=True) + _PRIOR_SD**-2
            u = (score * x).sum(1, keepdims=True) - slope * _PRIOR_SD**-2
            v = (score * order).sum(1, keepdims=True) - bias * _PRIOR_SD**-2
            determinant = a * c - b * b
            step = np.clip((c * u - b * v) / determinant, -1, 1)
            slope, bias = slope + step, bias + np.clip((a * v - b * u) / determinant, -1, 1)
            if np.abs(step).max() < 1e-5:
                break
        slopes[:, cell], variances[:, cell] = slope[:, 0], (c / determinant)[:, 0]
        p = lapse / 2 + (1 - lapse) * expit(slope * x + bias * order)
        log_likelihood += (w * np.log(np.clip(np.where(y > 0, p, 1 - p), 1e-12, None))).sum(1)
    return slopes, log_likelihood, variances
