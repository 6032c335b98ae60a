"""Engraving of tunes as notation, by the library Verovio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import measure_to_abc, measures_to_abc
from vaemusic_jax.music.vocabulary import REST

if TYPE_CHECKING:
    import numpy as np

    from vaemusic_jax.music.vocabulary import Vocabulary


def engrave_measures(measures: np.ndarray, vocabulary: Vocabulary, **options: Any) -> list[str]:
    """Engraves consecutive measures and returns an SVG element for each page.

    They go through MusicXML, because Verovio drops notes of triplets that it reads from ABC: of `(3:2:2D2F` the F.
    Pitches in commas go through ABC, which rounds them.

    Args:
        measures: (N, T) token indices.
        vocabulary: the vocabulary of the tokens.
        options: as in `engrave`.
    """
    if vocabulary.microtonal:
        return engrave(measures_to_abc(measures, vocabulary), **options)
    return engrave(measures_to_musicxml(measures, vocabulary).decode(), inputFrom="musicxml", **options)


def engrave_measure(tokens: np.ndarray | Sequence[int], vocabulary: Vocabulary, **options: Any) -> str:
    """Engraves one measure without a key signature, as an SVG element; where it only holds, nothing is shown.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens.
        options: as in `engrave`.
    """
    if vocabulary.microtonal or max(map(int, tokens)) <= REST:
        abc = f"X:1\nM:{vocabulary.metre}\nL:1/8\nK:C\n{measure_to_abc(tokens, vocabulary)}\n"
        return engrave(abc, **options)[0]
    music = measures_to_musicxml([list(tokens)], vocabulary, key=False).decode()
    return engrave(music, inputFrom="musicxml", **options)[0]


def engrave(music: str, **options: Any) -> list[str]:
    """Engraves a tune and returns an SVG element for each page; equal input gives equal text.

    Args:
        music: one tune in ABC, or in the format that the option `inputFrom` names.
        options: options of Verovio; they override those set here.

    Raises:
        ImportError: Verovio is not installed or cannot be loaded.
    """
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    set_here = {"inputFrom": "abc", "adjustPageHeight": True, "header": "none", "footer": "none", "xmlIdSeed": 1}
    toolkit.setOptions({**set_here, "svgRemoveXlink": True, **options})
    toolkit.loadData(music)
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
