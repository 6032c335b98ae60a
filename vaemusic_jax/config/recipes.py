"""The models there are, and the numbers of each way to train them, in one table.

A *size* is a preset of the hidden width; a *recipe* is everything about training that is not an axis of a sweep.
`reference` follows the published training to the letter; `fast` is what we found to reach the same quality soonest.
`docs/choices.md` gives the reasons.

To add a model, write its networks in a file of their own (see `models.base`) and add a row to `MODELS`. No JAX here:
configurations are read without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

RecipeName = Literal["fast", "reference"]
SizeName = Literal["small", "published"]


@dataclass(frozen=True)
class Recipe:
    """What a training step does that stays fixed for a whole cohort (hence hashable and static under `jit`)."""

    feeding: Literal["teacher", "coin_per_batch", "scheduled"]  # which token the decoder sees as the one before
    scaled_start: bool  # GRU weights from `initialisers.scaled` rather than as published
    kl_mean_over_dims: bool = False  # True: mean over latent dimensions, as published for AdversarialVAE
    clip_norm: float | None = None  # global gradient norm, per network
    warmup_steps: int = 0  # linear learning-rate warm-up
    decay: bool = False  # cosine decay of the learning rate to zero at the last step
    rate_is_for_hidden_size: int | None = None  # for others it goes with the inverse of the hidden size; None: never
    dropout: float = 0.0  # between the layers of MeasureVAE's GRUs, survivors scaled up
    relu_logits: bool = False  # published MeasureVAE clips its logits at zero
    own_start_symbol: bool = True  # False: the last vocabulary entry starts AdversarialVAE's decoder, as published
    # Values of a trial's fields where a configuration names none.
    defaults: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a model without its networks.

    Attributes:
        title: its name in print.
        network: where its `models.base.Model` is, as "module:class".
        controls: what a person turns to steer attribute k: "latent", dimension k of the code, or "told", the value of
            the attribute that the decoder is told.
        gru_layers: GRU layers that a measure goes through, each direction counting; for the cost of training.
        sizes: hidden widths by name.
        recipes: ways to train it by name.
        fewest_dimensions: the smallest latent size.
        why_fewest: what a smaller one does, to follow its number in a sentence.
    """

    title: str
    network: str
    controls: Literal["latent", "told"]
    gru_layers: int
    sizes: Mapping[SizeName, int]
    recipes: Mapping[RecipeName, Recipe]
    fewest_dimensions: int = 1
    why_fewest: str = ""


MODELS: dict[str, ModelSpec] = {
    "measure_vae": ModelSpec(
        title="MeasureVAE",
        network="vaemusic_jax.models.measure_vae:MeasureVAEModel",
        controls="latent",
        gru_layers=6,
        sizes={"small": 128, "published": 512},
        recipes={
            "reference": Recipe(
                feeding="coin_per_batch",
                scaled_start=False,
                dropout=0.5,
                relu_logits=True,
                defaults={"batch_size": 256, "learning_rate": 1e-4, "beta": 0.001, "gamma": 1.0, "delta": 10.0},
            ),
            "fast": Recipe(
                feeding="teacher",
                scaled_start=True,
                clip_norm=1.0,
                warmup_steps=100,
                decay=True,
                rate_is_for_hidden_size=128,
                defaults={"batch_size": 128, "learning_rate": 4e-3, "beta": 0.001, "gamma": 0.2, "delta": 3.0},
            ),
        },
    ),
    "adversarial_vae": ModelSpec(
        title="AdversarialVAE",
        network="vaemusic_jax.models.adversarial_vae:AdversarialVAEModel",
        controls="told",
        gru_layers=4,
        sizes={"small": 128, "published": 1024},
        recipes={
            "reference": Recipe(
                feeding="scheduled",
                scaled_start=False,
                kl_mean_over_dims=True,
                clip_norm=1.0,
                own_start_symbol=False,
                defaults={"batch_size": 64, "learning_rate": 1e-4, "beta": 0.1, "adversary_weight": 0.1},
            ),
            "fast": Recipe(
                feeding="teacher",
                scaled_start=True,
                clip_norm=1.0,
                warmup_steps=100,
                decay=True,
                rate_is_for_hidden_size=128,
                defaults={"batch_size": 128, "learning_rate": 8e-3, "beta": 0.001, "adversary_weight": 0.02},
            ),
        },
        fewest_dimensions=2,
        why_fewest="leaves adversarial_vae's discriminator no hidden unit",
    ),
}


class RowOf:
    """Marks a word that names a row of a table, which may have got more rows since."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, name: str) -> str:
        if name not in self.table:
            raise ValueError(f'"{name}" should be {" or ".join(map(repr, self.table))}')
        return name


ModelName = Annotated[str, RowOf(MODELS)]


def defaults(model: str, recipe: RecipeName, hidden_size: int) -> dict[str, float]:
    """The values of a trial's fields where a configuration names none.

    The fast recipe's learning rate is for a hidden size of 128 and goes with its inverse, which keeps the size of
    Adam's change of a layer's output the same.
    """
    chosen = MODELS[model].recipes[recipe]
    values = dict(chosen.defaults)
    if chosen.rate_is_for_hidden_size is not None:
        values["learning_rate"] *= chosen.rate_is_for_hidden_size / hidden_size
    return values
