"""The table of models, with the sizes and training recipes of each.

A *size* is a preset of the hidden width. A *recipe* is everything about training that is not an axis of a sweep.
`reference` follows the published training to the letter; `fast` is the recipe that we found to reach the same quality
soonest. `docs/choices.md` gives the reasons.

To add a model, write its networks in a file of their own (see `models.base`) and add a row to `MODELS`. This module
does not import JAX, so that configurations can be read without it.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

RecipeName = Literal["fast", "reference"]
SizeName = Literal["small", "published"]
DiscriminatorName = Literal["classifier", "regressor"]
PrecisionName = Literal["float32", "tf32", "bfloat16"]

EMBEDDING_SIZE = 10  # of a token in MeasureVAE (Pati & Lerch 2020)


@dataclass(frozen=True)
class Recipe:
    """The settings of training that all trials of a cohort share; it is hashable and static under `jit`."""

    feeding: Literal["teacher", "coin_per_batch", "scheduled"]  # when the decoder is fed the true previous token
    scaled_start: bool  # GRU weights from `models.initialisers.scaled` rather than as published
    kl_mean_over_dims: bool = False  # True: mean over latent dimensions, as published for AdversarialVAE
    clip_norm: float | None = None  # the largest global gradient norm of each network; None: no clipping
    warmup_steps: int = 0  # linear learning-rate warm-up
    decay: bool = False  # cosine decay of the learning rate to zero at the last step
    # The default learning rate is for this hidden size, and inversely proportional to others; None: the same for all.
    rate_is_for_hidden_size: int | None = None
    dropout: float = 0.0  # rate between the layers of MeasureVAE's GRUs
    relu_logits: bool = False  # True: MeasureVAE's logits are clipped at zero, as published
    own_start_symbol: bool = True  # False: the last vocabulary entry starts AdversarialVAE's decoder, as published
    # the values of a trial's fields that a configuration does not name
    defaults: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class ModelSpec:
    """The description of a model without its networks.

    Attributes:
        title: the name of the model in print.
        network: the place of its `models.base.Model`, as "module:class".
        regularises: whether training ties attribute k to dimension k of the code.
        gru_layers: the number of GRU layers, counting each direction, from which the cost of training is estimated.
        sizes: hidden widths by name.
        recipes: training recipes by name.
        fewest_dimensions: the smallest latent size.
        why_fewest: what a smaller size would do, as the words that follow the size in an error message.
        why_attributes: what a trial without attributes would do, in the same way; empty if the model can do without.
    """

    title: str
    network: str
    gru_layers: int
    sizes: Mapping[SizeName, int]
    recipes: Mapping[RecipeName, Recipe]
    regularises: bool = False
    fewest_dimensions: int = 1
    why_fewest: str = ""
    why_attributes: str = ""


# What reaches the same quality soonest, for both models; each has hyper-parameters of its own.
FAST = Recipe(
    feeding="teacher",
    scaled_start=True,
    clip_norm=1.0,
    warmup_steps=100,
    decay=True,
    rate_is_for_hidden_size=128,
)

MODELS: dict[str, ModelSpec] = {
    "measure_vae": ModelSpec(
        title="MeasureVAE",
        network="vaemusic_jax.models.measure_vae:MeasureVAEModel",
        regularises=True,
        gru_layers=6,
        sizes={"small": 128, "published": 512},
        recipes={
            "reference": Recipe(
                feeding="coin_per_batch",
                scaled_start=False,
                dropout=0.5,
                relu_logits=True,
                defaults={
                    "batch_size": 256,
                    "learning_rate": 1e-4,
                    "beta": 0.001,
                    "gamma": 1.0,
                    "delta": 10.0,
                    "steering_weight": 0.0,
                },
            ),
            "fast": dataclasses.replace(
                FAST,
                defaults={
                    "batch_size": 128,
                    "learning_rate": 4e-3,
                    "beta": 0.001,
                    "gamma": 0.2,
                    "delta": 3.0,
                    "steering_weight": 0.0,
                },
            ),
        },
    ),
    "adversarial_vae": ModelSpec(
        title="AdversarialVAE",
        network="vaemusic_jax.models.adversarial_vae:AdversarialVAEModel",
        gru_layers=4,
        sizes={"small": 128, "published": 1024},
        recipes={
            "reference": Recipe(
                feeding="scheduled",
                scaled_start=False,
                kl_mean_over_dims=True,
                clip_norm=1.0,
                own_start_symbol=False,
                defaults={
                    "batch_size": 64,
                    "learning_rate": 1e-4,
                    "beta": 0.1,
                    "discriminator": "classifier",
                    "adversary_weight": 0.1,
                    "steering_weight": 0.0,
                },
            ),
            "fast": dataclasses.replace(
                FAST,
                defaults={
                    "batch_size": 128,
                    "learning_rate": 8e-3,
                    "beta": 0.001,
                    "discriminator": "regressor",
                    "adversary_weight": 0.1,
                    "steering_weight": 0.0,
                },
            ),
        },
        fewest_dimensions=2,
        why_fewest="leaves adversarial_vae's discriminator no hidden unit",
        why_attributes="leaves adversarial_vae no adversary to train",
    ),
}


class RowOf:
    """Pydantic annotation of a string that must name a row of a table; rows added later are accepted too."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, name: str) -> str:
        if name not in self.table:
            raise ValueError(f'"{name}" should be {" or ".join(map(repr, self.table))}')
        return name


ModelName = Annotated[str, RowOf(MODELS)]


def defaults(model: str, recipe: RecipeName, hidden_size: int) -> dict[str, Any]:
    """Returns the values of a trial's fields that a configuration does not name.

    The fast recipe's learning rate is for a hidden size of 128 and inversely proportional to the hidden size, so that
    an Adam step changes the output of a layer equally much at every size.

    Args:
        model: a name in `MODELS`.
        recipe: one of its recipes.
        hidden_size: the hidden size of the trial.

    Raises:
        KeyError: there is no such model or recipe.
    """
    chosen = MODELS[model].recipes[recipe]
    values = dict(chosen.defaults)
    if chosen.rate_is_for_hidden_size is not None:
        values["learning_rate"] *= chosen.rate_is_for_hidden_size / hidden_size
    return values
