"""A trained model, as an object whose methods take and return numpy arrays. It does not import JAX.

`play.restore` makes one from a run, with networks in JAX; `play.load` makes one from a file, with networks in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import Trial, format_attributes
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play import steer
from vaemusic_jax.play.about import About
from vaemusic_jax.play.numpy_layers import Weights, drawing
from vaemusic_jax.play.numpy_networks import NUMPY_NETWORKS, NumpyNetwork, sizes_of

if TYPE_CHECKING:
    from vaemusic_jax.data.measures import ReadMeasures
    from vaemusic_jax.data.tunes import Pitch, Voices


class Networks(Protocol):
    """An encoder and a greedy decoder, in JAX or NumPy."""

    def encode(self, tokens_NxT: NDArray[np.int32]) -> NDArray[np.float32]:
        """Returns posterior means, (N, Z) or, with the padding of a cohort, more dimensions."""

    def decode_greedily(self, z: NDArray[np.float32], conditions: NDArray[np.float32]) -> NDArray[np.int32]:
        """Returns tokens (N, T) of codes (N, Z) and standardised attribute values (N, K)."""


@dataclass(frozen=True)
class EncodedFile:
    """A file of music as codes of a model. Shapes as in `TrainedModel`.

    Attributes:
        codes: the posterior mean of each measure, (N, Z), as an array that may be modified.
        tokens: the measures that were encoded, (N, T).
        measures: where they stand in the file, and which others were dropped and why. Their names are as written.
        octaves: by how many octaves each tune was moved, by its name; tunes that were not are left out.
        respelled: the spelling of each pitch that the model's vocabulary lacks -> the one that took its place.
    """

    codes: NDArray[np.float32]
    tokens: NDArray[np.int32]
    measures: ReadMeasures
    octaves: dict[str, int]
    respelled: dict[str, str]


class TrainedModel:
    """A trained model. Shapes: N measures, T ticks (24 in 4/4), Z the latent size, K its regularised attributes.

    Attributes:
        trial: the configuration of the model.
        vocabulary: the vocabulary of its tokens, with the grid of its measures.
        params: the weights by name, float32, such as "decoder/out/w"; what decoding and encoding to means need.
        standardise: (2, K) mean and standard deviation of each of its attributes in its training measures.
        told: whether its decoder is told attribute values, so that they are its controls. Otherwise control k is
            dimension k of the code.
    """

    def __init__(
        self,
        trial: Trial,
        vocabulary: Vocabulary,
        params: Weights,
        standardise: NDArray[np.float32],
        told: bool,
        networks: Networks | None = None,
        about: About | Callable[[TrainedModel], About] | None = None,
    ) -> None:
        """Callers use `restore` or `load` instead.

        Args:
            trial, vocabulary, params, standardise, told: as in the class.
            networks: what encodes and decodes; without it the model runs in NumPy.
            about: facts about its training measures, or a function that finds them when they are first needed.

        Raises:
            ValueError: the weights are not those of the networks, or there are no networks of this model in NumPy.
        """
        self.trial, self.vocabulary, self.params = trial, vocabulary, params
        self.standardise, self.told, self._about = standardise, told, about
        self._networks = networks or self.numpy

    def __repr__(self) -> str:
        name, size = MODELS[self.trial.model].title, self.trial.latent_dim
        controls = format_attributes(self.trial.attributes)
        return f"<{name} of {self.trial.dataset} in {self.vocabulary.metre}: {size} dimensions, controls: {controls}>"

    @cached_property
    def about(self) -> About:
        """Facts about its training measures. Raises UserError if they are not there."""
        if self._about is None:
            raise UserError("this model has no facts about its training measures")
        return self._about(self) if callable(self._about) else self._about

    @cached_property
    def numpy(self) -> NumpyNetwork:
        """The networks in NumPy. Raises ValueError as `__init__` does."""
        if self.trial.model not in NUMPY_NETWORKS:
            raise ValueError(f"there are no networks of {self.trial.model} in NumPy")
        return NUMPY_NETWORKS[self.trial.model](sizes_of(self.trial, self.vocabulary), self.params)

    def encode(self, tokens: ArrayLike) -> NDArray[np.float32]:
        """Encodes measures.

        Args:
            tokens: (N, T) or (T,) token indices.

        Returns:
            The posterior means, (N, Z), as an array that may be modified.

        Raises:
            ValueError: the tokens have another shape, are no integers, or are not in the vocabulary.
        """
        return np.array(self._networks.encode(self._checked(tokens))[:, : self.trial.latent_dim])

    def encode_file(self, source: str | Path, *, octaves: bool = False, voices: Voices = "melody") -> EncodedFile:
        """Reads a file of music and encodes its measures in the model's metre.

            tune = model.encode_file("tune.abc")

        A spelling that the model's vocabulary lacks becomes the one it has for that pitch, `E#4` for example `F4`. A
        pitch that it lacks altogether is an error, or moves its tune: all of its measures by the same octaves.

        Args:
            source: the file, or tunes in ABC as text, as in `read_measures`.
            octaves: whether a tune that does not fit into the vocabulary is moved by octaves, as few as possible.
            voices: as in `read_measures`.

        Raises:
            UserError: the file cannot be read, no measure of it can be used, or a pitch is not in the vocabulary.
        """
        from vaemusic_jax.data.fitting import fit  # here, because they import every reader
        from vaemusic_jax.data.measures import read_measures

        pitch: Pitch = "microtonal" if self.vocabulary.microtonal else "rounded"
        measures = read_measures(source, metre=self.vocabulary.metre, voices=voices, pitch=pitch)
        if not measures.names:
            reasons = "; ".join(f"{reason}: {count}" for reason, count in measures.reasons().items())
            raise UserError(f"{measures.source}: no measure in {measures.metre} that can be used ({reasons})")
        fitted = fit(measures, self.vocabulary, octaves=octaves)
        return EncodedFile(self.encode(fitted.tokens), fitted.tokens, measures, fitted.octaves, fitted.respelled)

    def decode(self, codes: ArrayLike, attributes: ArrayLike | None = None) -> NDArray[np.int32]:
        """Decodes codes to measures, free-running and greedy.

        Args:
            codes: (N, Z) or (Z,), for example from `encode`. Dimension k of a MeasureVAE controls
                `trial.attributes[k]`.
            attributes: (N, K) or (K,) values of `trial.attributes`. AdversarialVAE, whose decoder is given attributes,
                needs them; MeasureVAE ignores them.

        Returns:
            The tokens of the measures, (N, T).

        Raises:
            ValueError: codes or attributes have another shape or are not finite, or the model needs attributes and
                there are none.
        """
        z = self._codes(codes)
        return self._networks.decode_greedily(z, self._conditions(attributes, len(z)))

    def sample(
        self, n: int, seed: int = 0, attributes: ArrayLike | None = None, temperature: float | None = None
    ) -> NDArray[np.int32]:
        """Decodes `n` codes that are drawn from the prior.

        Args:
            n: the number of measures.
            seed: the seed of the draws.
            attributes: as in `decode`.
            temperature: draws each token from the probabilities of the logits over the temperature; None takes the most
                probable token.

        Returns:
            The tokens of the measures, (n, T).

        Raises:
            ValueError: as in `decode`, or the temperature is not above 0.
        """
        rng = np.random.default_rng(seed)
        codes = rng.standard_normal((n, self.trial.latent_dim), np.float32)
        return self.decode_at(codes, attributes, rng, temperature)

    def decode_at(
        self, codes: ArrayLike, attributes: ArrayLike | None, rng: np.random.Generator, temperature: float | None
    ) -> NDArray[np.int32]:
        """Decodes codes, with tokens drawn at a temperature, see `sample`, or the most probable ones for None.

        Raises:
            ValueError: as in `sample`.
        """
        if temperature is None:
            return self.decode(codes, attributes)
        z = self._codes(codes)
        return self.numpy.decode(z, self._conditions(attributes, len(z)), drawing(rng, temperature))[0]

    def attributes(self, tokens: ArrayLike) -> NDArray[np.float32]:
        """Computes the attributes of measures (N, T): (N, A), in the order of `music.attributes.ATTRIBUTES`.

        Raises:
            ValueError: as in `encode`.
        """
        return compute_attributes(self._checked(tokens), self.vocabulary.midi, self.vocabulary.grid)

    def own_attributes(self, tokens: ArrayLike) -> NDArray[np.float32]:
        """Computes the attributes that the model has controls of: (N, K), in the order of `trial.attributes`.

        Raises:
            ValueError: as in `encode`.
        """
        return self.attributes(tokens)[:, ATTRIBUTES.columns(self.trial.attributes)]

    def control(self, attribute: str) -> int:
        """Returns the number of the control of an attribute. Raises ValueError if the model has none."""
        if attribute not in self.trial.attributes:
            names = ", ".join(self.trial.attributes) or "no attribute"
            raise ValueError(f"{attribute!r} has no control in this model, which has controls of {names}")
        return self.trial.attributes.index(attribute)

    def set_controls(
        self, codes: ArrayLike, attributes: ArrayLike, values: Sequence[float | ArrayLike | None]
    ) -> NDArray[np.int32]:
        """Decodes codes with some controls set to new values.

        Args:
            codes: (N, Z) or (Z,) codes.
            attributes: (N, K) values of `trial.attributes`, which a told decoder keeps where a control is not set.
            values: for each control its new value, one or (N,), or None to keep what it is.

        Returns:
            The tokens of the measures, (N, T).

        Raises:
            ValueError: as in `decode`, or there are more or fewer values than controls.
        """
        z, told = self._codes(codes).copy(), np.array(np.atleast_2d(np.asarray(attributes, np.float32)))
        if len(values) != len(self.trial.attributes):
            raise ValueError(f"{len(values)} values; the model has {len(self.trial.attributes)} controls")
        told = np.array(np.broadcast_to(told, (len(z), told.shape[1])))
        for k, value in enumerate(values):
            if value is not None:
                (told if self.told else z)[:, k] = value
        return self.decode(z, told)

    def turn(
        self, tokens: ArrayLike, attribute: str, value: float | None = None, *, level: float | None = None
    ) -> NDArray[np.int32]:
        """Decodes measures again with one control set to a new value, see `play.steer.turn`."""
        return steer.turn(self, tokens, attribute, value, level=level)

    def aim(self, tokens: ArrayLike | None = None, **asked: Any) -> steer.Aimed:
        """Finds a measure whose attributes are near what is asked for, see `play.steer.aim`."""
        return steer.aim(self, tokens, **asked)

    def interpolate(self, first: ArrayLike, last: ArrayLike, steps: int = 8) -> NDArray[np.int32]:
        """Decodes evenly spaced points between two measures, see `play.steer.interpolate`."""
        return steer.interpolate(self, first, last, steps)

    def _codes(self, codes: ArrayLike) -> NDArray[np.float32]:
        """Returns codes as an array (N, Z). Raises ValueError as `decode` does."""
        z = np.atleast_2d(np.asarray(codes, np.float32))
        if z.ndim != 2 or z.shape[1] != self.trial.latent_dim:
            raise ValueError(f"codes have shape {z.shape}; this model needs (N, {self.trial.latent_dim})")
        if not np.isfinite(z).all():
            raise ValueError("a code is not finite")
        return z

    def _checked(self, tokens: ArrayLike) -> NDArray[np.int32]:
        """Returns tokens as an array (N, T). Raises ValueError as `encode` does."""
        found, n_ticks = np.atleast_2d(np.asarray(tokens)), self.vocabulary.grid.n_ticks
        if found.ndim != 2 or found.shape[1] != n_ticks or not np.issubdtype(found.dtype, np.integer):
            raise ValueError(
                f"tokens have shape {found.shape} and type {found.dtype}; they need (N, {n_ticks}) integers"
            )
        if found.size and not (found.min() >= 0 and found.max() < len(self.vocabulary)):
            raise ValueError(f"tokens reach {found.min()}...{found.max()}; the vocabulary has {len(self.vocabulary)}")
        return found.astype(np.int32)

    def _conditions(self, attributes: ArrayLike | None, n: int) -> NDArray[np.float32]:
        """Returns standardised attribute values, (N, K). Raises ValueError as `decode` does."""
        n_own = len(self.trial.attributes)
        if not self.told:
            return np.zeros((n, n_own), np.float32)
        if attributes is None:
            raise ValueError(
                f"an {self.trial.model} decodes for given attributes: pass values of {self.trial.attributes}"
            )
        values = np.atleast_2d(np.asarray(attributes, np.float32))
        if values.shape not in ((n, n_own), (1, n_own)):
            raise ValueError(f"attributes have shape {values.shape}; {n} codes need ({n}, {n_own})")
        if not np.isfinite(values).all():
            raise ValueError("an attribute value is not finite")
        mean_K, std_K = self.standardise
        return np.asarray((np.broadcast_to(values, (n, n_own)) - mean_K) / std_K, np.float32)
