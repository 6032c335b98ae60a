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


_PAPER = '<rect width="100%" height="100%" fill="white"/>'  # so that it can be read on dark pages too


def measures_to_svg(measures: np.ndarray | Sequence[Sequence[int]], vocabulary: Vocabulary, *, scale: int = 60) -> str:
    """Engraves consecutive measures on one white page, as wide as four measures or so and as high as they need.

    Args:
        measures: (N, T) token indices.
        vocabulary: the vocabulary of the tokens.
        scale: the size in percent; at 60 a staff is some 1,450 pixels wide.

    Raises:
        ValueError: they do not fit on one page, or MusicXML cannot express them.
    """
    options = {"pageWidth": 2400, "pageHeight": 60_000, "adjustPageWidth": True, "scale": scale}
    pages = engrave_measures(measures, vocabulary, **options)
    if len(pages) > 1:
        raise ValueError(f"{len(measures):,} measures do not fit on a page of notation; 1,000 do")
    start, end, rest = pages[0].partition(">")
    return f"{start}{end}{_PAPER}{rest}"


def engrave_measures(
    measures: np.ndarray | Sequence[Sequence[int]], vocabulary: Vocabulary, **options: Any
) -> list[str]:
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
