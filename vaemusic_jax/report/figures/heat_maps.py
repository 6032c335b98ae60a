"""Heat maps of matrices with values from 0 to 1, such as interpretability and the effect of controls on attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.report.style import SEQUENTIAL, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_DARK = 0.45  # Smaller values are written in white.


@dataclass(frozen=True)
class Matrix:
    """The content of one heat map.

    Attributes:
        title: the title above it.
        values: (rows, columns) in [0, 1]; cells with NaN stay empty.
        rows, columns: the labels of rows and columns.
        marks: (rows, columns) texts to be written after the numbers, or None.
    """

    title: str
    values: np.ndarray
    rows: Sequence[str]
    columns: Sequence[str]
    marks: np.ndarray | None = None


def heat_maps(grid: Sequence[Sequence[Matrix | None]], label: str, x: str = "", y: str = "") -> Figure:
    """Draws a grid of matrices with one colour scale from 0 to 1.

    Args:
        grid: rows of matrices of equal length, with at least one matrix; None leaves a place empty.
        label: the label of the colour scale.
        x, y: the labels of the axes, which say what the columns and the rows of each matrix are.
    """
    widest = max(len(matrix.columns) for row in grid for matrix in row if matrix)
    tallest = max(len(matrix.rows) for row in grid for matrix in row if matrix)
    size = {"width": 0.9 + 0.4 * widest, "height": 0.7 + 0.4 * tallest}
    figure, axes = panels(len(grid), len(grid[0]), **size)
    figure.set_layout_engine("compressed")  # This layout is for panels of fixed aspect; the usual one cuts off titles.
    images = []
    for i, row in enumerate(grid):
        for j, matrix in enumerate(row):
            if matrix is None:
                axes[i, j].set_axis_off()
                continue
            images.append(_draw(axes[i, j], matrix))
            axes[i, j].set_xlabel(x if i == len(grid) - 1 else "")
            axes[i, j].set_ylabel(y if j == 0 else "")
    figure.colorbar(images[0], ax=axes, label=label, shrink=0.8 if len(grid) == 1 else 0.5, aspect=25)
    return figure


def _draw(axes: Axes, matrix: Matrix) -> AxesImage:
    image = axes.imshow(matrix.values, vmin=0, vmax=1, cmap=SEQUENTIAL)
    axes.set_xticks(range(len(matrix.columns)), matrix.columns)
    axes.set_yticks(range(len(matrix.rows)), matrix.rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(matrix.title)
    for (i, j), value in np.ndenumerate(matrix.values):
        if not np.isnan(value):
            mark = "" if matrix.marks is None else matrix.marks[i, j]
            text = f"{value:.2f}".replace("0.", ".", 1) if value < 0.995 else "1"
            colour = "white" if value < _DARK else "black"
            axes.text(j, i, f"{text}{mark}", ha="center", va="center", color=colour, fontsize=7)
    return image
