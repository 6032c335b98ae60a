"""Whether the analysis of a listening test finds what simulated listeners were given, and how many listeners it needs.

    python -m benchmarks.listening recovery --runs 200
    python -m benchmarks.listening power --out FOLDER

`recovery` prints how often the slope that was put in lies in its 95 % interval, psychometric and of the mixed model.
The sensitivities .5, 1, 1.5 and 2 take turns in the attributes. `power` writes a table and a figure: the share of cells
in which a slope is found to be above 0, by listeners, trials and sensitivity (.25, .5, .75 and 1). Designs are of two
models that come with the package. Both need the extra `listening`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import tyro

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.explorer.page import held_out_measures
from vaemusic_jax.play.listening.analyse import choices_of
from vaemusic_jax.play.listening.design import Design, make_design
from vaemusic_jax.play.listening.exclusions import apply_rules
from vaemusic_jax.play.listening.mixed import mixed_slopes
from vaemusic_jax.play.listening.psychometric import Choices, Lapses, lapse_rate, psychometric_slopes
from vaemusic_jax.play.listening.simulate import Listeners, simulate
from vaemusic_jax.play.load import load

MODELS = ("irish-measure-32", "irish-adversarial-4")
RECOVERED, HEARD = (0.5, 1.0, 1.5, 2.0), (0.25, 0.5, 0.75, 1.0)
LISTENERS, TRIALS = (8, 16, 24, 32, 48), (4, 8)


def main(
    what: Literal["recovery", "power"],
    /,
    runs: int = 0,
    listeners: int = 24,
    workers: int = 2,
    out: Path = Path("."),
) -> None:
    """Simulates and analyses.

    Args:
        what: which of both.
        runs: the number of simulated tests, by default 200, and 20 for each number of listeners and trials.
        listeners: of `recovery`, in each test.
        workers: the number of processes.
        out: where `power` writes listening.csv and listening.png.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        if what == "recovery":
            recovery(pool, runs or 200, listeners)
        else:
            power(pool, runs or 20, out)


def recovery(pool: Executor, runs: int, n: int) -> None:
    """Prints the coverage of the intervals, by cell and altogether, after every 20 tests."""
    design, found = design_of(6), list[dict[str, object]]()
    for run, rows in enumerate(pool.map(partial(recovered, design, n), range(runs)), 1):
        found += rows
        if run % 20 == 0 or run == runs:
            table = pd.DataFrame(found)
            for by in ("method", ["method", "slope"], ["method", "arm"]):
                print(table.groupby(by)[["covered", "error", "width"]].mean().round(3).to_string())
            print(f"{run} tests of {n} listeners, {len(design.cells)} slopes each", flush=True)


def recovered(design: Design, n: int, run: int) -> list[dict[str, object]]:
    """Returns, for each slope of one simulated test and each method, whether its interval holds what was put in."""
    found = list[dict[str, object]]()
    slopes = in_turn(RECOVERED, run)
    choices, lapses = choices_and_lapses(design, slopes, n, run)
    psychometric = psychometric_slopes(choices, lapses)
    for attribute in design.attributes:
        at = [index for index, cell in enumerate(design.cells) if cell[1] == attribute]
        rows = np.isin(choices.cell, at)
        own = Choices(**{name: getattr(choices, name)[rows] for name in Choices.__dataclass_fields__})
        for method, each in (("psychometric", psychometric), ("mixed", mixed_slopes(own, lapses))):
            for cell in at:
                found.append(
                    {
                        "method": method,
                        "arm": design.sources[design.cells[cell][0]]["arm"],
                        "slope": slopes[attribute],
                        "covered": each.low[cell] <= slopes[attribute] <= each.high[cell],
                        "error": each.slope[cell] / slopes[attribute] - 1,
                        "width": (each.high[cell] - each.low[cell]) / slopes[attribute],
                    }
                )
    return found


def power(pool: Executor, runs: int, out: Path) -> None:
    """Writes the share of slopes above 0, against the computed and against the asked difference."""
    found = list[dict[str, object]]()
    for trials in TRIALS:
        design = design_of(trials)
        for n in LISTENERS:
            for rows in pool.map(partial(detected, design, n), range(runs)):
                found += [{"listeners": n, "trials": trials, **row} for row in rows]
            print(f"{trials} trials, {n} listeners", flush=True)
    table = pd.DataFrame(found)
    columns = ["against", "arm", "slope", "trials", "listeners"]
    table.groupby(columns)["power"].mean().round(3).to_csv(out / "listening.csv")
    print(table.pivot_table("power", ["against", "slope", "trials"], "listeners").round(2).to_string())
    draw(table, out / "listening.png")


def detected(design: Design, n: int, run: int) -> list[dict[str, object]]:
    """Returns, for each slope of one simulated test and each difference, whether it is found to be above 0."""
    found, slopes = list[dict[str, object]](), in_turn(HEARD, run)
    computed, lapses = choices_and_lapses(design, slopes, n, run, resamples=20)
    asked = np.array([item.asked for item in design.items])[computed.item]
    for difference, choices in (("computed", computed), ("asked", dataclasses.replace(computed, difference=asked))):
        low = psychometric_slopes(choices, lapses, resamples=150).low
        for (source, attribute), above in zip(design.cells, low > 0, strict=True):
            found.append(
                {
                    "against": difference,
                    "arm": design.sources[source]["arm"],
                    "slope": slopes[attribute],
                    "power": bool(above),
                }
            )
    return found


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draws the power against the computed difference: a panel for each number of trials, a line for each slope."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    own = table[table["against"] == "computed"].groupby(["trials", "slope", "listeners"])["power"].mean()
    figure = Figure(figsize=(3.3 * len(TRIALS), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for ax, trials in zip(figure.subplots(1, len(TRIALS), sharey=True), TRIALS, strict=True):
        for colour, slope in zip(("#a3c4e0", "#6ca0cf", "#2f77b4", "#0b3f73"), HEARD, strict=True):
            ax.plot(LISTENERS, [own[trials, slope, n] for n in LISTENERS], "o-", color=colour, label=f"{slope:g}")
        ax.axhline(0.8, color="#a3adb8", linewidth=0.8, linestyle="--")
        ax.set(
            title=f"{trials} pairs of a cell for each listener", xlabel="listeners", ylim=(0, 1.02), xticks=LISTENERS
        )
    figure.axes[0].set_ylabel("share of slopes found above 0")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(HEARD), frameon=False, title="logit slope for each SD"
    )
    figure.savefig(path, dpi=110)


def design_of(trials: int) -> Design:
    """Returns the design of a test of two models of the package."""
    models = {name: load(name) for name in MODELS}
    measures = held_out_measures(list(models.values()))
    assert measures is not None, "the data set irish_folk is not there"
    return make_design(models, measures, trials=trials)


def in_turn(values: tuple[float, ...], run: int) -> dict[str, float]:
    """Returns a value for each attribute, which is another one from run to run."""
    return {name: values[(index + run) % len(values)] for index, name in enumerate(ATTRIBUTES)}


def choices_and_lapses(
    design: Design, slopes: Mapping[str, float], n: int, seed: int, resamples: int = 50
) -> tuple[Choices, Lapses]:
    """Returns the answers of simulated listeners after the rules of exclusion, and their lapse rate."""
    rows, _ = apply_rules(design, simulate(design, Listeners(slopes), n, seed))
    heard = rows[rows["kind"].isin(["main", "catch"])]
    lapses = lapse_rate(choices_of(design, heard, "obtained"), resamples)
    return choices_of(design, rows[rows["kind"] == "main"], "obtained"), lapses


if __name__ == "__main__":
    tyro.cli(main)
