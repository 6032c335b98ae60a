"""Heat maps of matrices, such as interpretability and the effect of controls on attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.report.style import DIVERGING, SEQUENTIAL, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_DARK = 0.45  # Smaller values are written in white.
_LIGHT = 0.65  # On a scale around 0, values beyond this share of it are written in white.


@dataclass(frozen=True)
class Matrix:
    """The content of one heat map.

    Attributes:
        title: the title above it.
        values: (rows, columns); cells with NaN stay empty.
        rows, columns: the labels of rows and columns.
        marks: (rows, columns) texts to be written after the numbers, or None.
    """

    title: str
    values: np.ndarray
    rows: Sequence[str]
    columns: Sequence[str]
    marks: np.ndarray | None = None


def heat_maps(
    grid: Sequence[Sequence[Matrix | None]], label: str, x: str = "", y: str = "", around_0: bool = False
) -> Figure:
    """Draws a grid of matrices with one colour scale, from 0 to 1 or as far below 0 as above.

    Args:
        grid: rows of matrices of equal length, with at least one matrix; None leaves a place empty.
        label: the label of the colour scale.
        x, y: the labels of the axes, which say what the columns and the rows of each matrix are.
        around_0: whether values may be below 0 and above 1.
    """
    widest = max(len(matrix.columns) for row in grid for matrix in row if matrix)
    tallest = max(len(matrix.rows) for row in grid for matrix in row if matrix)
    size = {"width": 0.9 + 0.4 * widest, "height": 0.7 + 0.4 * tallest}
    figure, axes = panels(len(grid), len(grid[0]), **size)
    figure.set_layout_engine("compressed")  # This layout is for panels of fixed aspect; the usual one cuts off titles.
    images = []
    drawn = [np.abs(matrix.values) for row in grid for matrix in row if matrix]
    furthest = float(np.nanmax(np.concatenate([values.ravel() for values in drawn] + [np.ones(1)])))
    for i, row in enumerate(grid):
        for j, matrix in enumerate(row):
            if matrix is None:
                axes[i, j].set_axis_off()
                continue
            images.append(_draw(axes[i, j], matrix, furthest if around_0 else 0.0))
            axes[i, j].set_xlabel(x if i == len(grid) - 1 else "")
            axes[i, j].set_ylabel(y if j == 0 else "")
    figure.colorbar(images[0], ax=axes, label=label, shrink=0.8 if len(grid) == 1 else 0.5, aspect=25)
    return figure


def _draw(axes: Axes, matrix: Matrix, furthest: float) -> AxesImage:
    """Draws one matrix, from -furthest to furthest, or from 0 to 1 if that is 0."""
    scale = {"vmin": -furthest, "vmax": furthest, "cmap": DIVERGING} if furthest else {"vmin": 0, "vmax": 1}
    image = axes.imshow(matrix.values, **{"cmap": SEQUENTIAL} | scale)
    axes.set_xticks(range(len(matrix.columns)), matrix.columns)
    axes.set_yticks(range(len(matrix.rows)), matrix.rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(matrix.title)
    for (i, j), value in np.ndenumerate(matrix.values):
        if not np.isnan(value):
            mark = "" if matrix.marks is None else matrix.marks[i, j]
            text = f"{value:.2f}".replace("0.", ".", 1) if value < 0.995 else "1"
            text = f"{round(value, 1) + 0.0:.1f}" if furthest else text  # without a minus before 0
            dark = abs(value) > _LIGHT * furthest if furthest else value < _DARK
            colour = "white" if dark else "black"
            axes.text(j, i, f"{text}{mark}", ha="center", va="center", color=colour, fontsize=7)
    return image
