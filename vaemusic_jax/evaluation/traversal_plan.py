"""The plan of what is decoded for one trial: reconstructions, each control at each of its values, attribute surfaces.

Shapes: M measures, K controls of the trial, S control slots of its cohort, Q values, G grid points, R rows to decode.
"""

from dataclasses import dataclass

import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.evaluation.traversal import KEEP, ORIGIN
from vaemusic_jax.metrics.attribute_change import POINTS
from vaemusic_jax.metrics.control import LEVEL_QUANTILES
from vaemusic_jax.models.program import implementation_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.arrays_file import Arrays

N_GRID = 15  # grid points per side of an attribute surface
EDGES = (0.025, 0.975)  # the quantiles of an attribute between which the grid of a surface extends


@dataclass(frozen=True)
class Encoded:
    """What controls are in measures, from which follows what they are set to.

    Attributes:
        training_codes, validation_codes: (E, L) posterior means.
        training_attributes, validation_attributes: (N, A); they may be of more measures than the codes.
    """

    training_codes: np.ndarray
    training_attributes: np.ndarray
    validation_codes: np.ndarray
    validation_attributes: np.ndarray


@dataclass(frozen=True)
class Part:
    """A part of the plan: rows to decode, and the names of the resulting arrays.

    Attributes:
        base: (R,) the index of the measure that each row starts from, or ORIGIN.
        edits: (R, S) new values of the controls, NaN for a control that keeps its value.
        shape: the shape of the array that the R rows form.
        own: the slices of that array that belong to the trial; the others only fill up the slots of its cohort.
        names: the name of the array of tokens and, if there are two names, of that of attributes.
        values: further arrays to store with them.
    """

    base: np.ndarray
    edits: np.ndarray
    shape: tuple[int, ...]
    own: tuple[slice, ...]
    names: tuple[str, ...]
    values: Arrays

    def named(self, tokens_RxT: np.ndarray, attributes_RxA: np.ndarray) -> Arrays:
        """Returns the arrays of this part by name.

        Args:
            tokens_RxT: the decoded measures.
            attributes_RxA: their attributes.
        """
        if not self.names:
            return {}
        results = (results.reshape(*self.shape, -1)[self.own] for results in (tokens_RxT, attributes_RxA))
        return self.values | dict(zip(self.names, results, strict=False))


def plan(trial: Trial, n_slots: int, n_measures: int, encoded: Encoded) -> list[Part]:
    """Plans what is decoded for a trial. The number of parts and of their rows is the same for all trials of a cohort.

    Args:
        trial: the trial.
        n_slots: S.
        n_measures: M.
        encoded: the trial's codes, and attributes.
    """
    own = ATTRIBUTES.columns(trial.attributes)
    as_they_are = np.full((n_measures, n_slots), KEEP)
    every = np.arange(n_measures, dtype=np.int32)
    parts = [Part(every, as_they_are, (n_measures,), (), ("reconstruction",), {})]
    controls, own_NxK = implementation_of(trial.model).controls, encoded.training_attributes[:, own]
    moves = {
        "control_values": ("traversal", controls.levels(encoded.training_codes, own_NxK, LEVEL_QUANTILES)),
        "span_values": ("span", controls.span(encoded.validation_codes, encoded.validation_attributes[:, own], POINTS)),
        "prior_values": ("prior", controls.prior_levels(len(own), len(LEVEL_QUANTILES))),
    }
    for name, (prefix, values_KxQ) in moves.items():
        if values_KxQ is not None:
            parts.append(_controls(name, prefix, values_KxQ, n_slots, n_measures))
    axes_KxG = controls.axes(own_NxK, EDGES, N_GRID) if own else np.full((1, N_GRID), KEEP)
    if n_slots > 1:
        parts.append(_surface(axes_KxG[:2], n_slots))
    return parts


def _controls(values_name: str, prefix: str, values_KxQ: np.ndarray, n_slots: int, n_measures: int) -> Part:
    """Returns the part in which each control of each measure is set to each of its values while the others are kept.

    A trial without a control has the same rows, so that it fits into its cohort, but no names.
    """
    n_controls, n_values = values_KxQ.shape
    edits = np.full((n_measures, n_slots, n_values, n_slots), KEEP)
    for k in range(n_controls):
        edits[:, k, :, k] = values_KxQ[k]
    return Part(
        base=np.repeat(np.arange(n_measures, dtype=np.int32), n_slots * n_values),
        edits=edits.reshape(-1, n_slots),
        shape=(n_measures, n_slots, n_values),
        own=(slice(None), slice(n_controls)),
        names=(f"{prefix}_tokens", f"{prefix}_attributes") if n_controls else (),
        values={values_name: values_KxQ},
    )


def _surface(axes_KxG: np.ndarray, n_slots: int) -> Part:
    """Returns the part with the first two controls on a grid, starting from the prior's mean.

    A trial with fewer controls has the same rows, so that it fits into its cohort, but no names.
    """
    first, second = np.meshgrid(axes_KxG[0], axes_KxG[-1], indexing="ij")
    edits = np.full((first.size, n_slots), KEEP)
    edits[:, 0], edits[:, 1] = first.ravel(), second.ravel()
    return Part(
        base=np.full(first.size, ORIGIN, np.int32),
        edits=edits,
        shape=first.shape,
        own=(),
        names=("surface_tokens", "surface_attributes") if len(axes_KxG) > 1 else (),
        values={"surface_values": axes_KxG},
    )
