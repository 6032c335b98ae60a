"""Simulated listeners, for planning a test and for testing its analysis: what was put in has to come out.

A listener l who hears pair i, in which the measure that should have more has d more of the attribute, in standard
deviations of the training measures, chooses that measure with the probability

    lapse / 2 + (1 - lapse) * logistic(slope * (1 + a_l) * d + v_i)

with a_l of standard deviation `listener_variation` and v_i of standard deviation `item_variation`. Lapses are random
answers. A guesser gives no other ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from vaemusic_jax.play.listening.answers import DEVICES, rows_of
from vaemusic_jax.play.listening.design import Design
from vaemusic_jax.play.listening.page import tones_of

_HEADPHONES, _HEARS_TONES = 0.8, 0.95  # the share of listeners with headphones, and of the tones that these get right
_SECONDS, _AGAIN = 1.2, 0.15  # the median time to answer, and the share of pairs that are played again


@dataclass(frozen=True)
class Listeners:
    """A population of listeners.

    Attributes:
        sensitivity: of each attribute the logit slope per standard deviation.
        listener_variation: the standard deviation of slopes over listeners, as a share of the slope.
        item_variation: the standard deviation over pairs, in logits.
        lapses: the share of the answers that are random.
        guessers: the share of the listeners who guess.
    """

    sensitivity: Mapping[str, float]
    listener_variation: float = 0.3
    item_variation: float = 0.3
    lapses: float = 0.02
    guessers: float = 0.0


def simulate(design: Design, listeners: Listeners, n: int, seed: int) -> pd.DataFrame:
    """Returns the answers of n simulated listeners, as the rows of `answers.Answers`. They take turns in the groups."""
    rng = np.random.default_rng(seed)
    towards_more = rng.normal(scale=listeners.item_variation, size=len(design.items))
    answers = []
    for number in range(n):
        group = number % len(design.groups) + 1
        device = DEVICES[int(rng.uniform() >= _HEADPHONES)]
        own = 1 + rng.normal(scale=listeners.listener_variation)
        lapses = 1.0 if rng.uniform() < listeners.guessers else listeners.lapses
        about = {"listener": f"s{seed}n{number}", "group": group, "device": device}
        for tone, (quiet, _) in enumerate(tones_of(design, group), 1):
            hears = device == "headphones" and rng.uniform() < _HEARS_TONES
            answer = quiet + 1 if hears else int(rng.integers(3)) + 1
            answers.append({**about, "trial": tone, "kind": "tone", "answer": answer, "seconds": _SECONDS, "plays": 1})
        for trial, (item, low_first) in enumerate(design.trials(group), 1):
            slope = own * listeners.sensitivity[item.attribute]
            if item.kind == "rating":
                answer = _rating(design, item.obtained, item.attribute, slope, rng)
            else:
                chance = lapses / 2 + (1 - lapses) * expit(slope * item.obtained + towards_more[item.id])
                chooses_more = rng.uniform() < chance
                answer = 2 if chooses_more == low_first else 1
            seconds, plays = _SECONDS * float(np.exp(rng.normal(scale=0.5))), 1 + int(rng.uniform() < _AGAIN)
            answers.append(
                {**about, "trial": trial, "kind": item.kind, "answer": answer, "seconds": seconds, "plays": plays}
            )
    return rows_of(design, answers)


def _rating(design: Design, value: float, attribute: str, slope: float, rng: np.random.Generator) -> int:
    """Returns a rating that rises with an attribute; the noise is that of one of the two intervals of a pair."""
    others = [item.obtained for item in design.items if item.kind == "rating" and item.attribute == attribute]
    heard = slope * (value - float(np.mean(others))) + rng.logistic() / np.sqrt(2)
    return int(np.clip(round(4 + heard), 1, 7))
