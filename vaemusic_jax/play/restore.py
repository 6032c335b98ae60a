"""Restoring a trained model from its run, as an object whose methods take and return numpy arrays."""

import functools
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaemusic_jax.config.trial import Trial, parse_attributes
from vaemusic_jax.data.fitting import fit
from vaemusic_jax.data.measures import ReadMeasures, read_measures
from vaemusic_jax.data.tunes import Pitch, Voices
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.member import HyperParameters, restored
from vaemusic_jax.models.program import Program, implementation_of, program_of
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory


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
    """

    def __init__(
        self, trial: Trial, vocabulary: Vocabulary, program: Program, params: Params, hp: HyperParameters
    ) -> None:
        """Compiles nothing yet; the first call of `encode` and of `decode` does. Callers use `restore` instead.

        Args:
            trial: the configuration of the model.
            vocabulary: the vocabulary of its tokens.
            program: the program of the cohort that it was trained in.
            params: its weights.
            hp: its hyper-parameters.
        """
        self.trial, self.vocabulary = trial, vocabulary
        self._hp, self._width = hp, program.latent_dim

        # The weights are an argument, since XLA would spend much time on folding them if they were constants.
        def encode(weights: Params, tokens: jax.Array) -> jax.Array:
            return program.encode(weights, tokens).mean

        def decode(weights: Params, z: jax.Array, values: jax.Array) -> jax.Array:
            return jnp.argmax(program.decode(weights, z, hp.conditions(values)), -1)

        weights = jax.device_put({"vae": params["vae"]})
        self._encode = functools.partial(jax.jit(encode), weights)
        self._decode = functools.partial(jax.jit(decode), weights)

    def encode(self, tokens: ArrayLike) -> NDArray[np.float32]:
        """Encodes measures.

        Args:
            tokens: (N, T) or (T,) token indices.

        Returns:
            The posterior means, (N, Z), as an array that may be modified.

        Raises:
            ValueError: the tokens have another shape, are no integers, or are not in the vocabulary.
        """
        return np.array(self._encode(self._checked(tokens)))[:, : self.trial.latent_dim]

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
            ValueError: codes or attributes have another shape, or the model needs attributes and there are none.
        """
        codes = np.atleast_2d(np.asarray(codes, np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.trial.latent_dim:
            raise ValueError(f"codes have shape {codes.shape}; this model needs (N, {self.trial.latent_dim})")
        z = np.pad(codes, ((0, 0), (0, self._width - codes.shape[1])))
        return np.asarray(self._decode(z, self._conditions(attributes, len(codes))), np.int32)

    def sample(self, n: int, seed: int = 0, attributes: ArrayLike | None = None) -> NDArray[np.int32]:
        """Decodes `n` codes that are drawn from the prior.

        Args:
            n: the number of measures.
            seed: the seed of the draws.
            attributes: as in `decode`.

        Returns:
            The tokens of the measures, (n, T).

        Raises:
            ValueError: as in `decode`.
        """
        codes = np.random.default_rng(seed).standard_normal((n, self.trial.latent_dim), np.float32)
        return self.decode(codes, attributes)

    def attributes(self, tokens: ArrayLike) -> NDArray[np.float32]:
        """Computes the attributes of measures (N, T): (N, 4), in the order of `music.attributes.ATTRIBUTES`.

        Raises:
            ValueError: as in `encode`.
        """
        return compute_attributes(self._checked(tokens), self.vocabulary.midi, self.vocabulary.grid)

    def _checked(self, tokens: ArrayLike) -> NDArray[np.int32]:
        """Returns tokens as an array (N, T). Raises ValueError as `encode` does."""
        tokens, n_ticks = np.atleast_2d(np.asarray(tokens)), self.vocabulary.grid.n_ticks
        if tokens.ndim != 2 or tokens.shape[1] != n_ticks or not np.issubdtype(tokens.dtype, np.integer):
            raise ValueError(
                f"tokens have shape {tokens.shape} and type {tokens.dtype}; they need (N, {n_ticks}) integers"
            )
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < len(self.vocabulary)):
            raise ValueError(f"tokens reach {tokens.min()}...{tokens.max()}; the vocabulary has {len(self.vocabulary)}")
        return tokens.astype(np.int32)

    def _conditions(self, attributes: ArrayLike | None, n: int) -> NDArray[np.float32]:
        """Returns attribute values in the padded slots of the cohort. Raises ValueError as `decode` does."""
        slots = self._hp.attribute_index.shape[0]
        if not implementation_of(self.trial.model).controls.told:
            return np.zeros((n, slots), np.float32)
        if attributes is None:
            raise ValueError(
                f"an {self.trial.model} decodes for given attributes: pass values of {self.trial.attributes}"
            )
        values = np.atleast_2d(np.asarray(attributes, np.float32))
        if values.shape not in ((n, len(self.trial.attributes)), (1, len(self.trial.attributes))):
            raise ValueError(
                f"attributes have shape {values.shape}; {n} codes need ({n}, {len(self.trial.attributes)})"
            )
        values = np.broadcast_to(values, (n, values.shape[1]))
        return np.pad(values, ((0, 0), (0, slots - values.shape[1])))


def restore(run: str | Path, **which: Any) -> TrainedModel:
    """Restores the trained model of the trial that has the given field values.

        restore("runs/quickstart", model="measure_vae", latent_dim=32)

    If the trial has diverged, it is the model before the step at which it diverged, and a warning says so.

    Args:
        run: the folder that a sweep wrote.
        which: values of any fields of `Trial`, or of `id`; attributes are written as in a configuration ("all",
            "note_density+note_range").

    Raises:
        UserError: the folder is no run, a field does not exist, not exactly one trial has these values, or the
            checkpoint cannot be read.
    """
    found = RunDirectory.read(run)
    if isinstance(which.get("attributes"), str):
        try:
            which["attributes"] = parse_attributes(which["attributes"])
        except ValueError as error:
            raise UserError(f"{run}: attributes: {error}") from None
    for name in which:
        if name not in (*Trial.model_fields, "id"):
            raise UserError(f"{run}: {name} is no field of a trial; use one of {', '.join(Trial.model_fields)} or id")
    chosen = [t for t in found.trials if all(getattr(t, name) == value for name, value in which.items())]
    if len(chosen) != 1:
        asked = ", ".join(f"{name}={value!r}" for name, value in which.items()) or "no field given"
        differing = [n for n in Trial.model_fields if len({getattr(t, n) for t in chosen or found.trials}) > 1]
        raise UserError(
            f"{run}: {len(chosen)} of {len(found.trials)} trials have {asked}; they differ in {', '.join(differing)}"
        )
    trial = chosen[0]
    cohort = next(cohort for cohort in found.cohorts if trial in cohort.trials)
    store = CheckpointStore(found.cohort_path(cohort))
    owner = store.owner()
    if [t.id for t in owner.trials] != [t.id for t in cohort.trials]:
        raise UserError(f"{store.path}: holds other trials than this run's cohort {cohort.id}; restore or remove it")
    arrays = store.member(cohort.trials.index(trial))
    state, program = arrays["state"], program_of(owner.trials, len(owner.vocabulary), metre=owner.vocabulary.metre)
    hp = restored(trial, program.n_attributes, arrays["member"])
    if state["diverged_at"] >= 0:
        warnings.warn(
            f"{run}: trial {trial.id} diverged at step {state['diverged_at']}; this is the model before that step",
            stacklevel=2,
        )
    return TrainedModel(trial, owner.vocabulary, program, state["train"]["params"], hp)
