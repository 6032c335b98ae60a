"""Computation of a cohort's scores, codes and traversals of the test measures, on devices and for all members at once.

Shapes: N test measures, M of them decoded again, L latent dimensions, R rows to decode.
"""

import operator
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import Measures, blocks, joined, measures_of, some_of
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.evaluation.corpus_sample import chosen_measures, encoded_measures, others
from vaemusic_jax.evaluation.traversal import decode_edited
from vaemusic_jax.evaluation.traversal_plan import Encoded, plan
from vaemusic_jax.models.member import HyperParameters, restored
from vaemusic_jax.models.program import Program, program_of
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.runs.checkpoint import Owner
from vaemusic_jax.support.arrays_file import Arrays
from vaemusic_jax.training.devices import MemberAxis
from vaemusic_jax.training.score import count_right, encode_split, score


@dataclass(frozen=True)
class TrialArrays:
    """The results of one trial.

    Attributes:
        scores: the scores of `training.score.score`; None if they were not asked for.
        codes, stds: (N, L) posterior means and standard deviations of the test measures.
        training_codes, training_stds: the same of the training measures that `encoded_measures` draws.
        arrays: as in `TrialEvaluation.arrays`, those that were asked for.
    """

    scores: dict[str, float] | None
    codes: np.ndarray
    stds: np.ndarray
    training_codes: np.ndarray
    training_stds: np.ndarray
    arrays: Arrays


def measure_members(
    owner: Owner, checkpoint: dict[str, Any], members: Sequence[int], dataset: Dataset, families: Container[str]
) -> Iterator[TrialArrays]:
    """Computes scores, codes and traversals of some members of a cohort.

    Args:
        owner: the owner of the cohort's checkpoint.
        checkpoint: the arrays of the checkpoint.
        members: the positions of the members in `owner.trials`.
        dataset: the data set that they were trained on.
        families: the families of metrics that need more than codes: "reconstruction" needs scores, "control" arrays.

    Yields:
        The results of each member, in the order of `members`.
    """
    axis, program = (
        MemberAxis(len(members)),
        program_of(owner.trials, len(owner.vocabulary), metre=owner.vocabulary.metre),
    )
    trials = [owner.trials[i] for i in members]
    kept = [jax.tree.map(operator.itemgetter(i), checkpoint["member"]) for i in members]
    numbers = [restored(trial, program.n_attributes, own) for trial, own in zip(trials, kept, strict=True)]
    weights = jax.tree.map(lambda leaf: leaf[list(members)], checkpoint["state"]["train"]["params"])
    params, hp = axis.put((weights, jax.tree.map(lambda *leaves: np.stack(leaves), *numbers)))
    test = measures_of(dataset.test)
    training = some_of(measures_of(dataset.train), encoded_measures(len(dataset.train)))
    split = blocks(test)

    def run(function: Any, *args: Any, shared: int) -> Any:
        return axis.take(jax.jit(axis.over_members(partial(function, program), shared))(params, *args))

    def split_up(results: np.ndarray, *parts: Measures) -> list[np.ndarray]:
        """Returns the results (members, N, ...) of joined measures, part by part."""
        return np.split(results, np.cumsum([len(part.tokens) for part in parts]), axis=1)[:-1]

    # One call for all measures, because each shape is compiled for itself.
    to_encode = (test, training, measures_of(dataset.validation))
    means, spreads = run(encode_split, blocks(joined(*to_encode))[0], shared=1)
    (codes, training_codes, validation_codes), (stds, training_stds, _) = (
        [[part[i, :, : trial.latent_dim] for i, trial in enumerate(trials)] for part in split_up(results, *to_encode)]
        for results in (means, spreads)
    )
    arrays: list[Arrays] = [{} for _ in trials]
    scores = None
    if "reconstruction" in families:
        scores = run(score, hp, split, dataset.vocabulary.midi, shared=2)
        measures = {"tokens_right": test}
        if program.implementation.controls.told:
            wrong = np.asarray(test.attributes)[others(len(dataset.test))]
            measures["tokens_right_wrong_attributes"] = test._replace(attributes=wrong)
        right = run(count_right, hp, blocks(joined(*measures.values()))[0], shared=1)
        for name, part in zip(measures, split_up(right, *measures.values()), strict=True):
            for i in range(len(trials)):
                arrays[i][name] = part[i]
    if "control" in families:
        attributes = [np.asarray(split.attributes) for split in (dataset.train, dataset.validation)]
        known = [
            Encoded(own, attributes[0], validation, attributes[1])
            for own, validation in zip(training_codes, validation_codes, strict=True)
        ]
        for i, found in enumerate(traverse(program, axis, params, hp, trials, known, dataset)):
            arrays[i] |= found
            for name, part in {"codes": codes[i], "code_stds": stds[i]}.items():
                dimensions = program.implementation.controls.dimensions(part, len(trials[i].attributes))
                if dimensions is not None and dimensions.size:
                    arrays[i][name] = dimensions
    for i in range(len(trials)):
        own_scores = {name: float(values[i]) for name, values in scores.items()} if scores else None
        yield TrialArrays(own_scores, codes[i], stds[i], training_codes[i], training_stds[i], arrays[i])


def traverse(
    program: Program,
    axis: MemberAxis,
    params: Any,
    hp: HyperParameters,
    trials: Sequence[Trial],
    encoded: Sequence[Encoded],
    dataset: Dataset,
) -> list[Arrays]:
    """Decodes reconstructions, traversals of every control and attribute surfaces of all members in one call.

    Args:
        program: the program of the cohort.
        axis: the distribution of the members over devices.
        params: the members' weights, on the devices.
        hp: the members' hyper-parameters, on the devices.
        trials: the members' trials.
        encoded: what controls are in measures, for each member.
        dataset: the data set that they were trained on.

    Returns:
        Arrays as in `TrialEvaluation.arrays` for each member.
    """
    chosen = chosen_measures(len(dataset.test))
    plans = [plan(trial, program.n_attributes, len(chosen), own) for trial, own in zip(trials, encoded, strict=True)]
    base_R = np.concatenate([part.base for part in plans[0]])
    edits = axis.put(np.stack([np.concatenate([part.edits for part in parts]) for parts in plans]))
    decode = jax.jit(axis.over_members(partial(decode_edited, program), shared=3))
    tokens = axis.take(decode(params, hp, edits, dataset.test.tokens[chosen], dataset.test.attributes[chosen], base_R))
    attributes = compute_attributes(tokens, dataset.vocabulary.midi, dataset.vocabulary.grid)
    found = []
    for i, parts in enumerate(plans):
        arrays: Arrays = {}
        cuts = np.cumsum([len(part.base) for part in parts])[:-1]
        for part, some, of_some in zip(parts, np.split(tokens[i], cuts), np.split(attributes[i], cuts), strict=True):
            arrays |= part.named(some, of_some)
        found.append(arrays)
    return found
