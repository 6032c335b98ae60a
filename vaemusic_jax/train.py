"""One training step of one model: free functions of arrays that know of no cohort.

MeasureVAE takes one Adam step on its loss. AdversarialVAE alternates as published: the classifier learns to read the
attributes from a code held constant, then the VAE learns to reconstruct while keeping the updated classifier ignorant.

Shapes: B batch, T ticks, Z latent, K attributes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from vaemusic_jax.layers import Array
from vaemusic_jax.losses import (
    adversary_losses,
    attribute_regularisation,
    class_targets,
    cross_entropy,
    kl_divergence,
    teacher_probability,
)
from vaemusic_jax.member import Batch, HyperParameters, Program
from vaemusic_jax.metrics.reconstruction import token_accuracy
from vaemusic_jax.models.measure_vae import N_TICKS
from vaemusic_jax.recipes import N_CLASSES

ADAM = optax.scale_by_adam()

Params = dict[str, dict]  # {"vae": ...} and, for AdversarialVAE, {"classifier": ...}
Metrics = dict[str, Array]


class TrainState(NamedTuple):
    """All that changes while a member trains."""

    step: Array  # () updates made so far
    params: Params
    optimiser: dict[str, optax.OptState]


class Noise(NamedTuple):
    """All that is random in one step."""

    eps: Array  # (B, Z) of the VAE's own step
    eps_classifier: Array  # (B, Z) of the classifier's
    teacher: Array | None  # (T,) whether the true token is handed on after each tick; None: always
    dropout: Array | None  # key


def start_state(params: Params) -> TrainState:
    """The state before the first step."""
    return TrainState(jnp.int32(0), params, {name: ADAM.init(tree) for name, tree in params.items()})


def draw_noise(program: Program, hp: HyperParameters, step: Array) -> Noise:
    """The step's randomness: a function of seed and step, latent dimension by latent dimension."""
    key = jax.random.fold_in(jax.random.key(hp.seed), step)
    eps_key, teacher_key, dropout_key = jax.random.split(key, 3)

    def of_dimension(d: Array) -> Array:
        return jax.random.normal(jax.random.fold_in(eps_key, d), (2, program.batch_size))

    eps_2xBxZ = jnp.moveaxis(jax.vmap(of_dimension)(jnp.arange(program.latent_dim)), 0, -1)
    eps_2xBxZ = eps_2xBxZ * hp.latent_mask(program.latent_dim)[None, None, :]
    teacher = None
    if program.recipe.feeding == "coin_per_batch":
        teacher = jnp.broadcast_to(jax.random.bernoulli(teacher_key), (N_TICKS,))
    elif program.recipe.feeding == "scheduled":
        before = jnp.where(step == 0, 1.0, teacher_probability(step.astype(jnp.float32)))
        now = teacher_probability((step + 1).astype(jnp.float32))
        chance_T = jnp.where(jnp.arange(N_TICKS) == 0, before, now)
        teacher = jax.random.uniform(teacher_key, (N_TICKS,)) < chance_T
    return Noise(eps_2xBxZ[0], eps_2xBxZ[1], teacher, dropout_key if program.recipe.dropout else None)


def learning_rate(program: Program, hp: HyperParameters, step: Array) -> Array:
    """Linear warm-up (at most a fifth of the run), then cosine decay to zero, where the recipe has them."""
    rate = hp.learning_rate
    warmup = min(program.recipe.warmup_steps, program.steps // 5)
    if warmup:
        rate = rate * jnp.minimum(1.0, (step + 1) / warmup)
    if program.recipe.decay:
        rate = rate * 0.5 * (1.0 + jnp.cos(jnp.pi * step.astype(jnp.float32) / program.steps))
    return rate


def adam_update(
    program: Program, params: dict, grads: dict, optimiser: optax.OptState, rate: Array
) -> tuple[dict, optax.OptState, Array]:
    """Clip by the network's global norm (published form: N + 1e-6), one Adam step. Returns also that norm."""
    norm = optax.tree.norm(grads)
    if program.recipe.clip_norm is not None:
        scale = jnp.minimum(1.0, program.recipe.clip_norm / (norm + 1e-6))
        grads = jax.tree.map(lambda g: g * scale, grads)
    with jax.numpy_dtype_promotion("standard"):  # optax raises a float to the power of an integer
        updates, optimiser = ADAM.update(grads, optimiser)
    return jax.tree.map(lambda p, u: p - rate * u, params, updates), optimiser, norm


class Posterior(NamedTuple):
    """What the encoder makes of a batch."""

    mean: Array  # (B, Z)
    log_std: Array  # (B, Z)

    def sample(self, eps: Array) -> Array:
        """z = mean + exp(log_std) * eps: (B, Z)."""
        return self.mean + jnp.exp(self.log_std) * eps


def encode(program: Program, vae: dict, batch: Batch, noise: Noise) -> Posterior:
    """The batch's posteriors."""
    key = None if noise.dropout is None else jax.random.split(noise.dropout)[0]
    return Posterior(*program.vae().apply({"params": vae}, batch.tokens, key, method="encode"))


def vae_loss(
    vae: dict,
    posterior: Posterior,
    classifier: dict | None,
    program: Program,
    batch: Batch,
    noise: Noise,
    hp: HyperParameters,
) -> tuple[Array, Metrics]:
    """Cross-entropy + beta KL + the model's own term: attribute regularisation, or the classifier's ignorance."""
    mean, log_std = posterior
    z = posterior.sample(noise.eps)
    decoder_key = None if noise.dropout is None else jax.random.split(noise.dropout)[1]
    logits = program.vae().apply(
        {"params": vae}, z, batch.conditions, batch.tokens, noise.teacher, decoder_key, method="decode"
    )
    reconstruction = cross_entropy(logits, batch.tokens).mean()
    kl = kl_divergence(mean, log_std).sum(-1).mean()
    kl_term = kl / hp.latent_dim.astype(jnp.float32) if program.recipe.kl_mean_over_dims else kl
    metrics = {
        "cross_entropy": reconstruction,
        "kl": kl,
        "reconstruction_accuracy": token_accuracy(jnp.argmax(logits, -1), batch.tokens).mean(),
    }
    if classifier is None:
        terms_K = attribute_regularisation(
            z[:, : program.n_attributes], batch.attributes, hp.delta, jnp.ones(z.shape[0])
        )
        own_term = (terms_K * hp.attribute_mask()).sum()
        metrics["regularisation"] = own_term
        own_term = hp.gamma * own_term
    else:
        own_term = classifier_losses(classifier, program, z, batch, hp)[1]
        metrics["adversary"] = own_term
        own_term = hp.adversary_weight * own_term
    total = reconstruction + hp.beta * kl_term + own_term
    return total, {"loss": total, **metrics}


def classifier_losses(
    classifier: dict, program: Program, z: Array, batch: Batch, hp: HyperParameters
) -> tuple[Array, Array]:
    """The classifier's loss and the loss of who would fool it, means over the batch."""
    logits = program.classifier().apply({"params": classifier}, z)
    targets = class_targets(batch.classes, N_CLASSES, program.recipe.ordinal_classes)
    reads, fools = adversary_losses(logits, targets, hp.attribute_mask())
    return reads.mean(), fools.mean()


def update(
    program: Program, state: TrainState, batch: Batch, noise: Noise, hp: HyperParameters
) -> tuple[TrainState, Metrics]:
    """One optimiser step of each network, with the given noise."""
    rate = learning_rate(program, hp, state.step)

    def loss(vae: dict) -> tuple[Array, tuple[Params, dict[str, optax.OptState], Metrics]]:
        # The classifier's step comes first, and reads codes of the same VAE: encoding once serves both.
        posterior = encode(program, vae, batch, noise)
        params, optimiser, metrics = {}, {}, {}
        if program.model == "adversarial_vae":
            z = jax.lax.stop_gradient(posterior.sample(noise.eps_classifier))
            (its_loss, _), grads = jax.value_and_grad(classifier_losses, has_aux=True)(
                state.params["classifier"], program, z, batch, hp
            )
            params["classifier"], optimiser["classifier"], norm = adam_update(
                program, state.params["classifier"], grads, state.optimiser["classifier"], rate
            )
            metrics = {"classifier_loss": its_loss, "classifier_gradient_norm": norm}
        total, vae_metrics = vae_loss(vae, posterior, params.get("classifier"), program, batch, noise, hp)
        return total, (params, optimiser, metrics | vae_metrics)

    (_, (params, optimiser, metrics)), grads = jax.value_and_grad(loss, has_aux=True)(state.params["vae"])
    params["vae"], optimiser["vae"], norm = adam_update(
        program, state.params["vae"], grads, state.optimiser["vae"], rate
    )
    return TrainState(state.step + 1, params, optimiser), metrics | {"gradient_norm": norm}


def train_step(program: Program, state: TrainState, batch: Batch, hp: HyperParameters) -> tuple[TrainState, Metrics]:
    """One step of one member: draw the step's noise, update."""
    return update(program, state, batch, draw_noise(program, hp, state.step), hp)
