"""The document as LaTeX: sections of paragraphs, tables and figures, and the references that they cite."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.report.latex_table import labels_of
from vaemusic_jax.report.markup import Table
from vaemusic_jax.report.page import Banner, Chapter, Drawing, Gallery, Part
from vaemusic_jax.support.words import listed

_WIDTH = 6.69  # inches: 17 cm, the length of a line
_NARROW = 4.6  # inches, of figures two of which fit side by side
_HEIGHT = 8.6  # inches, of the tallest figure, which leaves room for its caption

BUILD = "pdflatex paper && bibtex paper && pdflatex paper && pdflatex paper"
_PREAMBLE = (
    rf"% Build it with: {BUILD}"
    + r"""
\documentclass[a4paper,10pt]{article}
\usepackage[margin=2cm]{geometry}
\usepackage{array,booktabs,graphicx,longtable}
\usepackage[hidelinks]{hyperref}
\makeatletter
\newcommand{\figurecaption}{\def\@captype{figure}\caption}
\makeatother
\raggedbottom
\emergencystretch=3em
"""
)


@dataclass
class Document:
    """A document that grows from its first section to its last.

    Attributes:
        title: its title.
        tables: the tables that it shows, by name.
        drawings: the figures that it shows, by name.
    """

    title: str
    tables: dict[str, Table] = field(default_factory=dict)
    drawings: dict[str, Drawing] = field(default_factory=dict)
    _body: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)

    def abstract(self, sentences: Iterable[str]) -> None:
        """Adds the abstract, of sentences as plain text."""
        said = " ".join(map(escape_latex, sentences))
        self._body.append(f"\\begin{{abstract}}\n\\noindent {said}\n\\end{{abstract}}\n")

    def section(self, title: str, paragraphs: Iterable[str] = ()) -> None:
        """Starts a section, with paragraphs that are LaTeX."""
        self._body += [f"\\section{{{escape_latex(title)}}}\n", *(f"{text}\n" for text in paragraphs)]

    def chapter(self, chapter: Chapter, title: str = "") -> None:
        """Adds a chapter of a report as a section, without what is for the screen only."""
        self.section(title or chapter.title)
        self.parts(chapter.parts)

    def parts(self, parts: Iterable[Part]) -> None:
        """Adds parts of a chapter to the section, tables and figures behind a sentence that refers to them."""
        shown = [one for part in parts for one in (part.drawings if isinstance(part, Gallery) else (part,))]
        for part in shown:
            if isinstance(part, Table) and part.rows:
                self.tables[part.name] = part
            elif isinstance(part, Drawing):
                self.drawings[part.name] = part
        self._body += [text for text in (_referring(shown), *_rendered(shown)) if text]

    def appendix(self) -> None:
        """Ends the main part with the references; what follows are appendices."""
        references = "\\bibliographystyle{plain}\n\\bibliography{references}\n"
        self._body += ["\\clearpage", references, "\\clearpage\n\\appendix\n"]

    def note(self, sentences: Iterable[str]) -> None:
        """Adds sentences that must not be overlooked, as plain text, below the abstract."""
        self._notes += sentences

    def render(self) -> str:
        """Returns the document."""
        head = f"\\title{{{escape_latex(self.title)}}}\n\\author{{}}\n\\date{{}}\n\\begin{{document}}\n\\maketitle\n"
        notes = [f"\\noindent\\textbf{{{escape_latex(note)}}}\n" for note in self._notes]
        return "\n".join([_PREAMBLE + head, *self._body[:1], *notes, *self._body[1:], "\\end{document}\n"])


def bibliography(latex: str) -> str:
    """Returns the entries of references.bib that a document cites, in BibTeX.

    Raises:
        KeyError: it cites an entry that there is not.
    """
    text = (files("vaemusic_jax.report.paper") / "references.bib").read_text(encoding="utf-8")
    entries = {match[1]: match[0] for match in re.finditer(r"@\w+\{(\w+),\n.*?\n\}\n", text, re.DOTALL)}
    cited = dict.fromkeys(key for keys in re.findall(r"\\cite\{([^}]*)\}", latex) for key in keys.split(","))
    return "\n".join(entries[key] for key in cited)


def _referring(parts: Iterable[Part]) -> str:
    """Returns a sentence that names the tables and figures of a section; empty without any."""
    labels = {"Table": list[str](), "Figure": list[str]()}
    for part in parts:
        if isinstance(part, Table) and part.rows:
            labels["Table"] += [f"tab:{label}" for label in labels_of(part)]
        elif isinstance(part, Drawing):
            labels["Figure"].append(f"fig:{part.name}")
    said = [_named(kind, found) for kind, found in labels.items() if found]
    return f"See {listed(said)}.\n" if said else ""


def _named(kind: str, labels: list[str]) -> str:
    if len(labels) == 1:
        return f"{kind}~\\ref{{{labels[0]}}}"
    between = " and " if len(labels) == 2 else " to "
    return f"{kind}s~\\ref{{{labels[0]}}}{between}\\ref{{{labels[-1]}}}"


def _rendered(parts: Iterable[Part]) -> Iterator[str]:
    """Yields parts as LaTeX, two narrow figures that follow each other side by side."""
    for is_narrow, group in itertools.groupby(parts, _is_narrow):
        if is_narrow:
            drawings = [one for one in group if isinstance(one, Drawing)]
            yield from (_figures(drawings[i : i + 2]) for i in range(0, len(drawings), 2))
        else:
            yield from map(_one, group)


def _one(part: Part) -> str:
    match part:
        case str():
            return f"{escape_latex(part)}\n" if part.strip() else ""
        case Banner():
            return f"\\noindent\\textbf{{{escape_latex(part.text)}}}\n"
        case Drawing():
            return _figures([part])
        case Table():
            return f"\\input{{tables/{part.name}}}\n" if part.rows else ""
    return ""  # Headings within chapters name data sets, which captions do too.


def _is_narrow(part: Part) -> bool:
    return isinstance(part, Drawing) and part.figure.get_figwidth() <= _NARROW


def _figures(drawings: Sequence[Drawing]) -> str:
    """Returns figures side by side, each with its caption.

    They are no floats, which tables that break over pages can push beyond the end of a page.
    """
    share = 1 if len(drawings) == 1 else 0.48
    boxes = "\\hfill\n".join(_box(drawing, share) for drawing in drawings)
    return f"\\medskip\n\\noindent\n{boxes}\\medskip\n"


def _box(drawing: Drawing, share: float) -> str:
    width, height = drawing.figure.get_size_inches()
    scale = min(1.0, share * _WIDTH / width, _HEIGHT / height)
    return (
        "\n".join(
            [
                f"\\begin{{minipage}}[t]{{{share:g}\\linewidth}}",
                "\\centering",
                f"\\includegraphics[width={scale * width:.2f}in]{{{{figures/{drawing.name}}}.pdf}}",
                f"\\figurecaption{{{escape_latex(drawing.caption)}}}",
                f"\\label{{fig:{drawing.name}}}",
                "\\end{minipage}",
            ]
        )
        + "\n"
    )
