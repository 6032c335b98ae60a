"""The weights that a trial starts from if it names another run, as for fine-tuning to another corpus.

A trial's `init_from` is `RUN` or `RUN:TRIAL`: a folder that a sweep wrote and, if several of its trials would do,
the id of one. Only weights are taken over: the optimiser, the learning rate's schedule and the random numbers begin
anew.
"""

import functools
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.errors import UserError
from vaemusic_jax.models.base import Params
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.directory import RunDirectory

SAME = ("model", "hidden_size", "latent_dim", "attributes", "discriminator")  # fields in which both trials agree


class Source(NamedTuple):
    """A member of a checkpoint from which a trial may start.

    Attributes:
        store: the checkpoints of its cohort.
        owner: the trials and the vocabulary of the newest one.
        member: its position among the trials.
    """

    store: CheckpointStore
    owner: Owner
    member: int


def source_of(trial: Trial, vocabulary: Vocabulary) -> Source:
    """Finds the member from which a trial starts.

    Args:
        trial: a trial with `init_from`.
        vocabulary: the vocabulary that it will be trained with.

    Raises:
        UserError: there is no such run or trial, it has another architecture, lacks a token or has no checkpoint.
    """
    where = f"init_from: {trial.init_from!r}"
    run, chosen = _named(trial.init_from)
    fits = [other for other in run.trials if all(getattr(other, name) == getattr(trial, name) for name in SAME)]
    found = [other for other in fits if other.id == chosen] if chosen else fits
    if chosen and chosen not in {other.id for other in run.trials}:
        raise UserError(f"{where}: the run has no trial {chosen}; see {run.path}/trials.csv")
    if len(found) > 1:  # the trial of the same seed stands for itself
        found = [other for other in found if other.seed == trial.seed] or found
    if len(found) != 1:
        asked = ", ".join(f"{name} {trial.row()[name]}" for name in SAME)
        advice = "name one as RUN:TRIAL" if found else "use the same values in the configuration"
        raise UserError(f"{where}: {len(found) or 'none'} of its trials has {asked}; {advice}")
    cohort = next(cohort for cohort in run.cohorts if found[0] in cohort.trials)
    store = CheckpointStore(run.cohort_path(cohort))
    owner = store.owner()
    if owner.vocabulary.metre != vocabulary.metre:
        raise UserError(
            f"{where}: it was trained on measures in {owner.vocabulary.metre}; "
            f"those of data set {trial.dataset!r} are in {vocabulary.metre}"
        )
    if missing := [token for token in vocabulary.tokens if token not in owner.vocabulary.tokens]:
        raise UserError(
            f"{where}: its vocabulary lacks {len(missing)} tokens of data set {trial.dataset!r}, such as {missing[0]}; "
            "only a corpus with the same tokens, or some of them, can be started from it"
        )
    return Source(store, owner, [other.id for other in owner.trials].index(found[0].id))


def start_weights(trial: Trial, program: Program, vocabulary: Vocabulary) -> Params:
    """Returns the weights from which a trial with `init_from` starts.

    Args:
        trial: the trial.
        program: the program of the trial alone, without padding.
        vocabulary: the vocabulary that it will be trained with.

    Raises:
        UserError: as `source_of`; or the recipes of the two trials make networks of different shapes.
    """
    source = source_of(trial, vocabulary)
    params = source.store.member(source.member)["state"]["train"]["params"]
    theirs = program_of(
        [source.owner.trials[source.member]], len(source.owner.vocabulary), metre=source.owner.vocabulary.metre
    )
    rows = np.array([source.owner.vocabulary.tokens.index(token) for token in vocabulary.tokens])
    own, wider, whole = (
        _shapes(program),
        _shapes(program.widened(1)),
        _shapes(theirs),
    )
    if _places(own) != _places(whole):
        raise UserError(f"init_from: {trial.init_from!r}: its networks differ from this trial's; use the same recipe")

    def of_tokens(leaf: np.ndarray, whole: Any, own: Any, wider: Any) -> np.ndarray:
        leaf = leaf[tuple(slice(n) for n in whole.shape)]  # without the padding of its cohort
        for axis, (n, more) in enumerate(zip(own.shape, wider.shape, strict=True)):
            if n != more:  # an axis of tokens, which a start symbol may follow
                rest = np.arange(len(source.owner.vocabulary), leaf.shape[axis])
                leaf = np.take(leaf, np.concatenate([rows, rest]), axis)
        if leaf.shape != own.shape:
            raise UserError(
                f"init_from: {trial.init_from!r}: has weights of shape {leaf.shape} where this trial has {own.shape}; "
                "use the same recipe and sizes"
            )
        return leaf

    taken: Params = jax.tree.map(of_tokens, params, whole, own, wider)
    return taken


def _named(text: str) -> tuple[RunDirectory, str | None]:
    """Returns the run that a text `RUN` or `RUN:TRIAL` names, and the id of the trial. Raises UserError."""
    path, _, trial = text.rpartition(":")
    if path and not Path(text).is_dir():
        return RunDirectory.read(path), trial
    return RunDirectory.read(text), None


def _places(tree: Any) -> list[str]:
    """Returns the places of a tree's leaves."""
    return [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]


@functools.cache
def _shapes(program: Program) -> Any:
    """Returns the shapes of a program's weights."""
    return jax.eval_shape(lambda: program.initial_params(0))
