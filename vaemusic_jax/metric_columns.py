"""The columns of a results table that hold metrics, by family: what is computed together.

`docs/run_directory.md` says what each means; the formulas are in `metrics/`.
"""

from vaemusic_jax.music.attributes import ATTRIBUTES

MEAN = "mean"  # in place of an attribute's name: over the trial's imposed attributes, without undefined values


def _by_attribute(*names: str, mean: bool = True) -> tuple[str, ...]:
    return tuple(f"{name}.{part}" for name in names for part in (*ATTRIBUTES, *([MEAN] if mean else [])))


_DIMENSIONS = tuple(
    f"interpretability.{name}.{part}" for name in ATTRIBUTES for part in ("dimension", "is_regularised")
)

FAMILIES: dict[str, tuple[str, ...]] = {
    "reconstruction": (
        "reconstruction_accuracy",
        "majority_baseline",
        "measure_accuracy",
        "onset_accuracy",
        "loss",
        "cross_entropy",
        "kl",
        "regularisation",
        "adversary",
        "classifier_loss",
        "seen_in_training",
    ),
    "control": _by_attribute(
        "reconstruction_efficiency",
        "attribute_independence",
        "attribute_span",
        "consistency",
        "restrictiveness",
        "attribute_change",
        "linearity",
        "monotonicity",
        "smoothness",
        "latent_density_ratio",
        "reconstruction_efficiency_quantiles",
        "attribute_independence_quantiles",
    ),
    "latent": (
        *_by_attribute("interpretability"),
        *_DIMENSIONS,
        *_by_attribute("mig", "sap", "scc"),
        "modularity",
        *_by_attribute("mig_regularised", "sap_regularised", "dmig", "xmig", "dlig", "prior_overlap"),
        *_by_attribute("prior_mean", "prior_std", mean=False),
    ),
    "training": (
        "validation_accuracy",
        "validation_loss",
        "training_loss",
        "training_efficiency.steps",
        "training_efficiency.seconds",
        "training_efficiency.area",
    ),
}

METRICS = tuple(column for columns in FAMILIES.values() for column in columns)


def families_of(name: str) -> tuple[str, ...]:
    """The families that a name asks for: its own, or that of a column or of all columns that begin with it.

    Raises:
        ValueError: there is none.
    """
    if name in FAMILIES:
        return (name,)
    found = tuple(
        family
        for family, columns in FAMILIES.items()
        if any(column == name or column.startswith(f"{name}.") for column in columns)
    )
    if not found:
        known = dict.fromkeys(column.partition(".")[0] for column in METRICS)
        raise ValueError(f"{name!r} is no metric; use {', '.join(FAMILIES)}, or one of {', '.join(known)}")
    return found
