"""The figure of traversals: a panel for each control and attribute."""

import numpy as np
import pytest

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.figures.traversals import traversals

VALUES = np.array([[-1.0, 0, 1], [0.1, 0.2, 0.3]])


def test_each_panel_has_the_mean_of_its_control_and_attribute() -> None:
    # Two measures: the first control moves note density by itself, the second nothing
    reached = np.zeros((2, 2, 3, 4))
    reached[0, 0, :, 2], reached[1, 0, :, 2] = [0, 0.2, 0.4], [0, 0.4, 0.8]
    figure = traversals(["note_density", "note_range"], VALUES, reached)
    panels = np.array([panel for panel in figure.axes if panel.lines]).reshape(2, 4)
    assert [panel.get_title() for panel in panels[0]] == [ATTRIBUTES[name].words for name in ATTRIBUTES]
    for panel, expected in (
        (panels[0, 2], [[-1, 0], [0, 0.3], [1, 0.6]]),
        (panels[1, 2], [[0.1, 0], [0.2, 0], [0.3, 0]]),
    ):
        np.testing.assert_allclose(panel.lines[0].get_xydata(), np.array(expected))
    marked = [[panel.lines[0].get_marker() == "o" for panel in row] for row in panels]
    assert marked == [[False, False, True, False], [False, True, False, False]]


@pytest.mark.parametrize("shape", [(5, 2, 3), (5, 2, 2, 4), (5, 1, 3, 4)])
def test_arrays_that_do_not_go_together_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not match"):
        traversals(["note_density", "note_range"], VALUES, np.zeros(shape))
