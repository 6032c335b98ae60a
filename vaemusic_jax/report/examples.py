"""Musical examples: measures of the test split, their reconstructions, and traversals of a model's controls."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.writers.engraving import engrave_measure
from vaemusic_jax.data.writers.notation import Sound, sounds, token_names
from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes
from vaemusic_jax.music.vocabulary import HOLD, REST, is_pitch
from vaemusic_jax.report.figures.piano_roll import piano_roll
from vaemusic_jax.report.selection import evenly
from vaemusic_jax.report.sound import notes_as_text
from vaemusic_jax.report.style import to_svg

if TYPE_CHECKING:
    from vaemusic_jax.music.vocabulary import Vocabulary
    from vaemusic_jax.runs.evaluations import CorpusSample, TrialEvaluation

_MEASURES = 4
_SETTINGS = 5
RULE = (
    f"The {_MEASURES} measures are spread evenly over the sample of the test split; the traversals start from the "
    "first of them that has two notes or more."
)
MARKS = "Notes in colour are not in the measure that it is compared with: another pitch, place or length."
UNITS = "Note range and average interval jump are in semitones, the other attributes are shares."


@dataclass(frozen=True)
class Measure:
    """One measure of an example.

    Attributes:
        svg: the drawing, an SVG element.
        words: what it is, a line of text.
        change: how it differs from the measure that it is compared with; empty if it is compared with none.
        notes: its sound, see ``sound.notes_as_text``.
        quarters: its length in quarters.
        values: the attributes that it has, each with its value as text and whether it is the one that was turned.
    """

    svg: str
    words: str
    change: str
    notes: str
    quarters: float
    values: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class Strip:
    """Measures beside each other that can be played in a row.

    Attributes:
        label: what they share.
        measures: the measures.
    """

    label: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Example:
    """Strips of measures below each other."""

    strips: tuple[Strip, ...]


def reconstructions(corpus: CorpusSample, evaluation: TrialEvaluation) -> Example:
    """Returns test measures above their reconstructions, with the number of tokens that are right."""
    chosen = _chosen(corpus)
    given, back = corpus.tokens[chosen], evaluation.arrays["reconstruction"][chosen]
    pairs = zip(chosen, given, back, strict=True)
    return Example(
        (
            Strip(
                "Held-out measures",
                tuple(
                    measure(tokens, corpus.vocabulary, f"measure {m + 1}")
                    for m, tokens in zip(chosen, given, strict=True)
                ),
            ),
            Strip(
                "What the model gives back",
                tuple(
                    measure(
                        tokens,
                        corpus.vocabulary,
                        f"{(tokens == before).sum()} of {len(tokens)} tokens right",
                        before=before,
                    )
                    for m, before, tokens in pairs
                ),
            ),
        )
    )


def traversals(trial: Trial, corpus: CorpusSample, evaluation: TrialEvaluation) -> Example:
    """Returns one measure as the model gives it back, and decoded with each control at several values in turn."""
    chosen, vocabulary = _chosen(corpus), corpus.vocabulary
    m = next((m for m in chosen if (corpus.tokens[m] > REST).sum() >= 2), chosen[0])
    values, tokens = evaluation.arrays["control_values"], evaluation.arrays["traversal_tokens"][m]
    alone = evaluation.arrays["reconstruction"][m]
    settings = evenly(range(values.shape[1]), _SETTINGS)
    strips = []
    for k, name in enumerate(trial.attributes):
        turned = tuple(
            measure(tokens[k, q], vocabulary, f"control at {values[k, q]:.2f}", before=alone, turned=name)
            for q in settings
        )
        strips.append(
            Strip(
                f"Turning {ATTRIBUTES[name].words}",
                (measure(alone, vocabulary, "control left alone", turned=name), *turned),
            )
        )
    return Example(tuple(strips))


def measure(
    tokens: np.ndarray, vocabulary: Vocabulary, words: str, before: np.ndarray | None = None, turned: str = ""
) -> Measure:
    """Makes one measure of an example: drawn, with its sound, its attributes and what has changed.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens.
        words: what the measure is.
        before: (T,) the measure that it is compared with; notes that are not in it are marked.
        turned: the attribute whose control was turned.
    """
    now = _notes(tokens, vocabulary)
    marked: list[Sound] = []
    change = ""
    if before is not None:
        then = _notes(before, vocabulary)
        marked = [note for note in now if note not in then]
        change = _change(now, then, len(marked))
    reached = compute_attributes(tokens, vocabulary.midi, vocabulary.grid)
    values = tuple(
        (row.words, shown(name, float(value)), name == turned)
        for (name, row), value in zip(ATTRIBUTES.items(), reached, strict=True)
    )
    quarters = float(vocabulary.grid.quarters)
    svg, notes = draw(tokens, vocabulary, marked), notes_as_text(tokens, vocabulary)
    return Measure(svg, words, change, notes, quarters, values)


def shown(name: str, value: float) -> str:
    """Returns the value of an attribute in the unit that people read, with at most two decimals."""
    return f"{value * ATTRIBUTES[name].shown_factor:.2f}".rstrip("0").rstrip(".")


def draw(tokens: np.ndarray, vocabulary: Vocabulary, marked: Collection[Sound] = ()) -> str:
    """Draws a measure as an SVG element: as notation, or as a piano roll if Verovio is not installed.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens.
        marked: the notes that are drawn in another colour.
    """
    if not has_notation():
        return to_svg(piano_roll(tokens, vocabulary, marked))
    margins = {f"pageMargin{side}": 10 for side in ("Left", "Right", "Top", "Bottom")}
    return engrave_measure(tokens, vocabulary, marked, adjustPageWidth=True, breaks="none", scale=34, **margins)


def has_notation() -> bool:
    """Returns whether Verovio is installed, so that measures are drawn as notation."""
    return importlib.util.find_spec("verovio") is not None


def _notes(tokens: np.ndarray, vocabulary: Vocabulary) -> list[Sound]:
    return [sound for sound in sounds(token_names(tokens, vocabulary), vocabulary.grid) if is_pitch(sound.token)]


def _change(now: list[Sound], then: list[Sound], n_new: int) -> str:
    """Returns words for how notes differ from those of another measure, such as `3 of 8 notes changed, 1 gone`."""
    starts = {note.onset for note in now}
    n_gone = sum(note.onset not in starts for note in then)
    gone = [f"{n_gone} gone"] if n_gone else []
    changed = [f"{n_new} of {len(now)} notes changed"] if n_new else []
    return ", ".join(changed + gone) or "unchanged"


def _chosen(corpus: CorpusSample) -> list[int]:
    with_a_note = [m for m, tokens in enumerate(corpus.tokens) if (tokens != HOLD).any()]
    return evenly(with_a_note or [0], _MEASURES)
