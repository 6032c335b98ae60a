"""The analysis of a listening test as a page in Markdown and as a figure."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import expit

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.listening.analyse import CLAIMS, Analysis, verdict
from vaemusic_jax.play.listening.design import Design
from vaemusic_jax.play.listening.exclusions import LATE, RULES
from vaemusic_jax.support.words import count

_BINS = 5
_COLOURS = ("#0b5fa5", "#c2410c", "#0f766e", "#7e22ce", "#5a6672")


def markdown_of(design: Design, analysis: Analysis) -> str:
    """Returns the page."""
    cells = analysis.cells
    parts = [
        f"# Listening test {design.study}",
        f"{count(analysis.listeners, 'listener')}, {count(len(analysis.choices), 'answer')} to pairs; "
        f"{count(analysis.headphones, 'listener')} heard the tones as with headphones. Lapse rate "
        f"{analysis.lapse:.2f}. Slopes are in logits for each standard deviation of the training measures, with 95 % "
        "intervals over listeners and pairs. Intervals are of single cells, not corrected for their number.",
        "## Do choices follow the computed attribute?",
        "A slope above 0 says that the formula measures something that people hear when asked for the attribute.",
        _table(
            ("source", "attribute", "right", "slope", "mixed model", "equal pairs", "holds"), _rows(cells, "computed")
        ),
        "`equal pairs` is the slope in pairs that are equal in another attribute: rhythmic complexity in equal "
        "note counts, note range in equal jumps.",
        "## Do choices follow what was asked of the control?",
        "`of ceiling` is the slope over that of real pairs, where these have a slope above 0.",
        _table(("source", "attribute", "slope", "mixed model", "of ceiling", "holds"), _rows(cells, "asked")),
        "## Which metric goes with what people hear?",
        "Rank correlations over the cells of models of the slope against what was asked with the metric, with 95 % "
        "intervals. Cells of one model or attribute are not independent of each other, so intervals are too narrow and "
        "p too small: they describe these cells.",
        _table(
            ("metric", "rank correlation", "p", "cells"),
            (
                (
                    row["metric"].removeprefix("reconstruction_").replace("_", " "),
                    _correlation(row),
                    number(row["p"], 3),
                    str(row["cells"]),
                )
                for _, row in analysis.agreement.iterrows()
            ),
        ),
        "## Listeners and pairs",
        "From the mixed model: the effect of being second, and standard deviations of slopes over listeners and of "
        "logits over pairs.",
        _table(
            ("attribute", "claim", "second", "over listeners", "over pairs"),
            (
                (
                    ATTRIBUTES[row["attribute"]].words,
                    row["claim"],
                    *(number(row[name]) for name in ("second", "over_listeners", "over_pairs")),
                )
                for _, row in analysis.effects.iterrows()
            ),
        ),
    ]
    if len(analysis.ratings):
        rows = (
            (row["source"], ATTRIBUTES[row["attribute"]].words, str(row["ratings"]), number(row["rank_correlation"]))
            for _, row in analysis.ratings.iterrows()
        )
        parts += [
            "## Ratings",
            "Rank correlation of ratings, less each listener's mean, with the computed attribute.",
            _table(("source", "attribute", "ratings", "rank correlation"), rows),
        ]
    rules = "\n".join(f"{number}. {rule.text}." for number, rule in enumerate(RULES, 1))
    left_out = "\n".join(f"- {_escaped(note)}" for note in analysis.notes) or "Nothing was left out."
    parts += ["## Exclusions", f"A listener is left out who\n{rules}", LATE, left_out]
    return "\n\n".join(parts) + "\n"


def figure_of(design: Design, analysis: Analysis) -> bytes:
    """Returns the psychometric functions as SVG: shares of choices against the computed difference, by attribute."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(design.attributes), 3.4), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots(1, len(design.attributes), sharey=True, squeeze=False)[0]
    for ax, attribute in zip(axes, design.attributes, strict=True):
        own = analysis.choices[analysis.choices["attribute"] == attribute]
        for colour, source in zip(_COLOURS, design.sources, strict=False):
            some = own[own["source"] == source]
            cell = analysis.cells.query("source == @source and attribute == @attribute")
            if some.empty or cell.empty:
                continue
            ordered = some.sort_values("obtained")
            bins = np.array_split(np.arange(len(ordered)), min(_BINS, len(ordered)))
            x = [float(ordered["obtained"].iloc[rows].mean()) for rows in bins]
            y = [float(ordered["is_right"].iloc[rows].mean()) for rows in bins]
            ax.plot(x, y, "o", color=colour, markersize=5)
            line = np.linspace(min(0.0, float(some["obtained"].min())), float(some["obtained"].max()), 60)
            chance = analysis.lapse / 2 + (1 - analysis.lapse) * expit(float(cell["computed.slope"].iloc[0]) * line)
            ax.plot(line, chance, color=colour, label=_plain(source))
        ax.axhline(0.5, color="#a3adb8", linewidth=0.8)
        ax.set(title=ATTRIBUTES[attribute].words, xlabel="computed difference, in\nstandard deviations", ylim=(0, 1.02))
    axes[0].set_ylabel("share that chose the one\nthat should have more")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def interval(row: pd.Series, name: str, kind: str = "slope") -> str:
    """Returns a slope with its interval, as `1.20 (0.95 to 1.45)`; a dash where there is none."""
    low, high = (f"{name}.low", f"{name}.high") if kind == "slope" else (f"{name}.mixed_low", f"{name}.mixed_high")
    middle = f"{name}.{kind}"
    if middle not in row or pd.isna(row[middle]):
        return "-"
    return f"{row[middle]:.2f} ({row[low]:.2f} to {row[high]:.2f})"


def _rows(cells: pd.DataFrame, claim: str) -> Iterable[tuple[str, ...]]:
    assert claim in CLAIMS
    for _, row in cells.iterrows():
        about = (row["source"], ATTRIBUTES[row["attribute"]].words)
        slopes = (interval(row, claim), interval(row, claim, "mixed"))
        if claim == "computed":
            yield (*about, number(row["right"]), *slopes, interval(row, "matched"), verdict(row, claim))
        else:
            yield (*about, *slopes, number(row["of_ceiling"]), verdict(row, claim))


def _correlation(row: pd.Series) -> str:
    if pd.isna(row["rank_correlation"]):
        return "-"
    return f"{row['rank_correlation']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _plain(name: str) -> str:
    """Returns a name as matplotlib shows it: without mathematics, and not hidden for its first sign."""
    return f"\N{WORD JOINER}{name}".replace("$", "\\$") if name.startswith("_") else name.replace("$", "\\$")


def number(value: float, places: int = 2) -> str:
    """Returns a number with some places; a dash where there is none."""
    return "-" if pd.isna(value) else f"{value:.{places}f}"


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(map(_escaped, row)) + " |" for row in rows)])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
