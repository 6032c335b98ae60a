"""`vaemusic report RUN`: what a run found, as a page, figures and tables."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from vaemusic_jax.commands import open_console


def report(
    runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN [RUN ...]", help_behavior_hint="")],
    *,
    out: Annotated[Path | None, arg(metavar="DIR", help_behavior_hint="")] = None,
) -> None:
    """Writes a report on evaluated runs: one page that opens offline, figures for print, tables for LaTeX.

    Needs the run directories only, no checkpoints or data sets. A trial that is in several runs counts once.

        vaemusic report runs/quickstart
        vaemusic report runs/seed_0 runs/seed_1 --out both/

    Args:
        runs: folders that a sweep wrote.
        out: folder of the report; default RUN/report, of the first run.
    """
    from vaemusic_jax.errors import UserError
    from vaemusic_jax.report.write import write_report

    if not runs:
        raise UserError("report: no run given; name the folder of one, as in `vaemusic report runs/quickstart`")
    written = write_report(runs, out)
    open_console().print(
        f"Report: {written.page}; beside it {written.figures} figures as PNG and SVG in figures/ and {written.tables} "
        "tables as CSV, those that fit a page as LaTeX too, in tables/",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
