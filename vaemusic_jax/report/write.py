"""Writes a report on runs: an HTML page, figures and tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.report.chapters import controls, single_trials, sweeps
from vaemusic_jax.report.chapters.about import about
from vaemusic_jax.report.chapters.answer import answer
from vaemusic_jax.report.chapters.findings import study_findings
from vaemusic_jax.report.evidence import evidence_of
from vaemusic_jax.report.figures.question import draw
from vaemusic_jax.report.joined_runs import JoinedRuns
from vaemusic_jax.report.latex_table import to_latex
from vaemusic_jax.report.markup import Table, to_csv
from vaemusic_jax.report.page import Banner, Chapter, Drawing, Folded, Gallery, Svg, render
from vaemusic_jax.report.questions import open_questions
from vaemusic_jax.report.section import Section
from vaemusic_jax.report.style import applied, legend_box, legend_labels, to_png, to_svg
from vaemusic_jax.report.tables import overview_table, study_tables
from vaemusic_jax.support.atomic import write_atomically, writing
from vaemusic_jax.support.names import inside
from vaemusic_jax.support.words import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Written:
    """The files of a report.

    Attributes:
        page: the HTML file.
        figures: the number of figures; each is a PNG and an SVG file.
        tables: the number of tables; each is a CSV file and, unless the page shows it folded, a LaTeX file.
    """

    page: Path
    figures: int
    tables: int


def write_report(paths: Sequence[Path], out: Path | None = None) -> Written:
    """Writes `index.html`, `figures/` and `tables/`; equal runs give equal bytes.

    Args:
        paths: run directories; a trial that is in several of them counts once.
        out: the folder of the report; by default it is `report` in the first run.

    Raises:
        UserError: a path is no run directory, a run has no evaluated trial, or the report cannot be written.
    """
    runs = JoinedRuns(paths)
    out = out or inside(runs.paths[0], "report")
    for folder in (inside(out, "figures"), inside(out, "tables")):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    with applied():
        chapters = _chapters(runs)
        parts = [part for chapter in chapters for part in chapter.parts]
        tables = [part for part in parts if isinstance(part, Table)]
        too_wide = [part.table for part in parts if isinstance(part, Folded)]
        figures = [part for part in parts if isinstance(part, Drawing)]
        figures += [drawing for part in parts if isinstance(part, Gallery) for drawing in part.drawings]
        svgs = {drawing.name: _svg(drawing.figure) for drawing in figures}
        for drawing in figures:
            write_atomically(out / "figures" / f"{drawing.name}.svg", svgs[drawing.name].text.encode())
            write_atomically(out / "figures" / f"{drawing.name}.png", to_png(drawing.figure))
        for table in tables:
            write_atomically(out / "tables" / f"{table.name}.tex", to_latex(table).encode())
        for table in (*tables, *too_wide):
            write_atomically(out / "tables" / f"{table.name}.csv", to_csv(table).encode())
        names = dict.fromkeys(config.name for config in runs.configs)
        page = render(f"Report on {listed(names)}", chapters, svgs)
        write_atomically(out / "index.html", page.encode("utf-8", "replace"))
    return Written(out / "index.html", len(figures), len(tables) + len(too_wide))


def _svg(figure: Figure) -> Svg:
    text = to_svg(figure)
    return Svg(text, figure.get_figwidth(), legend_box(figure))


def _chapters(runs: JoinedRuns) -> list[Chapter]:
    evidence = evidence_of(runs)
    corpora = evidence.corpora
    facts = {name: corpus.facts for name, corpus in corpora.items()}
    study = tuple(study_tables(runs.results, corpora))
    every = overview_table(runs.results)
    n_shared = [column.name for column in every.columns].index("attribute")
    overview = Folded("Every measure of single attributes", every, n_shared)
    chapters = [
        single_trials.music(runs),
        study_findings(evidence),
        Chapter("tables", "The study's tables", (*study, overview)),
        sweeps.latent_sizes(runs),
        sweeps.learning(runs),
        controls.control_matrices(runs),
        single_trials.attribute_surfaces(runs),
        single_trials.priors(runs),
        *(question(section) for section in open_questions(runs.results, facts)),
        about(runs),
    ]
    first = answer(runs, evidence)  # It is made last, when all files that cannot be read are known.
    return [Chapter(first.name, first.title, (*map(Banner, runs.faults), *first.parts)), *chapters]


def question(section: Section) -> Chapter:
    """Returns the chapter on an open question, with its figures drawn."""
    counted = "Test split; how many seeds there are stands in the table above."
    drawn = [Drawing(data.name, draw(data), f"{data.caption} {counted}") for data in section.figures]
    said = f"Exploratory: tests here are over seeds alone, and nothing is adjusted for their number. {section.text}"
    return Chapter(f"question-{section.name}", section.title, (said, section.table, *_galleries(drawn)))


def _galleries(drawings: Sequence[Drawing]) -> Iterator[Drawing | Gallery]:
    """Yields the figures, those that follow each other and have the same legend as a gallery."""
    for labels, group in itertools.groupby(drawings, lambda drawing: legend_labels(drawing.figure)):
        alike = tuple(group)
        if labels and len(alike) > 1:
            yield Gallery(alike, alike[0])
        else:
            yield from alike
