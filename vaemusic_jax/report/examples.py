"""Musical examples: measures of the test split, their reconstructions, and traversals of a model's controls."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.writers.engraving import engrave_measure
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import HOLD, REST
from vaemusic_jax.report.figures.piano_roll import piano_roll
from vaemusic_jax.report.selection import evenly
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


@dataclass(frozen=True)
class Example:
    """A grid of drawn measures.

    Attributes:
        headings: the headings of the columns; the column of labels has none.
        rows: for each row a label and its cells, each an SVG element and a line of text below it.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def reconstructions(corpus: CorpusSample, evaluation: TrialEvaluation) -> Example:
    """Returns test measures above their reconstructions, with the number of tokens that are right."""
    chosen = _chosen(corpus)
    given, back = corpus.tokens[chosen], evaluation.arrays["reconstruction"][chosen]
    right = [f"{(one == other).sum()} of {len(one)} tokens right" for one, other in zip(given, back, strict=True)]
    vocabulary = corpus.vocabulary
    return Example(
        tuple(f"measure {m + 1}" for m in chosen),
        (
            ("held-out measure", tuple((draw(tokens, vocabulary), "") for tokens in given)),
            (
                "reconstruction",
                tuple((draw(tokens, vocabulary), words) for tokens, words in zip(back, right, strict=True)),
            ),
        ),
    )


def traversals(trial: Trial, corpus: CorpusSample, evaluation: TrialEvaluation) -> Example:
    """Returns one measure decoded with each control at several values in turn, with the value below the measure."""
    chosen = _chosen(corpus)
    m = next((m for m in chosen if (corpus.tokens[m] > REST).sum() >= 2), chosen[0])
    values, tokens = evaluation.arrays["control_values"], evaluation.arrays["traversal_tokens"][m]
    settings = evenly(range(values.shape[1]), _SETTINGS)
    rows = tuple(
        (
            ATTRIBUTES[name].words,
            tuple((draw(tokens[k, q], corpus.vocabulary), f"control at {values[k, q]:.2f}") for q in settings),
        )
        for k, name in enumerate(trial.attributes)
    )
    return Example(tuple("lowest" if q == 0 else "highest" if q == settings[-1] else "" for q in settings), rows)


def draw(tokens: np.ndarray, vocabulary: Vocabulary) -> str:
    """Draws a measure as an SVG element: as notation, or as a piano roll if Verovio is not installed.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens.
    """
    if not has_notation():
        return to_svg(piano_roll(tokens, vocabulary))
    margins = {f"pageMargin{side}": 10 for side in ("Left", "Right", "Top", "Bottom")}
    return engrave_measure(tokens, vocabulary, adjustPageWidth=True, breaks="none", scale=30, **margins)


def has_notation() -> bool:
    """Returns whether Verovio is installed, so that measures are drawn as notation."""
    return importlib.util.find_spec("verovio") is not None


def _chosen(corpus: CorpusSample) -> list[int]:
    with_a_note = [m for m, tokens in enumerate(corpus.tokens) if (tokens != HOLD).any()]
    return evenly(with_a_note or [0], _MEASURES)
