"""Both networks in idiomatic PyTorch, for comparison with our training step.

They were written from the formulas of the two papers. Decoders feed themselves tick by tick in a Python loop, which
free running and scheduled sampling need; with `whole=True`, teacher-forced ticks go to `nn.GRU` all at once instead.

Shapes: B batch, T ticks (24), H hidden, Z latent, V vocabulary, E embedding, K attributes, C classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.study_grid import N_BEATS, N_TICKS, TICKS_PER_BEAT
from vaemusic_jax.models.measure_vae import EMBEDDING_SIZE
from vaemusic_jax.models.member import N_CLASSES


class MeasureEncoder(nn.Module):
    def __init__(self, vocab_size: int, hidden_size: int, latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, EMBEDDING_SIZE)
        self.gru = nn.GRU(EMBEDDING_SIZE, hidden_size, 2, batch_first=True, dropout=dropout, bidirectional=True)
        self.mean = self.head(hidden_size, latent_dim)
        self.log_std = self.head(hidden_size, latent_dim)

    @staticmethod
    def head(hidden_size: int, latent_dim: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(4 * hidden_size, 2 * hidden_size), nn.SELU(), nn.Linear(2 * hidden_size, latent_dim)
        )

    def forward(self, tokens_BxT: Tensor) -> tuple[Tensor, Tensor]:
        final_4xBxH = self.gru(self.embedding(tokens_BxT))[1]
        final_Bx4H = final_4xBxH.transpose(0, 1).flatten(1)
        return self.mean(final_Bx4H), self.log_std(final_Bx4H)


class MeasureDecoder(nn.Module):
    def __init__(
        self, vocab_size: int, hidden_size: int, latent_dim: int, dropout: float, relu_logits: bool, whole: bool
    ) -> None:
        super().__init__()
        self.relu_logits, self.whole = relu_logits, whole
        self.embedding = nn.Embedding(vocab_size, EMBEDDING_SIZE)
        self.b0 = nn.Parameter(torch.zeros(1))
        self.x0 = nn.Parameter(torch.zeros(EMBEDDING_SIZE))
        self.z_to_beat_h0 = nn.Linear(latent_dim, 2 * hidden_size)
        self.beat_gru = nn.GRU(1, hidden_size, 2, batch_first=True, dropout=dropout)
        self.beat_to_tick_h0 = nn.Linear(hidden_size, 2 * hidden_size)
        self.beat_to_tick_in = nn.Linear(hidden_size, hidden_size)
        self.tick_gru = nn.GRU(EMBEDDING_SIZE + hidden_size, hidden_size, 2, batch_first=True, dropout=dropout)
        self.out = nn.Linear(hidden_size, vocab_size)

    def forward(self, z_BxZ: Tensor, tokens_BxT: Tensor | None) -> Tensor:
        """Returns logits (B, T, V), teacher-forced if tokens are given, else fed with the model's own tokens."""
        beat_h0 = both_layers(functional.selu(self.z_to_beat_h0(z_BxZ)))
        beats_BxQxH = self.beat_gru(self.b0.expand(len(z_BxZ), N_BEATS, 1), beat_h0)[0]
        tick_h0_BxQx2H = functional.selu(self.beat_to_tick_h0(beats_BxQxH))
        tick_in_BxQxH = functional.selu(self.beat_to_tick_in(beats_BxQxH))
        if self.whole and tokens_BxT is not None:
            return self.teacher_forced(tick_h0_BxQx2H, tick_in_BxQxH, tokens_BxT)
        before_BxE = self.x0.expand(len(z_BxZ), -1)
        logits = []
        for beat in range(N_BEATS):
            state = both_layers(tick_h0_BxQx2H[:, beat])
            for tick in range(beat * TICKS_PER_BEAT, (beat + 1) * TICKS_PER_BEAT):
                x = torch.cat([before_BxE, tick_in_BxQxH[:, beat]], dim=-1)
                h_Bx1xH, state = self.tick_gru(x.unsqueeze(1), state)
                logits.append(self.logits(h_Bx1xH.squeeze(1)))
                token_B = logits[-1].argmax(-1) if tokens_BxT is None else tokens_BxT[:, tick]
                before_BxE = self.embedding(token_B)
        return torch.stack(logits, dim=1)

    def teacher_forced(self, tick_h0_BxQx2H: Tensor, tick_in_BxQxH: Tensor, tokens_BxT: Tensor) -> Tensor:
        """Returns the same logits without a loop; each beat has a state of its own, so beats form the batch."""
        batch, hidden = len(tokens_BxT), tick_in_BxQxH.shape[-1]
        x0_Bx1xE = self.x0.expand(batch, 1, -1)
        before_BxTxE = torch.cat([x0_Bx1xE, self.embedding(tokens_BxT[:, :-1])], dim=1)
        before_BxQxKxE = before_BxTxE.view(batch, N_BEATS, TICKS_PER_BEAT, -1)
        tick_in_BxQxKxH = tick_in_BxQxH.unsqueeze(2).expand(-1, -1, TICKS_PER_BEAT, -1)
        x = torch.cat([before_BxQxKxE, tick_in_BxQxKxH], dim=-1).flatten(0, 1)
        h = self.tick_gru(x, both_layers(tick_h0_BxQx2H.flatten(0, 1)))[0]
        return self.logits(h.reshape(batch, N_TICKS, hidden))

    def logits(self, h: Tensor) -> Tensor:
        logits = self.out(h)
        return functional.relu(logits) if self.relu_logits else logits


def both_layers(state_Bx2H: Tensor) -> Tensor:
    """Returns the initial states (2, B, H) of a two-layer GRU from one row for each measure."""
    return torch.stack(state_Bx2H.chunk(2, dim=-1))


class MeasureVAE(nn.Module):
    """MeasureVAE (Pati & Lerch 2020)."""

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        latent_dim: int,
        dropout: float = 0.0,
        relu_logits: bool = False,
        decoder_hidden_size: int | None = None,  # By default it is that of the encoder.
        whole: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = MeasureEncoder(vocab_size, hidden_size, latent_dim, dropout)
        self.decoder = MeasureDecoder(
            vocab_size, decoder_hidden_size or hidden_size, latent_dim, dropout, relu_logits, whole
        )


class AdversarialEncoder(nn.Module):
    def __init__(self, vocab_size: int, hidden_size: int, latent_dim: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.gru = nn.GRU(vocab_size, hidden_size, batch_first=True, bidirectional=True)
        self.mean = nn.Linear(2 * hidden_size, latent_dim)
        self.log_std = nn.Linear(2 * hidden_size, latent_dim)

    def forward(self, tokens_BxT: Tensor) -> tuple[Tensor, Tensor]:
        final_2xBxH = self.gru(one_hot(tokens_BxT, self.vocab_size))[1]
        final_Bx2H = final_2xBxH.transpose(0, 1).flatten(1)
        return self.mean(final_Bx2H), self.log_std(final_Bx2H)


class AdversarialDecoder(nn.Module):
    """AdversarialVAE's decoder; its start symbol is the last token of the vocabulary, or one of its own after that."""

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        latent_dim: int,
        n_attributes: int,
        own_start_symbol: bool,
        whole: bool,
    ) -> None:
        super().__init__()
        self.n_tokens, self.whole = vocab_size + int(own_start_symbol), whole
        self.z_to_h0 = nn.Linear(latent_dim, hidden_size)
        seen = self.n_tokens + latent_dim + n_attributes
        if whole:
            self.gru1 = nn.GRU(seen, hidden_size, batch_first=True)
            self.gru2 = nn.GRU(hidden_size, hidden_size, batch_first=True)
        else:
            self.cell1 = nn.GRUCell(seen, hidden_size)
            self.cell2 = nn.GRUCell(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, vocab_size)

    def forward(self, z_BxZ: Tensor, conditions_BxK: Tensor, tokens_BxT: Tensor, teacher_T: list[bool]) -> Tensor:
        """Returns logits (B, T, V); the decoder is fed the true token after tick t if `teacher_T[t]`, else its own."""
        constant = torch.cat([z_BxZ, conditions_BxK], dim=-1)
        h1 = torch.tanh(self.z_to_h0(z_BxZ))
        start_B = tokens_BxT.new_full((len(z_BxZ),), self.n_tokens - 1)
        if self.whole and all(teacher_T):
            before_BxT = torch.cat([start_B.unsqueeze(1), tokens_BxT[:, :-1]], dim=1)
            constant = constant.unsqueeze(1).expand(-1, N_TICKS, -1)
            x = torch.cat([one_hot(before_BxT, self.n_tokens), constant], dim=-1)
            h1_BxTxH = self.gru1(x, h1.unsqueeze(0))[0]
            h2_BxTxH = self.gru2(h1_BxTxH, h1_BxTxH[:, :1].transpose(0, 1).contiguous())[0]
            return self.out(h2_BxTxH)
        before_B, h2, logits = start_B, None, []
        for tick in range(N_TICKS):
            h1 = self.cell1(torch.cat([one_hot(before_B, self.n_tokens), constant], dim=-1), h1)
            h2 = self.cell2(h1, h1 if h2 is None else h2)
            logits.append(self.out(h2))
            before_B = tokens_BxT[:, tick] if teacher_T[tick] else logits[-1].argmax(-1)
        return torch.stack(logits, dim=1)


def one_hot(tokens: Tensor, n_tokens: int) -> Tensor:
    return functional.one_hot(tokens, n_tokens).to(torch.get_default_dtype())


class AdversarialVAE(nn.Module):
    """AdversarialVAE (Kawai, Esling & Harada 2020) without its classifier."""

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        latent_dim: int,
        n_attributes: int,
        own_start_symbol: bool = False,
        whole: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = AdversarialEncoder(vocab_size, hidden_size, latent_dim)
        self.decoder = AdversarialDecoder(vocab_size, hidden_size, latent_dim, n_attributes, own_start_symbol, whole)


class Classifier(nn.Module):
    """AdversarialVAE's discriminator, which gives the logits (B, K, C) of each attribute's classes."""

    def __init__(self, latent_dim: int, n_attributes: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(latent_dim, latent_dim // 2)
        self.fc2 = nn.Linear(latent_dim // 2, n_attributes * N_CLASSES)

    def forward(self, z_BxZ: Tensor) -> Tensor:
        return self.fc2(functional.leaky_relu(self.fc1(z_BxZ))).unflatten(-1, (-1, N_CLASSES))
