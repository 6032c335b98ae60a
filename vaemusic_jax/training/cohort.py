"""The ensemble of a cohort's members as one compiled program, with the member axis sharded over the devices.

Members differ in latent size, attributes, seed and every scalar hyper-parameter. Arrays have the size that the largest
member needs and are padded with zeros for the others (see `pad_to`). The result of a member does not depend on the
other members, its position, the padding or the number of devices.

Shapes: M members, N training measures, B batch, P places in the epochs that one call can touch.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import serialization
from jax import lax

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.layers import Array
from vaemusic_jax.models.member import HyperParameters, learnt_from_data, make_batch
from vaemusic_jax.models.program import Program
from vaemusic_jax.music.transposition import Transposition, draw_shifts, transpose, transposition_table
from vaemusic_jax.music.vocabulary import Vocabulary, has_commas
from vaemusic_jax.support.interruption import interruptible
from vaemusic_jax.support.jax_settings import pin_settings
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.epochs import order_of_epochs
from vaemusic_jax.training.score import score
from vaemusic_jax.training.step import Metrics, TrainState, joined, start_state, train_step

MAX_STEPS_PER_CALL = 100
NOT_FINITE = ("loss", "gradient", "weights")  # a member diverges if one is not finite; in the order of computation


def table_for(trials: Iterable[Trial], vocabulary: Vocabulary) -> Transposition | None:
    """Returns the transposition table that a cohort of these trials needs; None if no trial transposes.

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
    """The state of a member between two calls of the compiled program.

    Attributes:
        train: weights and optimiser state.
        sums: the sum of every training metric since the sums were last read, () each.
        n_summed: () the number of steps in `sums`.
        diverged_at: () the step at which something was not finite; -1 if there was none.
        diverged_by: () the index in NOT_FINITE of what was not finite.
    """

    train: TrainState
    sums: Metrics
    n_summed: Array
    diverged_at: Array
    diverged_by: Array


def start_member(program: Program, params: Params, hp: HyperParameters, measures: Measures) -> MemberState:
    """Returns the state of a member with weights `params` before its first step."""
    train = start_state(params)
    # There may be fewer measures than a batch has; a batch then holds some of them several times.
    rows = jax.tree.map(lambda part: part[jnp.arange(program.batch_size) % len(part)], measures)
    shapes = jax.eval_shape(lambda: train_step(program, train, make_batch(rows, hp), hp)[1])
    sums = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    return MemberState(train, sums, jnp.int32(0), jnp.int32(-1), jnp.int32(0))


def finite(program: Program, metrics: Metrics, params: Params) -> Array:
    """Returns whether loss, gradient and weights of a step are finite, (3,) bool in the order of NOT_FINITE."""
    parts = [joined(params)] if program.few_kernels else jax.tree.leaves(params)
    weights = jnp.array([jnp.isfinite(part).all() for part in parts]).all()
    return jnp.array([jnp.isfinite(metrics["loss"]), jnp.isfinite(metrics["gradient_norm"]), weights])


def run_member(
    program: Program,
    n_epochs: int,
    state: MemberState,
    hp: HyperParameters,
    measures: Measures,
    transposition: Transposition | None,
    n_steps: Array,
) -> MemberState:
    """Makes training steps of one member. Epochs follow one another without dropping or repeating a measure.

    Args:
        program: the program of the cohort.
        n_epochs: the most epochs that one call can touch.
        state: the state of the member.
        hp: the hyper-parameters of the member.
        measures: the training measures, of which the member uses the first `n_train`.
        transposition: the table of shifts; None if no member of the cohort transposes, in which case transposition is
            not compiled.
        n_steps: () the number of steps.

    Returns:
        The state after these steps. If a step makes something that is not finite, the state before that step is kept,
        and the member makes no further step.
    """
    n_max = measures.tokens.shape[0]
    first_epoch = state.train.step * program.batch_size // hp.n_train
    # A call begins within an epoch and ends within one, and both are needed as a whole.
    n_places = min(n_epochs * n_max, MAX_STEPS_PER_CALL * program.batch_size + 2 * n_max)
    order_P = order_of_epochs(hp, first_epoch, n_epochs, n_places)

    def one_step(_: Array, state: MemberState) -> MemberState:
        place_B = state.train.step * program.batch_size + jnp.arange(program.batch_size)
        index_B = order_P[place_B - first_epoch * hp.n_train]
        tokens_BxT = measures.tokens[index_B]
        if transposition is not None:
            semitones_B = draw_shifts(hp.seed, state.train.step, hp.transpose, program.batch_size)
            tokens_BxT = transpose(transposition, tokens_BxT, semitones_B)
        # Transposition does not change attributes.
        batch = make_batch(Measures(tokens_BxT, measures.attributes[index_B]), hp)
        train, metrics = train_step(program, state.train, batch, hp)
        is_finite = finite(program, metrics, train.params)
        sums = jax.tree.map(jnp.add, state.sums, metrics)
        after = state._replace(train=train, sums=sums, n_summed=state.n_summed + 1)
        is_sane = state.diverged_at < 0
        cause = jnp.where(is_sane, jnp.argmin(is_finite), state.diverged_by)
        # A member that has diverged keeps the state before the step; its step count no longer changes.
        before = state._replace(diverged_at=state.train.step, diverged_by=cause)
        return jax.tree.map(partial(jnp.where, is_sane & is_finite.all()), after, before)

    return lax.fori_loop(0, n_steps, one_step, state)


def pad_to(leaf: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Pads an array with zeros at the end of each axis to the shape of `like`.

    Padded weights have no effect in the forward pass and no gradient, so they stay zero during training.
    """
    return np.pad(leaf, [(0, size - n) for n, size in zip(leaf.shape, like.shape, strict=True)])


class Calls(NamedTuple):
    """The functions of all members of a cohort, each of which is compiled at its first call.

    Their arguments have a leading member axis or are shared by all members, as those of the functions of one member.
    """

    start: Any  # `start_member`
    run: Any  # `run_member`, which reuses the memory of the state
    score: Any  # `score`


def calls(program: Program, axis: MemberAxis, n_least: int) -> Calls:
    """Returns the functions that start, train and score all members of a cohort.

    Args:
        program: the program of the cohort.
        axis: the distribution of its members over devices.
        n_least: the number of training measures of the member that has the fewest.
    """
    n_epochs = math.ceil(MAX_STEPS_PER_CALL * program.batch_size / n_least) + 1
    return Calls(
        jax.jit(axis.over_members(partial(start_member, program), shared=1)),
        jax.jit(axis.over_members(partial(run_member, program, n_epochs), shared=3), donate_argnums=0),
        jax.jit(axis.over_members(partial(score, program), shared=2)),
    )


class Ensemble:
    """The members of a cohort on devices, with compiled functions that train and score all of them.

    States are `MemberState`s with a member axis, which is sharded over the devices. Rows that only fill up the devices
    are dropped from all results.
    """

    def __init__(
        self,
        program: Program,
        members: Sequence[HyperParameters],
        train: Measures,
        devices: Sequence[jax.Device] | None = None,
        transposition: Transposition | None = None,
        at_once: int | None = None,
        start_weights: Callable[[int, Program], Params | None] = lambda member, program: None,
    ) -> None:
        """Places the members and their training measures on the devices.

        Args:
            program: the program of the cohort.
            members: the hyper-parameters of each member.
            train: N training measures, the same for all members.
            devices: the devices to use, see `MemberAxis`.
            transposition: the table of shifts; None if no member transposes.
            at_once: the most members that a device trains together, see `MemberAxis`.
            start_weights: returns the weights that a member starts from, given its position and its program without
                padding; None for weights that are drawn.
        """
        pin_settings()
        self.axis = axis = MemberAxis(len(members), devices, at_once)
        self.program, self.members = program, members
        self.hp: HyperParameters = axis.put(jax.tree.map(lambda *x: np.stack(x), *members))
        n_most = max(int(hp.n_train) for hp in members)
        self.train: Measures = axis.share(jax.tree.map(lambda part: part[:n_most], train))
        self.start_weights = start_weights
        self.transposition = axis.share(transposition)

        self._start, self._run, self._score = calls(program, axis, min(int(hp.n_train) for hp in members))

    def start(self) -> MemberState:
        """Returns the state before the first step, with weights of each member's own sizes, which are then padded."""
        shapes = self.program.initial_params(0)
        padded = []
        for member, hp in enumerate(self.members):
            program = self.program.sized(int(hp.latent_dim), int(hp.n_attributes))
            own = self.start_weights(member, program) or program.initial_params(int(hp.seed))
            padded.append(jax.tree.map(pad_to, own, shapes))
        params = self.axis.put(jax.tree.map(lambda *leaves: np.stack(leaves), *padded))
        return self._start(params, self.hp, self.train)

    def held(self, state: MemberState) -> dict[str, Any]:
        """Returns the content of a checkpoint as a nested dict of arrays: the states, and `learnt_from_data`.

        The arrays are those on the devices, with filling rows; those of other processes' members cannot be read here.
        """
        held: dict[str, Any] = serialization.to_state_dict({"state": state, "member": learnt_from_data(self.hp)})
        return held

    def to_host(self, state: MemberState) -> dict[str, Any]:
        """Returns what `held` does as numpy arrays without filling rows, all members at once."""
        arrays: dict[str, Any] = self.axis.take(self.held(state))
        return arrays

    def from_host(self, arrays: dict[str, Any]) -> MemberState:
        """Returns the state that a checkpoint holds, placed on this ensemble's devices, however many they are.

        Args:
            arrays: as `to_host` returns them.
        """
        return self.axis.put(serialization.from_state_dict(self._shapes(), arrays["state"]))

    def _shapes(self) -> MemberState:
        """Returns the shapes, types and shardings of a state without computing one."""
        n_rows, by_member = self.axis.n_rows, self.axis.by_member
        one = jax.eval_shape(lambda: self.program.initial_params(0))
        params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((n_rows, *leaf.shape), leaf.dtype), one)
        state = jax.eval_shape(self._start, params, self.hp, self.train)
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=by_member), state)

    def compile_run(self) -> Any:
        """Compiles `run` before its first call and returns the compiled program."""
        run = self._run.lower(self._shapes(), self.hp, self.train, self.transposition, jnp.int32(1))
        self._run = interruptible(run.compile)
        return self._run

    def compile(self, split: tuple[Measures, np.ndarray], midi_V: np.ndarray) -> int:
        """Compiles `run` and `score` before their first calls.

        Args:
            split: as `score` will be given it.
            midi_V: as `score` will be given it.

        Returns:
            The bytes of each device's memory that the larger of the two programs needs.
        """
        split, midi_V = self.axis.share((split, midi_V))
        self.compile_run()
        score = self._score.lower(self._shapes().train.params, self.hp, split, midi_V)
        self._score = interruptible(score.compile)
        return max(memory_needed(self._run), memory_needed(self._score))

    def run(self, state: MemberState, n_steps: int) -> MemberState:
        """Makes up to MAX_STEPS_PER_CALL training steps of every member and returns the new state.

        The memory of `state` is reused, so `state` cannot be used afterwards.

        Raises:
            ValueError: `n_steps` is not from 1 to MAX_STEPS_PER_CALL.
        """
        if not 0 < n_steps <= MAX_STEPS_PER_CALL:
            raise ValueError(f"n_steps is {n_steps}; it must be in 1...{MAX_STEPS_PER_CALL}")
        after: MemberState = self._run(state, self.hp, self.train, self.transposition, jnp.int32(n_steps))
        return after

    def read_sums(self, state: MemberState) -> tuple[MemberState, dict[str, np.ndarray]]:
        """Returns a state whose sums are zero, and the mean of each training metric since the last reading.

        The means have shape (M,) each, with NaN for members that made no step.
        """
        n, sums = self.axis.take((state.n_summed, state.sums))
        with np.errstate(invalid="ignore"):
            means = {name: total / np.where(n, n, np.nan) for name, total in sums.items()}
        zeros = jax.tree.map(jnp.zeros_like, (state.sums, state.n_summed))
        return state._replace(sums=zeros[0], n_summed=zeros[1]), means

    def score(
        self, state: MemberState, split: tuple[Measures, np.ndarray], midi_V: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Scores every member on a held-out split.

        Args:
            state: the state of the members.
            split: measures and weights as made by `data.blocks.blocks`.
            midi_V: the MIDI pitch of each token, -1 for hold and rest.

        Returns:
            Every metric of `training.score.score` by name, (M,) each.
        """
        split, midi_V = self.axis.share((split, midi_V))
        scores: dict[str, np.ndarray] = self.axis.take(self._score(state.train.params, self.hp, split, midi_V))
        return scores


def memory_needed(compiled: Any) -> int:
    """Returns the bytes of each device's memory that a compiled program needs while it runs."""
    found = compiled.memory_analysis()
    kept = found.argument_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes
    return int(kept + found.temp_size_in_bytes)
