"""Mixed-effects logistic regression of choices, by statsmodels.

Statsmodels has the variational posterior of generalised linear models with crossed random effects. It is of independent
normal distributions, and so leaves out that a slope and the means of the random effects can hardly be told apart. The
variance that this hides is added to a slope's: that of the random effects as far as they look like the slope. The
regression knows no lapses, which make steep slopes look flatter; as much as they change a psychometric slope is added
to its error.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import t as student

from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.psychometric import Choices, Floats, Lapses, lapse_effect

_PRIOR_SD = 5.0  # of slopes and of the order's effect, as in psychometric.py
_VARIATION_PRIOR_SD = (
    3.0  # of log standard deviations; with 1, the default, they came out too large, and slopes too steep
)


@dataclass(frozen=True)
class MixedSlopes:
    """Slopes of cells, of an average listener and pair.

    Attributes:
        slope, low, high: (C,) posterior means and 95 % intervals; NaN where a cell has no answers, and everywhere if
            all chose the same of two, which always had more or always less.
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


def mixed_slopes(choices: Choices, lapses: Lapses) -> MixedSlopes:
    """Fits a slope for each cell, the order of the measures, a slope for each listener and an intercept for each item.

    Args:
        choices: the answers.
        lapses: the lapse rate, which widens the intervals.

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
    chosen = choices.is_right
    if len(np.unique(chosen)) == 1:  # which statsmodels refuses; whether the second was chosen is the same model
        chosen, fixed = choices.is_right == (choices.order > 0), fixed * choices.order[:, None]
        random = sparse.csr_matrix(random.multiply(choices.order[:, None]))
    if len(np.unique(chosen)) == 1:
        nothing = np.full(n_cells, np.nan)
        return MixedSlopes(nothing, nothing, nothing, np.nan, np.nan, np.nan)
    model = regression()(chosen.astype(float), fixed, random, component, vcp_p=_VARIATION_PRIOR_SD, fe_p=_PRIOR_SD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the gradient is not yet as small as asked for
        n_parameters = model.k_fep + model.k_vcp + model.k_vc
        begin = {"mean": np.zeros(n_parameters), "sd": np.full(n_parameters, np.exp(-0.5))}  # else it draws them
        fitted = model.fit_vb(**begin, minim_opts={"gtol": 1e-2})
    over_listeners, over_items = np.exp(fitted.vcp_mean)
    chance = expit(fixed @ fitted.fe_mean + random @ fitted.vc_mean)
    weighted = fixed[:, :-1] * (chance * (1 - chance))[:, None]
    likeness = (random.T @ weighted) / (weighted * fixed[:, :-1]).sum(0)  # of each random effect to each slope
    hidden = (np.array([over_listeners, over_items])[component] ** 2) @ likeness**2
    slope, half = np.full(n_cells, np.nan), np.full(n_cells, np.nan)
    slope[cells] = fitted.fe_mean[:-1]
    groups = max(min(n_listeners, *(len(np.unique(choices.item[choices.cell == cell])) for cell in cells)), 2)
    half[cells] = student.ppf(0.975, groups - 1) * np.sqrt(
        fitted.fe_sd[:-1] ** 2 + hidden + lapse_effect(choices, lapses)[cells] ** 2
    )
    return MixedSlopes(
        slope, slope - half, slope + half, float(fitted.fe_mean[-1]), float(over_listeners), float(over_items)
    )
