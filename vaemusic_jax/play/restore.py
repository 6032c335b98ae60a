"""Restoring a trained model from its run."""

import dataclasses
import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from numpy.typing import NDArray

from vaemusic_jax.config.models import PrecisionName
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.member import restored
from vaemusic_jax.models.program import Program, implementation_of, program_of
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play.about import about
from vaemusic_jax.play.numpy_layers import Weights
from vaemusic_jax.play.selection import one_trial
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.runs.checkpoint import CheckpointStore
from vaemusic_jax.runs.directory import RunDirectory

# Of models in use, whatever they were trained in: JAX, NumPy, ONNX and the explorer then decode alike.
IN_USE: PrecisionName = "float32"


class JaxNetworks:
    """The networks of a model in float32, compiled by JAX. The first call of each method compiles."""

    def __init__(self, program: Program, params: Params) -> None:
        """Takes the program of the model's cohort, or one of its own size, and weights of that size."""
        program = dataclasses.replace(program, precision=IN_USE)
        self._width, self._slots = program.latent_dim, program.n_attributes

        # The weights are an argument, since XLA would spend much time on folding them if they were constants.
        def encode(weights: Params, tokens: jax.Array) -> jax.Array:
            return program.encode(weights, tokens).mean

        def decode(weights: Params, z: jax.Array, conditions: jax.Array) -> jax.Array:
            return jnp.argmax(program.decode(weights, z, conditions), -1)

        weights = jax.device_put({"vae": params["vae"]})
        self._encode = functools.partial(jax.jit(encode), weights)
        self._decode = functools.partial(jax.jit(decode), weights)

    def encode(self, tokens_NxT: NDArray[np.int32]) -> NDArray[np.float32]:
        """Returns posterior means, with the padding of the program, (N, Z)."""
        return np.asarray(self._encode(tokens_NxT))

    def decode_greedily(self, z: NDArray[np.float32], conditions: NDArray[np.float32]) -> NDArray[np.int32]:
        """Returns tokens (N, T) of codes and standardised attribute values, which are padded if need be."""
        z = np.pad(z, ((0, 0), (0, self._width - z.shape[1])))
        conditions = np.pad(conditions, ((0, 0), (0, self._slots - conditions.shape[1])))
        return np.asarray(self._decode(z, conditions), np.int32)


def restore(run: str | Path, **which: Any) -> TrainedModel:
    """Restores the trained model of the trial that has the given field values.

        restore("runs/quickstart", model="measure_vae", latent_dim=32)

    If the trial has diverged, it is the model before the step at which it diverged, and a warning says so.

    Args:
        run: the folder that a sweep wrote.
        which: values of any fields of `Trial`, of `size`, or of `id`, as a configuration writes them: attributes are
            "all" or "note_density+note_range", and numbers may be text.

    Raises:
        UserError: the folder is no run, a field does not exist, not exactly one trial has these values, or the
            checkpoint cannot be read.
    """
    member = find_member(run, which)
    state = member.arrays["state"]
    if state["diverged_at"] >= 0:
        warnings.warn(
            f"{run}: trial {member.trial.id} diverged at step {state['diverged_at']}; "
            "this is the model before that step",
            stacklevel=2,
        )
    return TrainedModel(
        member.trial,
        member.vocabulary,
        flat_weights(member.own_params["vae"]),
        member.standardise,
        told=member.told,
        networks=JaxNetworks(member.program, state["train"]["params"]),
        about=lambda model: about(model, its_dataset(member)),
    )


def its_dataset(member: "Member") -> Dataset:
    """Loads the data set that a member was trained on. Raises UserError if there is none, or only another one."""
    name = member.trial.dataset
    dataset = load_dataset(name)
    if dataset.digest != member.dataset_digest:
        raise UserError(
            f"trial {member.trial.id} was trained on data {member.dataset_digest}, and data set {name!r} is now "
            f"{dataset.digest}; prepare the data set that it was trained on"
        )
    return dataset


@dataclass(frozen=True)
class Member:
    """A member of a cohort, as its checkpoint holds it.

    Attributes:
        trial: its trial.
        vocabulary: the vocabulary that it was trained with.
        program: the program of its cohort.
        arrays: what `CheckpointStore.member` returns.
        dataset_digest: the digest of the data set that it was trained on.
    """

    trial: Trial
    vocabulary: Vocabulary
    program: Program
    arrays: dict[str, Any]
    dataset_digest: str

    @property
    def own_params(self) -> Params:
        """The weights of every network without the padding of the cohort."""
        own = self.program.sized(self.trial.latent_dim, len(self.trial.attributes))
        shapes = jax.eval_shape(lambda: own.initial_params(0))
        params = self.arrays["state"]["train"]["params"]
        return jax.tree.map(lambda shape, leaf: np.asarray(leaf)[tuple(map(slice, shape.shape))], shapes, params)

    @property
    def standardise(self) -> NDArray[np.float32]:
        """Mean and standard deviation of each of the trial's attributes in its training measures, (2, K)."""
        hp = restored(self.trial, len(self.trial.attributes), self.arrays["member"])
        return np.stack([part[hp.attribute_index] for part in (hp.conditioning.mean, hp.conditioning.std)])

    @property
    def told(self) -> bool:
        """Whether the decoder is told attribute values."""
        return implementation_of(self.trial.model).controls.told


def find_member(run: str | Path, which: Mapping[str, Any]) -> Member:
    """Finds the trial of a run that has the given field values, and reads its part of the newest checkpoint.

    Raises:
        UserError: as `restore`.
    """
    found = RunDirectory.read(run)
    trial = one_trial(found, which)
    cohort = next(cohort for cohort in found.cohorts if trial in cohort.trials)
    store = CheckpointStore(found.cohort_path(cohort))
    owner = store.owner()
    if [t.id for t in owner.trials] != [t.id for t in cohort.trials]:
        raise UserError(f"{store.path}: holds other trials than this run's cohort {cohort.id}; restore or remove it")
    program = program_of(owner.trials, len(owner.vocabulary), metre=owner.vocabulary.metre)
    arrays = store.member(cohort.trials.index(trial))
    return Member(trial, owner.vocabulary, program, arrays, owner.dataset_digest)


def flat_weights(vae: dict[str, Any]) -> Weights:
    """Returns the VAE's weights by name, such as "decoder/out/w"."""
    return {name: np.asarray(leaf) for name, leaf in flatten_dict(vae, sep="/").items()}


def jax_networks(model: TrainedModel) -> JaxNetworks:
    """Returns JAX networks with the weights of any model, for comparison with those in NumPy.

    Weights that NumPy does not need, such as those of posterior variances, are 0.
    """
    vocabulary = model.vocabulary
    program = program_of([model.trial], len(vocabulary), metre=vocabulary.metre)
    shapes = flatten_dict(jax.eval_shape(lambda: program.initial_params(0))["vae"], sep="/")
    weights = {name: model.params.get(name, np.zeros(leaf.shape, np.float32)) for name, leaf in shapes.items()}
    return JaxNetworks(program, {"vae": unflatten_dict(weights, sep="/")})
