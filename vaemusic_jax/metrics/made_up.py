"""Made-up decoders of known behaviour, by which the metrics of controls are tested, and beside which models are read.

A made-up decoder knows no music. It maps the attributes of a measure, a control and a level of the control to the
attributes of what a decoder with that behaviour would decode. Reports print what the metrics make of them beside the
models: a model that scores like *nothing* or *random* has no control.

Shapes: M measures, N measures of the data, K controls and attributes, Q levels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vaemusic_jax.metrics.attribute_change import POINTS
from vaemusic_jax.metrics.control import LEVEL_QUANTILES
from vaemusic_jax.metrics.information import Floats
from vaemusic_jax.support.arrays_file import Arrays

SEED = 0
WEAKNESS, NOISE = 0.3, 0.5  # the weak decoder's share of the way, and its noise in standard deviations of the data


@dataclass(frozen=True)
class Move:
    """A control that is set to a level, in every measure of a sample.

    Attributes:
        start: (M, K) the measures' own attributes.
        k: the control, and its attribute.
        level: the value that attribute k is asked to have.
        data: (N, K) attributes of the data set.
        draw: random numbers; the same for the same control and level.
    """

    start: Floats
    k: int
    level: float
    data: Floats
    draw: np.random.Generator

    @property
    def asked(self) -> Floats:
        """How far attribute k is asked to move in each measure, in standard deviations of the data, (M,)."""
        moved_M: Floats = (self.level - self.start[:, self.k]) / self.std[self.k]
        return moved_M

    @property
    def std(self) -> Floats:
        """Standard deviations of the attributes in the data, (K,); 1 for one that is constant."""
        std_K = self.data.std(0)
        return np.where(std_K > 0, std_K, 1.0)

    def by(self, units_MxK: Floats) -> Floats:
        """Returns the attributes moved by so many standard deviations, (M, K)."""
        return self.start + units_MxK * self.std


@dataclass(frozen=True)
class MadeUpDecoder:
    """A decoder of known behaviour.

    Attributes:
        name: what tables call it.
        words: what it does, for a legend.
        decode: returns the attributes (M, K) of what it decodes.
    """

    name: str
    words: str
    decode: Callable[[Move], Floats]


def traversal(decoder: MadeUpDecoder, start: Floats, data: Floats, control: Floats, seed: int = SEED) -> Floats:
    """Moves each control of each measure to each of its levels.

    Args:
        decoder: the decoder.
        start: (M, K) the measures' own attributes.
        data: (N, K) attributes of the data set.
        control: (K, Q) the levels. Equal levels give equal results.
        seed: the seed of decoders that draw.

    Returns:
        (M, K, Q, K) as in ``metrics.control``.
    """
    start, data = np.asarray(start, np.float64), np.asarray(data, np.float64)
    changed = np.empty((len(start), *control.shape, start.shape[1]))
    for k, levels_Q in enumerate(control):
        for q, level in enumerate(levels_Q):
            # Seeded by the level itself, so that a level gives the same whatever the others are.
            draw = np.random.default_rng([seed, k, int(np.float64(level).view(np.uint64))])
            changed[:, k, q] = decoder.decode(Move(start, k, float(level), data, draw))
    return changed


def levels_of(data_NxK: Floats) -> Floats:
    """Returns the levels (K, Q) that controls are set to: the quantiles of the data at LEVEL_QUANTILES."""
    return np.quantile(data_NxK, LEVEL_QUANTILES, axis=0).T


def arrays_of(decoder: MadeUpDecoder, attributes: np.ndarray, own: list[int], chosen: np.ndarray | None) -> Arrays:
    """Returns what evaluation keeps of a model, for a decoder: the arrays that ``inputs.ControlInputs`` needs.

    Args:
        decoder: the decoder.
        attributes: (N, A) all attributes of the test measures.
        own: (K,) the columns of the attributes that are controlled.
        chosen: (M,) the positions of the measures that are decoded; None for all.

    Returns:
        `control_values` (K, Q), `span_values` (K, P), and what is decoded at these, `traversal_attributes` and
        `span_attributes` (M, K, Q, A). Attributes that are not controlled are 0.
    """
    data = np.asarray(attributes, np.float64)[:, own]
    start = data if chosen is None else data[chosen]
    found: Arrays = {}
    levels = {
        "control_values": ("traversal_attributes", levels_of(data)),
        "span_values": ("span_attributes", np.linspace(data.min(0), data.max(0), POINTS, axis=1)),
    }
    for values, (name, control_KxQ) in levels.items():
        found[values] = control_KxQ
        found[name] = np.zeros((len(start), *control_KxQ.shape, attributes.shape[1]))
        found[name][..., own] = traversal(decoder, start, data, control_KxQ)
    return found


def _with_own(move: Move, attributes_MxK: Floats, value: float | Floats) -> Floats:
    """Returns the attributes with that of the control set to a value."""
    attributes_MxK = attributes_MxK.copy()
    attributes_MxK[:, move.k] = value
    return attributes_MxK


def _natural(move: Move) -> Floats:
    units_NxK = (move.data - move.data.mean(0)) / move.std
    slope_K = units_NxK.T @ units_NxK[:, move.k] / len(units_NxK)
    return _with_own(move, move.by(np.outer(move.asked, slope_K)), move.level)


def _random(move: Move) -> Floats:
    return move.data[move.draw.integers(len(move.data), size=len(move.start))]


def _weak(move: Move) -> Floats:
    units_MxK = NOISE * move.draw.standard_normal(move.start.shape)
    units_MxK[:, move.k] += WEAKNESS * move.asked
    return move.by(units_MxK)


def _leaky(move: Move) -> Floats:
    return move.by(np.repeat(move.asked[:, None], move.start.shape[1], axis=1))


def _backwards(move: Move) -> Floats:
    return _with_own(move, move.start, 2 * move.data[:, move.k].mean() - move.level)


_ROWS = (
    MadeUpDecoder(
        "oracle", "moves its own attribute to the level, and nothing else", lambda m: _with_own(m, m.start, m.level)
    ),
    MadeUpDecoder(
        "natural", "moves its own attribute to the level, and the others as they go with it in the data", _natural
    ),
    MadeUpDecoder("nothing", "gives every measure back as it is", lambda m: m.start),
    MadeUpDecoder("random", "gives an unrelated measure of the data at every level", _random),
    MadeUpDecoder("backwards", "moves its own attribute as far in the opposite direction", _backwards),
    MadeUpDecoder("weak", "moves its own attribute a third of the way, and all of them at random besides", _weak),
    MadeUpDecoder("leaky", "moves all attributes as far as its own", _leaky),
)
DECODERS: dict[str, MadeUpDecoder] = {row.name: row for row in _ROWS}
