"""The answer that a report starts with: which model gives measures back better, whose controls turn better, and where.

It says what the trials show, with intervals over seeds and test tunes, or that there is one seed. Verdicts on the
study's claims, which allow for their number, are in ``findings``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.report.cells import Cells, differences, levels
from vaemusic_jax.report.claims import PRIMARY
from vaemusic_jax.report.findings import compared_trials
from vaemusic_jax.report.seed_tests import by_seed, count_of_seeds, t_test
from vaemusic_jax.report.statistics.contrast import Estimate, by_level, mean
from vaemusic_jax.support.words import listed

if TYPE_CHECKING:
    from vaemusic_jax.report.evidence import Evidence
    from vaemusic_jax.runs.tune_replicates import Replicates

FIRST, SECOND = (MODELS[name].title for name in ("measure_vae", "adversarial_vae"))
ACCURACY, EFFICIENCY, SIDE_EFFECT = "reconstruction_accuracy", "reconstruction_efficiency", "side_effect"
NOTHING = (
    "Nothing in this run has learned anything, so it compares nothing and gives no verdict; it takes more training "
    "steps, more data or another recipe."
)

Numbers = Callable[[float], str]


def sentences(evidence: Evidence) -> tuple[str, ...]:
    """Returns three sentences or fewer: on reconstruction, on controls, and on steering or latent sizes.

    Args:
        evidence: the trials and their resampled metrics.
    """
    plain, steered = compared_trials(evidence.results)
    rows, replicates = plain if len(plain) else steered, evidence.replicates
    if rows.empty:
        bare = evidence.results[evidence.results["status"] == "done"]
        if evidence.found.banner or bare.empty:
            return (NOTHING,)
        return (_each_model(bare, replicates, ACCURACY), "No attribute is imposed, so there are no controls to turn.")
    third = _steering(plain, steered) or _sizes(rows, replicates)
    return tuple(filter(None, (_reconstruction(rows, replicates), _controls(rows, replicates), third)))


def _reconstruction(rows: pd.DataFrame, replicates: Mapping[str, Replicates]) -> str:
    cells = differences(rows, replicates, (ACCURACY, ACCURACY), per_control=False)
    if not cells.estimates.n_seeds:
        return _each_model(rows, replicates, ACCURACY)
    values = _of_each_side(rows, replicates, ACCURACY)
    sign = _sign(mean(cells.estimates))
    better, worse, most, least = (FIRST, SECOND, *values) if sign >= 0 else (SECOND, FIRST, *values[::-1])
    difference = _difference(cells, sign, PRIMARY["reconstruction"].least, _points)
    shares = f"{_share(most)} of the tokens of held-out measures come back right against {_share(least)}, {difference}"
    if sign:
        return f"{better} gives measures back better than {worse}: {shares}; {_where(cells)}."
    return f"Neither model is shown to give measures back better: from {better} {shares}; {_where(cells)}."


def _controls(rows: pd.DataFrame, replicates: Mapping[str, Replicates]) -> str:
    cells = differences(rows, replicates, (EFFICIENCY, EFFICIENCY), per_control=True)
    if not cells.estimates.n_seeds:
        return _each_model(rows, replicates, EFFICIENCY)
    values, beside = (_of_each_side(rows, replicates, metric) for metric in (EFFICIENCY, SIDE_EFFECT))
    sign = _sign(mean(cells.estimates))
    better, worse = (FIRST, SECOND) if sign >= 0 else (SECOND, FIRST)
    if sign < 0:
        values, beside = values[::-1], beside[::-1]
    difference = _difference(cells, sign, PRIMARY["efficiency"].least, lambda x: f"{x:+.2f}")
    said = f"attributes follow them with a rank correlation of {values[0]:.2f} against {values[1]:.2f}, {difference}"
    if not np.isnan(beside).any():
        said += (
            f", and per unit of its own a control moves another attribute by {beside[0]:.2f} against {beside[1]:.2f}"
        )
    if sign:
        return f"{better}'s controls turn better than {worse}'s: {said}; {_where(cells)}."
    return f"Neither model's controls are shown to turn better: in {better} {said}; {_where(cells)}."


def _sizes(rows: pd.DataFrame, replicates: Mapping[str, Replicates]) -> str:
    """Returns a sentence on the latent sizes at which each model is best."""
    if rows["latent_dim"].nunique() < 2:
        return f"All this is at one latent size, {rows['latent_dim'].iloc[0]}."
    found = []
    for model, mine in rows.groupby("model", sort=False):
        best = {}
        for metric, shown in ((ACCURACY, _share), (EFFICIENCY, _correlation)):
            sizes = _by_size(mine, replicates, metric)
            size = max(sizes, key=lambda one: sizes[one].value) if len(sizes) > 1 else None
            best[metric] = f"{size} ({shown(sizes[size].value)})" if size else ""
        said = [f"gives back most at {best[ACCURACY]}"] if best[ACCURACY] else []
        said += [f"turns best at {best[EFFICIENCY]}"] if best[EFFICIENCY] else []
        found += [f"{MODELS[str(model)].title} {listed(said)}"] if said else []
    return f"Of the latent sizes, {'; '.join(found)}." if found else ""


def _steering(plain: pd.DataFrame, steered: pd.DataFrame) -> str:
    """Returns a sentence on what steering changes, over trials that are alike in all but their recipe; or nothing."""
    said = []
    for model, mine in steered.groupby("model", sort=False):
        name, alike = MODELS[str(model)].title, plain[plain["model"] == model]
        controls = _change(alike, mine, f"{EFFICIENCY}.mean", _correlation, lambda x: f"{x:+.2f}")
        tokens = _change(alike, mine, ACCURACY, _share, _points)
        if controls and tokens:
            said.append(f"{name}'s controls {controls}, and its right tokens {tokens}")
    weights = listed(f"{weight:g}" for weight in sorted(steered["steering_weight"].unique())) if said else ""
    return f"Steering (weight {weights}) brings {'; '.join(said)}." if said else ""


def _change(before: pd.DataFrame, after: pd.DataFrame, metric: str, shown: Numbers, change: Numbers) -> str:
    """Returns a text such as `from 0.41 to 0.84 (+0.43, 95% interval +0.41 to +0.45, 5 seeds)`, over what both have."""
    shared = ["dataset", "attributes", "latent_dim", "hidden_size", "steps"]
    then, now = (by_seed(rows, metric, shared) for rows in (before, after))
    both, seeds = now.index.intersection(then.index), now.columns.intersection(then.columns)
    now, then = now.loc[both, seeds], then.loc[both, seeds]
    known = now.notna() & then.notna()
    if not known.to_numpy().any():
        return ""
    test = t_test((now - then)[known].mean().dropna())
    interval = f"{_interval(test.low, test.high, change)}, " if test.n > 1 else ""
    first, last = (shown(float(np.nanmean(values[known].to_numpy()))) for values in (then, now))
    return f"from {first} to {last} ({change(test.mean)}, {interval}{_seeds(test.n)})"


def _each_model(rows: pd.DataFrame, replicates: Mapping[str, Replicates], metric: str) -> str:
    """Returns a sentence on models that cannot be compared, each at the latent size at which it is best."""
    shown = _correlation if metric == EFFICIENCY else _share
    found = []
    for model, mine in rows.groupby("model", sort=False):
        if sizes := _by_size(mine, replicates, metric):
            size, one = max(sizes.items(), key=lambda item: item[1].value)
            where = f" at {size} dimensions, its best size" if len(sizes) > 1 else f" at {size} dimensions"
            interval = "" if one.n_seeds < 2 else f"{_interval(*one.interval(), shown)}, "
            found.append(f"{MODELS[str(model)].title} {shown(one.value)}{where} ({interval}{_seeds(one.n_seeds)})")
    if not found:
        return ""
    if metric == EFFICIENCY:
        return f"Rank correlation of controls with their attributes: {'; '.join(found)}."
    return (
        f"Tokens of held-out measures that come back right: {'; '.join(found)}. There are no two models to compare "
        "that differ in nothing else."
    )


def _of_each_side(rows: pd.DataFrame, replicates: Mapping[str, Replicates], metric: str) -> tuple[float, float]:
    """Returns the mean of each model over the cells of their difference, NaN without any."""
    sides = [differences(rows, replicates, (metric, metric), metric != ACCURACY, signs) for signs in ((1, 0), (0, 1))]
    one, other = (mean(side.estimates).value if side.estimates.n_seeds else np.nan for side in sides)
    return one, other


def _by_size(rows: pd.DataFrame, replicates: Mapping[str, Replicates], metric: str) -> dict[str, Estimate]:
    """Returns the mean of a metric at each latent size, over what there is at every size."""
    cells = levels(rows, replicates, metric, per_control=metric != ACCURACY)
    return by_level(cells.estimates, cells.comparable("latent_dim")) if cells.estimates.n_seeds else {}


def _sign(one: Estimate) -> int:
    """Returns the sign of an estimate whose interval does not hold 0, and of a single seed's that is not nearly 0."""
    if one.n_seeds < 2:
        return int(np.sign(round(one.value, 3)))
    low, high = one.interval()
    return int(low > 0) - int(high < 0)


def _difference(cells: Cells, sign: int, least: int, shown: Numbers) -> str:
    """Returns a text such as `a difference of +0.05 (95% interval +0.04 to +0.06, 5 seeds)`, above 0 for the better."""
    one = mean(cells.estimates)
    turned = -1 if sign < 0 else 1
    if one.n_seeds < 2:
        return f"a difference of {shown(turned * one.value)} (one seed, so a direction and no verdict)"
    low, high = sorted(turned * end for end in one.interval())
    few = f"; a verdict needs {least}" if one.n_seeds < least else ""
    interval = f"{_interval(low, high, shown)}, {_seeds(one.n_seeds)}{few}"
    return f"a difference of {shown(turned * one.value)} ({interval})"


def _interval(low: float, high: float, shown: Numbers) -> str:
    """Returns a text such as `95% interval +1.0 to +1.2 points`."""
    return f"95% interval {shown(low).removesuffix(' points')} to {shown(high)}"


def _seeds(n: int) -> str:
    return "one seed" if n == 1 else count_of_seeds(n)


def _where(cells: Cells) -> str:
    """Returns words for the latent sizes and corpora at which each model leads, first the one that leads overall."""
    signs = {1: FIRST, -1: SECOND, 0: "neither"}
    overall = signs[_sign(mean(cells.estimates))]
    said = []
    for factor, at in (("latent size", "at"), ("corpus", "on")):
        each = by_level(cells.estimates, cells.factors[factor])
        leads: dict[str, list[str]] = {overall: []}
        for level in sorted(each, key=int) if factor == "latent size" else each:
            leads.setdefault(signs[_sign(each[level])], []).append(level)
        (who, where), *others = [(who, where) for who, where in leads.items() if where] or [("", [])]
        unit = "latent size" + "s" * (len(where) > 1) if factor == "latent size" else ""
        if len(each) == 1:
            said.append(" ".join(filter(None, (at, unit, *where))))
        elif not others and where:
            said.append(f"{who} leads {at} each {factor}, {listed(where)}")
        elif where:
            first = " ".join(filter(None, (who, "leads", at, unit, listed(where))))
            said.append(", ".join([first, *(f"{one} {at} {listed(its)}" for one, its in others)]))
    return "; ".join(said) or "no latent size and no corpus has all of its trials"


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"


def _correlation(value: float) -> str:
    return f"{value:.2f}"
