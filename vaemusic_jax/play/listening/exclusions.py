"""The rules by which listeners and answers are left out. They are written into the preregistration and then applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from vaemusic_jax.play.listening.design import Design

LEAST_ANSWERED, LEAST_CAUGHT, MOST_ONE_SIDED, LEAST_SECONDS, MOST_SECONDS = 0.8, 0.75, 0.9, 0.3, 60.0


@dataclass(frozen=True)
class Rule:
    """A rule of exclusion.

    Attributes:
        text: the rule in words.
        measured: the function from a design and a listener's rows to what was measured.
        is_broken: the function from what was measured to whether the listener is left out.
        shown: the format of what was measured, in words.
    """

    text: str
    measured: Callable[[Design, pd.DataFrame], float]
    is_broken: Callable[[float], bool]
    shown: str


def _answered(design: Design, rows: pd.DataFrame) -> float:
    planned = sum(item.kind == "main" for item, _ in design.trials(int(rows["group"].iloc[0])))
    return int((rows["kind"] == "main").sum()) / planned


def _caught(design: Design, rows: pd.DataFrame) -> float:
    planned = sum(item.kind == "catch" for item, _ in design.trials(int(rows["group"].iloc[0])))
    return float(rows.loc[rows["kind"] == "catch", "is_right"].sum()) / max(planned, 1)


def _one_sided(design: Design, rows: pd.DataFrame) -> float:
    answers = rows.loc[rows["kind"] == "main", "answer"]
    return float(max((answers == 1).mean(), (answers == 2).mean())) if len(answers) else 0.0


def _seconds(design: Design, rows: pd.DataFrame) -> float:
    seconds = rows.loc[rows["kind"] == "main", "seconds"]
    return float(seconds.median()) if len(seconds) else 0.0


RULES = (
    Rule(
        f"answered fewer than {LEAST_ANSWERED:.0%} of the pairs",
        _answered,
        lambda share: share < LEAST_ANSWERED,
        "answered {:.0%} of the pairs",
    ),
    Rule(
        f"was right in fewer than {LEAST_CAUGHT:.0%} of the catch trials",
        _caught,
        lambda share: share < LEAST_CAUGHT,
        "was right in {:.0%} of the catch trials",
    ),
    Rule(
        f"gave the same answer, first or second, to more than {MOST_ONE_SIDED:.0%} of the pairs",
        _one_sided,
        lambda share: share > MOST_ONE_SIDED,
        "gave the same answer to {:.0%} of the pairs",
    ),
    Rule(
        f"took less than {LEAST_SECONDS} s to answer, from the end of a pair, in half of the pairs or more",
        _seconds,
        lambda seconds: seconds < LEAST_SECONDS,
        "took {:.2f} s to answer in the median",
    ),
)
LATE = f"Single answers that took longer than {MOST_SECONDS:.0f} s from the end of the pair are left out."


def apply_rules(design: Design, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leaves out listeners and late answers by the rules.

    Returns:
        The rows that are kept, and one line for each listener that is left out and for late answers.
    """
    kept, notes = [], []
    for listener, own in rows.groupby("listener", sort=True):
        broken = next(((rule, value) for rule in RULES if rule.is_broken(value := rule.measured(design, own))), None)
        if broken is None:
            kept.append(own)
        else:
            rule, value = broken
            notes.append(f"listener {listener}: left out: {rule.shown.format(value)}")
    left = pd.concat(kept, ignore_index=True) if kept else rows.iloc[:0]
    is_late = left["seconds"] > MOST_SECONDS
    if is_late.any():
        notes.append(f"{int(is_late.sum())} answers left out: later than {MOST_SECONDS:.0f} s")
    return left[~is_late].reset_index(drop=True), notes
