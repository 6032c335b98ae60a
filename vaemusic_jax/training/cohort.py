"""A cohort of members as one compiled program, its member axis sharded over the devices.

Members differ in latent size, attributes, seed and every scalar hyper-parameter; arrays are as large as the largest
member needs and the rest is zero (see `pad_to`). A member's result does not depend on its neighbours, its place,
the padding or the number of devices.

Shapes: M members, N training measures, B batch, P permutations.
"""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import serialization
from jax import lax

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.measures import Measures
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters, learnt_from_data, make_batch
from vaemusic_jax.models.program import Program
from vaemusic_jax.music.transposition import Transposition, draw_shifts, transpose, transposition_table
from vaemusic_jax.music.vocabulary import Vocabulary, has_commas
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.score import score
from vaemusic_jax.training.step import Metrics, TrainState, start_state, train_step

MAX_STEPS_PER_CALL = 100
NOT_FINITE = ("loss", "gradient", "weights")  # what makes a member diverge, in the order in which a step makes them
SHUFFLE_STREAM = 2**31 - 1  # folded into the seed to shuffle with; no training step has this number


def table_for(trials: Iterable[Trial], vocabulary: Vocabulary) -> Transposition | None:
    """The table that a cohort of these trials needs, None where none of them transposes.

    Raises:
        UserError: a trial transposes, but the vocabulary has pitches between the twelve tones.
    """
    widest = max(trials, key=lambda trial: trial.transpose)
    if not widest.transpose:
        return None
    if vocabulary.microtonal:
        between = next(filter(has_commas, vocabulary.tokens))
        raise UserError(
            f"transpose: {widest.transpose} moves by semitones, but data set {widest.dataset!r} has pitches between "
            f"them, such as {between}; use transpose: 0, or prepare it with --pitch rounded"
        )
    return transposition_table(vocabulary, widest.transpose)


class MemberState(NamedTuple):
    """A member between two calls."""

    train: TrainState
    sums: Metrics  # of every training metric since they were last read
    n_summed: Array  # () steps in `sums`
    diverged_at: Array  # () the step at which something was not finite, -1 while there is none
    diverged_by: Array  # () what it was: its place in NOT_FINITE


def start_member(program: Program, params: Params, hp: HyperParameters, measures: Measures) -> MemberState:
    """A member that has made no step."""
    train = start_state(params)
    rows = jax.tree.map(lambda part: part[: program.batch_size], measures)
    shapes = jax.eval_shape(lambda: train_step(program, train, make_batch(rows, hp), hp)[1])
    sums = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    return MemberState(train, sums, jnp.int32(0), jnp.int32(-1), jnp.int32(0))


def finite(metrics: Metrics, params: Params) -> Array:
    """(3,) whether loss, gradient and weights of a step are finite, in the order of NOT_FINITE."""
    weights = jnp.array([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)]).all()
    return jnp.array([jnp.isfinite(metrics["loss"]), jnp.isfinite(metrics["gradient_norm"]), weights])


def epoch_order(hp: HyperParameters, epoch: Array, n_max: int) -> Array:
    """The member's training measures in the order of one epoch: (n_max,), the first `n_train` of them valid."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(hp.seed), SHUFFLE_STREAM), epoch)
    rank = jax.random.uniform(key, (n_max,))
    return jnp.argsort(jnp.where(jnp.arange(n_max) < hp.n_train, rank, jnp.inf))


def run_member(
    program: Program,
    n_orders: int,
    state: MemberState,
    hp: HyperParameters,
    measures: Measures,
    transposition: Transposition | None,
    n_steps: Array,
) -> MemberState:
    """`n_steps` training steps of one member. Epochs follow one another without dropping or repeating a measure.

    Without a table no member of the cohort transposes, and nothing of it is compiled.
    """
    n_max = measures.tokens.shape[0]
    first_epoch = state.train.step * program.batch_size // hp.n_train
    orders_PxN = jax.vmap(lambda i: epoch_order(hp, first_epoch + i, n_max))(jnp.arange(n_orders))

    def one_step(_: Array, state: MemberState) -> MemberState:
        place_B = state.train.step * program.batch_size + jnp.arange(program.batch_size)
        index_B = orders_PxN[place_B // hp.n_train - first_epoch, place_B % hp.n_train]
        tokens_BxT = measures.tokens[index_B]
        if transposition is not None:
            semitones_B = draw_shifts(hp.seed, state.train.step, hp.transpose, program.batch_size)
            tokens_BxT = transpose(transposition, tokens_BxT, semitones_B)
        batch = make_batch(Measures(tokens_BxT, measures.attributes[index_B]), hp)  # attributes stay the same
        train, metrics = train_step(program, state.train, batch, hp)
        is_finite = finite(metrics, train.params)
        sums = jax.tree.map(jnp.add, state.sums, metrics)
        after = state._replace(train=train, sums=sums, n_summed=state.n_summed + 1)
        is_sane = state.diverged_at < 0
        cause = jnp.where(is_sane, jnp.argmin(is_finite), state.diverged_by)
        before = state._replace(diverged_at=state.train.step, diverged_by=cause)  # who has diverged makes no step
        return jax.tree.map(partial(jnp.where, is_sane & is_finite.all()), after, before)

    return lax.fori_loop(0, n_steps, one_step, state)


def pad_to(leaf: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Fill up with zeros at the end of each axis. Nothing reaches them in the forward pass, so they stay zero."""
    return np.pad(leaf, [(0, size - n) for n, size in zip(leaf.shape, like.shape, strict=True)])


class Ensemble:
    """A cohort on the devices, this process's if none are named. States are `MemberState`s with a member axis, sharded.

    Rows that only fill up the devices are dropped from whatever leaves the ensemble.
    """

    def __init__(
        self,
        program: Program,
        members: Sequence[HyperParameters],
        train: Measures,
        devices: Sequence[jax.Device] | None = None,
        transposition: Transposition | None = None,
        at_once: int | None = None,
    ) -> None:
        """`devices` and `at_once` are those of `MemberAxis`."""
        self.axis = axis = MemberAxis(len(members), devices, at_once)
        self.program, self.members = program, members
        self.hp: HyperParameters = axis.put(jax.tree.map(lambda *x: np.stack(x), *members))
        self.train: Measures = axis.share(train)
        self.transposition = axis.share(transposition)

        n_least = min(int(hp.n_train) for hp in members)
        n_orders = math.ceil(MAX_STEPS_PER_CALL * program.batch_size / n_least) + 1
        self._start = jax.jit(axis.over_members(partial(start_member, program), shared=1))
        run = axis.over_members(partial(run_member, program, n_orders), shared=3)
        self._run: Any = jax.jit(run, donate_argnums=0)
        self._score: Any = jax.jit(axis.over_members(partial(score, program), shared=2))

    def start(self) -> MemberState:
        """Members that have made no step: weights drawn at each member's own sizes, then padded with zeros."""
        shapes = self.program.initial_params(0)
        padded = []
        for hp in self.members:
            own = self.program.sized(int(hp.latent_dim), int(hp.n_attributes)).initial_params(int(hp.seed))
            padded.append(jax.tree.map(pad_to, own, shapes))
        params = self.axis.put(jax.tree.map(lambda *leaves: np.stack(leaves), *padded))
        return self._start(params, self.hp, self.train)

    def to_host(self, state: MemberState) -> dict[str, Any]:
        """The members as a nested dict of arrays, with what they learnt of their data: what a checkpoint holds.

        The real members as numpy arrays; of several processes, what the devices hold, for each to save its own rows.
        """
        held: dict[str, Any] = serialization.to_state_dict({"state": state, "member": learnt_from_data(self.hp)})
        return held if self.axis.spans_processes else self.axis.take(held)

    def from_host(self, arrays: dict[str, Any]) -> MemberState:
        """The inverse of `to_host` from numpy arrays of the real members, for any number of devices."""
        return self.axis.put(serialization.from_state_dict(self._shapes(), arrays["state"]))

    def _shapes(self) -> MemberState:
        """What a state is made of, without making one."""
        n_rows, by_member = self.axis.n_rows, self.axis.by_member
        one = jax.eval_shape(lambda: self.program.initial_params(0))
        params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((n_rows, *leaf.shape), leaf.dtype), one)
        state = jax.eval_shape(self._start, params, self.hp, self.train)
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=by_member), state)

    def compile(self, split: tuple[Measures, np.ndarray], midi_V: np.ndarray) -> int:
        """Compiles `run` and `score` ahead of their first calls; returns the bytes they need of a device's memory."""
        split, midi_V = self.axis.share((split, midi_V))
        state = self._shapes()
        self._run = self._run.lower(state, self.hp, self.train, self.transposition, jnp.int32(1)).compile()
        self._score = self._score.lower(state.train.params, self.hp, split, midi_V).compile()
        return max(memory_needed(self._run), memory_needed(self._score))

    def run(self, state: MemberState, n_steps: int) -> MemberState:
        """Up to MAX_STEPS_PER_CALL training steps in one call; `state` is given away."""
        if not 0 < n_steps <= MAX_STEPS_PER_CALL:
            raise ValueError(f"n_steps is {n_steps}; it must be in 1...{MAX_STEPS_PER_CALL}")
        after: MemberState = self._run(state, self.hp, self.train, self.transposition, jnp.int32(n_steps))
        return after

    def read_sums(self, state: MemberState) -> tuple[MemberState, dict[str, np.ndarray]]:
        """Mean of each training metric since the last reading, (M,) each (NaN where no step counted); a fresh count."""
        n, sums = self.axis.take((state.n_summed, state.sums))
        with np.errstate(invalid="ignore"):
            means = {name: total / np.where(n, n, np.nan) for name, total in sums.items()}
        zeros = jax.tree.map(jnp.zeros_like, (state.sums, state.n_summed))
        return state._replace(sums=zeros[0], n_summed=zeros[1]), means

    def score(
        self, state: MemberState, split: tuple[Measures, np.ndarray], midi_V: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Every held-out metric of every member, (M,) each; `split` as made by `measures.blocks`."""
        split, midi_V = self.axis.share((split, midi_V))
        scores: dict[str, np.ndarray] = self.axis.take(self._score(state.train.params, self.hp, split, midi_V))
        return scores


def memory_needed(compiled: Any) -> int:
    """Bytes of each device's memory while a compiled program runs."""
    found = compiled.memory_analysis()
    kept = found.argument_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes
    return int(kept + found.temp_size_in_bytes)
