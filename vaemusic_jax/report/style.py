"""How figures look, and figures as files: readable in print and by colour-blind readers, the same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, which people with any common colour blindness tell apart; yellow is too faint for lines.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000")
GREY = "#666666"
# Colour is never the only difference: series differ in marker and line as well.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
SEQUENTIAL = "cividis"  # even in lightness, and alike to all eyes

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
    "svg.hashsalt": "vaemusic",  # else ids are drawn at random
    "svg.fonttype": "none",
}
_DPI = 200


@contextmanager
def applied() -> Iterator[None]:
    """Within, figures are made in the report's style, whatever the user's own settings are."""
    from matplotlib import style

    with style.context(["default", _RC]):
        yield


def panels(rows: int, columns: int, width: float = 2.5, height: float = 2.1, **shared: Any) -> tuple[Figure, Any]:
    """A figure of small multiples.

    Args:
        rows, columns: how many panels.
        width, height: of one panel, in inches.
        shared: as for `Figure.subplots`, such as `sharey="row"`.

    Returns:
        The figure and its axes, an object array (rows, columns).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns + 0.6, height * rows + 0.5), dpi=_DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def legend_below(figure: Figure, axes: Axes, columns: int = 4) -> None:
    """One legend for all panels, of what is drawn in one of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, max(len(labels), 1)))


def to_svg(figure: Figure) -> str:
    """A figure as an SVG element, the same text for the same figure."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = io.StringIO()
    with applied():
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})  # `savefig` would draw it twice
    figure.set_layout_engine("none")  # placed once for all files: that takes longer than drawing
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def to_png(figure: Figure) -> bytes:
    """A figure as a PNG file for print, the same bytes for the same figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    figure.set_dpi(_DPI)  # drawing it as SVG leaves another one
    with applied():
        FigureCanvasAgg(figure).print_png(content)
    figure.set_layout_engine("none")
    return content.getvalue()
