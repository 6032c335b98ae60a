"""Raw arrays of one trial to the metric columns of its row in the results table.

Shapes: N test measures, M of them decoded again, L latent dimensions, K imposed attributes, Q control values.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vaemusic_jax.arrays_file import Arrays
from vaemusic_jax.metric_columns import MEAN
from vaemusic_jax.metrics.control import attribute_independence, attribute_span, reconstruction_efficiency
from vaemusic_jax.metrics.dependency import dlig, dmig, mig_regularised, sap_regularised, xmig
from vaemusic_jax.metrics.disentanglement import mig, modularity, sap, scc
from vaemusic_jax.metrics.faders import consistency, linearity, restrictiveness
from vaemusic_jax.metrics.information import MIN_MEASURES, binned_information
from vaemusic_jax.metrics.interpretability import interpretability
from vaemusic_jax.metrics.latent_density import attribute_change, latent_density_ratio
from vaemusic_jax.metrics.prior_fit import prior_fit
from vaemusic_jax.metrics.smoothness import monotonicity, smoothness
from vaemusic_jax.metrics.training_efficiency import training_efficiency
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.recipes import MODELS
from vaemusic_jax.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, Any]


def latent_columns(trial: Trial, codes_NxL: np.ndarray, stds_NxL: np.ndarray, attributes_Nx4: np.ndarray) -> Columns:
    """What the codes tell of the attributes; nothing where there are fewer measures than the estimator needs."""
    if len(codes_NxL) < MIN_MEASURES:
        return {}
    found = interpretability(codes_NxL, attributes_Nx4)
    between_4x4 = binned_information(attributes_Nx4)
    information_Lx4 = found.mutual_information
    imposed, own = trial.attributes, _imposed(trial)
    values = {
        **_spread("interpretability", ATTRIBUTES, found.score, imposed),
        **_spread("mig", ATTRIBUTES, mig(information_Lx4, between_4x4.diagonal()), imposed),
        **_spread("sap", ATTRIBUTES, sap(codes_NxL, attributes_Nx4), imposed),
        **_spread("scc", ATTRIBUTES, scc(codes_NxL, attributes_Nx4), imposed),
    }
    for name, dimension in zip(ATTRIBUTES, found.dimension, strict=True):
        values[f"interpretability.{name}.dimension"] = int(dimension)
        is_own = name in imposed and imposed.index(name) == dimension
        values[f"interpretability.{name}.is_regularised"] = bool(is_own and MODELS[trial.model].controls == "latent")
    told = information_Lx4[:, [k for k in own if between_4x4[k, k] > 0]]  # a constant would count as one not told
    if told.shape[1] > 1 and told.any():
        values["modularity"] = float(modularity(told)[told.any(1)].mean())  # dimensions that tell of none do not count
    if MODELS[trial.model].controls == "latent":
        values |= _regularised_columns(trial, codes_NxL, stds_NxL, attributes_Nx4, information_Lx4, between_4x4)
    return values


def _regularised_columns(
    trial: Trial,
    codes_NxL: np.ndarray,
    stds_NxL: np.ndarray,
    attributes_Nx4: np.ndarray,
    information_Lx4: np.ndarray,
    between_4x4: np.ndarray,
) -> Columns:
    """What is asked of the dimension that an attribute was tied to."""
    imposed, own = trial.attributes, _imposed(trial)
    dims = np.arange(len(imposed))
    information, between = information_Lx4[:, own], between_4x4[np.ix_(own, own)]
    fit = prior_fit(codes_NxL[:, dims], stds_NxL[:, dims])
    scores = {
        "mig_regularised": mig_regularised(information, between.diagonal(), dims),
        "sap_regularised": sap_regularised(codes_NxL, attributes_Nx4[:, own], dims),
        "dmig": dmig(information, between, dims),
        "xmig": xmig(information, between, dims),
        "dlig": dlig(information, between, dims),
        "prior_overlap": fit.overlap,
    }
    values: Columns = {}
    for name, score in scores.items():
        values |= _spread(name, imposed, score, imposed)
    for name, score in (("prior_mean", fit.mean), ("prior_std", fit.std)):
        values |= {f"{name}.{a}": float(x) for a, x in zip(imposed, score, strict=True)}
    return values


def control_columns(trial: Trial, arrays: Arrays, attributes_Nx4: np.ndarray) -> Columns:
    """What moving the controls does to the music."""
    own = _imposed(trial)
    control_KxQ, all_MxKxQx4 = arrays["control_values"], arrays["traversal_attributes"]
    changed = all_MxKxQx4[..., own]
    # Each control's own attribute; by rank of the control's values, which AdversarialVAE's are not equally spaced.
    own_series_KxMxQ = np.stack([changed[:, k, :, k] for k in range(len(own))])
    scores = {
        "reconstruction_efficiency": reconstruction_efficiency(control_KxQ, changed),
        "attribute_independence": attribute_independence(control_KxQ, changed),
        "attribute_span": attribute_span(changed, attributes_Nx4[:, own]),
        "consistency": consistency(changed) if len(changed) > 1 else np.full(len(own), np.nan),
        "restrictiveness": restrictiveness(changed),
        # Of one attribute's change all falls on it, whatever the control does.
        "attribute_change": attribute_change(changed).diagonal() if len(own) > 1 else np.full(1, np.nan),
        "linearity": linearity(control_KxQ, changed),
        "monotonicity": _mean_of_series(monotonicity(own_series_KxMxQ)),
        "smoothness": _mean_of_series(smoothness(own_series_KxMxQ)),
        "latent_density_ratio": latent_density_ratio(all_MxKxQx4, attributes_Nx4),
    }
    if "quantile_values" in arrays:
        at_KxQ, reached = arrays["quantile_values"], arrays["quantile_attributes"][..., own]
        scores["reconstruction_efficiency_quantiles"] = reconstruction_efficiency(at_KxQ, reached)
        scores["attribute_independence_quantiles"] = attribute_independence(at_KxQ, reached)
    values: Columns = {}
    for name, score in scores.items():
        values |= _spread(name, trial.attributes, score, trial.attributes)
    return values


def _mean_of_series(values_KxM: np.ndarray) -> np.ndarray:
    """Over measures, without undefined ones: (K,), NaN where none is defined."""
    return np.array([float(np.nanmean(row)) if not np.isnan(row).all() else float("nan") for row in values_KxM])


def training_columns(curves: "pd.DataFrame") -> Columns:
    """How far and how soon a trial has learnt; nothing where its run has no curves of it.

    Args:
        curves: columns step, split, metric, value, of one trial.
    """

    def series(split: str, metric: str) -> "pd.Series[float]":
        rows = curves[(curves["split"] == split) & (curves["metric"] == metric)]
        return rows.sort_values("step").set_index("step")["value"]

    accuracy = series("validation", "reconstruction_accuracy")
    if accuracy.empty:
        return {}
    seconds = series("train", "seconds").cumsum().reindex(accuracy.index)  # rows between are of runs stopped there
    timed = not seconds.isna().any()  # not in runs of earlier versions
    seconds = seconds if timed else accuracy * 0
    efficiency = training_efficiency(accuracy.index.to_numpy(), accuracy.to_numpy(), seconds.to_numpy())
    return {
        "validation_accuracy": float(accuracy.iloc[-1]),
        "validation_loss": float(series("validation", "loss").iloc[-1]),
        "training_loss": float(series("train", "loss").iloc[-1]),
        "training_efficiency.steps": float(efficiency.steps),
        "training_efficiency.seconds": float(efficiency.seconds) if timed else float("nan"),
        "training_efficiency.area": float(efficiency.area),
    }


def _imposed(trial: Trial) -> list[int]:
    """Where the trial's attributes stand among all of them."""
    return [ATTRIBUTES.index(name) for name in trial.attributes]


def _spread(metric: str, names: Iterable[str], values: np.ndarray, imposed: Iterable[str]) -> Mapping[str, float]:
    """One column per attribute, and their mean over the imposed ones."""
    by_name = {name: float(value) for name, value in zip(names, values, strict=True)}
    defined = [by_name[name] for name in imposed if not np.isnan(by_name[name])]
    mean = float(np.mean(defined)) if defined else float("nan")
    return {f"{metric}.{name}": value for name, value in by_name.items()} | {f"{metric}.{MEAN}": mean}
