"""The analysis of a listening test: what people hear of each control, against what is computed and what was asked for.

There are two claims about a cell, a source of pairs and an attribute, with a slope each. Against the *computed*
difference of the attribute it says whether the formula measures what people hear; against the *asked* one whether the
control works for people. In real pairs both are the same, and are the ceiling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, permutation_test, rankdata, spearmanr

from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.answers import Answers
from vaemusic_jax.play.listening.design import Design
from vaemusic_jax.play.listening.exclusions import apply_rules
from vaemusic_jax.play.listening.mixed import mixed_slopes, regression
from vaemusic_jax.play.listening.psychometric import Choices, Lapses, Slopes, lapse_rate, psychometric_slopes

CLAIMS = {"computed": "obtained", "asked": "asked"}  # each claim -> the difference that choices are held against
METRICS = ("interpretability", "reconstruction_efficiency", "side_effect")
_LEAST_TONES = 5  # of the six tones right, from which on a listener is taken to wear headphones
_LEAST_CELLS = 4  # for a rank correlation


@dataclass(frozen=True)
class Analysis:
    """What was found.

    Attributes:
        cells: one row per cell: source, arm, attribute, answers, right (the share of choices of the measure that should
            have more); of each claim `CLAIM.slope`, `.low`, `.high`, psychometric, and `CLAIM.mixed`, `.mixed_low`,
            `.mixed_high`; `matched.slope`, `.low`, `.high`, psychometric, against the computed difference in pairs with
            another attribute equal; `of_ceiling`, the slope against the asked difference over that of real pairs, where
            these have a slope above 0; and the model's METRICS.
        agreement: one row per metric: its rank correlation over the cells of models with the slope against the asked
            difference, `low` and `high`, its 95 % interval, `p`, of all orders of the cells, and the number of cells.
        ratings: one row per cell with ratings: the rank correlation of ratings with the computed attribute.
        effects: one row per attribute and claim: the mixed model's effect of order, and its standard deviations over
            listeners and over pairs.
        choices: the answers that the slopes are from.
        lapse: the lapse rate.
        listeners, headphones: the numbers of listeners who are left, and of those who seem to wear headphones.
        notes: one line for everything that was left out.
    """

    cells: pd.DataFrame
    agreement: pd.DataFrame
    ratings: pd.DataFrame
    effects: pd.DataFrame
    choices: pd.DataFrame
    lapse: float
    listeners: int
    headphones: int
    notes: tuple[str, ...]


def analyse(design: Design, answers: Answers, *, resamples: int = 400, seed: int = 0) -> Analysis:
    """Applies the rules of exclusion and fits all slopes.

    Args:
        design: the design of the test.
        answers: the answers.
        resamples: of each bootstrap.
        seed: the seed of the bootstraps.

    Raises:
        UserError: no listener is left, or statsmodels is not installed.
    """
    regression()  # before the work that it ends
    rows, left_out = apply_rules(design, answers.rows)
    notes = (*answers.notes, *left_out)
    main = rows[rows["kind"] == "main"]
    if main.empty:
        raise UserError(f"no listener is left to analyse: {'; '.join(notes) or 'there are no files'}")
    heard = rows[rows["kind"].isin(["main", "catch"])]
    lapses = lapse_rate(choices_of(design, heard, "obtained"))
    cells = pd.DataFrame(
        {
            "source": [source for source, _ in design.cells],
            "arm": [design.sources[source]["arm"] for source, _ in design.cells],
            "attribute": [attribute for _, attribute in design.cells],
        }
    )
    by_cell = main.groupby(["source", "attribute"])["is_right"]
    index = pd.MultiIndex.from_tuples(design.cells)
    cells["answers"] = by_cell.size().reindex(index, fill_value=0).to_numpy()
    cells["right"] = by_cell.mean().reindex(index).to_numpy(float)
    effects = []
    for claim, difference in CLAIMS.items():
        choices = choices_of(design, main, difference)
        _put(cells, claim, psychometric_slopes(choices, lapses, resamples, seed))
        effects += _mixed(design, cells, claim, choices, lapses)
    matched = main[main["matched"] != ""]
    if len(matched):
        _put(cells, "matched", psychometric_slopes(choices_of(design, matched, "obtained"), lapses, resamples, seed))
    ceiling = cells[(cells["arm"] == "real") & (cells["asked.low"] > 0)].set_index("attribute")["asked.slope"]
    cells["of_ceiling"] = cells["asked.slope"] / cells["attribute"].map(ceiling)
    for metric in METRICS:
        scores = [design.sources[source]["scores"].get(attribute, {}).get(metric) for source, attribute in design.cells]
        cells[metric] = np.array([np.nan if score is None else score for score in scores], float)
    listeners = int(main["listener"].nunique())
    if listeners == 1:
        notes = (*notes, "one listener is left: the intervals say nothing about others")
    is_tone = rows["kind"] == "tone"
    tones = rows[is_tone].groupby("listener")["is_right"].sum()
    return Analysis(
        cells=cells,
        agreement=_agreement(cells),
        ratings=_ratings(rows[rows["kind"] == "rating"]),
        effects=pd.DataFrame(effects),
        choices=main,
        lapse=lapses.rate,
        listeners=listeners,
        headphones=int((tones >= _LEAST_TONES).sum()),
        notes=notes,
    )


def choices_of(design: Design, rows: pd.DataFrame, difference: str) -> Choices:
    """Returns answers to pairs as arrays, with the cells numbered as in `design.cells`.

    Args:
        design: the design.
        rows: the rows of `Answers`.
        difference: "obtained" or "asked".
    """
    number = {cell: index for index, cell in enumerate(design.cells)}
    return Choices(
        difference=rows[difference].to_numpy(float),
        is_right=rows["is_right"].to_numpy(bool),
        order=rows["order"].to_numpy(float),
        cell=np.array([number[cell] for cell in zip(rows["source"], rows["attribute"], strict=True)], np.intp),
        listener=np.unique(rows["listener"].to_numpy(str), return_inverse=True)[1].astype(np.intp),
        item=rows["item"].to_numpy(np.intp),
    )


def _put(cells: pd.DataFrame, name: str, slopes: Slopes) -> None:
    for field in ("slope", "low", "high"):
        values = np.full(len(cells), np.nan)
        values[: len(slopes.slope)] = getattr(slopes, field)
        cells[f"{name}.{field}"] = values


def _mixed(
    design: Design, cells: pd.DataFrame, claim: str, choices: Choices, lapses: Lapses
) -> list[dict[str, object]]:
    """Fits the mixed model of each attribute, puts its slopes into the table and returns its effects."""
    effects: list[dict[str, object]] = []
    for name in ("mixed", "mixed_low", "mixed_high"):
        cells[f"{claim}.{name}"] = np.nan
    attribute_of_cell = cells["attribute"].to_numpy(str)
    for attribute in design.attributes:
        own = _some(choices, attribute_of_cell[choices.cell] == attribute)
        if not len(own.cell):
            continue
        found = mixed_slopes(own, lapses)
        at = np.unique(own.cell)
        for name, values in (("mixed", found.slope), ("mixed_low", found.low), ("mixed_high", found.high)):
            cells.loc[at, f"{claim}.{name}"] = values[at]
        effects.append(
            {
                "attribute": attribute,
                "claim": claim,
                "second": found.order,
                "over_listeners": found.over_listeners,
                "over_pairs": found.over_items,
            }
        )
    return effects


def _some(choices: Choices, rows: NDArray[np.bool_]) -> Choices:
    return Choices(**{field.name: getattr(choices, field.name)[rows] for field in fields(choices)})


def _agreement(cells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for metric in METRICS:
        known = cells[(cells["arm"] != "real") & cells[metric].notna() & cells["asked.slope"].notna()]
        varies = len(known) >= _LEAST_CELLS and known[metric].nunique() > 1 and known["asked.slope"].nunique() > 1
        found = rank_correlation(known["asked.slope"], known[metric]) if varies else (np.nan,) * 4
        names = ("rank_correlation", "low", "high", "p")
        rows.append({"metric": metric, **dict(zip(names, found, strict=True)), "cells": len(known)})
    return pd.DataFrame(rows)


def rank_correlation(first: ArrayLike, second: ArrayLike) -> tuple[float, float, float, float]:
    """Returns a rank correlation, both ends of its 95 % interval, and the p value.

    The interval is of Bonett & Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations" (2000). It takes a perfect correlation for one in which half a swap of neighbours is missing, without
    which it would have no width. The p value is of all orders of the values, or of 50,000 of them.

    Args:
        first, second: (N,) values, at least four, that are not all the same.
    """
    one, other = (rankdata(values) - (np.size(values) + 1) / 2 for values in (first, second))
    n, scale = len(one), np.sqrt((one**2).sum() * (other**2).sum())

    def statistic(ranks: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.round((np.moveaxis(ranks, axis, -1) * other).sum(-1) / scale, 10)

    tested = permutation_test(
        (one,), statistic, permutation_type="pairings", vectorized=True, n_resamples=50_000, rng=0
    )
    found = float(tested.statistic)
    most = 1 - 3 / (n * (n * n - 1))
    middle = np.arctanh(np.clip(found, -most, most))
    half = norm.ppf(0.975) * np.sqrt((1 + found**2 / 2) / (n - 3))
    return found, float(np.tanh(middle - half)), float(np.tanh(middle + half)), float(tested.pvalue)


def _ratings(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns rank correlations of ratings, less the listener's mean for the attribute, with the computed attribute."""
    found: list[dict[str, object]] = []
    if len(rows):
        own = rows.assign(rating=rows["answer"].astype(float))
        own["rating"] -= own.groupby(["listener", "attribute"])["rating"].transform("mean")
        for (source, attribute), cell in own.groupby(["source", "attribute"], sort=False):
            varies = cell["rating"].nunique() > 1 and cell["obtained"].nunique() > 1
            correlation = float(spearmanr(cell["rating"], cell["obtained"]).statistic) if varies else np.nan
            found.append(
                {"source": source, "attribute": attribute, "ratings": len(cell), "rank_correlation": correlation}
            )
    return pd.DataFrame(found, columns=["source", "attribute", "ratings", "rank_correlation"])


def verdict(row: pd.Series, claim: str) -> str:
    """Returns what a cell's interval says about a claim: yes above 0, reversed below, open around it, - without one."""
    low, high = float(row[f"{claim}.low"]), float(row[f"{claim}.high"])
    if np.isnan([low, high]).any():
        return "-"
    return "yes" if low > 0 else "reversed" if high < 0 else "open"


def sources_of(analysis: Analysis) -> Sequence[str]:
    """Returns the sources of pairs, in their order."""
    return list(dict.fromkeys(analysis.cells["source"]))
