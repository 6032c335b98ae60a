"""The training step of one member, as functions of its arrays alone.

A step has three parts. First the batch is encoded. Then each network beside the VAE, such as AdversarialVAE's
classifier, takes one Adam step or several on constant codes. Finally the VAE takes an Adam step on the whole loss, with
the updated weights of the other networks held constant.

Shapes: B batch, T ticks, Z latent, K attributes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from vaemusic_jax.metrics.reconstruction import token_accuracy
from vaemusic_jax.models.base import Params, Posterior
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.losses import teacher_probability
from vaemusic_jax.models.member import Batch, HyperParameters
from vaemusic_jax.models.program import Program
from vaemusic_jax.support.jax_settings import random_key
from vaemusic_jax.training.objective import loss_terms, total_loss
from vaemusic_jax.training.steering import STEERING_STREAM, Move, draw_move, steering

ADAM = optax.scale_by_adam()

Metrics = dict[str, Array]


class TrainState(NamedTuple):
    """The part of a member's state that training steps change."""

    step: Array  # () the number of updates made
    params: Params
    optimiser: dict[str, optax.OptState]  # by network


class Noise(NamedTuple):
    """The random numbers of one step."""

    eps: Array  # (B, Z) normal noise of the codes in the VAE's own update
    eps_rival: Array  # (B, Z) normal noise of the codes in the updates of the networks beside it
    teacher: Array | None  # (T,) whether the true token is fed on after each tick; None: always
    dropout: Array | None  # the key of dropout; None: no dropout
    move: Move | None = None  # the controls that the steering term moves; None: no such term


def start_state(params: Params) -> TrainState:
    """Returns the state before the first step."""
    return TrainState(jnp.int32(0), params, {name: ADAM.init(tree) for name, tree in params.items()})


def draw_noise(program: Program, hp: HyperParameters, step: Array) -> Noise:
    """Draws the random numbers of a step.

    They depend on the seed and the step alone, and those of a latent dimension do not depend on the latent size.
    """
    key = jax.random.fold_in(random_key(hp.seed), step)
    eps_key, teacher_key, dropout_key = jax.random.split(key, 3)

    def of_dimension(d: Array) -> Array:
        return jax.random.normal(jax.random.fold_in(eps_key, d), (2, program.batch_size))

    eps_2xBxZ = jnp.moveaxis(jax.vmap(of_dimension)(jnp.arange(program.latent_dim)), 0, -1)
    eps_2xBxZ = eps_2xBxZ * hp.latent_mask(program.latent_dim)[None, None, :]
    teacher = None
    if program.recipe.feeding == "coin_per_batch":
        teacher = jnp.broadcast_to(jax.random.bernoulli(teacher_key), (program.grid.n_ticks,))
    elif program.recipe.feeding == "scheduled":
        before = jnp.where(step == 0, 1.0, teacher_probability(step.astype(jnp.float32)))
        now = teacher_probability((step + 1).astype(jnp.float32))
        chance_T = jnp.where(jnp.arange(program.grid.n_ticks) == 0, before, now)
        teacher = jax.random.uniform(teacher_key, (program.grid.n_ticks,)) < chance_T
    move = None
    if program.steers:
        move = draw_move(program, hp, step, jax.random.fold_in(key, STEERING_STREAM))
    return Noise(eps_2xBxZ[0], eps_2xBxZ[1], teacher, dropout_key if program.recipe.dropout else None, move)


def learning_rate(program: Program, hp: HyperParameters, step: Array) -> Array:
    """Returns the learning rate of a step, with linear warm-up and cosine decay to zero if the recipe has them.

    The warm-up takes at most a fifth of all steps.
    """
    rate = hp.learning_rate
    warmup = min(program.recipe.warmup_steps, program.steps // 5)
    if warmup:
        rate = rate * jnp.minimum(1.0, (step + 1) / warmup)
    if program.recipe.decay:
        rate = rate * 0.5 * (1.0 + jnp.cos(jnp.pi * step.astype(jnp.float32) / program.steps))
    return rate


def joined(tree: Params | dict) -> Array:
    """Returns all numbers of a tree of arrays as one array, (N,), which is reduced at once."""
    return jnp.concatenate([leaf.reshape(-1) for leaf in jax.tree.leaves(tree)])


def adam_update(
    program: Program, params: dict, grads: dict, optimiser: optax.OptState, rate: Array
) -> tuple[dict, optax.OptState, Array]:
    """Clips the gradients of a network by their global norm and makes one Adam step.

    The clipping factor is clip_norm / (norm + 1e-6), if below 1, as in the published training.

    Returns:
        The new weights, the new optimiser state, and the norm before clipping, ().
    """
    norm = jnp.sqrt(jnp.square(joined(grads)).sum()) if program.few_kernels else optax.tree.norm(grads)
    if program.recipe.clip_norm is not None:
        scale = jnp.minimum(1.0, program.recipe.clip_norm / (norm + 1e-6))
        grads = jax.tree.map(lambda g: g * scale, grads)
    with jax.numpy_dtype_promotion("standard"):  # optax raises a float to the power of an integer
        updates, optimiser = ADAM.update(grads, optimiser)
    return jax.tree.map(lambda p, u: p - rate * u, params, updates), optimiser, norm


def vae_loss(
    vae: dict,
    posterior: Posterior,
    program: Program,
    params: Params,
    batch: Batch,
    noise: Noise,
    decoder_key: Array | None,
    hp: HyperParameters,
) -> tuple[Array, Metrics]:
    """Computes the VAE's loss of an encoded batch, to be differentiated by the first two arguments.

    Args:
        vae: the weights of the VAE.
        posterior: the posterior distributions of the batch.
        program: the program of the cohort.
        params: the weights of the networks beside the VAE.
        batch: the measures.
        noise: the random numbers of the step.
        decoder_key: the key of the decoder's dropout; None for no dropout.
        hp: the member's hyper-parameters.

    Returns:
        The loss, (), and the training metrics by name, () each.
    """
    params = {**params, "vae": vae}
    z_BxZ = posterior.sample(noise.eps)
    logits = program.decode(params, z_BxZ, batch.conditions, batch.tokens, noise.teacher, decoder_key)
    terms = loss_terms(program, params, posterior, z_BxZ, logits, batch, hp, jnp.ones(len(batch.tokens)))
    means = {name: term.mean() for name, term in terms.items()}
    total = total_loss(program, hp, means)
    if noise.move is not None:
        means["steering"] = steering(program, params, z_BxZ, batch, hp, noise.move).mean()
        total = total + noise.move.weight * means["steering"]
    accuracy = token_accuracy(jnp.argmax(logits, -1), batch.tokens).mean()
    return total, {"loss": total, "reconstruction_accuracy": accuracy, **means}


def rival_loss(
    rival: dict,
    name: str,
    posterior: Posterior,
    z_BxZ: Array,
    program: Program,
    params: Params,
    batch: Batch,
    hp: HyperParameters,
) -> Array:
    """Returns the loss, (), of the network `name` beside the VAE as a function of its weights `rival` and of codes."""
    terms = program.implementation.own_terms(
        program, {**params, name: rival}, posterior, z_BxZ, batch, hp, weight_B=jnp.ones(len(batch.tokens))
    )
    return terms[program.implementation.rivals[name]].mean()


def train_rival(
    name: str,
    rival: dict,
    optimiser: optax.OptState,
    posterior: Posterior,
    z_BxZ: Array,
    program: Program,
    params: Params,
    batch: Batch,
    rate: Array,
    hp: HyperParameters,
) -> tuple[dict, optax.OptState, Array, Array]:
    """Makes the optimiser steps of a network beside the VAE, as many and as large as `RivalTraining` says.

    Args:
        name: the network.
        rival: its weights.
        optimiser: its optimiser state.
        posterior: the posterior distributions of the batch.
        z_BxZ: the codes of the batch.
        program: the program of the cohort.
        params: the weights of every network.
        batch: the measures.
        rate: the learning rate of the VAE.
        hp: the member's hyper-parameters.

    Returns:
        Its new weights and optimiser state, and its loss and the norm of its gradient before the last step, () each.
    """
    training = program.implementation.rival_training(program)
    own_rate = rate if training.learning_rate is None else jnp.float32(training.learning_rate)

    def one_step(own: tuple[dict, optax.OptState], _: None) -> tuple[tuple[dict, optax.OptState], tuple[Array, Array]]:
        rival, optimiser = own
        loss, grads = jax.value_and_grad(rival_loss)(rival, name, posterior, z_BxZ, program, params, batch, hp)
        rival, optimiser, norm = adam_update(program, rival, grads, optimiser, own_rate)
        return (rival, optimiser), (loss, norm)

    (rival, optimiser), found = jax.lax.scan(
        one_step, (rival, optimiser), length=training.steps, unroll=program.few_kernels
    )
    loss, norm = (values[-1] for values in found)
    return rival, optimiser, loss, norm


def update(
    program: Program, state: TrainState, batch: Batch, noise: Noise, hp: HyperParameters
) -> tuple[TrainState, Metrics]:
    """Makes the optimiser steps of each network with the given noise, first of the VAE's rivals, then of the VAE.

    Returns:
        The new state, and the training metrics by name, () each.
    """
    rate = learning_rate(program, hp, state.step)
    params, optimiser, rival_metrics = dict(state.params), dict(state.optimiser), dict[str, Array]()
    encoder_key, decoder_key = (None, None) if noise.dropout is None else jax.random.split(noise.dropout)

    # The rivals' updates use codes of the same VAE as its own update, so the batch is encoded only once.
    posterior, to_encoder = jax.vjp(lambda vae: program.encode({"vae": vae}, batch.tokens, encoder_key), params["vae"])

    constant: Posterior = jax.lax.stop_gradient(posterior)
    z_BxZ = constant.sample(noise.eps_rival)
    for name, term in program.implementation.rivals.items():
        params[name], optimiser[name], loss, norm = train_rival(
            name, params[name], optimiser[name], constant, z_BxZ, program, params, batch, rate, hp
        )
        rival_metrics |= {term: loss, f"{name}_gradient_norm": norm}

    gradient = jax.grad(vae_loss, argnums=(0, 1), has_aux=True)
    (by_decoder, by_posterior), metrics = gradient(
        params["vae"], posterior, program, params, batch, noise, decoder_key, hp
    )
    grads = jax.tree.map(jnp.add, *to_encoder(by_posterior), by_decoder)
    params["vae"], optimiser["vae"], norm = adam_update(program, params["vae"], grads, optimiser["vae"], rate)
    return TrainState(state.step + 1, params, optimiser), metrics | rival_metrics | {"gradient_norm": norm}


def train_step(program: Program, state: TrainState, batch: Batch, hp: HyperParameters) -> tuple[TrainState, Metrics]:
    """Makes one training step of one member; returns the new state and the training metrics as `update` does."""
    return update(program, state, batch, draw_noise(program, hp, state.step), hp)
