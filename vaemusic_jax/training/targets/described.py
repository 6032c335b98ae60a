"""A cohort on devices that are only described: its programs compiled for them, and what is counted in these.

What is compiled are the functions that a sweep calls (`training.cohort.calls`), with shapes in place of arrays.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import ROWS, Measures
from vaemusic_jax.data.cache import cache_directory
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.grid import COMMON
from vaemusic_jax.music.transposition import Transposition
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.interruption import interruptible
from vaemusic_jax.support.jax_settings import pin_settings
from vaemusic_jax.training.cohort import MemberState, calls, memory_needed, run_member
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.memory import is_out_of_memory
from vaemusic_jax.training.score import score
from vaemusic_jax.training.targets.hlo import Hlo
from vaemusic_jax.training.targets.operations import operations
from vaemusic_jax.training.targets.target import Target

COUNTING = 1  # raise it if something else is counted, since counts are kept


class Sizes(NamedTuple):
    """What programs depend on of a data set: its tokens, training measures, blocks of validation measures, metre."""

    vocabulary: int
    training: int
    blocks: int  # of ROWS measures
    metre: str = COMMON


@dataclass(frozen=True)
class Call:
    """A function of all members and the shapes of its arguments.

    Attributes:
        function: the function, under `jax.jit`.
        of_one: the same of one member.
        own: the shapes of what each member has of its own, with a leading member axis.
        shared: the shapes of what members share.
    """

    function: Any
    of_one: Any
    own: tuple[Any, ...]
    shared: tuple[Any, ...]

    def lowered(self) -> Any:
        """Returns the function lowered for the devices that the shapes are placed on."""
        return self.function.lower(*self.own, *self.shared)

    def operations(self) -> float:
        """Returns the floating point operations of one member's matmuls, of one step if it trains."""
        own = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), self.own)
        return operations(self.of_one, *own, *self.shared)


class Described:
    """A cohort on devices that are only described.

    Attributes:
        target: the devices.
        axis: the division of its members among them.
        program: its program.
        state: the shapes of its members' states.
        hp: the shapes of their hyper-parameters.
        train: the shapes of its training measures.
    """

    def __init__(self, target: Target, trials: Sequence[Trial], sizes: Sizes, axis: MemberAxis | None = None) -> None:
        """Describes a cohort.

        Args:
            target: the devices.
            trials: the trials of the cohort.
            sizes: those of its data set.
            axis: the division of its members; None for all side by side.
        """
        pin_settings()
        self.target, self.sizes = target, sizes
        self.axis = axis = axis or MemberAxis(len(trials), target.devices())
        midi_V = np.arange(sizes.vocabulary, dtype=np.float64)
        self.program = program_of(trials, sizes.vocabulary, midi_V, sizes.metre, target.kind)
        shares = [max(1, round(trial.data_fraction * sizes.training)) for trial in trials]
        hp = trained_on(trials[0], self.program.n_attributes, np.zeros((max(shares), len(ATTRIBUTES)), np.float32))
        self.hp = abstract(jax.tree.map(np.asarray, hp), axis.by_member, axis.n_rows)
        self.train = self.measures(max(shares))
        widest = max(trial.transpose for trial in trials)
        table = (2, 2 * widest + 1, sizes.vocabulary)
        self.transposition: Any = (
            Transposition(self.shared(table, jnp.uint8), self.shared(table, jnp.int16)) if widest else None
        )
        self.calls = calls(self.program, axis, min(shares))
        params = jax.eval_shape(lambda: self.program.initial_params(0))
        state = jax.eval_shape(self.calls.start, abstract(params, axis.by_member, axis.n_rows), self.hp, self.train)
        self.state: MemberState = abstract(state, axis.by_member)

    def shared(self, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Any:
        """Returns the shape of an array that every device holds whole."""
        return jax.ShapeDtypeStruct(shape, dtype, sharding=self.axis.replicated)

    def measures(self, *shape: int) -> Measures:
        """Returns the shapes of measures."""
        ticks = self.program.grid.n_ticks
        return Measures(self.shared((*shape, ticks), jnp.uint8), self.shared((*shape, len(ATTRIBUTES))))

    def training(self) -> Call:
        """Returns the training of all members."""
        shared = (self.train, self.transposition, self.shared((), jnp.int32))
        return Call(self.calls.run, partial(run_member, self.program, 2), (self.state, self.hp), shared)

    def scoring(self) -> Call:
        """Returns the scoring of all members on the validation split."""
        blocks = (self.sizes.blocks, ROWS)
        shared = ((self.measures(*blocks), self.shared(blocks)), self.shared((self.sizes.vocabulary,)))
        return Call(self.calls.score, partial(score, self.program), (self.state.train.params, self.hp), shared)


class Counted(NamedTuple):
    """What one device does in a step of one group of members, or in a validation of all of its members.

    Attributes:
        launches: kernels.
        operations: floating point operations in matmuls.
        moved: bytes that kernels read and write.
        memory: bytes of the device's memory that the program needs; infinite if it has been refused as too large.
    """

    launches: float
    operations: float
    moved: float
    memory: float


def counted(target: Target, trials: Sequence[Trial], sizes: Sizes, axis: MemberAxis) -> tuple[Counted, Counted]:
    """Compiles the training and scoring of a cohort, and returns what is counted of a step and of a validation.

    Args:
        target: the devices.
        trials: the trials of the cohort.
        sizes: those of its data set.
        axis: the division of its members among the devices.
    """
    described = Described(target, trials, sizes, axis)
    training = _counted(target, described.training(), axis.at_once, is_training=True)
    if math.isinf(training.memory):
        return training, training
    return training, _counted(target, described.scoring(), axis.at_once * axis.turns, is_training=False)


def _counted(target: Target, call: Call, n_members: int, is_training: bool) -> Counted:
    """Compiles a function and counts what one device does; results are kept, since compiling takes minutes."""
    lowered = call.lowered()
    key = hashlib.sha256(f"{COUNTING} {target.compiler()} {n_members} {lowered.as_text()}".encode()).hexdigest()
    path = cache_directory() / "plans" / f"{key[:32]}.json"
    try:
        return Counted(*map(float, json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        pass  # it has not been compiled before
    try:
        compiled = interruptible(target.compile, lowered)
    except jax.errors.JaxRuntimeError as error:
        if not is_out_of_memory(error):
            raise
        found = Counted(0, 0, 0, math.inf)
    else:
        text = Hlo(compiled.as_text())
        count = text.of_dynamic_loop() if is_training else text.whole()
        found = Counted(count.launches, call.operations() * n_members, count.bytes, memory_needed(compiled))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(found).encode())
    except (OSError, UserError):
        pass  # it is compiled again the next time
    return found


def abstract(tree: Any, sharding: Any, rows: int | None = None) -> Any:
    """Returns the shapes of arrays as they will be placed on devices.

    Args:
        tree: the arrays or their shapes.
        sharding: how they are placed.
        rows: the number of members that their leading axis gets; None leaves shapes as they are.
    """

    def of(leaf: Any) -> jax.ShapeDtypeStruct:
        shape = leaf.shape if rows is None else (rows, *leaf.shape)
        return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(of, tree)
