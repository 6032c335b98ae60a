"""Training steps of both networks in PyTorch, with the losses, clipping and optimiser of our recipes.

Shapes: B batch, T ticks, V vocabulary, Z latent, K attributes, C classes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.study_grid import N_TICKS
from benchmarks.torch_models import AdversarialVAE, Classifier, MeasureVAE, one_hot
from vaemusic_jax.config.models import Recipe
from vaemusic_jax.models.member import N_CLASSES

Metrics = dict[str, Tensor]


class Batch(NamedTuple):
    """The measures of one step.

    Attributes:
        tokens: (B, T) int64.
        attributes: (B, K) float32, standardised for AdversarialVAE.
        classes: (B, K) int64 classes of the attributes.
    """

    tokens: Tensor
    attributes: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Weights:
    """The learning rate and the weights of the terms of a loss."""

    learning_rate: float
    beta: float
    gamma: float = 0.0
    delta: float = 10.0
    adversary: float = 0.0


def kl_divergence(mean_BxZ: Tensor, log_std_BxZ: Tensor) -> Tensor:
    """Returns the KL divergence from the standard normal distribution (B, Z), in nats."""
    return 0.5 * (mean_BxZ.square() + (2 * log_std_BxZ).exp() - 1 - 2 * log_std_BxZ)


def attribute_regularisation(codes_BxK: Tensor, attributes_BxK: Tensor, delta: float) -> Tensor:
    """Returns the sum over attributes of the mean over pairs of |tanh(delta (z_i - z_j)) - sign(a_i - a_j)|."""
    difference = torch.tanh(delta * (codes_BxK.unsqueeze(0) - codes_BxK.unsqueeze(1)))
    order = torch.sign(attributes_BxK.unsqueeze(0) - attributes_BxK.unsqueeze(1))
    return functional.l1_loss(difference, order, reduction="none").mean((0, 1)).sum()


def class_targets(classes_BxK: Tensor) -> Tensor:
    """Returns one-hot classes (B, K, C)."""
    return one_hot(classes_BxK, N_CLASSES)


def sample(encoder: nn.Module, tokens_BxT: Tensor, eps_BxZ: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Returns mean, log standard deviation and code, (B, Z) each; noise is drawn unless it is given."""
    mean, log_std = encoder(tokens_BxT)
    return mean, log_std, mean + log_std.exp() * (torch.randn_like(mean) if eps_BxZ is None else eps_BxZ)


def reconstruction(logits_BxTxV: Tensor, tokens_BxT: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the cross-entropy in nats and the share of right tokens, both as means over all ticks."""
    cross_entropy = functional.cross_entropy(logits_BxTxV.flatten(0, 1), tokens_BxT.flatten())
    return cross_entropy, (logits_BxTxV.detach().argmax(-1) == tokens_BxT).float().mean()


class Optimiser:
    """Adam with clipping by the global norm and the recipe's schedule of the learning rate."""

    def __init__(self, parameters: Iterable[nn.Parameter], recipe: Recipe, rate: float, steps: int) -> None:
        self.parameters, self.clip_norm = list(parameters), recipe.clip_norm
        # The default on CPU is a Python loop, which takes several times as long as the fused version.
        self.adam = torch.optim.Adam(self.parameters, rate, fused=True)
        warmup = min(recipe.warmup_steps, steps // 5)

        def factor(step: int) -> float:
            rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
            return rising * (0.5 * (1 + math.cos(math.pi * step / steps)) if recipe.decay else 1.0)

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.adam, factor)

    def step(self, loss: Tensor) -> Tensor:
        """Makes one update and returns the norm of the gradient."""
        self.adam.zero_grad()
        loss.backward()
        limit = math.inf if self.clip_norm is None else self.clip_norm
        norm = nn.utils.clip_grad_norm_(self.parameters, limit)
        self.adam.step()
        self.schedule.step()
        return norm


class MeasureVAETraining:
    """MeasureVAE with its optimiser."""

    def __init__(self, vae: MeasureVAE, recipe: Recipe, weights: Weights, steps: int) -> None:
        self.vae, self.recipe, self.weights = vae, recipe, weights
        self.optimiser = Optimiser(vae.parameters(), recipe, weights.learning_rate, steps)

    def loss(self, batch: Batch, eps_BxZ: Tensor | None = None) -> tuple[Tensor, Metrics]:
        mean, log_std, z = sample(self.vae.encoder, batch.tokens, eps_BxZ)
        teacher = self.recipe.feeding == "teacher" or torch.rand(()) < 0.5
        logits = self.vae.decoder(z, batch.tokens if teacher else None)
        cross_entropy, accuracy = reconstruction(logits, batch.tokens)
        kl = kl_divergence(mean, log_std).sum(-1).mean()
        term = attribute_regularisation(z[:, : batch.attributes.shape[1]], batch.attributes, self.weights.delta)
        total = cross_entropy + self.weights.beta * kl + self.weights.gamma * term
        parts = {"loss": total, "cross_entropy": cross_entropy, "kl": kl, "regularisation": term, "accuracy": accuracy}
        return total, {name: value.detach() for name, value in parts.items()}

    def step(self, batch: Batch, eps_BxZ: Tensor | None = None) -> Metrics:
        """Makes one training step and returns its metrics."""
        loss, metrics = self.loss(batch, eps_BxZ)
        return metrics | {"gradient_norm": self.optimiser.step(loss)}


class AdversarialVAETraining:
    """AdversarialVAE and its classifier, each with an optimiser."""

    def __init__(
        self, vae: AdversarialVAE, classifier: Classifier, recipe: Recipe, weights: Weights, steps: int
    ) -> None:
        self.vae, self.classifier, self.recipe, self.weights = vae, classifier, recipe, weights
        self.optimiser = Optimiser(vae.parameters(), recipe, weights.learning_rate, steps)
        self.classifier_optimiser = Optimiser(classifier.parameters(), recipe, weights.learning_rate, steps)
        self.passes = 0

    def classifier_loss(self, batch: Batch, eps_BxZ: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            z = sample(self.vae.encoder, batch.tokens, eps_BxZ)[2]
        targets = class_targets(batch.classes)
        return functional.binary_cross_entropy_with_logits(self.classifier(z), targets)

    def loss(self, batch: Batch, eps_BxZ: Tensor | None = None) -> tuple[Tensor, Metrics]:
        mean, log_std, z = sample(self.vae.encoder, batch.tokens, eps_BxZ)
        logits = self.vae.decoder(z, batch.attributes, batch.tokens, self.teacher())
        cross_entropy, accuracy = reconstruction(logits, batch.tokens)
        kl = kl_divergence(mean, log_std)
        kl = kl.mean() if self.recipe.kl_mean_over_dims else kl.sum(-1).mean()
        opposite = 1 - class_targets(batch.classes)
        term = functional.binary_cross_entropy_with_logits(self.classifier(z), opposite)
        total = cross_entropy + self.weights.beta * kl + self.weights.adversary * term
        parts = {"loss": total, "cross_entropy": cross_entropy, "kl": kl, "adversary": term, "accuracy": accuracy}
        return total, {name: value.detach() for name, value in parts.items()}

    def teacher(self) -> list[bool]:
        """Returns for each tick of this pass whether the decoder is fed the true token after it."""
        if self.recipe.feeding == "teacher":
            return [True] * N_TICKS
        first = 1.0 if self.passes == 0 else teacher_probability(self.passes)
        self.passes += 1
        chance_T = torch.tensor([first] + [teacher_probability(self.passes)] * (N_TICKS - 1))
        return (torch.rand(N_TICKS) < chance_T).tolist()

    def step(self, batch: Batch, eps_classifier_BxZ: Tensor | None = None, eps_BxZ: Tensor | None = None) -> Metrics:
        """Makes the classifier's step on a constant code, then the VAE's step against the updated classifier."""
        reads = self.classifier_loss(batch, eps_classifier_BxZ)
        classifier_norm = self.classifier_optimiser.step(reads)
        self.classifier.requires_grad_(False)  # Gradients of the VAE's step pass through it but do not change it.
        loss, metrics = self.loss(batch, eps_BxZ)
        norm = self.optimiser.step(loss)
        self.classifier.requires_grad_(True)
        metrics |= {"gradient_norm": norm, "classifier_gradient_norm": classifier_norm}
        return metrics | {"classifier_loss": reads.detach()}


def teacher_probability(iteration: int, k: float = 1000.0) -> float:
    """Returns the probability of feeding the true token in training pass `iteration`, counted from 1."""
    return k / (k + math.exp(iteration / k))
