"""Checks of the study's findings: its primary claims are judged together, and each under other definitions too."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import NO_ATTRIBUTES, attribute_initials
from vaemusic_jax.report.cells import chosen_on_validation
from vaemusic_jax.report.claims import HIGH_INTERPRETABILITY, MIN_SEEDS, MIN_SEEDS_OF_EFFICIENCY, PRIMARY
from vaemusic_jax.report.definitions import COMPARED, HEADLINE, INTERPRETABILITY, SIMPLICITY
from vaemusic_jax.report.finding import NO_VERDICT, Finding, Prepared, describe_p, verdict_words
from vaemusic_jax.report.learned import LEARNED, learned_nothing
from vaemusic_jax.report.markup import Cell, Column, Table, Word
from vaemusic_jax.report.preparation import compared, headline, interpretable, simple
from vaemusic_jax.report.statistics.contrast import LEVEL, Estimate, by_level, mean
from vaemusic_jax.report.statistics.verdicts import Comparison, Judged, Testable, Threshold, judge
from vaemusic_jax.report.suitable_sizes import suitable_sizes
from vaemusic_jax.runs.tune_replicates import Replicates

NOTES = (
    "Supported or contradicted: the difference, or the distance from the limit, is significant. Equivalent: it is "
    "shown to be smaller than the margin. Depends: an interaction is significant and the verdict is not the same at "
    "each level. Inconclusive: none of these could be shown; the smallest effect that could have been seen is given. "
    "No verdict: there are too few seeds, corpora or measurements.",
    f"All verdicts of this table together are false with a probability of at most {LEVEL:.0%} (Holm). P-values are "
    "adjusted for that; intervals are not. They allow for seeds and, where the numbers do not say seeds alone, for "
    "test tunes.",
    f"A verdict needs {MIN_SEEDS} seeds, {MIN_SEEDS_OF_EFFICIENCY} where it is about efficiency. Where a run holds "
    "several recipes of a model, the one with the best mean validation accuracy counts everywhere; test measures "
    "choose nothing. The study's models have attributes and no steering (steering_weight 0), and the claims are about "
    "them.",
)

STEERED = "with steering, both models"
MOST_CELLS = 5  # So many cells or configurations are listed at most.


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a report says of the study's claims.

    Attributes:
        primary: the findings on the primary claims, in the order of `PRIMARY`.
        exploratory: those on other claims; no verdict on them is adjusted for the primary ones.
        specification: by primary claim, the words of each definition with its verdict and numbers.
        banner: a sentence for each model of which a configuration has learned nothing.
    """

    primary: tuple[Finding, ...]
    exploratory: tuple[Finding, ...]
    specification: Mapping[str, tuple[tuple[str, str, str], ...]]
    banner: tuple[str, ...]


def check_findings(
    results: pd.DataFrame,
    facts: Mapping[str, Mapping[str, Any]],
    replicates: Mapping[str, Replicates] | None = None,
) -> Findings:
    """Judges all claims.

    Args:
        results: one row per trial, of one run or several, as from ``cells.with_sizes``; columns may be missing.
        facts: facts by name of data set, as in ``runs.evaluations.CorpusSample``; data sets may be missing.
        replicates: metrics in resamples of the test tunes, by trial; trials may be missing.
    """
    replicates = replicates or {}
    dead = learned_nothing(results)
    rows, steered = compared_trials(results)
    options = {
        **{
            name: [
                *((one.words, compared(name, one, rows, replicates)) for one in definitions),
                *((STEERED, compared(name, one, steered, replicates)) for one in definitions[:1] if len(steered)),
            ]
            for name, definitions in COMPARED.items()
        },
        "interpretability": [(one.words, interpretable(one, rows, replicates)) for one in INTERPRETABILITY],
        "headline": [(one.words, headline(one, rows, replicates)) for one in HEADLINE],
        "simplicity": [(one.words, simple(one, rows, facts)) for one in SIMPLICITY],
    }
    family = {name: claim.testable for name, ((_, claim), *_) in options.items() if claim.testable is not None}
    judged = judge(family)
    primary = tuple(_finding(name, options[name][0][1], judged.get(name, NO_VERDICT)) for name in PRIMARY)
    specification = {name: _specified(name, options[name], family) for name in PRIMARY}
    return Findings(primary, suitable_sizes(rows, replicates), specification, _banner(results[dead]))


def compared_trials(results: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the finished trials that the claims are about, and those that are trained with steering.

    Both have attributes and have learned something, and are of the recipes that validate best.
    """
    chosen = chosen_on_validation(results[results["attributes"] != NO_ATTRIBUTES])
    chosen = chosen[~learned_nothing(results)[chosen.index]]
    return chosen[chosen["steering_weight"] == 0], chosen[chosen["steering_weight"] > 0]


def findings_table(findings: Sequence[Finding]) -> Table:
    """Returns the primary claims and verdicts as a table of words."""
    return _table("findings", "The study's primary claims, checked on this run", findings, NOTES)


def exploratory_table(findings: Sequence[Finding]) -> Table:
    """Returns the exploratory claims as a table of words."""
    notes = ("Exploratory: these verdicts are adjusted for each other within a row, not for the primary claims.",)
    return _table("exploratory", "Exploratory: other claims of the study", findings, notes)


def declaration_table() -> Table:
    """Returns the table that declares the primary claims, which does not depend on any run."""
    rows = tuple(
        (claim.words, claim.measure, claim.unit, f"±{claim.margin}" if claim.margin else "none", claim.least)
        for claim in PRIMARY.values()
    )
    columns = (
        Column("claim", "claim"),
        Column("measure", "judged by"),
        Column("unit", "unit"),
        Column("margin", "margin"),
        Column("least", "units needed"),
    )
    return Table("claims", "The primary claims as they were declared before the run", columns, rows)


def specification_table(findings: Findings) -> Table:
    """Returns a row for each primary claim and definition, with whether the claim's verdict is robust."""
    rows: list[tuple[Cell, ...]] = []
    for name, options in findings.specification.items():
        robust = robustness([verdict for _, verdict, _ in options])
        for i, (words, verdict, numbers) in enumerate(options):  # In print the claim stands in its first row alone.
            claim, agreement = (Word(text, "" if i else text) for text in (PRIMARY[name].words, robust))
            rows.append((claim, words, verdict, numbers, agreement))
    columns = (
        Column("claim", "claim"),
        Column("definition", "definition"),
        Column("verdict", "verdict"),
        Column("numbers", "numbers"),
        Column("robust", "robust"),
    )
    notes = (
        "The first definition of each claim is the primary one; each other one is judged as if it were. A verdict is "
        "robust if at least three definitions give one, and all the same. Models are alike in weights or training time "
        "if they differ by at most 10%.",
    )
    return Table("specification", "Each verdict under other definitions", columns, tuple(rows), notes)


def robustness(verdicts: Sequence[str]) -> str:
    """Returns `robust`, `not robust`, or `too few definitions` if fewer than three have a verdict."""
    found = [verdict for verdict in verdicts if verdict != NO_VERDICT.verdict]
    if len(found) < 3:
        return "too few definitions"
    return "robust" if len(set(found)) == 1 else "not robust"


def _table(name: str, caption: str, findings: Sequence[Finding], notes: tuple[str, ...]) -> Table:
    fields = {"claim": "claim", "verdict": "verdict", "numbers": "numbers", "test": "judged by", "n": "n"}
    rows = tuple(tuple(getattr(finding, field) for field in fields) for finding in findings)
    return Table(name, caption, tuple(Column(*field) for field in fields.items()), rows, notes)


def _specified(
    name: str, options: Sequence[tuple[str, Prepared]], family: Mapping[str, Testable]
) -> tuple[tuple[str, str, str], ...]:
    found = []
    for words, claim in options:
        judged = NO_VERDICT
        if claim.testable is not None:
            judged = judge({**family, name: claim.testable})[name]
        if isinstance(claim.testable, Threshold) and judged.verdict == "depends":
            judged = dataclasses.replace(judged, factor=_what_splits(claim, claim.testable.limit))
        found.append((words, verdict_words(judged), claim.words))
    return tuple(found)


def _finding(name: str, claim: Prepared, judged: Judged) -> Finding:
    words = claim.words
    match claim.testable:
        case Comparison():
            words += f"; {_about_difference(claim.testable, judged)}"
        case Threshold():
            words += f"; {_about_threshold(claim, claim.testable, judged)}"
            if judged.verdict == "depends":
                judged = dataclasses.replace(judged, factor=_what_splits(claim, claim.testable.limit))
    about = PRIMARY[name]
    return Finding(name, about.words, verdict_words(judged), about.measure, words, claim.n)


def _about_difference(claim: Comparison, judged: Judged) -> str:
    overall = mean(claim.estimates)
    words = f"difference {describe_p(judged.p)}, within ±{claim.margin} {describe_p(judged.p_equivalent)}, "
    words += f"interactions {describe_p(judged.p_interaction)}"
    if judged.verdict == "inconclusive":
        words += f"; an effect of {overall.detectable(judged.level):.3f} would have been seen (power 80%)"
    for name, levels in claim.factors.items():
        each = by_level(claim.estimates, levels)
        if len(each) > 1 and name in ("latent size", judged.factor):
            shown = (f"{level}: {_at(one)}{_of(judged, name, level)}" for level, one in each.items())
            words += f". By {name}: {', '.join(shown)}"
        if n := sum(level is None for level in levels):
            words += f". By {name}, {n} of {len(levels)} cells do not count, which do not exist at every level"
            words += "" if each else ", so that no interaction with it was tested"
    return words


def _about_threshold(claim: Prepared, threshold: Threshold, judged: Judged) -> str:
    words = describe_p(judged.p)
    low = [i for i, one in enumerate(claim.estimates) if one.value <= threshold.limit]
    if judged.verdict == "inconclusive":
        nearest = min(claim.estimates, key=lambda one: abs(one.value - threshold.limit))
        words += f"; a distance of {nearest.detectable(judged.level / len(claim.estimates)):.3f} from {threshold.limit}"
        words += " would have been seen (power 80%)"
    if low and threshold.limit == HIGH_INTERPRETABILITY:
        words += f". At or below {threshold.limit}: {', '.join(_cell(claim, i) for i in low[:MOST_CELLS])}"
        words += f" and {len(low) - MOST_CELLS} more" if len(low) > MOST_CELLS else ""
    return words


def _what_splits(claim: Prepared, limit: float) -> str:
    """Returns the fewest fields that tell the cells above a limit from those below it, in words."""
    fields = {"control": "attribute", "latent_dim": "latent size", "dataset": "corpus", "attributes": "attributes"}
    is_above = pd.Series([one.value > limit for one in claim.estimates])
    for n in range(1, len(fields) + 1):
        for names in itertools.combinations(fields, n):
            keys = [claim.fields[name].reset_index(drop=True) for name in names]
            if (is_above.groupby(keys).nunique() == 1).all():
                return " and ".join(fields[name] for name in names)
    return "configuration"


def _cell(claim: Prepared, i: int) -> str:
    row = claim.fields.iloc[i]
    control = str(row["control"]).replace("_", " ")
    return f"{control} at {row['latent_dim']} on {row['dataset']} ({_at(claim.estimates[i], signed=False)})"


def _at(one: Estimate, signed: bool = True) -> str:
    return f"{one.value:+.3f}" if signed else f"{one.value:.3f}"


def _of(judged: Judged, factor: str, level: str) -> str:
    return f" ({judged.levels[level]})" if factor == judged.factor and level in judged.levels else ""


def _banner(dead: pd.DataFrame) -> tuple[str, ...]:
    sentences = []
    for model, rows in dead.groupby("model", sort=False):
        which = rows.drop_duplicates(["dataset", "attributes", "latent_dim"])
        each = [
            f"{row['dataset']}, {attribute_initials(row['attributes'])}, latent size {row['latent_dim']}"
            for row in which.to_dict("records")
        ]
        more = [f"and {len(each) - MOST_CELLS} more"] if len(each) > MOST_CELLS else []
        shown = "; ".join([*each[:MOST_CELLS], *more])
        sentences.append(
            f"{MODELS[str(model)].title} has learned nothing here: its test accuracy is within {LEARNED} of the "
            "baseline, which always predicts the commonest token of a tick. It gets no verdicts and nothing of it is "
            f"bold: {shown}."
        )
    return tuple(sentences)
