"""AdversarialVAE (Kawai, Esling & Harada 2020): a conditional VAE trained against a discriminator of its code.

The encoder is one bidirectional GRU on one-hot tokens. The decoder is a stack of two GRU cells whose inputs at every
tick are the previous token, z and the standardised attribute values. The discriminator learns to read the attributes
from z, and the encoder is trained to prevent that, so that z holds less of the attributes and the decoder takes them
from its conditioning inputs. How much z still holds has to be measured: see `metrics.leakage` and docs/choices.md.

There are two discriminators. The published classifier has half as many units as z has dimensions, and the encoder aims
at the opposite of its targets. The regressor reads posterior means, takes several steps of its own for each step of the
VAE, and the encoder aims at making its error large (gradient reversal; Ganin & Lempitsky 2015).

Shapes: B batch, T ticks, H hidden, Z latent, V vocabulary, K attributes, C classes.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jax import lax

from vaemusic_jax.models.base import Model, Params, Posterior, RivalTraining
from vaemusic_jax.models.controls import TOLD, Controls
from vaemusic_jax.models.discriminators import Classifier, Regressor
from vaemusic_jax.models.gru import GRU, GRUWeights, Run, gate_bias, gru_cell, run_layers
from vaemusic_jax.models.initialisers import ADVERSARIAL_VAE, SCALED_ADVERSARIAL_VAE, Start
from vaemusic_jax.models.layers import Array, Layer, Linear, add_to_every_tick, affine, look_up
from vaemusic_jax.models.losses import adversary_losses, class_targets, regressor_losses
from vaemusic_jax.models.member import N_CLASSES, Batch, HyperParameters
from vaemusic_jax.models.precision import kept, product
from vaemusic_jax.models.program import Program
from vaemusic_jax.music.grid import COMMON, GRIDS, Grid

REGRESSOR_TRAINING = RivalTraining(steps=5, learning_rate=2e-3)


class Encoder(Layer):
    """A bidirectional GRU from tokens (B, T) to mean and log standard deviation of the posterior, (B, Z) each."""

    vocab_size: int
    hidden_size: int
    latent_dim: int
    start: Start
    few_kernels: bool

    def setup(self) -> None:
        self.fwd = GRU(self.vocab_size, self.hidden_size, self.start, one_hot=True)
        self.bwd = GRU(self.vocab_size, self.hidden_size, self.start, one_hot=True)
        self.mean = Linear(2 * self.hidden_size, self.latent_dim, self.start.linear)
        self.log_std = Linear(2 * self.hidden_size, self.latent_dim, self.start.linear)

    def __call__(self, tokens_BxT: Array) -> tuple[Array, Array]:
        tokens_TxB = tokens_BxT.T
        layer = [
            self.fwd.run(self.fwd.project_one_hot(tokens_TxB)),
            self.bwd.run(self.bwd.project_one_hot(tokens_TxB), reverse=True),
        ]
        fwd, bwd = run_layers(layer, self.few_kernels)
        final_Bx2H = jnp.concatenate([fwd[-1], bwd[0]], axis=-1)
        return self.mean(final_Bx2H), self.log_std(final_Bx2H)


class Cell1Weights(NamedTuple):
    """The weights of the first cell, with its input matrix split by kind of input."""

    w_token: Array  # (V or V + 1, 3H)
    w_z: Array  # (Z, 3H)
    w_attributes: Array  # (K, 3H)
    w_hh: Array  # (H, 3H)
    b_ih: Array  # (3H,)
    b_hh: Array  # (3H,)


class Cell1(Layer):
    """The decoder's first GRU cell. Its input matrix is kept in three parts because two of them may be padded."""

    n_tokens: int
    hidden_size: int
    latent_dim: int
    n_attributes: int
    start: Start

    def setup(self) -> None:
        gates, start = 3 * self.hidden_size, self.start
        self.w_token = self.param("w_token", start.w_ih_one_hot, (self.n_tokens, gates))
        self.w_z = self.param("w_z", start.w_ih, (self.latent_dim, gates))
        self.w_attributes = self.param("w_attributes", start.w_ih, (self.n_attributes, gates))
        self.w_hh = self.param("w_hh", start.w_hh, (self.hidden_size, gates))
        self.b_ih = self.param("b_ih", gate_bias, self.hidden_size, start.update_bias)
        self.b_hh = self.param("b_hh", gate_bias, self.hidden_size)

    def weights(self) -> Cell1Weights:
        """Returns the weight arrays, for use inside a scan."""
        return Cell1Weights(self.w_token, self.w_z, self.w_attributes, self.w_hh, self.b_ih, self.b_hh)


class Decoder(Layer):
    """Two stacked GRU cells from z and attribute values to the logits of every tick's token."""

    vocab_size: int
    hidden_size: int
    latent_dim: int
    n_attributes: int
    own_start_symbol: bool
    start: Start
    few_kernels: bool

    def setup(self) -> None:
        self.cell1 = Cell1(
            self.vocab_size + int(self.own_start_symbol),
            self.hidden_size,
            self.latent_dim,
            self.n_attributes,
            self.start,
        )
        self.cell2 = GRU(self.hidden_size, self.hidden_size, self.start, few_kernels=self.few_kernels)
        self.z_to_h0 = Linear(self.latent_dim, self.hidden_size, self.start.linear)
        self.out = Linear(self.hidden_size, self.vocab_size, self.start.linear)

    def begin(self, z_BxZ: Array, conditions_BxK: Array) -> tuple[Cell1Weights, Array, Array, Array]:
        """Prepares decoding.

        Returns:
            The first cell's weights, its first state (B, H), the part of its projected input that is the same at every
            tick (B, 3H), and the start symbol (B,).
        """
        cell1 = self.cell1.weights()
        constant = affine(z_BxZ, cell1.w_z, cell1.b_ih) + product(conditions_BxK, cell1.w_attributes)
        start = self.vocab_size if self.own_start_symbol else self.vocab_size - 1
        return cell1, jnp.tanh(self.z_to_h0(z_BxZ)), constant, jnp.full(z_BxZ.shape[0], start, jnp.int32)

    def teacher_forced(self, z_BxZ: Array, conditions_BxK: Array, tokens_BxT: Array) -> Array:
        """Returns logits (B, T, V) where every tick is fed the true previous token, which allows one scan per cell."""
        cell1, h0, constant_BxG, start_B = self.begin(z_BxZ, conditions_BxK)
        before_TxB = jnp.concatenate([start_B[None], tokens_BxT.T[:-1]])
        x_proj = add_to_every_tick(look_up(cell1.w_token, before_TxB), constant_BxG)
        h1_TxBxH = run_layers([Run(x_proj, h0, cell1.w_hh, cell1.b_hh)], self.few_kernels)[0]
        h2_TxBxH = self.cell2.scan(self.cell2.project(h1_TxBxH), h1_TxBxH[0])
        return self.out(h2_TxBxH).transpose(1, 0, 2)

    def step_by_step(self, z_BxZ: Array, conditions_BxK: Array, tokens_BxT: Array, teacher_T: Array) -> Array:
        """Returns logits (B, T, V), decoded tick by tick.

        Tick t + 1 is fed the true token of tick t if `teacher_T[t]` is true, else the most probable one.
        """
        cell1, h0, constant_BxG, start_B = self.begin(z_BxZ, conditions_BxK)
        cell2: GRUWeights = self.cell2.weights()
        out_w, out_b, h0 = self.out.w, self.out.b, kept(h0)

        def tick(carry: tuple[Array, Array, Array], xs: tuple) -> tuple[tuple[Array, Array, Array], Array]:
            before_B, h1, h2 = carry
            token_B, teacher, is_first = xs
            h1 = gru_cell(look_up(cell1.w_token, before_B) + constant_BxG, h1, cell1.w_hh, cell1.b_hh)
            h2 = jnp.where(is_first, h1, h2)
            h2 = gru_cell(affine(h1, cell2.w_ih, cell2.b_ih), h2, cell2.w_hh, cell2.b_hh)
            logits = affine(h2, out_w, out_b)
            own_B = jnp.argmax(logits, axis=-1).astype(jnp.int32)
            return (jnp.where(teacher, token_B, own_B), h1, h2), logits

        xs = (tokens_BxT.T, teacher_T, jnp.arange(len(teacher_T)) == 0)
        logits_TxBxV = lax.scan(tick, (start_B, h0, h0), xs, unroll=self.few_kernels)[1]
        return logits_TxBxV.transpose(1, 0, 2)


class AdversarialVAE(Layer):
    """The VAE without its classifier. Call its methods by `apply`; `init(key, method="declare")` draws the weights."""

    vocab_size: int
    hidden_size: int
    latent_dim: int
    n_attributes: int
    own_start_symbol: bool = True
    scaled_start: bool = False
    grid: Grid = GRIDS[COMMON]
    few_kernels: bool = False

    def setup(self) -> None:
        start = SCALED_ADVERSARIAL_VAE if self.scaled_start else ADVERSARIAL_VAE
        self.encoder = Encoder(self.vocab_size, self.hidden_size, self.latent_dim, start, self.few_kernels)
        self.decoder = Decoder(
            self.vocab_size,
            self.hidden_size,
            self.latent_dim,
            self.n_attributes,
            self.own_start_symbol,
            start,
            self.few_kernels,
        )

    def encode(self, tokens_BxT: Array, dropout_key: Array | None = None) -> tuple[Array, Array]:
        """Returns mean and log standard deviation of the posterior, (B, Z) each. This model has no dropout."""
        del dropout_key
        return self.encoder(tokens_BxT)

    def decode(
        self,
        z_BxZ: Array,
        conditions_BxK: Array,
        tokens_BxT: Array | None = None,
        teacher_T: Array | None = None,
        dropout_key: Array | None = None,
    ) -> Array:
        """Returns logits (B, T, V) for codes and standardised attribute values.

        Decoding is free-running and greedy without `tokens_BxT`, teacher-forced with it, and mixed with `teacher_T`, as
        `step_by_step` says. This model has no dropout.
        """
        del dropout_key
        if tokens_BxT is None:
            n_ticks = self.grid.n_ticks
            tokens_BxT, teacher_T = jnp.zeros((z_BxZ.shape[0], n_ticks), jnp.int32), jnp.zeros(n_ticks, bool)
        if teacher_T is None:
            return self.decoder.teacher_forced(z_BxZ, conditions_BxK, tokens_BxT)
        return self.decoder.step_by_step(z_BxZ, conditions_BxK, tokens_BxT, teacher_T)


class AdversarialVAEModel(Model):
    """AdversarialVAE: a discriminator learns to read attributes from the code, and the VAE learns to prevent that."""

    controls: ClassVar[Controls] = TOLD
    weighted_terms: ClassVar[Mapping[str, str]] = {"adversary": "adversary_weight"}
    rivals: ClassVar[Mapping[str, str]] = {"classifier": "classifier_loss"}

    def networks(self, program: Program) -> dict[str, Layer]:
        recipe = program.recipe
        vae = AdversarialVAE(
            program.vocab_size,
            program.hidden_size,
            program.latent_dim,
            program.n_attributes,
            own_start_symbol=recipe.own_start_symbol,
            scaled_start=recipe.scaled_start,
            grid=program.grid,
            few_kernels=program.few_kernels,
        )
        return {"vae": vae, "classifier": discriminator(program)}

    def own_terms(
        self,
        program: Program,
        params: Params,
        posterior: Posterior,
        z_BxZ: Array,
        batch: Batch,
        hp: HyperParameters,
        weight_B: Array,
    ) -> dict[str, Array]:
        if is_regressed(program):
            values_BxK = program.apply("classifier", params, posterior.mean, weight_B)
            reads, fools = regressor_losses(values_BxK, batch.conditions, hp.attribute_mask())
        else:
            logits = program.apply("classifier", params, z_BxZ)
            reads, fools = adversary_losses(logits, class_targets(batch.classes, N_CLASSES), hp.attribute_mask())
        return {"classifier_loss": reads, "adversary": fools}

    def rival_training(self, program: Program) -> RivalTraining:
        return REGRESSOR_TRAINING if is_regressed(program) else RivalTraining()

    def multiplications(self, program: Program) -> int:
        # The encoder counts four times: forward, backward (twice), and once for the codes that the classifier reads.
        H, Z, V = program.hidden_size, program.latent_dim, program.vocab_size
        # The discriminator counts three times for each of its own steps, and twice for the gradient of the codes.
        reading = 3 * self.rival_training(program).steps + 2
        gates, n_ticks = 3 * H, program.grid.n_ticks
        encoder = n_ticks * 2 * (gates * H) + 2 * (2 * H * Z)
        decoder = Z * H + (Z + program.n_attributes) * gates + n_ticks * (3 * (gates * H) + H * V)
        decodings = 7 if program.steers else 3  # steering decodes twice more, once without gradient
        return 4 * encoder + decodings * decoder + reading * discriminator(program).multiplications


def is_regressed(program: Program) -> bool:
    """Returns whether the discriminator of a program is a regressor."""
    return program.discriminator == "regressor"


def discriminator(program: Program) -> Classifier | Regressor:
    """Returns the discriminator of a program."""
    kind = Regressor if is_regressed(program) else Classifier
    return kind(program.latent_dim, program.n_attributes)
