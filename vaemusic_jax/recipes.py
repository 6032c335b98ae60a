"""The numbers of each published model and of each way to train it, in one place.

A *size* is a preset of the hidden width; a *recipe* is everything about training that is not an axis of a sweep.
`reference` follows the published training to the letter; `fast` is what we found to reach the same quality soonest.
`docs/choices.md` gives the reasons. No JAX here: configurations are read without it.
"""

from dataclasses import dataclass
from typing import Literal

Model = Literal["measure_vae", "adversarial_vae"]
RecipeName = Literal["fast", "reference"]
SizeName = Literal["small", "published"]

MODELS: tuple[Model, ...] = ("measure_vae", "adversarial_vae")

HIDDEN_SIZE: dict[Model, dict[SizeName, int]] = {
    "measure_vae": {"small": 128, "published": 512},
    "adversarial_vae": {"small": 128, "published": 1024},
}

GRU_LAYERS: dict[Model, int] = {"measure_vae": 6, "adversarial_vae": 4}  # each direction of a layer counts
EMBEDDING_SIZE = 10  # MeasureVAE's token embedding (Pati & Lerch 2020)
N_CLASSES = 8  # quantile classes an attribute is read as by the discriminator (Kawai et al. 2020)


@dataclass(frozen=True)
class Recipe:
    """What a training step does that stays fixed for a whole cohort (hence hashable and static under `jit`)."""

    scaled_start: bool  # GRU weights from `initial.scaled` rather than as published
    dropout: float  # between the layers of MeasureVAE's GRUs, survivors scaled up
    relu_logits: bool  # published MeasureVAE clips its logits at zero
    own_start_symbol: bool  # False: the last vocabulary entry starts AdversarialVAE's decoder, as published
    kl_mean_over_dims: bool  # True: mean over latent dimensions, as published for AdversarialVAE
    ordinal_classes: bool  # discriminator targets: 1 for every class at or above the true one, not one-hot
    feeding: Literal["teacher", "coin_per_batch", "scheduled"]  # which token the decoder sees as the one before
    clip_norm: float | None  # global gradient norm, per network
    warmup_steps: int  # linear learning-rate warm-up
    decay: bool  # cosine decay of the learning rate to zero at the last step


RECIPES: dict[tuple[Model, RecipeName], Recipe] = {
    ("measure_vae", "reference"): Recipe(
        scaled_start=False,
        dropout=0.5,
        relu_logits=True,
        own_start_symbol=False,
        kl_mean_over_dims=False,
        ordinal_classes=False,
        feeding="coin_per_batch",
        clip_norm=None,
        warmup_steps=0,
        decay=False,
    ),
    ("adversarial_vae", "reference"): Recipe(
        scaled_start=False,
        dropout=0.0,
        relu_logits=False,
        own_start_symbol=False,
        kl_mean_over_dims=True,
        ordinal_classes=False,
        feeding="scheduled",
        clip_norm=1.0,
        warmup_steps=0,
        decay=False,
    ),
    ("measure_vae", "fast"): Recipe(
        scaled_start=True,
        dropout=0.0,
        relu_logits=False,
        own_start_symbol=True,
        kl_mean_over_dims=False,
        ordinal_classes=False,
        feeding="teacher",
        clip_norm=1.0,
        warmup_steps=100,
        decay=True,
    ),
    ("adversarial_vae", "fast"): Recipe(
        scaled_start=True,
        dropout=0.0,
        relu_logits=False,
        own_start_symbol=True,
        kl_mean_over_dims=False,
        ordinal_classes=False,
        feeding="teacher",
        clip_norm=1.0,
        warmup_steps=100,
        decay=True,
    ),
}

# Scalar hyper-parameters: each is an axis of a sweep, these are the values where a configuration names none.
# gamma and delta act in MeasureVAE only, adversary_weight in AdversarialVAE only.
DEFAULTS: dict[tuple[Model, RecipeName], dict[str, float]] = {
    ("measure_vae", "reference"): {
        "batch_size": 256,
        "learning_rate": 1e-4,
        "beta": 0.001,
        "gamma": 1.0,
        "delta": 10.0,
        "adversary_weight": 0.0,
    },
    ("adversarial_vae", "reference"): {
        "batch_size": 64,
        "learning_rate": 1e-4,
        "beta": 0.1,
        "gamma": 0.0,
        "delta": 10.0,
        "adversary_weight": 0.1,
    },
    ("measure_vae", "fast"): {
        "batch_size": 128,
        "learning_rate": 4e-3,
        "beta": 0.001,
        "gamma": 0.2,
        "delta": 3.0,
        "adversary_weight": 0.0,
    },
    ("adversarial_vae", "fast"): {
        "batch_size": 128,
        "learning_rate": 8e-3,
        "beta": 0.001,
        "gamma": 0.0,
        "delta": 10.0,
        "adversary_weight": 0.02,
    },
}


def defaults(model: Model, recipe: RecipeName, hidden_size: int) -> dict[str, float]:
    """The hyper-parameters of a configuration that names none.

    The fast recipe's learning rate is for a hidden size of 128 and goes with its inverse, which keeps the size of
    Adam's change of a layer's output the same.
    """
    values = dict(DEFAULTS[model, recipe])
    if recipe == "fast":
        values["learning_rate"] *= 128 / hidden_size
    return values
