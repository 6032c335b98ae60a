"""The command `vaemusic report RUN`, which writes the results of a run as a page, or as a LaTeX document."""

from collections.abc import Sequence
from pathlib import Path

from vaemusic_jax.commands.parser import Commands, add_command
from vaemusic_jax.support.terminal import open_console


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, report)
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folders that a sweep wrote.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--out", metavar="DIR", type=Path, help="folder of the report; default RUN/report, of the first run."
    )
    where.add_argument(
        "--paper", metavar="DIR", type=Path, help="write a LaTeX document for reviewers to this folder instead."
    )


def report(runs: Sequence[Path], *, out: Path | None = None, paper: Path | None = None) -> None:
    """Writes a report on evaluated runs: one page that opens offline, figures for print, tables for LaTeX.

    Needs the run directories only, no checkpoints or data sets. A trial that is in several runs counts once. With
    --paper it writes a document instead, paper.tex, with methods, data, tables, vector figures, references and the
    commands to reproduce it.

        vaemusic report runs/quickstart
        vaemusic report runs/seed_0 runs/seed_1 --out both/
        vaemusic report runs/quickstart --paper paper/
    """
    from vaemusic_jax.report.style import quiet_matplotlib

    if paper is not None:
        from vaemusic_jax.report.paper.document import BUILD
        from vaemusic_jax.report.paper.write import write_paper

        with quiet_matplotlib():
            document = write_paper(runs, paper)
        open_console().print(
            f"Document: {document.document}; beside it {document.figures} figures as PDF in figures/, "
            f"{document.tables} tables in tables/ and the configurations in configs/. To build it, in {paper}: {BUILD}",
            soft_wrap=True,
        )
        return
    from vaemusic_jax.report.write import write_report

    with quiet_matplotlib():
        written = write_report(runs, out)
    open_console().print(
        f"Report: {written.page}; beside it {written.figures} figures as PNG and SVG in figures/ and {written.tables} "
        "tables as CSV, those that fit a page as LaTeX too, in tables/",
        soft_wrap=True,
    )
