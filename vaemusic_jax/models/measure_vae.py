"""MeasureVAE (Pati, Lerch & Hadjeres 2019; Pati & Lerch 2020): a VAE of one measure with a hierarchical decoder.

The encoder is an embedding, a two-layer bidirectional GRU, and two heads with SELU units. In the decoder a beat GRU
makes one state per beat, from which a tick GRU starts that runs for the ticks of the beat. Every tick is fed the
previous token: the true one (teacher forcing) or the model's own.

Shapes: B batch, T ticks, Q beats, K ticks of a beat (24, 4 and 6 in 4/4), R = Q B, H hidden, G = 3H, Z latent,
V vocabulary.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from vaemusic_jax.config.models import EMBEDDING_SIZE
from vaemusic_jax.models.base import Model, Params, Posterior
from vaemusic_jax.models.gru import GRU, gru_cell, run_layers
from vaemusic_jax.models.initialisers import MEASURE_VAE, SCALED_MEASURE_VAE, Start, zeros
from vaemusic_jax.models.layers import Array, Layer, Linear, add_to_every_tick, affine, dropout, look_up
from vaemusic_jax.models.losses import attribute_regularisation
from vaemusic_jax.models.member import Batch, HyperParameters
from vaemusic_jax.models.precision import kept, product
from vaemusic_jax.models.program import Program
from vaemusic_jax.music.grid import COMMON, GRIDS, Grid


class Encoder(Layer):
    """A two-layer bidirectional GRU from tokens (B, T) to mean and log standard deviation of the code, (B, Z) each."""

    vocab_size: int
    embedding_size: int
    hidden_size: int
    latent_dim: int
    start: Start
    dropout: float
    few_kernels: bool

    def setup(self) -> None:
        hidden, start, shape = self.hidden_size, self.start, (self.vocab_size, self.embedding_size)
        self.embedding = self.param("embedding", start.embedding, shape)
        self.l0_fwd = GRU(self.embedding_size, hidden, start)
        self.l0_bwd = GRU(self.embedding_size, hidden, start)
        self.l1_fwd = GRU(2 * hidden, hidden, start)
        self.l1_bwd = GRU(2 * hidden, hidden, start)
        self.mean_fc1 = Linear(4 * hidden, 2 * hidden, start.linear)
        self.mean_fc2 = Linear(2 * hidden, self.latent_dim, start.linear)
        self.log_std_fc1 = Linear(4 * hidden, 2 * hidden, start.linear)
        self.log_std_fc2 = Linear(2 * hidden, self.latent_dim, start.linear)

    def __call__(self, tokens_BxT: Array, dropout_key: Array | None) -> tuple[Array, Array]:
        tokens_TxB = tokens_BxT.T
        layer0 = [
            self.l0_fwd.run(self.l0_fwd.project_tokens(self.embedding, tokens_TxB)),
            self.l0_bwd.run(self.l0_bwd.project_tokens(self.embedding, tokens_TxB), reverse=True),
        ]
        fwd0, bwd0 = run_layers(layer0, self.few_kernels)
        out0_TxBx2H = dropout(jnp.concatenate([fwd0, bwd0], axis=-1), self.dropout, dropout_key)
        layer1 = [
            self.l1_fwd.run(self.l1_fwd.project(out0_TxBx2H)),
            self.l1_bwd.run(self.l1_bwd.project(out0_TxBx2H), reverse=True),
        ]
        fwd1, bwd1 = run_layers(layer1, self.few_kernels)
        final_Bx4H = jnp.concatenate([fwd0[-1], bwd0[0], fwd1[-1], bwd1[0]], axis=-1)
        mean = self.mean_fc2(nn.selu(self.mean_fc1(final_Bx4H)))
        log_std = self.log_std_fc2(nn.selu(self.log_std_fc1(final_Bx4H)))
        return mean, log_std


class Decoder(Layer):
    """A hierarchical decoder from z to the logits of every tick's token: a beat GRU, then a tick GRU."""

    vocab_size: int
    embedding_size: int
    hidden_size: int
    latent_dim: int
    start: Start
    dropout: float
    relu_logits: bool
    few_kernels: bool
    grid: Grid = GRIDS[COMMON]

    def setup(self) -> None:
        hidden, start, shape = self.hidden_size, self.start, (self.vocab_size, self.embedding_size)
        self.embedding = self.param("embedding", start.embedding, shape)
        self.x0 = self.param("x0", zeros, (self.embedding_size,))
        self.b0 = self.param("b0", zeros, (1,))
        self.z_to_beat_h0 = Linear(self.latent_dim, 2 * hidden, start.linear)
        self.beat_l0 = GRU(1, hidden, start, few_kernels=self.few_kernels)
        self.beat_l1 = GRU(hidden, hidden, start, few_kernels=self.few_kernels)
        self.beat_to_tick_h0 = Linear(hidden, 2 * hidden, start.linear)
        self.beat_to_tick_in = Linear(hidden, hidden, start.linear)
        self.tick_l0 = GRU(self.embedding_size + hidden, hidden, start, few_kernels=self.few_kernels)
        self.tick_l1 = GRU(hidden, hidden, start, few_kernels=self.few_kernels)
        self.out = Linear(hidden, self.vocab_size, start.linear)

    def beats(self, z_BxZ: Array, dropout_key: Array | None) -> tuple[Array, Array, Array]:
        """Runs the beat GRU and returns what each beat passes to its ticks.

        Returns:
            The first states of both layers of the tick GRU, (Q, B, H) each, and the part of the projected input of its
            first layer that is the same at all ticks of a beat, (Q, B, 3H).
        """
        h0, h1 = jnp.split(nn.selu(self.z_to_beat_h0(z_BxZ)), 2, axis=-1)
        constant_QxBx1 = jnp.broadcast_to(self.b0[None, None, :], (self.grid.n_beats, z_BxZ.shape[0], 1))
        out0 = self.beat_l0.scan(self.beat_l0.project(constant_QxBx1), h0)
        out_QxBxH = self.beat_l1.scan(self.beat_l1.project(dropout(out0, self.dropout, dropout_key)), h1)
        tick_h0, tick_h1 = jnp.split(nn.selu(self.beat_to_tick_h0(out_QxBxH)), 2, axis=-1)
        tick_in = nn.selu(self.beat_to_tick_in(out_QxBxH))
        return tick_h0, tick_h1, affine(tick_in, self.tick_l0.w_ih[self.embedding_size :], self.tick_l0.b_ih)

    def token_table(self) -> Array:
        """Returns the projected embedding of every token and, in the last row, of the start symbol, (V + 1, 3H)."""
        every = jnp.concatenate([self.embedding, self.x0[None]])
        return product(every, self.tick_l0.w_ih[: self.embedding_size])

    def logits(self, h: Array) -> Array:
        """Returns the logits (..., V) of states (..., H) of the tick GRU's second layer."""
        logits = affine(h, self.out.w, self.out.b)
        return nn.relu(logits) if self.relu_logits else logits

    def teacher_forced(self, z_BxZ: Array, tokens_BxT: Array, dropout_key: Array | None) -> Array:
        """Returns logits (B, T, V) where every tick is fed the true previous token.

        The tick GRU starts again at each beat, so all beats are computed at once, as one batch of Q B.
        """
        beat_key, tick_key = split_or_none(dropout_key)
        h0_QxBxH, h1_QxBxH, constant_QxBxG = self.beats(z_BxZ, beat_key)
        batch, hidden = z_BxZ.shape[0], self.hidden_size
        n_beats, per_beat = self.grid.n_beats, self.grid.ticks_per_beat
        start = jnp.full((batch, 1), self.vocab_size, tokens_BxT.dtype)
        before_BxT = jnp.concatenate([start, tokens_BxT[:, :-1]], axis=1)
        before_KxQxB = before_BxT.reshape(batch, n_beats, per_beat).transpose(2, 1, 0)
        rows = n_beats * batch
        tokens_KxRxG = look_up(self.token_table(), before_KxQxB.reshape(per_beat, rows))
        x_proj = add_to_every_tick(tokens_KxRxG, constant_QxBxG.reshape(rows, 3 * hidden))
        out0 = self.tick_l0.scan(x_proj, h0_QxBxH.reshape(rows, hidden))
        out0 = dropout(out0, self.dropout, tick_key)
        out1 = self.tick_l1.scan(self.tick_l1.project(out0), h1_QxBxH.reshape(rows, hidden))
        logits_KxQxBxV = self.logits(out1.reshape(per_beat, n_beats, batch, hidden))
        return logits_KxQxBxV.transpose(2, 1, 0, 3).reshape(batch, self.grid.n_ticks, self.vocab_size)

    def step_by_step(self, z_BxZ: Array, tokens_BxT: Array, teacher_T: Array, dropout_key: Array | None) -> Array:
        """Returns logits (B, T, V), decoded tick by tick.

        Tick t + 1 is fed the true token of tick t if `teacher_T[t]` is true, else the most probable one.
        """
        beat_key, tick_key = split_or_none(dropout_key)
        # Linen modules cannot be called inside a plain scan, so the scan closes over their arrays.
        table, l0, l1 = self.token_table(), self.tick_l0.weights(), self.tick_l1.weights()
        out_w, out_b = self.out.w, self.out.b

        def beat(before_B: Array, xs: tuple[Any, ...]) -> tuple[Array, Array]:
            h0, h1, constant_BxG, *ticks = xs
            h0, h1 = kept(h0), kept(h1)

            def tick(carry: tuple[Array, ...], xs: tuple[Any, ...]) -> tuple[tuple[Array, ...], Array]:
                before_B, h0, h1 = carry
                token_B, teacher, key = xs
                h0 = gru_cell(look_up(table, before_B) + constant_BxG, h0, l0.w_hh, l0.b_hh)
                h1 = gru_cell(affine(dropout(h0, self.dropout, key), l1.w_ih, l1.b_ih), h1, l1.w_hh, l1.b_hh)
                logits = affine(h1, out_w, out_b)
                logits = nn.relu(logits) if self.relu_logits else logits
                own_B = jnp.argmax(logits, axis=-1).astype(token_B.dtype)
                return (jnp.where(teacher, token_B, own_B), h0, h1), logits

            first: tuple[Array, ...] = (before_B, h0, h1)
            last, logits_KxBxV = lax.scan(tick, first, tuple(ticks), unroll=self.few_kernels)
            return last[0], logits_KxBxV

        batch, by_beat = z_BxZ.shape[0], (self.grid.n_beats, self.grid.ticks_per_beat)
        tick_keys = None if tick_key is None else jax.random.split(tick_key, by_beat)
        start_B = jnp.full((batch,), self.vocab_size, tokens_BxT.dtype)
        xs = (
            *self.beats(z_BxZ, beat_key),
            tokens_BxT.T.reshape(*by_beat, batch),
            teacher_T.reshape(by_beat),
            tick_keys,
        )
        logits_QxKxBxV = lax.scan(beat, start_B, xs, unroll=self.few_kernels)[1]
        return logits_QxKxBxV.reshape(self.grid.n_ticks, batch, self.vocab_size).transpose(1, 0, 2)


def split_or_none(key: Array | None) -> tuple[Array | None, Array | None]:
    """Splits a key into two; None gives two None."""
    return (None, None) if key is None else tuple(jax.random.split(key))


class MeasureVAE(Layer):
    """Encoder and decoder. Call the methods by `apply`; `init(key, method="declare")` draws the weights."""

    vocab_size: int
    hidden_size: int
    latent_dim: int
    dropout: float = 0.0
    relu_logits: bool = False
    scaled_start: bool = False
    grid: Grid = GRIDS[COMMON]
    few_kernels: bool = False

    def setup(self) -> None:
        start = SCALED_MEASURE_VAE if self.scaled_start else MEASURE_VAE
        shared = {
            "latent_dim": self.latent_dim,
            "start": start,
            "dropout": self.dropout,
            "few_kernels": self.few_kernels,
        }
        self.encoder = Encoder(self.vocab_size, EMBEDDING_SIZE, self.hidden_size, **shared)
        self.decoder = Decoder(
            self.vocab_size,
            EMBEDDING_SIZE,
            self.hidden_size,
            relu_logits=self.relu_logits,
            grid=self.grid,
            **shared,
        )

    def encode(self, tokens_BxT: Array, dropout_key: Array | None = None) -> tuple[Array, Array]:
        """Returns mean and log standard deviation of the posterior, (B, Z) each; without a key there is no dropout."""
        return self.encoder(tokens_BxT, dropout_key)

    def decode(
        self,
        z_BxZ: Array,
        conditions_BxK: Array | None = None,
        tokens_BxT: Array | None = None,
        teacher_T: Array | None = None,
        dropout_key: Array | None = None,
    ) -> Array:
        """Returns logits (B, T, V) for codes.

        Decoding is free-running and greedy without `tokens_BxT`, teacher-forced with it, and mixed with `teacher_T`, as
        `step_by_step` says. Without a key there is no dropout. MeasureVAE ignores `conditions_BxK`.
        """
        del conditions_BxK
        if tokens_BxT is None:
            n_ticks = self.grid.n_ticks
            tokens_BxT, teacher_T = jnp.zeros((z_BxZ.shape[0], n_ticks), jnp.int32), jnp.zeros(n_ticks, bool)
        if teacher_T is None:
            return self.decoder.teacher_forced(z_BxZ, tokens_BxT, dropout_key)
        return self.decoder.step_by_step(z_BxZ, tokens_BxT, teacher_T, dropout_key)


class MeasureVAEModel(Model):
    """MeasureVAE with attribute regularisation: dimension k of the code learns to order measures by attribute k."""

    weighted_terms: ClassVar[Mapping[str, str]] = {"regularisation": "gamma"}

    def networks(self, program: Program) -> dict[str, Layer]:
        recipe = program.recipe
        return {
            "vae": MeasureVAE(
                program.vocab_size,
                program.hidden_size,
                program.latent_dim,
                dropout=recipe.dropout,
                relu_logits=recipe.relu_logits,
                scaled_start=recipe.scaled_start,
                grid=program.grid,
                few_kernels=program.few_kernels,
            )
        }

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
        del params, posterior
        terms_K = attribute_regularisation(z_BxZ[:, : program.n_attributes], batch.attributes, hp.delta, weight_B)
        return {"regularisation": (terms_K * hp.attribute_mask()).sum()}

    def multiplications(self, program: Program) -> int:
        H, Z, V = program.hidden_size, program.latent_dim, program.vocab_size
        gates, grid = 3 * H, program.grid
        layers = 2 * (gates * H) + 2 * (gates * 2 * H + gates * H)
        encoder = grid.n_ticks * layers + 2 * (4 * H * 2 * H + 2 * H * Z)
        of_beat = 3 * (gates * H) + 2 * H * H + H * H + gates * H
        decoder = Z * 2 * H + grid.n_beats * of_beat + grid.n_ticks * (3 * (gates * H) + H * V)
        return 3 * encoder + (7 if program.steers else 3) * decoder  # steering decodes twice, once without gradient
