"""The style of figures, and their export as SVG, PNG and PDF.

Figures are readable in print and by colour-blind readers, and equal figures give equal bytes.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# These are Okabe & Ito's colours, which people with any common colour blindness can tell apart. Their yellow is left
# out, because it is too faint for lines.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000")
GREY = "#666666"
# Series differ in marker and line as well as in colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
DIVERGING = "PuOr_r"  # Its ends differ for colour-blind readers too.
SEQUENTIAL = "cividis"  # It is even in lightness and looks the same to colour-blind readers.

_RC = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "svg.hashsalt": "vaemusic",  # Without it, ids would be random.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # Publishers refuse Matplotlib's default, fonts of type 3.
}
_DPI = 200


@contextmanager
def applied() -> Iterator[None]:
    """Applies the report's style to figures made within the context, whatever the user's own settings are."""
    from matplotlib import style

    with style.context(["default", _RC]):
        yield


@contextmanager
def quiet_matplotlib() -> Iterator[None]:
    """Keeps Matplotlib's warnings, such as of a font without a glyph or a folder it cannot write, from the user."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="matplotlib")
            yield
    finally:
        logger.setLevel(level)


def panels(rows: int, columns: int, width: float = 2.5, height: float = 2.1, **shared: Any) -> tuple[Figure, Any]:
    """Makes a figure with a grid of panels.

    Args:
        rows, columns: the numbers of rows and columns of panels.
        width, height: the size of one panel, in inches.
        shared: further arguments of `Figure.subplots`, such as `sharey="row"`.

    Returns:
        The figure and its axes, an object array (rows, columns).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns + 0.6, height * rows + 0.5), dpi=_DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def legend_below(figure: Figure, axes: Axes, columns: int = 4) -> None:
    """Draws one legend below all panels, with what is drawn in one of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, max(len(labels), 1)))


def to_svg(figure: Figure) -> str:
    """Renders a figure as an SVG element; equal figures give equal text."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = io.StringIO()
    with applied():
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})  # `savefig` would draw it twice.
    figure.set_layout_engine("none")  # The layout is kept, since computing it again takes longer than drawing.
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


@dataclass(frozen=True)
class Box:
    """A part of a figure, as shares of its width and height from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    def above(self) -> Box:
        """Returns everything above this part."""
        return Box(0, 0, 1, self.top)


def legend_box(figure: Figure) -> Box | None:
    """Returns where the legend below the panels of a drawn figure is; None if it has none."""
    if not figure.legends:
        return None
    box = figure.legends[0].get_window_extent().transformed(figure.transFigure.inverted())
    return Box(box.x0, 1 - box.y1, box.width, box.height)


def legend_labels(figure: Figure) -> tuple[str, ...]:
    """Returns the labels in the legend below the panels of a figure; empty if it has none."""
    return tuple(text.get_text() for legend in figure.legends for text in legend.get_texts())


def cropped(svg: str, part: Box) -> str:
    """Returns an SVG element of Matplotlib that shows one part of it only."""
    start, end, rest = svg.partition(">")
    width, height = (float(found) for found in re.findall(r' (?:width|height)="([\d.]+)pt"', start))
    x, y, w, h = part.left * width, part.top * height, part.width * width, part.height * height
    start = re.sub(r' (width|height|viewBox)="[^"]*"', "", start)
    return f'{start} width="{w:.2f}pt" height="{h:.2f}pt" viewBox="{x:.2f} {y:.2f} {w:.2f} {h:.2f}"{end}{rest}'


def to_png(figure: Figure) -> bytes:
    """Renders a figure as the content of a PNG file for print; equal figures give equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    figure.set_dpi(_DPI)  # Rendering as SVG leaves another resolution behind.
    with applied():
        FigureCanvasAgg(figure).print_png(content)
    figure.set_layout_engine("none")
    return content.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """Renders a figure as the content of a PDF file with embedded fonts; equal figures give equal bytes."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    content = io.BytesIO()
    with applied():
        FigureCanvasPdf(figure).print_pdf(content, metadata={"CreationDate": None})
    figure.set_layout_engine("none")
    return content.getvalue()
