"""Writes a report on runs as a folder with a LaTeX document, its figures, tables, references and configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from vaemusic_jax.report.chapters import controls, single_trials, sweeps
from vaemusic_jax.report.chapters.about import data, not_done_table, states_table
from vaemusic_jax.report.chapters.answer import answer
from vaemusic_jax.report.chapters.findings import MATCHED
from vaemusic_jax.report.evidence import Evidence, evidence_of
from vaemusic_jax.report.findings import (
    compared_trials,
    declaration_table,
    exploratory_table,
    findings_table,
    specification_table,
)
from vaemusic_jax.report.joined_runs import JoinedRuns
from vaemusic_jax.report.latex_table import to_long_latex
from vaemusic_jax.report.markup import Table
from vaemusic_jax.report.page import Banner, Part
from vaemusic_jax.report.paper.data_statement import data_statement
from vaemusic_jax.report.paper.document import Document, bibliography
from vaemusic_jax.report.paper.methods import methods
from vaemusic_jax.report.paper.reproduction import config_files, reproduction
from vaemusic_jax.report.paper.specification import specification_tables
from vaemusic_jax.report.paper.words import cite
from vaemusic_jax.report.questions import open_questions
from vaemusic_jax.report.style import applied, to_pdf
from vaemusic_jax.report.tables import study_tables
from vaemusic_jax.report.write import question
from vaemusic_jax.support.atomic import write_atomically, writing
from vaemusic_jax.support.names import inside
from vaemusic_jax.support.words import listed

if TYPE_CHECKING:
    from vaemusic_jax.config.sweep import SweepConfig

_MAIN = ("accuracy", "control")  # The tables that do not stand in the appendix.
_OVERVIEW = (
    "The runs examine the question of Bryan-Kinns et al.{}: how architecture, configuration and data of a variational "
    "autoencoder of music bear on what it gives back and on how well its attributes can be controlled. All that "
    "follows, numbers in the text included, was written from the runs by the program that made them."
)
_JUDGED = (
    "The claims, what decides each and the margins stand in the program, whatever the runs. Verdicts are adjusted for "
    f"each other by Holm's procedure{cite('holm1979')} with Shaffer's refinement{cite('shaffer1986')}; their intervals "
    f"allow for seeds and for test tunes{cite('banerjee1961')}. They are about the corpora, sizes and recipes of these "
    "runs."
)
_NO_VERDICTS = (
    "No model has learned anything in these runs, so they bear on no claim of the study and there is no verdict."
)


@dataclass(frozen=True)
class WrittenPaper:
    """The files of a document.

    Attributes:
        document: the LaTeX file.
        figures: the number of figures, each a PDF file.
        tables: the number of tables, each a LaTeX file.
    """

    document: Path
    figures: int
    tables: int


def write_paper(paths: Sequence[Path], out: Path) -> WrittenPaper:
    """Writes `paper.tex`, `references.bib`, `figures/`, `tables/` and `configs/`; equal runs give equal bytes.

    Args:
        paths: run directories; a trial that is in several of them counts once.
        out: the folder of the document.

    Raises:
        UserError: a path is no run directory, a run has no evaluated trial, or the document cannot be written.
    """
    runs = JoinedRuns(paths)
    folders = {name: inside(out, name) for name in ("figures", "tables", "configs")}
    for folder in folders.values():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    files = config_files(runs)
    with applied():
        document = _document(runs, evidence_of(runs), files)
        for name, drawing in document.drawings.items():
            write_atomically(folders["figures"] / f"{name}.pdf", to_pdf(drawing.figure))
    for name, table in document.tables.items():
        write_atomically(folders["tables"] / f"{name}.tex", to_long_latex(table).encode())
    for name, config in files.items():
        write_atomically(folders["configs"] / name, config.to_yaml().encode())
    latex = document.render()
    write_atomically(out / "paper.tex", latex.encode())
    write_atomically(out / "references.bib", bibliography(latex).encode())
    return WrittenPaper(out / "paper.tex", len(document.drawings), len(document.tables))


def _document(runs: JoinedRuns, evidence: Evidence, files: dict[str, SweepConfig]) -> Document:
    found, nothing = evidence.found, _learned_nothing(evidence)
    facts = {name: corpus.facts for name, corpus in evidence.corpora.items()}
    names = listed(dict.fromkeys(config.name for config in runs.configs))
    document = Document(f"Report on {names}")
    short = answer(runs, evidence)
    document.abstract(part if isinstance(part, str) else part.text for part in short.parts if _is_said(part))
    document.section("Overview", [_OVERVIEW.format(cite("bryankinns2024"))])
    document.parts([*(part for part in short.parts if not _is_said(part)), *_states(runs)])
    document.section("Methods", methods(runs))
    document.section("The study's claims", [_NO_VERDICTS if nothing else _JUDGED])
    if not nothing:
        document.parts([findings_table(found.primary)])
    document.section("Measures of the models")
    study = study_tables(runs.results, evidence.corpora)
    document.parts(table for table in study if table.name in _MAIN)
    for chapter in (sweeps.latent_sizes(runs), sweeps.learning(runs), controls.control_matrices(runs)):
        document.chapter(chapter)
    if not nothing:
        for section in open_questions(runs.results, facts):
            document.chapter(question(section))
    document.section("Data statement", data_statement(runs))
    document.parts(part for part in data(runs) if isinstance(part, Table))
    document.section("How to reproduce this", reproduction(runs, files))
    document.appendix()
    document.section("Each attribute by each definition")
    document.parts(specification_tables(runs.results))
    if not nothing:
        document.section("Each verdict by each definition")
        document.parts([MATCHED, declaration_table(), specification_table(found), exploratory_table(found.exploratory)])
    document.section("Further measures of the models")
    document.parts(table for table in study if table.name not in _MAIN)
    document.chapter(single_trials.attribute_surfaces(runs))
    document.chapter(single_trials.priors(runs))
    document.note(runs.faults)  # The list is complete when all files have been read.
    return document


def _learned_nothing(evidence: Evidence) -> bool:
    """Returns whether no configuration that the study's claims are about has learned anything."""
    return bool(evidence.found.banner) and not any(map(len, compared_trials(evidence.results)))


def _is_said(part: Part) -> TypeGuard[str | Banner]:
    return isinstance(part, str | Banner)


def _states(runs: JoinedRuns) -> list[Table]:
    unfinished = [not_done_table(runs)] if (runs.results["status"] != "done").any() else []
    return [states_table(runs), *unfinished]
