"""Mixed-effects logistic regression of choices, by statsmodels.

Statsmodels has the variational posterior of generalised linear models with crossed random effects. It is of independent
normal distributions, and so leaves out that a slope and the mean of the listeners' own slopes can hardly be told apart.
The variance of that mean is added to a slope's.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.psychometric import Choices, Floats

_PRIOR_SD = 5.0  # of slopes and of the order's effect, as in psychometric.py
_Z = 1.96


@dataclass(frozen=True)
class MixedSlopes:
    """Slopes of cells, of an average listener and pair.

    Attributes:
        slope, low, high: (C,) posterior means and 95 % intervals; NaN where a cell has no answers.
        order: the effect of being second, in logits.
        over_listeners: the standard deviation of slopes over listeners.
        over_items: the standard deviation over pairs, in logits.
    """

    slope: Floats
    low: Floats
    high: Floats
    order: float
    over_listeners: float
    over_items: float


def regression() -> Any:
    """Returns the class of statsmodels. Raises UserError if it is not installed."""
    try:
        from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
    except ImportError:
        raise UserError(
            "the mixed-effects regression needs statsmodels: python -m pip install 'vaemusic-jax[listening]'"
        ) from None
    return BinomialBayesMixedGLM


def mixed_slopes(choices: Choices) -> MixedSlopes:
    """Fits a slope for each cell, the order of the measures, a slope for each listener and an intercept for each item.

    Raises:
        UserError: statsmodels is not installed.
    """
    from scipy import sparse

    n, n_cells = len(choices.difference), int(choices.cell.max()) + 1
    rows, cells = np.arange(n), np.unique(choices.cell)
    fixed = np.zeros((n, len(cells) + 1))
    fixed[rows, np.searchsorted(cells, choices.cell)] = choices.difference
    fixed[:, -1] = choices.order
    listeners, items = (np.unique(each, return_inverse=True)[1] for each in (choices.listener, choices.item))
    random = sparse.hstack(
        [sparse.csr_matrix((choices.difference, (rows, listeners))), sparse.csr_matrix((np.ones(n), (rows, items)))]
    ).tocsr()
    n_listeners, n_items = listeners.max() + 1, items.max() + 1
    component = np.repeat([0, 1], [n_listeners, n_items])
    model = regression()(choices.is_right.astype(float), fixed, random, component, vcp_p=1.0, fe_p=_PRIOR_SD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the gradient is not yet as small as asked for
        fitted = model.fit_vb(mean=np.zeros(model.k_fep + model.k_vcp + model.k_vc), minim_opts={"gtol": 1e-2})
    over_listeners, over_items = np.exp(fitted.vcp_mean)
    slope, half = np.full(n_cells, np.nan), np.full(n_cells, np.nan)
    slope[cells] = fitted.fe_mean[:-1]
    half[cells] = _Z * np.sqrt(fitted.fe_sd[:-1] ** 2 + over_listeners**2 / n_listeners)
    return MixedSlopes(
        slope, slope - half, slope + half, float(fitted.fe_mean[-1]), float(over_listeners), float(over_items)
    )
