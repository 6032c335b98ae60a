"""The report's HTML page: chapters of sentences, tables, figures and music in one file without external resources."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from vaemusic_jax.report.examples import Example
from vaemusic_jax.report.markup import Table, to_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin-top: 3rem; border-bottom: 1px solid #aaa; }
h3 { margin-top: 2rem; }
.wide { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-size: .85rem; }
caption, figcaption { text-align: left; color: #444; font-size: .85rem; padding: .3rem 0; max-width: 60rem; }
td, th { padding: .15rem .8rem .15rem 0; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
small { color: #555; }
ul.footnotes { list-style: none; padding: 0; font-size: .8rem; color: #444; }
figure { margin: 1.5rem 0; }
img { max-width: 100%; height: auto; }
.music td, .music th { border: 0; padding: .2rem .6rem .2rem 0; font-size: .75rem; }
.music img { display: block; max-width: none; }
pre { background: #f6f6f6; padding: .8rem; overflow-x: auto; font-size: .85rem; }
#table-findings td:nth-child(3), #table-exploratory td:nth-child(3), #table-specification td:nth-child(4) {
  min-width: 16rem;
}
.banner { border: 2px solid currentColor; padding: .6rem .8rem; font-weight: bold; }
@media print { h2 { break-before: page; } figure, tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Heading:
    """A heading within a chapter."""

    text: str


@dataclass(frozen=True)
class Banner:
    """A sentence that must not be overlooked; the page frames it."""

    text: str


@dataclass(frozen=True)
class Verbatim:
    """Text that is shown with its own line breaks and spaces."""

    text: str


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: the stem of its file names.
        figure: the matplotlib figure.
        caption: what it shows, of which split and how many seeds, and whether higher or lower is better.
    """

    name: str
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Folded:
    """A table that is too large for print; the page shows it when the reader unfolds it.

    Attributes:
        summary: the text that is shown in its place.
        table: the table.
    """

    summary: str
    table: Table


Part = str | Heading | Banner | Verbatim | Drawing | Table | Folded | Example


@dataclass(frozen=True)
class Chapter:
    """A chapter of the report.

    Attributes:
        name: the name of its anchor, `chapter-NAME`.
        title: its heading.
        parts: its content; a plain string is a paragraph.
    """

    name: str
    title: str
    parts: tuple[Part, ...]


def render(title: str, chapters: Sequence[Chapter], svgs: Mapping[str, str]) -> str:
    """Renders the whole page as HTML, which makes no request, not even for its figures.

    Args:
        title: the title of the page.
        chapters: the chapters in order.
        svgs: each drawing as an SVG element, by its name.
    """
    contents = "".join(f'<li><a href="#chapter-{c.name}">{escape(c.title)}</a></li>' for c in chapters)
    sections = []
    for chapter in chapters:
        parts = "".join(_html(part, svgs) for part in chapter.parts)
        sections.append(f'<section id="chapter-{chapter.name}"><h2>{escape(chapter.title)}</h2>\n{parts}</section>\n')
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n"
        f"<nav><ol>{contents}</ol></nav>\n{''.join(sections)}</body></html>\n"
    )


def _html(part: Part, svgs: Mapping[str, str]) -> str:
    match part:
        case str():
            return f"<p>{escape(part)}</p>\n"
        case Heading():
            return f"<h3>{escape(part.text)}</h3>\n"
        case Banner():
            return f'<p class="banner" role="note">{escape(part.text)}</p>\n'
        case Verbatim():
            return f"<pre>{escape(part.text)}</pre>\n"
        case Drawing():
            drawn = image(svgs[part.name], part.caption)
            return f'<figure id="{escape(part.name)}">{drawn}<figcaption>{escape(part.caption)}</figcaption></figure>\n'
        case Table():
            return f'<div class="wide">{to_html(part)}</div>\n'
        case Folded():
            return f"<details><summary>{escape(part.summary)}</summary>{_html(part.table, svgs)}</details>\n"
        case Example():
            return _music(part)


def _music(example: Example) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in ("", *example.headings))
    rows = []
    for label, cells in example.rows:
        drawn = "".join(
            f"<td>{image(svg, f'{label}, {words}'.rstrip(', '))}{escape(words)}</td>" for svg, words in cells
        )
        rows.append(f"<tr><th>{escape(label)}</th>{drawn}</tr>\n")
    return f'<div class="wide"><table class="music"><tr>{head}</tr>\n{"".join(rows)}</table></div>\n'


def image(svg: str, alternative: str) -> str:
    """Embeds an SVG element as an image, so that it runs no script and its ids and styles stay its own."""
    encoded = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(alternative)}" src="data:image/svg+xml;base64,{encoded}"/>'
