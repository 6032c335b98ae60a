"""The figure of a metric against the latent size."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.report.figures.latent_size import by_latent_size
from vaemusic_jax.report.style import applied


@pytest.mark.parametrize("n_datasets", [1, 2, 3])
@pytest.mark.parametrize("choices", [("all",), ("all", "note_density+rhythmic_complexity")])
def test_the_legend_fits_into_the_figure(n_datasets: int, choices: tuple[str, ...]) -> None:
    rows = pd.DataFrame(
        {"dataset": f"data{i}", "model": model, "attributes": choice, "latent_dim": size, "mean": 0.8}
        | {"low": np.nan, "high": np.nan}
        for i in range(n_datasets)
        for model in MODELS
        for choice in choices
        for size in (4, 32)
    )
    with applied():
        figure = by_latent_size(rows, "accuracy", {"data0": 0.7})
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
