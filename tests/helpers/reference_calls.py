"""Calls of the package's networks, losses and training steps on the arrays of the parity fixtures.

If the package's interface changes, the parity tests need changes in this module only.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from tests.helpers import reference
from vaemusic_jax.config.models import MODELS, DiscriminatorName, Recipe
from vaemusic_jax.models.base import Posterior
from vaemusic_jax.models.initialisers import MEASURE_VAE
from vaemusic_jax.models.layers import Layer
from vaemusic_jax.models.measure_vae import EMBEDDING_SIZE, Decoder, Encoder, MeasureVAE
from vaemusic_jax.models.member import Batch, Conditioning, HyperParameters
from vaemusic_jax.models.program import Program
from vaemusic_jax.training.step import Noise, TrainState, rival_loss, start_state, update, vae_loss

N_STEPS = 3
Sizes = tuple[
    Recipe, int, int, int, int, int, int, DiscriminatorName
]  # All fields of a program but the first, the model.


@dataclass(frozen=True)
class TwoWidths(Program):
    """The program of a MeasureVAE whose encoder and decoder differ in width, as in one published fixture."""

    decoder_hidden_size: int = 0

    @property
    def networks(self) -> dict[str, Layer]:
        return {
            "vae": WithOwnDecoder(
                self.vocab_size,
                self.hidden_size,
                self.latent_dim,
                relu_logits=self.recipe.relu_logits,
                decoder_hidden_size=self.decoder_hidden_size,
            )
        }


class WithOwnDecoder(MeasureVAE):
    """The network of `TwoWidths`."""

    decoder_hidden_size: int = 0

    def setup(self) -> None:
        sizes, shared = (self.vocab_size, EMBEDDING_SIZE), (self.latent_dim, MEASURE_VAE, self.dropout)
        self.encoder = Encoder(*sizes, self.hidden_size, *shared, self.few_kernels)
        self.decoder = Decoder(*sizes, self.decoder_hidden_size, *shared, self.relu_logits, self.few_kernels)


def measure_vae(arrays: dict, prefix: str, n_attributes: int = 4) -> tuple[Program, dict]:
    """Returns the program of a fixture's MeasureVAE, and its parameters."""
    vae = reference.measure_vae(arrays, prefix)
    decoder_hidden = vae["decoder"]["tick_l0"]["w_hh"].shape[0]
    sizes = sizes_of(arrays, vae["encoder"]["l0_fwd"], vae["encoder"]["mean_fc2"], n_attributes)
    program = Program("measure_vae", *sizes)
    if decoder_hidden != program.hidden_size:
        program = TwoWidths("measure_vae", *sizes, decoder_hidden_size=decoder_hidden)
    return program, {"vae": vae}


def adversarial_vae(arrays: dict, prefix: str) -> tuple[Program, dict]:
    """Returns the program of a fixture's AdversarialVAE, and the parameters of its networks."""
    params = reference.adversarial_vae(arrays, prefix, arrays[f"{prefix}/cls/fc1/w"].shape[1])
    encoder = params["vae"]["encoder"]
    sizes = sizes_of(arrays, encoder["fwd"], encoder["mean"], arrays["attributes"].shape[-1], "adversarial_vae")
    return Program("adversarial_vae", *sizes), params


def sizes_of(arrays: dict, gru: dict, head: dict, n_attributes: int, model: str = "measure_vae") -> Sizes:
    """Returns the fields of a program with the published recipe, from the shapes of a fixture's arrays."""
    vocab_size, batch_size = int(arrays["vocab_size"]), arrays["tokens"].shape[-2]
    hidden_size, latent_dim = gru["w_hh"].shape[0], len(head["b"])
    recipe, sizes = MODELS[model].recipes["reference"], (vocab_size, hidden_size, latent_dim)
    return recipe, *sizes, n_attributes, batch_size, N_STEPS, "classifier"


def hyper_parameters(program: Program, **numbers: Any) -> HyperParameters:
    """Returns the hyper-parameters of one member without padding, with attribute k on dimension k."""
    defaults = {"learning_rate": 1e-4, "beta": 0.001, "gamma": 1.0, "delta": 10.0, "adversary_weight": 0.1}
    values = {name: jnp.float32(value) for name, value in (defaults | numbers).items()}
    return HyperParameters(
        seed=jnp.uint32(0),
        latent_dim=jnp.int32(program.latent_dim),
        attribute_index=jnp.arange(program.n_attributes),
        n_attributes=jnp.int32(program.n_attributes),
        n_train=jnp.int32(1),
        transpose=jnp.int32(0),
        conditioning=Conditioning(jnp.zeros(4), jnp.ones(4), jnp.zeros((4, 7))),
        scalars=values,
    )


def batch_of(tokens: Any, attributes: Any, classes: Any = None) -> Batch:
    """Returns a batch whose attributes are regularised and given to the decoder as they are; classes may be absent."""
    values, nothing = jnp.asarray(attributes), jnp.zeros(attributes.shape, jnp.int32)
    return Batch(jnp.asarray(tokens), values, values, nothing if classes is None else jnp.asarray(classes))


def noise_of(eps: Any, eps_classifier: Any = None) -> Noise:
    """Returns the noise of a teacher-forced step without dropout."""
    eps = jnp.asarray(eps)
    return Noise(eps, eps if eps_classifier is None else jnp.asarray(eps_classifier), None, None)


@jax.jit(static_argnums=0)
def encode(program: Program, params: dict, tokens: Any) -> tuple[Any, Any]:
    """Returns the posterior mean and log standard deviation."""
    mean, log_std = program.encode(params, tokens)
    return mean, log_std


@jax.jit(static_argnums=0)
def decode(program: Program, params: dict, z: Any, conditions: Any = None, *fed: Any) -> Any:
    """Returns logits; `fed` is empty for free running, or the true tokens, or these and a flag per tick."""
    return program.decode(params, z, conditions, *fed)


@jax.jit(static_argnums=0)
def classify(program: Program, params: dict, z: Any) -> Any:
    """Returns the logits of the classifier."""
    return program.apply("classifier", params, z)


@jax.jit(static_argnums=0)
def loss_and_gradient(program: Program, params: dict, batch: Batch, eps: Any, hp: HyperParameters) -> tuple:
    """Returns the VAE's loss, its terms and its gradient, with a constant classifier."""
    noise = noise_of(eps)

    def loss(vae: dict) -> tuple:
        posterior = program.encode({"vae": vae}, batch.tokens)
        return vae_loss(vae, posterior, program, params, batch, noise, None, hp)

    (total, terms), gradient = jax.value_and_grad(loss, has_aux=True)(params["vae"])
    return total, terms, gradient


@jax.jit(static_argnums=0)
def classifier_loss_and_gradient(program: Program, params: dict, z: Any, batch: Batch, hp: HyperParameters) -> tuple:
    """Returns the classifier's loss and its gradient, with constant codes."""
    posterior = Posterior(z, jnp.zeros_like(z))
    return jax.value_and_grad(rival_loss)(params["classifier"], "classifier", posterior, z, program, params, batch, hp)


step = jax.jit(update, static_argnums=0)
start = start_state
State = TrainState
