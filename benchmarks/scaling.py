"""Time per member-step against the size of the cohort and against the latent size, and the cost of padding.

    python -m benchmarks.scaling --out docs/figures
    python -m benchmarks.scaling --models measure_vae --members 1 4 16 --latent-dims 4 64 --rounds 2

Writes scaling.csv and scaling.png. The cost of padding is that of a padded cohort, one member of each latent size, over
the mean of cohorts of as many members of one size each. Batches are of 64 measures, so that 64 members fit in 4 GB and
a step of them takes seconds on two cores. Some 30 minutes there, half of it compiling, which is kept for the next time;
run it on a quiet machine.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tyro

from benchmarks import machine
from benchmarks.members import Cohort, Model, random_measures, trial
from benchmarks.timing import Spread, in_turns, others_share
from vaemusic_jax.commands.programs import keep_programs
from vaemusic_jax.config.models import MODELS, RecipeName
from vaemusic_jax.data.blocks import Measures

COHORT, ALONE, ONE_SIZE, PADDED = "cohort", "alone", "cohort of one latent size", "padded cohort of all"


@dataclass
class Options:
    """What to time."""

    models: tuple[Model, ...] = ("measure_vae", "adversarial_vae")
    hidden_size: int = 128
    latent_dim: int = 32
    """Of the members whose number is varied."""
    members: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    latent_dims: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256)
    batch_size: int = 64
    recipe: RecipeName = "fast"
    rounds: int = 5
    seconds: float = 0.5
    """That a call should take at least."""
    out: Path = Path("scaling")
    """Folder for scaling.csv and scaling.png."""


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    machine.prepare()
    keep_programs()
    print(machine.in_words(machine.description()))
    measures = random_measures()
    found = []
    for model in options.models:
        by_members = {(COHORT, n): [options.latent_dim] * n for n in options.members}
        found += timed(model, by_members, options, measures)
        n = len(options.latent_dims)
        by_latent_dim: dict[tuple[str, int], list[int]] = {(PADDED, max(options.latent_dims)): [*options.latent_dims]}
        for latent_dim in options.latent_dims:
            by_latent_dim |= {(ALONE, latent_dim): [latent_dim], (ONE_SIZE, latent_dim): [latent_dim] * n}
        found += timed(model, by_latent_dim, options, measures)
    table = pd.DataFrame(found)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    for name, cost in padding_costs(table).items():
        print(f"{name}: a padded member takes {cost:.2f} times the mean of unpadded ones")
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "scaling.csv", index=False)
    (options.out / "scaling.png").write_bytes(figure(table))


def timed(
    model: Model, latent_dims: dict[tuple[str, int], list[int]], options: Options, measures: Measures
) -> list[dict[str, Any]]:
    """Times cohorts in turns and returns one row for each; a cohort is given as the latent sizes of its members."""
    programs = []
    for sizes in latent_dims.values():
        trials = [
            trial(model, options.hidden_size, latent_dim, options.batch_size, seed, options.recipe)
            for seed, latent_dim in enumerate(sizes)
        ]
        programs.append(Cohort(tuple(trials), measures).run)
    taken = in_turns(programs, options.rounds, options.seconds)
    rows = []
    for ((series, x), sizes), samples in zip(latent_dims.items(), taken, strict=True):
        spread = Spread.of([1000 * sample.seconds / len(sizes) for sample in samples])
        rows.append(
            {
                "model": model,
                "series": series,
                "members": len(sizes),
                "latent_dim": x if series != COHORT else options.latent_dim,
                "ms_per_member_step": spread.median,
                "least": spread.least,
                "greatest": spread.greatest,
                "others": others_share(samples),
            }
        )
    return rows


def padding_costs(table: pd.DataFrame) -> dict[str, float]:
    """Returns by model the time per member-step of the padded cohort over the mean of cohorts of one latent size."""
    by_series = table.groupby(["model", "series"], sort=False)["ms_per_member_step"].mean().unstack()
    return dict(by_series[PADDED] / by_series[ONE_SIZE])


def figure(table: pd.DataFrame) -> bytes:
    """Draws the times against the size of the cohort and against the latent size, and returns the PNG file."""
    from vaemusic_jax.report import style

    with style.applied():
        drawing, ((by_members, by_latent_dim),) = style.panels(1, 2, width=3.2, height=2.6)
        for i, (model, rows) in enumerate(table.groupby("model", sort=False)):
            colour = style.COLOURS[i]
            by_series = dict(iter(rows.groupby("series")))
            for j, series in enumerate((COHORT, ALONE, ONE_SIZE)):
                axes, x = (by_members, "members") if series == COHORT else (by_latent_dim, "latent_dim")
                look = {"color": colour, "marker": style.MARKERS[j], "linestyle": style.LINES[j]}
                draw(axes, by_series[series], x, look | {"label": f"{MODELS[str(model)].title}, {series}"})
            padded = float(by_series[PADDED]["ms_per_member_step"].iloc[0])
            name = f"{MODELS[str(model)].title}, {PADDED}"
            by_latent_dim.axhline(padded, color=colour, linestyle=style.LINES[3], label=name)
        label(by_members, "members in the cohort", table[table["series"] == COHORT]["members"])
        label(by_latent_dim, "latent size", table[table["series"] == ALONE]["latent_dim"])
        by_members.set_ylabel("ms per member and step")
        style.legend_below(drawing, by_latent_dim, columns=2)
    return style.to_png(drawing)


def draw(axes: Any, rows: pd.DataFrame, x: str, look: dict[str, Any]) -> None:
    """Draws medians with bars from the least to the greatest value."""
    middle = rows["ms_per_member_step"]
    error = np.stack([middle - rows["least"], rows["greatest"] - middle])
    axes.errorbar(rows[x], middle, yerr=error, elinewidth=0.6, **look)


def label(axes: Any, name: str, ticks: pd.Series) -> None:
    axes.set_xscale("log", base=2)
    places = sorted(set(ticks))
    axes.set_xticks(places, [str(place) for place in places])
    axes.minorticks_off()
    axes.set_xlabel(name)
    axes.set_ylim(bottom=0)


if __name__ == "__main__":
    main()
