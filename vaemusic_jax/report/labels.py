"""What tables and text call a metric, which way is better, and what an empty value of a finished trial means."""

from __future__ import annotations

import dataclasses

from vaemusic_jax.report.markup import Better
from vaemusic_jax.trial import ATTRIBUTES


@dataclasses.dataclass(frozen=True)
class Label:
    """Of a metric.

    Attributes:
        text: what it is called.
        better: which way is better; empty where neither is.
        empty: why a finished trial has none, a clause.
        of_the_data: it says nothing of the model, and needs no interval over seeds.
    """

    text: str
    better: Better = "higher"
    empty: str = "not measured; run `vaemusic evaluate`"
    of_the_data: bool = False


_CONSTANT = "an attribute that is constant on the test split, or too few test measures for the estimator"
_REGULARISED = "only measure_vae has regularised dimensions"
_TWO = "needs two imposed attributes or more"
_UNMOVED = "no control changes the attribute, or the data's attribute is constant"

_LABELS = {
    "reconstruction_accuracy": Label("accuracy"),
    "validation_accuracy": Label("validation accuracy"),
    "onset_accuracy": Label("onset accuracy"),
    "measure_accuracy": Label("whole measures"),
    "majority_baseline": Label("majority baseline", "", of_the_data=True),
    "seen_in_training": Label("seen in training", "", of_the_data=True),
    "training_loss": Label("training loss", "lower"),
    "validation_loss": Label("validation loss", "lower"),
    "loss": Label("test loss", "lower"),
    "cross_entropy": Label("test cross-entropy", "lower"),
    "kl": Label("test KL", ""),
    "training_efficiency.steps": Label("steps to 95% of the best", "lower"),
    "training_efficiency.seconds": Label("seconds to 95% of the best", "lower"),
    "training_efficiency.area": Label("mean validation accuracy over the steps"),
    "modularity": Label("modularity", empty=_CONSTANT),
    "reconstruction_efficiency": Label("efficiency"),
    "attribute_independence": Label("independence", empty=_TWO),
    "reconstruction_efficiency_quantiles": Label("efficiency over quantiles", empty=_REGULARISED),
    "attribute_independence_quantiles": Label("independence over quantiles", empty=f"{_TWO}, and {_REGULARISED}"),
    "attribute_span": Label("attribute span", empty=_UNMOVED),
    "attribute_change": Label("share of the change", empty="the control changes nothing"),
    "consistency": Label("consistency"),
    "restrictiveness": Label("restrictiveness", empty=_TWO),
    "linearity": Label("linearity"),
    "monotonicity": Label("monotonicity", empty=_UNMOVED),
    "smoothness": Label("smoothness", empty=_UNMOVED),
    "latent_density_ratio": Label("latent density ratio", empty=_UNMOVED),
    "interpretability": Label("interpretability", empty=_CONSTANT),
    "mig": Label("MIG", empty=_CONSTANT),
    "sap": Label("SAP", empty=_CONSTANT),
    "scc": Label("SCC", empty=_CONSTANT),
    "mig_regularised": Label("MIG, regularised", empty=_REGULARISED),
    "sap_regularised": Label("SAP, regularised", empty=_REGULARISED),
    "dmig": Label("DMIG", empty=_REGULARISED),
    "xmig": Label("XMIG", empty=_REGULARISED),
    "dlig": Label("DLIG", empty=_REGULARISED),
    "prior_overlap": Label("overlap with the prior", empty=_REGULARISED),
    "prior_mean": Label("mean on the dimension", "", _REGULARISED),
    "prior_std": Label("standard deviation on the dimension", "", _REGULARISED),
}


def label_of(metric: str) -> Label:
    """Of a column of results, with or without `.ATTRIBUTE` or `.mean` at its end."""
    stem, _, part = metric.rpartition(".")
    return _LABELS[stem if part in (*ATTRIBUTES, "mean") else metric]
