"""The report's first chapter: which model gives measures back better, whose controls turn better, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from vaemusic_jax.report.aggregate import aggregate, finished
from vaemusic_jax.report.answer import sentences
from vaemusic_jax.report.chapters.captions import seeds
from vaemusic_jax.report.figures.answer import Panel, answer_figure
from vaemusic_jax.report.page import Banner, Chapter, Drawing, Part
from vaemusic_jax.report.selection import main_setting, most_attributes

if TYPE_CHECKING:
    from vaemusic_jax.report.evidence import Evidence
    from vaemusic_jax.report.joined_runs import JoinedRuns

_MEASURED = (
    ("reconstruction_accuracy", "tokens right"),
    ("reconstruction_efficiency.mean", "controls followed"),
)
MOST_CORPORA = 4


def answer(runs: JoinedRuns, evidence: Evidence) -> Chapter:
    """Makes the chapter of what has learned nothing, three sentences and one figure."""
    parts: list[Part] = [*map(Banner, evidence.found.banner), *sentences(evidence)]
    done = most_attributes(finished(runs.results))
    rows = pd.concat([main_setting(group)[0] for _, group in done.groupby(done["steering_weight"] > 0)])
    panels = [
        Panel(label, table) for metric, label in _MEASURED if (table := aggregate(rows, [metric]))["mean"].notna().any()
    ]
    if panels:
        shown = list(dict.fromkeys(rows["dataset"]))[:MOST_CORPORA]
        left_out = rows["dataset"].nunique() - len(shown)
        others = f" {left_out} more corpora are in the figures below." if left_out else ""
        caption = (
            "Tokens right: share of the tokens of held-out measures that come back right. Controls followed: rank "
            "correlation of the value of a control with the attribute of what is decoded, mean over the attributes. "
            "Both are 1 at best. Points are means over seeds, bars 95% bootstrap intervals over seeds. Test split; "
            f"{seeds(panels[0].rows)}.{others} Intervals in the text allow for the test tunes too, where their results "
            "are kept, and not for the number of comparisons; the verdicts on the study's findings do."
        )
        known = rows.groupby("dataset")["tick_baseline"].mean().dropna() if "tick_baseline" in rows else pd.Series()
        baseline = {str(name): float(value) for name, value in known.items()}
        parts.append(Drawing("answer", answer_figure(panels, shown, baseline), caption))
    return Chapter("answer", "In short", tuple(parts))
