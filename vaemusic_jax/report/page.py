"""The report's HTML page: chapters of sentences, tables, figures and music in one file without external resources."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from vaemusic_jax.report.examples import Example, Measure
from vaemusic_jax.report.html_table import has_sentences, narrow, to_html
from vaemusic_jax.report.markup import Table
from vaemusic_jax.report.sound import SCRIPT
from vaemusic_jax.report.style import Box, cropped
from vaemusic_jax.report.stylesheet import STYLE
from vaemusic_jax.report.svg_text import compact, url_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
class Gallery:
    """Figures with the same legend, which the page shows once above them; the files of each figure have it too.

    Attributes:
        drawings: the figures.
        legend: the one whose legend is shown.
    """

    drawings: tuple[Drawing, ...]
    legend: Drawing


@dataclass(frozen=True)
class Folded:
    """A table that is too large for print; the page shows it in pieces when the reader unfolds it.

    Attributes:
        summary: the text that is shown in its place.
        table: the table.
        n_shared: so many cells at the left of rows are the heading of all rows that share them.
    """

    summary: str
    table: Table
    n_shared: int


_COLUMN = 7.2  # A wider figure, in inches, takes both columns of the page.
_FEW = 25  # A table of numbers with at most so many rows is not broken between pages in print.
_OWN = ' class="own"'
_PLAY = "\N{BLACK RIGHT-POINTING TRIANGLE}"

Part = str | Heading | Banner | Verbatim | Drawing | Gallery | Table | Folded | Example


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


@dataclass(frozen=True)
class Svg:
    """A figure as an SVG element.

    Attributes:
        text: the element.
        width: its width in inches.
        legend: where its legend is; None if it has none below its panels.
    """

    text: str
    width: float
    legend: Box | None = None


def render(title: str, chapters: Sequence[Chapter], svgs: Mapping[str, Svg]) -> str:
    """Renders the whole page as HTML, which makes no request, not even for its figures.

    A content security policy forbids every request, and every script but the one that plays notes.

    Args:
        title: the title of the page.
        chapters: the chapters in order.
        svgs: each drawing, by its name.
    """
    contents = "".join(f'<li><a href="#chapter-{c.name}">{escape(c.title)}</a></li>' for c in chapters)
    sections = []
    for chapter in chapters:
        sections.append(
            f'<section id="chapter-{chapter.name}"><h2>{escape(chapter.title)}</h2>\n'
            f"{_parts(chapter.parts, svgs)}</section>\n"
        )
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{_digest(STYLE)}'; script-src 'sha256-{_digest(SCRIPT)}'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n"
        f"{sections[0]}<nav><h2>Contents</h2><ol>{contents}</ol></nav>\n{''.join(sections[1:])}"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _parts(parts: Sequence[Part], svgs: Mapping[str, Svg]) -> str:
    """Renders parts; figures that follow each other stand in columns where the page is wide."""
    rendered = ""
    for kind, group in itertools.groupby(parts, lambda part: isinstance(part, Drawing)):
        html = "".join(_html(part, svgs) for part in group)
        rendered += f'<div class="figures">{html}</div>\n' if kind else html
    return rendered


def _html(part: Part, svgs: Mapping[str, Svg]) -> str:
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
            return _figure(part, svgs[part.name])
        case Gallery():
            shared = svgs[part.legend.name]
            drawn = image(cropped(shared.text, shared.legend), "legend of the figures below") if shared.legend else ""
            figures = "".join(_figure(drawing, svgs[drawing.name], with_legend=False) for drawing in part.drawings)
            return f'<p class="legend">{drawn}</p>\n<div class="figures">{figures}</div>\n'
        case Table():
            few = " few" if len(part.rows) <= _FEW and not has_sentences(part) else ""
            return f'<div class="wide{few}">{to_html(part)}</div>\n'
        case Folded():
            tables = "".join(_html(table, svgs) for table in narrow(part.table, part.n_shared))
            return f"<details><summary>{escape(part.summary)}</summary>{tables}</details>\n"
        case Example():
            return _music(part)


def _figure(drawing: Drawing, svg: Svg, with_legend: bool = True) -> str:
    text = svg.text if with_legend or svg.legend is None else cropped(svg.text, svg.legend.above())
    kinds = ["full"] * bool(svg.width > _COLUMN) + ["map"] * ("<image" in text)
    caption = escape(drawing.caption)
    return (
        f'<figure id="{escape(drawing.name)}" class="{" ".join(kinds)}">{image(text, drawing.caption)}'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )


def _music(example: Example) -> str:
    strips = []
    for strip in example.strips:
        cells = "".join(_measure(measure, strip.label) for measure in strip.measures)
        button = _button("all", f"play all: {strip.label}")
        strips.append(f'<div class="strip"><h4>{button}{escape(strip.label)}</h4><ol>{cells}</ol></div>\n')
    return "".join(strips)


def _measure(measure: Measure, label: str) -> str:
    words = ", ".join(filter(None, (measure.words, measure.change)))
    spans = [f"<span>{escape(measure.change)}</span>"] if measure.change else []
    for name, value, own in measure.values:
        spans.append(f"<span{_OWN if own else ''}>{escape(f'{name} {value}')}</span>")
    return (
        f'<li data-notes="{measure.notes}" data-quarters="{measure.quarters:g}">{image(measure.svg, words)}'
        f"{_button('', f'play: {label}, {words}')}{escape(measure.words)}"
        f'<div class="values">{"".join(spans)}</div></li>'
    )


def _button(text: str, label: str) -> str:
    """Returns a button that the script shows and makes play."""
    shown = f"{_PLAY} {text}".rstrip()
    return f'<button class="play" type="button" hidden="" aria-label="{escape(label)}">{shown}</button>'


def image(svg: str, alternative: str) -> str:
    """Embeds an SVG element as an image, so that it runs no script and its ids and styles stay its own."""
    return f'<img alt="{escape(alternative)}" src="data:image/svg+xml,{url_text(compact(svg))}"/>'
