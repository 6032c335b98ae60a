"""What tables and text call a metric, which way is better, and what an empty value of a finished trial means."""

from __future__ import annotations

import dataclasses

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.markup import Better


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
_OF_REGULARISED = f"{_REGULARISED}; of those, {_CONSTANT}"
_TWO = "needs two imposed attributes or more"
_UNMOVED = "the control does not change the attribute"
_NO_SPAN = "an attribute whose span in the test split is 0"

_LABELS = {
    "reconstruction_accuracy": Label("accuracy"),
    "validation_accuracy": Label("validation accuracy"),
    "onset_accuracy": Label("onset accuracy", empty="no note starts in the test split"),
    "measure_accuracy": Label("whole measures"),
    "majority_baseline": Label("majority baseline", "", of_the_data=True),
    "seen_in_training": Label("seen in training", "", of_the_data=True),
    "training_loss": Label("training loss", "lower"),
    "validation_loss": Label("validation loss", "lower"),
    "loss": Label("test loss", "lower"),
    "cross_entropy": Label("test cross-entropy", "lower"),
    "kl": Label("test KL", ""),
    "training_efficiency.steps": Label("steps to 95% of the best", "lower"),
    "training_efficiency.seconds": Label("seconds to 95% of the best", "lower", "training was not timed"),
    "training_efficiency.area": Label("mean validation accuracy over the steps"),
    "modularity": Label("modularity", empty=f"{_TWO} that vary, and enough test measures for the estimator"),
    "reconstruction_efficiency": Label("efficiency"),
    "attribute_independence": Label("independence", empty=_TWO),
    "reconstruction_efficiency_quantiles": Label("efficiency over quantiles", empty=_REGULARISED),
    "attribute_independence_quantiles": Label("independence over quantiles", empty=f"{_TWO}, and {_REGULARISED}"),
    "attribute_span": Label("attribute span", empty=_NO_SPAN),
    "attribute_change": Label("share of the change", empty=f"{_TWO}, and a control that changes one of them"),
    "consistency": Label("consistency", empty="needs two test measures or more"),
    "restrictiveness": Label("restrictiveness", empty=_TWO),
    "linearity": Label("linearity"),
    "monotonicity": Label("monotonicity", empty=_UNMOVED),
    "smoothness": Label("smoothness", empty=_UNMOVED),
    "latent_density_ratio": Label("latent density ratio"),
    "interpretability": Label("interpretability", empty=_CONSTANT),
    "mig": Label("MIG", empty=_CONSTANT),
    "sap": Label("SAP", empty=_CONSTANT),
    "scc": Label("SCC", empty=_CONSTANT),
    "mig_regularised": Label("MIG, regularised", empty=_OF_REGULARISED),
    "sap_regularised": Label("SAP, regularised", empty=_OF_REGULARISED),
    "dmig": Label("DMIG", empty=f"{_OF_REGULARISED}, or one that another attribute determines"),
    "xmig": Label("XMIG", empty=f"{_OF_REGULARISED}, or no dimension that is not regularised"),
    "dlig": Label("DLIG", empty=f"{_OF_REGULARISED}, or a single imposed attribute"),
    "prior_overlap": Label("overlap with the prior", empty=_OF_REGULARISED),
    "prior_mean": Label("mean on the dimension", "", _OF_REGULARISED),
    "prior_std": Label("standard deviation on the dimension", "", _OF_REGULARISED),
}


def label_of(metric: str) -> Label:
    """Of a column of results, with or without `.ATTRIBUTE` or `.mean` at its end."""
    stem, _, part = metric.rpartition(".")
    return _LABELS[stem if part in (*ATTRIBUTES, "mean") else metric]
